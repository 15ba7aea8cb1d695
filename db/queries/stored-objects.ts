/** Stored objects as retrieval needs them: what a requestor may see of them, and where their bytes are (PS3.18 10.4). */
import type { AnySql } from '../client.ts'
import { type Fragment, inScope, type StudyScope } from './study-scope.ts'
import { instanceShown, isReport } from './visibility.ts'

/** A stored object as retrieval needs it. */
export interface StoredObject {
  id: string
  studyUid: string
  seriesUid: string
  seriesId: string
  sopInstanceUid: string
  sopClassUid: string
  transferSyntaxUid: string
  frames: number
  blob: string
  bytes: number
  datasetOffset: number
  sha256: string
  hasPixels: boolean
  /** Read again, its bytes were not what was received, or gone. */
  isDamaged: boolean
  /** A report that was written here. */
  isReport: boolean
  /** Where its frames are, when they are few and were read along. */
  pixel?: unknown
}

export interface Place {
  studyUid: string
  seriesUid?: string
  sopInstanceUid?: string
}

/** The visible objects at a place, in the order in which they are shown; empty when there is none to be seen. */
export async function storedObjects(sql: AnySql, scope: StudyScope, place: Place): Promise<StoredObject[]> {
  return sql<StoredObject[]>`
    select ${objectColumns(sql)} ${objectsAt(sql, scope, place)}
    order by e.series_number nulls last, e.series_uid, i.instance_number nulls last, i.sop_instance_uid`
}

/** The object in a blob, whoever may see it: for one that its asker was found to be allowed. Null when it has another by now. */
export async function storedObjectIn(sql: AnySql, blob: string): Promise<StoredObject | null> {
  const [object] = await sql<StoredObject[]>`
    select ${objectColumns(sql)}
    from instances i join series e on e.id = i.series_id join studies s on s.id = i.study_id
    where i.blob = ${blob}`
  return object ?? null
}

/** How a series stands at the moment, whoever may see it: `isInScope` says who. */
export interface SeriesStamp {
  id: string
  studyUid: string
  siteId: string
  /** Grows with whatever changes among its objects. */
  rev: number
  /** How many of them are shown. */
  shown: number
}

/** Those of these series that are there, by their address. */
export async function seriesStamps(
  sql: AnySql,
  addresses: readonly string[],
): Promise<Map<string, SeriesStamp>> {
  const places = addresses.map((address) => address.split('/'))
  const rows = await sql<(SeriesStamp & { seriesUid: string })[]>`
    select e.id, e.series_uid as "seriesUid", s.study_uid as "studyUid", s.site_id as "siteId", e.rev,
      e.instance_count as shown
    from unnest(${places.map(([studyUid]) => studyUid!)}::text[], ${places.map(([, uid]) => uid!)}::text[]) as asked (study, series)
      join studies s on s.study_uid = asked.study join series e on e.study_id = s.id and e.series_uid = asked.series`
  return new Map(rows.map((stamp) => [seriesAddress(stamp.studyUid, stamp.seriesUid), stamp]))
}

/** A series is one within its study only. */
export const seriesAddress = (studyUid: string, seriesUid: string): string => `${studyUid}/${seriesUid}`

/** The places of more frames than these are read when they are needed: a whole-slide image has hundreds of thousands. */
const FEW_FRAMES = 8

/** The objects of a series that the regular view shows, or the one named, by SOP Instance UID. */
export async function shownObjects(
  sql: AnySql,
  { seriesId, sopInstanceUid }: { seriesId: string; sopInstanceUid?: string },
): Promise<Map<string, StoredObject>> {
  const rows = await sql<StoredObject[]>`
    select ${objectColumns(sql)}, case when i.frames <= ${FEW_FRAMES} then i.pixel end as pixel
    from instances i join series e on e.id = i.series_id join studies s on s.id = i.study_id
    where i.series_id = ${seriesId} and ${instanceShown(sql)}
      ${sopInstanceUid === undefined ? sql`` : sql`and i.sop_instance_uid = ${sopInstanceUid}`}`
  return new Map(rows.map((object) => [object.sopInstanceUid, object]))
}

/** Of the visible images at a place the middle one, which says most about a series or a study. */
export async function middleImage(
  sql: AnySql,
  scope: StudyScope,
  place: Place,
): Promise<StoredObject | null> {
  const [object] = await sql<StoredObject[]>`
    with images as (
      select i.id, row_number() over (order by e.series_number nulls last, e.series_uid, i.instance_number nulls last,
          i.sop_instance_uid) as number, count(*) over () as total
      ${objectsAt(sql, scope, place)} and jsonb_typeof(i.pixel) = 'object' and i.damaged is null)
    select ${objectColumns(sql)}
    from images m join instances i on i.id = m.id join series e on e.id = i.series_id join studies s on s.id = i.study_id
    where m.number = m.total / 2 + 1`
  return object ?? null
}

function objectColumns(sql: AnySql): Fragment {
  return sql`i.id, s.study_uid as "studyUid", e.series_uid as "seriesUid", e.id as "seriesId",
      i.sop_instance_uid as "sopInstanceUid", i.sop_class_uid as "sopClassUid",
      i.transfer_syntax_uid as "transferSyntaxUid", i.frames, i.blob, i.bytes, i.dataset_offset as "datasetOffset",
      i.sha256, coalesce(jsonb_typeof(i.pixel) = 'object', false) as "hasPixels",
      i.damaged is not null as "isDamaged", ${isReport(sql)} as "isReport"`
}

function objectsAt(sql: AnySql, scope: StudyScope, place: Place): Fragment {
  return sql`from instances i join series e on e.id = i.series_id join studies s on s.id = i.study_id
    where s.study_uid = ${place.studyUid} and ${instanceShown(sql, scope.view)} and ${inScope(sql, scope)}
      ${place.seriesUid === undefined ? sql`` : sql`and e.series_uid = ${place.seriesUid}`}
      ${place.sopInstanceUid === undefined ? sql`` : sql`and i.sop_instance_uid = ${place.sopInstanceUid}`}`
}

/** Where the frames of an object are in its blob, as ingest found them; null without pixels, or when it has another blob by now. */
export async function pixelPlaceOf(sql: AnySql, { id, blob }: StoredObject): Promise<unknown> {
  const [row] = await sql<
    { pixel: unknown }[]
  >`select pixel from instances where id = ${id} and blob = ${blob}`
  return row?.pixel ?? null
}

/** Whether a study is stored at all, seen or not: tells a denial from a study that isn't there. */
export async function isStored(sql: AnySql, studyUid: string): Promise<boolean> {
  const [row] = await sql`select 1 from studies where study_uid = ${studyUid}`
  return row !== undefined
}
