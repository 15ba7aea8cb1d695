/** Objects under a SOP Instance UID that the index knows: a repeat, one that heals a damaged file, or other content. */
import { rejectionNoteIn } from '#domain/rejection-note.ts'
import { ulid } from '../ulid.ts'
import { duplicatePolicy, keepAside, raiseDuplicate, stepAside } from './duplicates.ts'
import { integer } from './header-values.ts'
import type { Scope } from './mutate.ts'
import { stateAnew } from './stated.ts'
import type { IndexOutcome, StoredInstance, StudyRow } from './studies.ts'
import { count } from './study-counts.ts'
import { mended } from './verification.ts'

/** Where an object is filed. */
export interface Filed {
  study: StudyRow
  series: Map<string, string>
  /** Blobs that were new to the index. */
  added: Set<string>
}

/** What becomes of an object: new, the same again, or another under a known UID. */
export async function outcomeOf(
  scope: Scope,
  { study, series, added }: Filed,
  instance: StoredInstance,
): Promise<IndexOutcome> {
  const { sopInstanceUid, blob, sha256 } = instance
  const said = { sopInstanceUid, blob }
  if (added.has(blob)) return { ...said, outcome: 'stored', kept: true }
  const [known] = await scope.sql<Known[]>`
    select i.id, i.sha256, i.blob, i.is_note, i.damaged, s.study_uid, s.site_id
    from instances i join studies s on s.id = i.study_id where i.sop_instance_uid = ${sopInstanceUid}`
  if (known?.blob === blob) return { ...said, outcome: 'stored', kept: true }
  if (known?.sha256 === sha256 && known.damaged) {
    await heal(scope, known, instance)
    return { ...said, outcome: 'stored', kept: true }
  }
  if (known?.sha256 === sha256) return { ...said, outcome: 'repeat', kept: false }
  const rule = await duplicatePolicy(scope.sql, instance.sourceAe)
  // What a rejection note once said stays said.
  const mayReplace = rule === 'newest-wins' && known?.is_note === false && rejectionNoteIn(instance) === null
  // It is about the study that is there, whatever study the other content says that it is of.
  const filed = known ?? study
  if (!mayReplace)
    return { ...said, outcome: 'conflict', kept: await keepAside(scope, filed, { instance, rule }) }
  const exceptionId = await raiseDuplicate(scope, filed, { instance, rule })
  await replace(scope, { study, series }, { instance, exceptionId, isSettled: false })
  return { ...said, outcome: 'replaced', kept: true }
}

interface Known {
  id: string
  study_uid: string
  site_id: string
  sha256: string
  blob: string
  is_note: boolean
  damaged: string | null
}

// The same object came again, and these bytes of it are sound.
async function heal(scope: Scope, known: Known, instance: StoredInstance): Promise<void> {
  const { sql, act } = scope
  await sql`
    insert into quarantine (id, blob, bytes, sha256, sop_instance_uid, source_ae, peer, reason, received_at, decision, decided_at, decided_by)
    select ${ulid()}, blob, bytes, sha256, sop_instance_uid, source_ae, '', 'object-' || damaged, ${act.now}, 'replaced',
      ${act.now}, ${act.actor.id} from instances where id = ${known.id}`
  await sql`
    update instances set blob = ${instance.blob}, bytes = ${instance.bytes}, dataset_offset = ${instance.datasetOffset},
      pixel = ${sql.json(instance.pixel as never)}, verified_at = null, damaged = null where id = ${known.id}`
  // Its bytes are elsewhere now: whoever remembers where they were has to look again.
  await sql`update series set rev = rev + 1 where id = (select series_id from instances where id = ${known.id})`
  await mended(scope, known.id)
}

/** An object takes the row of the one that is filed, which steps aside. */
export async function replace(
  scope: Scope,
  { study, series }: Pick<Filed, 'study' | 'series'>,
  { instance, exceptionId, isSettled }: { instance: StoredInstance; exceptionId: string; isSettled: boolean },
): Promise<void> {
  const { sql, act } = scope
  const { header } = instance
  const before = await stepAside(scope, instance.sopInstanceUid, { exceptionId, isSettled })
  await sql`
    update instances set sop_class_uid = ${instance.sopClassUid}, series_id = ${series.get(instance.seriesUid)!},
      study_id = ${study.id}, instance_number = ${integer(header, '00200013')},
      transfer_syntax_uid = ${instance.transferSyntaxUid}, frames = ${instance.frames}, rows = ${integer(header, '00280010')},
      columns = ${integer(header, '00280011')}, blob = ${instance.blob}, bytes = ${instance.bytes},
      dataset_offset = ${instance.datasetOffset}, sha256 = ${instance.sha256}, pixel = ${sql.json(instance.pixel as never)},
      attributes = ${sql.json(header as never)}, source_ae = ${instance.sourceAe}, stored_at = ${act.now}, verified_at = null,
      damaged = null
    where sop_instance_uid = ${instance.sopInstanceUid}`
  await stateAnew(scope, study.id)
  if (before === study.id) return
  await stateAnew(scope, before)
  await count(scope, before)
}
