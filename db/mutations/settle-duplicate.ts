/** Which of two objects under one SOP Instance UID is right: a person says it, and may say otherwise later. */
import { RadiologyError } from '#domain/errors.ts'
import { mustBeAble } from '#domain/permissions.ts'
import type { Department } from '../department.ts'
import { closeExceptionIn } from './exceptions.ts'
import { type Act, mutate } from './mutate.ts'
import { lockStudy } from './rejections.ts'
import { putInPlace, type StoredInstance } from './studies.ts'

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
    const [exception] = await sql<{ site_id: string; state: string; refs: Record<string, string> }[]>`
      select site_id, state, refs from exceptions where id = ${exceptionId}
        and reason_code in ('duplicate-instance', 'replaced-instance')`
    if (!exception) throw new RadiologyError('not-found', { exceptionId })
    mustBeAble(act.actor, 'settle-duplicate', { siteId: exception.site_id })
    const studyUid = exception.refs.studyInstanceUid!
    await lockStudy(scope, { studyUid })
    if (exception.state === 'closed') return
    const [aside] = await sql<{ id: string; object: StoredInstance | null }[]>`
      select id, object from quarantine where exception_id = ${exceptionId} and decision is null
      order by received_at desc, id desc limit 1`
    if (decision === 'take') {
      if (!aside?.object) throw new RadiologyError('illegal-transition', { exceptionId, event: 'take' })
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
