/** Which of two objects under one SOP Instance UID is right: a person says it, and may say otherwise later. */
import { RadiologyError } from '#domain/errors.ts'
import { mustBeAble } from '#domain/permissions.ts'
import { rejectionNoteIn } from '#domain/rejection-note.ts'
import type { Department } from '../department.ts'
import { closeExceptionIn } from './exceptions.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { lockInOrder, putInPlace, type StoredInstance } from './studies.ts'

export interface DuplicateSettled {
  exceptionId: string
  /** `take`: the newest of those kept aside takes the place of the filed one, which is kept aside in its stead. */
  decision: 'keep' | 'take'
}

/**
 * Says which of two objects is right. Done before: no effect.
 * @throws RadiologyError 'not-found', 'forbidden', 'illegal-transition' when nothing kept aside can be taken
 */
export async function settleDuplicate(
  department: Department,
  act: Act,
  { exceptionId, decision }: DuplicateSettled,
): Promise<void> {
  await mutate(department, act, 'settle-duplicate', async (scope) => {
    const { sql } = scope
    const [exception] = await sql<{ site_id: string; refs: Record<string, string> }[]>`
      select site_id, refs from exceptions where id = ${exceptionId}
        and reason_code in ('duplicate-instance', 'replaced-instance')`
    if (!exception) throw new RadiologyError('not-found', { exceptionId })
    mustBeAble(act.actor, 'settle-duplicate', { siteId: exception.site_id })
    const studyUid = exception.refs.studyInstanceUid!
    await lockInOrder(scope, [studyUid, ...(await studiesAside(scope, exceptionId))])
    const [{ state } = { state: 'closed' }] = await sql<{ state: string }[]>`
      select state from exceptions where id = ${exceptionId}`
    if (state === 'closed') return
    const [aside] = await sql<{ id: string; object: StoredInstance | null }[]>`
      select id, object from quarantine where exception_id = ${exceptionId} and decision is null
      order by received_at desc, id desc limit 1`
    if (decision === 'take') {
      if (!aside?.object || (await isNote(scope, aside.object)))
        throw new RadiologyError('illegal-transition', { exceptionId, event: 'take' })
      await putInPlace(scope, aside.object, exceptionId)
      await sql`
        update quarantine set decision = 'taken', decided_at = ${act.now}, decided_by = ${act.actor.id}
        where id = ${aside.id}`
    }
    await sql`
      update quarantine set decision = 'kept-first', decided_at = ${act.now}, decided_by = ${act.actor.id}
      where exception_id = ${exceptionId} and decision is null`
    scope.audit({
      subject: `study:${studyUid}`,
      type: 'instance.duplicate-settled',
      data: { decision, sopInstanceUid: exception.refs.sopInstanceUid, exceptionId },
    })
    await closeExceptionIn(scope, exceptionId)
  })
}

// What is taken may say that it is of another study, with orders of its own.
async function studiesAside({ sql }: Scope, exceptionId: string): Promise<string[]> {
  const rows = await sql<{ uid: string }[]>`
    select distinct object->>'studyUid' as uid from quarantine where exception_id = ${exceptionId} and object is not null`
  return rows.map(({ uid }) => uid)
}

/** What a rejection note once said stays said, and none begins to count by taking the place of an image. */
async function isNote({ sql }: Scope, object: StoredInstance): Promise<boolean> {
  const [filed] = await sql<{ is_note: boolean }[]>`
    select is_note from instances where sop_instance_uid = ${object.sopInstanceUid}`
  return filed?.is_note === true || rejectionNoteIn(object) !== null
}
