/** A reader's mark on images is noted before its object is stored: the index then knows that no image has come. */
import { RadiologyError } from '#domain/errors.ts'
import { mustBeAble } from '#domain/permissions.ts'
import type { Department } from '../department.ts'
import { type Act, mutate } from './mutate.ts'

export interface NewMark {
  sopInstanceUid: string
  studyUid: string
  kind: 'presentation' | 'key-images'
  launchId: string
  /** How many images it is about. */
  images: number
}

/**
 * Keyed on the SOP Instance UID: a mark that is sent again is the same one.
 * @throws RadiologyError 'forbidden' for who may not mark images at the study's site; 'message-conflict' for a UID of
 * another mark; 'not-found' without the study
 */
export async function noteMark(department: Department, act: Act, mark: NewMark): Promise<void> {
  const { sopInstanceUid, studyUid, kind, launchId, images } = mark
  await mutate(department, act, 'note-mark', async (scope) => {
    const { sql } = scope
    const [study] = await sql<{ siteId: string }[]>`
      select site_id as "siteId" from studies where study_uid = ${studyUid}`
    if (!study) throw new RadiologyError('not-found', { studyUid })
    mustBeAble(act.actor, 'mark-images', { siteId: study.siteId })
    const [noted] = await sql`
      insert into image_marks (sop_instance_uid, study_uid, kind, user_id, launch_id, images, made_at)
      select ${sopInstanceUid}, ${studyUid}, ${kind}, ${act.actor.id}, ${launchId}, ${images}, ${act.now}
      where not exists (select 1 from instances where sop_instance_uid = ${sopInstanceUid})
      on conflict do nothing returning sop_instance_uid`
    if (!noted) return mustBeTheSame(scope.sql, mark, act.actor.id)
    scope.audit({
      subject: `study:${studyUid}`,
      type: 'images.marked',
      data: { kind, sopInstanceUid, launchId, images },
    })
  })
}

async function mustBeTheSame(
  sql: Parameters<Parameters<typeof mutate>[3]>[0]['sql'],
  { sopInstanceUid, studyUid, kind }: NewMark,
  userId: string,
): Promise<void> {
  const [same] = await sql`
    select 1 from image_marks where sop_instance_uid = ${sopInstanceUid} and study_uid = ${studyUid} and kind = ${kind}
      and user_id = ${userId}`
  if (!same) throw new RadiologyError('message-conflict', { sopInstanceUid })
}
