/** Images that come after their exam was moved go where it went: by its series, or by the performed step they name. */
import type { Scope } from './mutate.ts'
import type { StoredInstance } from './studies.ts'

interface Moved {
  from_study_uid: string
  to_study_uid: string
  series_uids: string[]
  sop_instance_uid: string
}

/** The same objects, each with the study that it is filed under; the stored bytes are left as they are. */
export async function followMoves(
  { sql }: Scope,
  batch: readonly StoredInstance[],
): Promise<StoredInstance[]> {
  const uids = [...new Set(batch.map(({ studyUid }) => studyUid))]
  const moves = await sql<Moved[]>`
    select m.from_study_uid, m.to_study_uid, m.series_uids, ps.sop_instance_uid
    from moved_images m join performed_steps ps on ps.id = m.performed_step_id
    where m.from_study_uid = any(${uids}) and m.undone_at is null order by m.at, m.id`
  if (moves.length === 0) return [...batch]
  return batch.map((instance) => {
    const move = moves.find((one) => one.from_study_uid === instance.studyUid && isOf(instance, one))
    return move ? { ...instance, studyUid: move.to_study_uid } : instance
  })
}

/** Performed Procedure Step that an image names (0008,1111) > (0008,1155). */
function isOf({ seriesUid, header }: StoredInstance, move: Moved): boolean {
  if (move.series_uids.includes(seriesUid)) return true
  const named = header['00081111']?.Value?.[0] as Record<string, { Value?: unknown[] }> | undefined
  return named?.['00081155']?.Value?.[0] === move.sop_instance_uid
}
