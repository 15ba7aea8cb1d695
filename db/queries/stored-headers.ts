/** Headers of stored objects and the series that they belong to, as metadata hand them out (PS3.18 10.4.1.1.2). */
import type { AnySql } from '../client.ts'
import type { Place } from './stored-objects.ts'
import { inScope, type StudyScope } from './study-scope.ts'
import { instanceShown, levelShown } from './visibility.ts'

export type Json = Record<
  string,
  { vr: string; Value?: unknown[]; BulkDataURI?: string; InlineBinary?: string }
>

/** The header of one object, as DICOM JSON. */
export async function headerOf(sql: AnySql, instanceId: string): Promise<Json> {
  const [row] = await sql<{ attributes: Json }[]>`select attributes from instances where id = ${instanceId}`
  return row?.attributes ?? {}
}

export interface SeriesPlace {
  id: string
  seriesUid: string
  rev: number
}

/** The visible series of a study, or the one named. */
export async function seriesAt(sql: AnySql, scope: StudyScope, place: Place): Promise<SeriesPlace[]> {
  return sql<SeriesPlace[]>`
    select e.id, e.series_uid as "seriesUid", e.rev
    from series e join studies s on s.id = e.study_id
    where s.study_uid = ${place.studyUid} and ${levelShown(sql, 'series', scope.view)} and ${inScope(sql, scope)}
      ${place.seriesUid === undefined ? sql`` : sql`and e.series_uid = ${place.seriesUid}`}
    order by e.series_number nulls last, e.series_uid`
}

export interface HeaderText {
  sopInstanceUid: string
  /** DICOM JSON as text in the order of its tags, so that nothing needs to be parsed to hand it on. */
  text: string
}

export interface HeadersAsked {
  seriesId: string
  sopInstanceUid?: string
  /** Transfer syntaxes whose frames are handed out as Explicit VR Little Endian. */
  native: readonly string[]
}

/**
 * The visible headers of a series in the order of its images, each with Available Transfer Syntax UID (0008,3002) and
 * a BulkDataURI for its pixels. Written by Postgres, which keeps the tags in order; JavaScript would put 54000100 first.
 */
export async function headersOf(sql: AnySql, asked: HeadersAsked): Promise<HeaderText[]> {
  return sql<HeaderText[]>`
    select sop_instance_uid as "sopInstanceUid", (attributes
        || jsonb_build_object('00083002', jsonb_build_object('vr', 'UI', 'Value', jsonb_build_array(
          case when transfer_syntax_uid = any(${asked.native as string[]}) then '1.2.840.10008.1.2.1' else transfer_syntax_uid end)))
        || case when jsonb_typeof(pixel) is distinct from 'object' or jsonb_exists(attributes, '7FE00010') then '{}'::jsonb
          -- PS3.5 A.4: what is encapsulated is bytes.
          when pixel->'encapsulated' = 'true' then '{"7FE00010": {"vr": "OB", "BulkDataURI": "bulkdata/7FE00010"}}'::jsonb
          when jsonb_exists(attributes, '00280101') then '{"7FE00010": {"vr": "OW", "BulkDataURI": "bulkdata/7FE00010"}}'::jsonb
          -- Pixels that are floats have no Bits Stored (PS3.3 sections C.7.6.24 and C.7.6.25).
          else case attributes->'00280100'->'Value'->>0
            when '32' then '{"7FE00008": {"vr": "OF", "BulkDataURI": "bulkdata/7FE00008"}}'::jsonb
            when '64' then '{"7FE00009": {"vr": "OD", "BulkDataURI": "bulkdata/7FE00009"}}'::jsonb
            else '{"7FE00010": {"vr": "OW", "BulkDataURI": "bulkdata/7FE00010"}}'::jsonb end end)::text as text
    from instances i
    where series_id = ${asked.seriesId} and ${instanceShown(sql)}
      ${asked.sopInstanceUid === undefined ? sql`` : sql`and sop_instance_uid = ${asked.sopInstanceUid}`}
    order by instance_number nulls last, sop_instance_uid`
}
