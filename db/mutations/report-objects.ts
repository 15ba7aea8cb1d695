/** Reports as objects of the archive: what a release owes to each study, and what has come into the index of it. */
import { createHash } from 'node:crypto'
import type { ReportObjectKind } from '#domain/report-object.ts'
import type { AnySql } from '../client.ts'
import type { Scope } from './mutate.ts'

const KINDS: readonly ReportObjectKind[] = ['sr', 'pdf']

/** A document and a PDF into each study of the report; part of the release's own transaction. */
export async function oweReportObjects(
  scope: Scope,
  { reportId, version }: { reportId: string; version: number },
): Promise<void> {
  const { sql, act } = scope
  const studies = await sql<{ id: string; study_uid: string }[]>`
    select distinct s.id, s.study_uid from report_procedures rp
      join study_links l on l.procedure_id = rp.procedure_id and l.undone_at is null join studies s on s.id = l.study_id
    where rp.report_id = ${reportId} order by s.id`
  const rows = studies.flatMap((study) =>
    KINDS.map((kind) => ({
      sop_instance_uid: uidOf(reportId, String(version), study.study_uid, kind),
      // All versions of a report stand in one series of their kind.
      series_uid: uidOf(reportId, study.study_uid, kind),
      report_id: reportId,
      version,
      study_id: study.id,
      kind,
      owed_at: act.now,
    })),
  )
  if (rows.length > 0) await sql`insert into report_objects ${sql(rows)} on conflict do nothing`
}

/** Under 2.25, from a UUID of version 8 (PS3.5 B.2, RFC 9562 5.8): the same parts make the same UID on every attempt. */
function uidOf(...parts: string[]): string {
  const bytes = createHash('sha256')
    .update(`report ${parts.join(' ')}`)
    .digest()
    .subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x80
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return `2.25.${BigInt(`0x${bytes.toString('hex')}`)}`
}

/** Of these instances, those that are reports of ours, or a reader's marks on images: they are no images, whoever sends them. */
export async function ownReports({ sql }: Scope, sopInstanceUids: readonly string[]): Promise<string[]> {
  const rows = await sql<{ uid: string }[]>`
    select sop_instance_uid as uid from report_objects where sop_instance_uid = any(${sopInstanceUids as string[]})
    union select sop_instance_uid from image_marks where sop_instance_uid = any(${sopInstanceUids as string[]})`
  return rows.map(({ uid }) => uid)
}

/** They stand in the index: nothing is owed of them any more. */
export async function reportsStored(scope: Scope, studyUid: string, uids: readonly string[]): Promise<void> {
  if (uids.length === 0) return
  const { sql, act } = scope
  await sql`
    update instances set is_report = true where sop_instance_uid = any(${uids as string[]}) and not is_report`
  const stored = await sql<{ report_id: string; version: number; kind: ReportObjectKind }[]>`
    update report_objects set stored_at = ${act.now}
    where sop_instance_uid = any(${uids as string[]}) and stored_at is null returning report_id, version, kind`
  for (const { report_id, version, kind } of stored)
    scope.audit({
      subject: `study:${studyUid}`,
      type: 'report.stored',
      data: { reportId: report_id, version, kind },
    })
}

const FIRST_RETRY_MS = 10_000
const LAST_RETRY_MS = 3_600_000

/** An object that could not be written is tried again, ever more rarely, and keeps no other one waiting. */
export async function putOff(
  sql: AnySql,
  { sopInstanceUid, machineNow }: { sopInstanceUid: string; machineNow: Date },
): Promise<void> {
  await sql`
    update report_objects set attempts = attempts + 1, next_attempt_at = ${machineNow}::timestamptz
      + least(${FIRST_RETRY_MS} * power(2, least(attempts, 20)), ${LAST_RETRY_MS}) * interval '1 millisecond'
    where sop_instance_uid = ${sopInstanceUid}`
}
