/** Index of what the archive stored: studies, series and instances in one commit per batch, linked to their orders. */
import { batchKind } from '#domain/quality.ts'
import { rejectionNoteIn } from '#domain/rejection-note.ts'
import type { Department } from '../department.ts'
import type { NumberSaid } from '../queries/corrections.ts'
import { ulid } from '../ulid.ts'
import { askOfNumbersIn } from './another-patient.ts'
import { raiseException } from './exceptions.ts'
import { followMoves } from './followed-moves.ts'
import { integer } from './header-values.ts'
import { outcomeOf, replace } from './known-instances.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { anyWithdrawn, showWhatStands, takeNote } from './rejections.ts'
import { reopenOrder } from './reopened-order.ts'
import { ownReports, reportsStored } from './report-objects.ts'
import { lockStep } from './scheduling.ts'
import { seriesFrom, studyFrom } from './stated.ts'
import { inferPerformedStep, startStep } from './steps.ts'
import { count } from './study-counts.ts'
import { linkStudy } from './study-links.ts'

/** DICOM JSON model (PS3.18 F): eight hexadecimal digits to element. */
export type DicomJson = Record<
  string,
  { vr: string; Value?: unknown[]; BulkDataURI?: string; InlineBinary?: string }
>

/** An object whose bytes are synced and whose header was read; the index publishes it. */
export interface StoredInstance {
  /** Key in the blob store. */
  blob: string
  bytes: number
  /** Where the data set begins in the blob. */
  datasetOffset: number
  /** Of the data set as received. */
  sha256: string
  transferSyntaxUid: string
  sopInstanceUid: string
  sopClassUid: string
  seriesUid: string
  studyUid: string
  header: DicomJson
  /** The header as text, from whoever has it at hand. */
  headerText?: string
  /** Where the frames are; null without pixel data. */
  pixel: unknown | null
  frames: number
  sourceAe: string
  peer: string
}

export interface IndexOutcome {
  sopInstanceUid: string
  blob: string
  /**
   * `repeat`: identical, nothing kept twice. `conflict`: other content under a known UID, set aside. `replaced`: it took
   * the place of the one that was known.
   */
  outcome: 'stored' | 'repeat' | 'conflict' | 'replaced'
  /** False when the same bytes are kept already: these may go. */
  kept: boolean
}

/**
 * Indexes a batch in one transaction: one event per study and order, never one per image.
 * Safe to run twice: an instance already indexed with the same hash is a repeat.
 */
export async function indexInstances(
  department: Department,
  act: Act,
  batch: StoredInstance[],
): Promise<IndexOutcome[]> {
  if (batch.length === 0) return []
  return mutate(department, act, 'index-instances', async (scope) => {
    const withdrawnFrom = batch.flatMap((instance) => rejectionNoteIn(instance)?.studyUids ?? [])
    await lockInOrder(scope, [...new Set([...batch.map(({ studyUid }) => studyUid), ...withdrawnFrom])])
    const studies = groupBy(await followMoves(scope, batch), (instance) => instance.studyUid)
    const outcomes: IndexOutcome[] = []
    for (const [studyUid, instances] of studies)
      outcomes.push(...(await indexStudy(scope, studyUid, instances)))
    scope.announce('archive')
    return outcomes
  })
}

// Orders first and in id order, as every mutation does; then the studies, which may have no order. Where images of a
// study went, what comes later goes too.
export async function lockInOrder(scope: Scope, studyUids: string[]): Promise<void> {
  const rows = await scope.sql<{ order_id: string | null; study_uid: string }[]>`
    with concerned as (select unnest(${studyUids}::text[]) as study_uid
      union select to_study_uid from moved_images where from_study_uid = any(${studyUids}) and undone_at is null)
    select p.order_id, c.study_uid from concerned c left join procedures p on p.study_uid = c.study_uid
    union select l.order_id, c.study_uid from concerned c join studies s on s.study_uid = c.study_uid
      join study_links l on l.study_id = s.id and l.undone_at is null
    union select st.order_id, c.study_uid from concerned c join performed_steps ps on ps.study_uid = c.study_uid
      join performed_step_links pl on pl.performed_step_id = ps.id join steps st on st.id = pl.step_id`
  const orderIds = new Set(rows.flatMap(({ order_id }) => order_id ?? []))
  for (const orderId of [...orderIds].sort()) await scope.lockOrder(orderId)
  for (const uid of [...new Set(rows.map(({ study_uid }) => study_uid))].sort()) {
    await scope.sql`select pg_advisory_xact_lock(hashtextextended(${uid}, 1))`
  }
}

async function indexStudy(
  scope: Scope,
  studyUid: string,
  instances: StoredInstance[],
): Promise<IndexOutcome[]> {
  const { images, reports } = await sorted(scope, instances)
  const study = await upsertStudy(scope, studyUid, { instances, bringsImages: images.length > 0 })
  const series = await upsertSeries(scope, study.id, instances)
  const added = await insertInstances(scope, study.id, series, instances)
  const outcomes: IndexOutcome[] = []
  for (const instance of instances) outcomes.push(await outcomeOf(scope, { study, series, added }, instance))
  const filed = new Set(
    outcomes.filter(({ blob, outcome }) => added.has(blob) || outcome === 'replaced').map(({ blob }) => blob),
  )
  await reportsStored(scope, studyUid, reports)
  if (filed.size < instances.length) await removeEmpty(scope, study, [...series.values()])
  if (filed.size === 0) return outcomes
  await count(scope, study.id)
  const fresh = instances.filter(({ blob }) => filed.has(blob))
  const arrived = images.filter(({ blob }) => filed.has(blob))
  if (arrived.length > 0) await imagesArrived(scope, study, arrived)
  for (const note of fresh) await takeNote(scope, study.id, note)
  return outcomes
}

/** What was kept aside, or was here before, makes no study and no series. */
async function removeEmpty(
  { sql }: Scope,
  study: UpsertedStudy,
  seriesIds: readonly string[],
): Promise<void> {
  await sql`
    delete from series e where e.id = any(${seriesIds as string[]}) and e.rev = 0
      and not exists (select 1 from instances where series_id = e.id)`
  if (!study.isNew) return
  await sql`
    delete from studies s where s.id = ${study.id} and not exists (select 1 from series where study_id = s.id)`
}

/** What an exam brought, beside rejection notes and reports of ours, which make no study look as if more had come. */
async function sorted(
  scope: Scope,
  instances: StoredInstance[],
): Promise<{ images: StoredInstance[]; reports: string[] }> {
  const reports = await ownReports(scope, uidsOf(instances))
  const images = instances.filter(
    (instance) => rejectionNoteIn(instance) === null && !reports.includes(instance.sopInstanceUid),
  )
  return { images, reports }
}

const uidsOf = (instances: readonly StoredInstance[]): string[] =>
  instances.map(({ sopInstanceUid }) => sopInstanceUid)

/** Puts an object in the place of the one filed under its SOP Instance UID, which steps aside. */
export async function putInPlace(scope: Scope, instance: StoredInstance, exceptionId: string): Promise<void> {
  const { images, reports } = await sorted(scope, [instance])
  const study = await upsertStudy(scope, instance.studyUid, {
    instances: [instance],
    bringsImages: images.length > 0,
  })
  const series = await upsertSeries(scope, study.id, [instance])
  await replace(scope, { study, series }, { instance, exceptionId, isSettled: true })
  await reportsStored(scope, instance.studyUid, reports)
  await count(scope, study.id)
  if (images.length > 0) await imagesArrived(scope, study, images)
}

async function imagesArrived(scope: Scope, study: StudyRow, images: StoredInstance[]): Promise<void> {
  const [first] = images as [StoredInstance]
  // What a note has withdrawn before it came is hidden from the beginning.
  const uids = uidsOf(images)
  if (await anyWithdrawn(scope, uids)) await showWhatStands(scope, uids)
  await askOfNumbersIn(scope, study, images)
  const orderIds = await linkStudy(scope, study.id, { studyUid: study.study_uid, header: first.header })
  if (orderIds.length === 0) await flagUnmatched(scope, study, first)
  const kind = await batchKindOf(scope, study.id)
  for (const orderId of orderIds) await announceImages(scope, { orderId, study, kind, added: images.length })
  if (kind === 'awaited') await beginByFirstImage(scope, study.id, first)
}

export interface StudyRow {
  id: string
  study_uid: string
  site_id: string
  /** Patient ID and issuer as what is described by the study says them. */
  says: NumberSaid
}

type UpsertedStudy = StudyRow & { isNew: boolean }

async function upsertStudy(
  { sql, act }: Scope,
  studyUid: string,
  { instances, bringsImages }: { instances: StoredInstance[]; bringsImages: boolean },
): Promise<UpsertedStudy> {
  const { header, sourceAe } = instances[0]!
  // A rejection note and a report say nothing of when the exam's images came.
  const at = bringsImages ? act.now : null
  const said = studyFrom(header)
  const [row] = await sql<UpsertedStudy[]>`
    insert into studies (id, study_uid, site_id, dicom_patient_id, dicom_issuer, dicom_patient_name, patient_name_key,
      accession, study_date, study_time, study_id, description, referring_physician, attributes, first_instance_at,
      last_instance_at, completeness_recheck_at, end_exam_at)
    values (${ulid()}, ${studyUid}, coalesce((select site_id from devices where ae_title = ${sourceAe}),
        (select o.site_id from procedures p join orders o on o.id = p.order_id where p.study_uid = ${studyUid} limit 1),
        (select id from sites order by id limit 1)),
      ${said.dicom_patient_id}, ${said.dicom_issuer}, ${said.dicom_patient_name}, ${said.patient_name_key}, ${said.accession},
      ${said.study_date}, ${said.study_time}, ${said.study_id}, ${said.description}, ${said.referring_physician},
      ${sql.json(said.attributes as never)}, ${at}, ${at}, ${at},
      -- "End exam" may have been pressed before the first image came.
      (select max(ended_at) from performed_steps where study_uid = ${studyUid} and end_inferred and status = 'COMPLETED'))
    on conflict (study_uid) do update set first_instance_at = coalesce(studies.first_instance_at, excluded.first_instance_at),
      last_instance_at = coalesce(excluded.last_instance_at, studies.last_instance_at),
      completeness_recheck_at = coalesce(excluded.completeness_recheck_at, studies.completeness_recheck_at)
    returning id, study_uid, site_id, xmax = 0 as "isNew", json_build_object(
      'patientId', coalesce(said->>'patientId', dicom_patient_id), 'issuer', coalesce(said->>'issuer', dicom_issuer)) as says`
  return row!
}

async function upsertSeries(
  { sql }: Scope,
  studyId: string,
  instances: StoredInstance[],
): Promise<Map<string, string>> {
  const first = [...groupBy(instances, (instance) => instance.seriesUid).values()].map((group) => group[0]!)
  const rows = first.map(({ seriesUid, header, sourceAe }) => ({
    id: ulid(),
    series_uid: seriesUid,
    station_ae: sourceAe,
    ...seriesFrom(header),
  }))
  const found = await sql<{ id: string; series_uid: string }[]>`
    insert into series (id, study_id, series_uid, modality, series_number, description, series_date, series_time, body_part,
      station_ae, attributes)
    select id, ${studyId}, series_uid, modality, series_number, description, series_date, series_time, body_part, station_ae, attributes
    from jsonb_to_recordset(${sql.json(rows as never)}) as r(id text, series_uid text, modality text, series_number int,
      description text, series_date text, series_time text, body_part text, station_ae text, attributes jsonb)
    on conflict (study_id, series_uid) do update set series_uid = excluded.series_uid
    returning id, series_uid`
  return new Map(found.map((row) => [row.series_uid, row.id]))
}

async function insertInstances(
  { sql, act }: Scope,
  studyId: string,
  series: Map<string, string>,
  instances: StoredInstance[],
): Promise<Set<string>> {
  const rows = instances.map((instance) => ({
    id: ulid(),
    // A note hides itself together with what it hides.
    rejected_code: rejectionNoteIn(instance)?.code ?? null,
    sop_instance_uid: instance.sopInstanceUid,
    sop_class_uid: instance.sopClassUid,
    series_id: series.get(instance.seriesUid),
    instance_number: integer(instance.header, '00200013'),
    transfer_syntax_uid: instance.transferSyntaxUid,
    frames: instance.frames,
    rows: integer(instance.header, '00280010'),
    columns: integer(instance.header, '00280011'),
    blob: instance.blob,
    bytes: instance.bytes,
    dataset_offset: instance.datasetOffset,
    sha256: instance.sha256,
    pixel: instance.pixel,
    source_ae: instance.sourceAe,
  }))
  // Most of a row is its header, which was written as JSON when it was read.
  const texts = instances.map(({ header, headerText }) => headerText ?? JSON.stringify(header))
  const written = rows.map((row, n) => `${JSON.stringify(row).slice(0, -1)},"attributes":${texts[n]}}`)
  const added = await sql<{ blob: string }[]>`
    insert into instances (id, sop_instance_uid, sop_class_uid, series_id, study_id, instance_number, transfer_syntax_uid,
      frames, rows, columns, blob, bytes, dataset_offset, sha256, pixel, attributes, source_ae, stored_at,
      is_note, rejected_code)
    select id, sop_instance_uid, sop_class_uid, series_id, ${studyId}, instance_number, transfer_syntax_uid, frames, rows,
      columns, blob, bytes, dataset_offset, sha256, pixel, attributes, source_ae, ${act.now}, rejected_code is not null, rejected_code
    from jsonb_to_recordset(${`[${written.join(',')}]`}::text::jsonb) as r(id text, sop_instance_uid text, sop_class_uid text, series_id text,
      instance_number int, transfer_syntax_uid text, frames int, rows int, columns int, blob text, bytes bigint,
      dataset_offset int, sha256 text, pixel jsonb, attributes jsonb, source_ae text, rejected_code text)
    on conflict do nothing returning blob`
  return new Set(added.map((row) => row.blob))
}

async function batchKindOf({ sql }: Scope, studyId: string): Promise<'awaited' | 'appended' | 'late'> {
  const [row] = await sql<{ settled: boolean; stands: boolean }[]>`
    select coalesce((select max(cycle) from quality_decisions where study_id = s.id), 0) > 0
        and not exists (select 1 from work_items where subject_id = s.id and kind = 'quality' and state in ('open', 'claimed'))
        and s.completeness <> 'waiting' as settled,
      exists (select 1 from study_links l join report_procedures rp on rp.procedure_id = l.procedure_id
        join reports r on r.id = rp.report_id and r.state <> 'CANCELLED' join report_versions v on v.report_id = r.id
        where l.study_id = s.id and l.undone_at is null and v.kind in ('final', 'addendum', 'correction')
          and v.recalled_at is null) as stands
    from studies s where s.id = ${studyId}`
  return batchKind({ settled: row!.settled, versionStands: row!.stands })
}

interface ArrivedImages {
  orderId: string
  study: StudyRow
  kind: 'awaited' | 'appended' | 'late'
  added: number
}

async function announceImages(scope: Scope, { orderId, study, kind, added }: ArrivedImages): Promise<void> {
  const { sql, act } = scope
  if (kind === 'appended')
    await sql`update studies set appended_batches = appended_batches + 1 where id = ${study.id}`
  if (kind === 'late') {
    await sql`
      update studies set late_batches = late_batches || ${sql.json([{ at: act.now.toISOString(), answeredAt: null }])}
      where id = ${study.id}`
    await reopenOrder(scope, orderId)
  }
  const [counted] = await sql<{ total: number; visible: number }[]>`
    select stored_count as total, instance_count - report_count as visible from studies where id = ${study.id}`
  scope.append(orderId, {
    type: kind === 'late' ? 'images.late' : 'images.arrived',
    refs: { studyInstanceUid: study.study_uid },
    data: { studyId: study.id, added, ...counted!, lastAt: act.now.toISOString() },
  })
}

// Section 2.2, "begin by MPPS or first image": only when nothing has begun for this study yet.
async function beginByFirstImage(scope: Scope, studyId: string, instance: StoredInstance): Promise<void> {
  const [pending] = await scope.sql<{ id: string }[]>`
    select s.id from study_links l join procedures p on p.id = l.procedure_id join steps s on s.procedure_id = p.id
    where l.study_id = ${studyId} and l.undone_at is null and p.end_kind is null
      and s.status in ('planned', 'scheduled', 'arrived', 'ready', 'no-show')
      and not exists (select 1 from performed_step_links pl join steps other on other.id = pl.step_id
        where other.procedure_id = p.id)
    order by s.planned_start nulls last, s.id limit 1`
  if (!pending) return
  const step = await lockStep(scope, pending.id)
  const performedStepId = await inferPerformedStep(scope, {
    step,
    startedAt: scope.act.now,
    stationAe: instance.sourceAe,
  })
  await startStep(scope, step, { performedStepId, inferred: true })
}

async function flagUnmatched(scope: Scope, study: StudyRow, instance: StoredInstance): Promise<void> {
  await raiseException(scope, {
    kind: 'unmatched-study',
    key: `study:${study.study_uid}`,
    reasonCode: 'no-order',
    reason: 'Images came that no order asked for. Link them to their order or make one.',
    refs: { studyInstanceUid: study.study_uid, aeTitle: instance.sourceAe },
    siteId: study.site_id,
  })
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const list = groups.get(key(item))
    if (list) list.push(item)
    else groups.set(key(item), [item])
  }
  return groups
}
