/**
 * Searches of DICOMweb and C-FIND: what a requestor may see of studies, series and instances (PS3.4 C.4.1, PS3.18 10.6).
 * Rejected instances are invisible, and so is a series or a study that has no other.
 */
import type { AnySql } from '../client.ts'
import { OF_ANOTHER } from './corrections.ts'
import { conditions, type Level, type Match } from './matching-keys.ts'
import { partsOf } from './search-parts.ts'
import type { Json } from './stored-headers.ts'
import { type Fragment, inScope, type StudyScope } from './study-scope.ts'
import { countsShown, instanceShown, levelShown, seriesCount, type View } from './visibility.ts'

export interface Search {
  level: Level
  scope: StudyScope
  matches: readonly Match[]
  limit: number
  offset: number
  /** A place to begin at, the offset counted from there: the thousandth page then costs what the first one does. */
  after?: SearchPlace | null
  /** Attributes wanted besides those of the rows, by tag: from the header of the instance, or of the first one. */
  fields?: 'all' | readonly string[]
  /** Names match as beginnings of their components, without wildcards being typed (fuzzymatching=true). */
  fuzzy?: boolean
  /** As `Wanted` has them. */
  isCombined?: boolean
  manyValues?: boolean
  emptyValues?: boolean
}

/** A place between two hits, by the key of the study of the hit before it. */
export interface SearchPlace {
  studyDate: string
  studyTime: string
  studyUid: string
  /** Hits of that study that were given out already. */
  given: number
}

export interface StudyRow {
  id: string
  studyUid: string
  patientId: string
  issuer: string
  patientName: string
  accession: string
  studyDate: string
  studyTime: string
  studyId: string
  description: string
  referringPhysician: string
  modalities: string[]
  attributes: Json
  seriesCount: number
  instanceCount: number
  availability: string
  rev: number
}

export interface SeriesRow {
  id: string
  seriesUid: string
  modality: string
  seriesNumber: number | null
  description: string
  seriesDate: string
  seriesTime: string
  bodyPart: string
  attributes: Json
  instanceCount: number
  rev: number
}

export interface InstanceSummary {
  id: string
  sopInstanceUid: string
  sopClassUid: string
  transferSyntaxUid: string
  instanceNumber: number | null
  frames: number
  rows: number | null
  columns: number | null
  /** The few header elements that a search answers (Bits Allocated, names of documents). */
  attributes: Json
}

/** One hit: the row of the level asked for and the rows above it. */
export interface Found {
  study: StudyRow
  series: SeriesRow | null
  instance: InstanceSummary | null
  /** The attributes asked for in `fields`, as far as the headers hold them. */
  fields: Json
}

/**
 * In a stable order: newest study first, then by series and instance number, then by UID. The page is found by its keys
 * alone, and only its own rows are read.
 */
export async function search(sql: AnySql, asked: Search): Promise<Found[]> {
  const { level } = asked
  const skipped = asked.offset + (asked.after && level !== 'study' ? asked.after.given : 0)
  const rows = await plannedAnew(sql<
    { study: StudyRow; series: SeriesRow | null; instance: InstanceSummary | null; fields: Json | null }[]
  >`
    with recursive ${pageOf(sql, asked, skipped)}
    select ${studyJson(sql, asked.scope.view)} as study,
      ${level === 'study' ? sql`null::jsonb` : seriesJson(sql, asked.scope.view)} as series,
      ${level === 'instance' ? instanceJson(sql) : sql`null::jsonb`} as instance,
      ${fieldsJson(sql, asked)} as fields
    from page p join studies s on s.id = p.study_id
      ${level === 'study' ? sql`` : sql`join series e on e.id = p.series_id`}
      ${level === 'instance' ? sql`join instances i on i.id = p.instance_id` : sql``}
    order by ${inOrder(sql, level)}`)
  return rows.map(({ study, series, instance, fields }) => ({
    study,
    series,
    instance,
    fields: fields ?? {},
  }))
}

// PS3.3 C.7.1.1, C.7.2.1 and C.7.2.2: what the images of a study agree on.
// biome-ignore format: a list is read by its rows
const STUDY_FIELDS = [
  '00080096', '00081032', '00081048', '00081060', '00081110', '00100022', '00100024', '00100032', '00101000', '00101001',
  '00101010', '00101020', '00101030', '00102160', '001021B0', '00104000', '00321060', '00324000', '00380010',
]
// PS3.3 C.7.3.1 and C.7.5.1: what the images of a series agree on.
// biome-ignore format: a list is read by its rows
const SERIES_FIELDS = [
  '00080070', '00080080', '00080081', '00081010', '0008103F', '00081040', '00081050', '00081070', '00081090', '00081111',
  '00180015', '00181000', '00181020', '00181030', '00185100', '00200052', '00200060', '00400250', '00400251', '00400253',
  '00400254', '00400260', '00400275',
]

// What an object that was moved to this study says of the patient and the request it was made under.
const SAID_OF_ANOTHER = [
  ...OF_ANOTHER,
  ...['00080050', '00100010', '00100020', '00100021', '00100030', '00100040', '00400275'],
]

function fieldsJson(sql: AnySql, { level, scope, fields = [] }: Search): Fragment {
  if (fields !== 'all' && fields.length === 0) return sql`null::jsonb`
  const tags = fields === 'all' ? (level === 'study' ? STUDY_FIELDS : SERIES_FIELDS) : (fields as string[])
  const isWanted = fields === 'all' && level === 'instance' ? sql`true` : sql`f.key = any(${tags})`
  const header =
    level === 'instance'
      ? sql`(select i.attributes)`
      : sql`(select r.attributes from instances r where ${level === 'study' ? sql`r.study_id = s.id` : sql`r.series_id = e.id`}
          and ${instanceShown(sql, scope.view, 'r')} order by r.id limit 1)`
  // Long values are for metadata, which say where they are to be had.
  return sql`(select jsonb_object_agg(f.key, f.value) from ${header} h, jsonb_each(h.attributes) f
    where ${isWanted} and not jsonb_exists(f.value, 'BulkDataURI')
      and not (f.key = any(${SAID_OF_ANOTHER}) and h.attributes->'0020000D'->'Value'->>0 <> s.study_uid))`
}

/** The keys of a page's rows, as `page`. */
function pageOf(sql: AnySql, asked: Search, skipped: number): Fragment {
  const { level, limit } = asked
  const parts = partsOf(sql, asked)
  const columns = sql`s.id as study_id ${level === 'study' ? sql`` : sql`, e.id as series_id`}
    ${level === 'instance' ? sql`, i.id as instance_id` : sql``}`
  const met = sql`${visible(sql, level, asked.scope.view)} and ${inScope(sql, asked.scope)}
    ${all(sql, conditions(sql, { ...asked, ...asked.scope, matches: parts?.matches ?? asked.matches }))} ${beyond(sql, asked)}`
  if (!parts)
    return sql`page as materialized (
      select ${columns} from studies s ${joined(sql, level)} where ${met}
      order by ${inOrder(sql, level)} limit ${limit} offset ${skipped})`
  const keys = sql`s.study_date, s.study_time, s.study_uid ${level === 'study' ? sql`` : sql`, e.series_number, e.series_uid`}
    ${level === 'instance' ? sql`, i.instance_number, i.sop_instance_uid` : sql``}`
  return sql`${parts.made} page as materialized (
    select p.* from ${parts.from} cross join lateral (
      select ${columns}, ${keys} from studies s ${joined(sql, level)} where ${parts.of} and ${met}
      order by ${inOrder(sql, level)} limit ${limit + skipped}) p
    where ${parts.wanted}
    order by ${inOrder(sql, level, { study: 'p', series: 'p', instance: 'p' })} limit ${limit} offset ${skipped})`
}

function joined(sql: AnySql, level: Level): Fragment {
  return sql`${level === 'study' ? sql`` : sql`join series e on e.study_id = s.id`}
    ${level === 'instance' ? sql`join instances i on i.series_id = e.id` : sql``}`
}

function inOrder(
  sql: AnySql,
  level: Level,
  { study, series, instance } = { study: 's', series: 'e', instance: 'i' },
): Fragment {
  const keys = [`${study}.study_date desc, ${study}.study_time desc, ${study}.study_uid desc`]
  if (level !== 'study') keys.push(`${series}.series_number nulls last, ${series}.series_uid`)
  if (level === 'instance') keys.push(`${instance}.instance_number nulls last, ${instance}.sop_instance_uid`)
  return sql.unsafe(keys.join(', ')) as unknown as Fragment
}

// Within a study its rows are counted off; it is the studies that there are a million of.
function beyond(sql: AnySql, { level, after }: Pick<Search, 'level' | 'after'>): Fragment {
  if (!after) return sql``
  const key = sql`(${after.studyDate}, ${after.studyTime}, ${after.studyUid})`
  return level === 'study'
    ? sql`and (s.study_date, s.study_time, s.study_uid) < ${key}`
    : sql`and (s.study_date, s.study_time, s.study_uid) <= ${key}`
}

/**
 * A plan for these very values each time. One kept for any value takes the index of names for "S*" too, and sorts a
 * hundred thousand people to show a hundred.
 */
function plannedAnew<Q>(query: Q): Q {
  // What `unsafe` offers as an option, postgres.js reads from the query for templates as well.
  ;(query as { options: { prepare?: boolean } }).options.prepare = false
  return query
}

/** Every so many studies of a search, in its order and no further than asked: from there a page far behind is near. */
export async function milestones(
  sql: AnySql,
  asked: Omit<Search, 'limit' | 'offset'>,
  { every, upTo }: { every: number; upTo: number },
): Promise<SearchPlace[]> {
  return plannedAnew(sql<SearchPlace[]>`
    select study_date as "studyDate", study_time as "studyTime", study_uid as "studyUid", 1 as given
    from (select s.study_date, s.study_time, s.study_uid, row_number() over (order by ${inOrder(sql, 'study')}) as number
      from studies s
      where ${visible(sql, 'study', asked.scope.view)} and ${inScope(sql, asked.scope)}
        ${all(sql, conditions(sql, { ...asked, ...asked.scope }))} ${beyond(sql, asked)}) numbered
    where number <= ${upTo} and number % ${every} = 0 order by number`)
}

/** Where the page after these hits begins; null when there are none. */
export function placeAfter(found: readonly Found[], before: SearchPlace | null): SearchPlace | null {
  const last = found.at(-1)?.study
  if (!last) return null
  const given = found.filter(({ study }) => study.id === last.id).length
  const isSame = before !== null && before.studyUid === last.studyUid
  const { studyDate, studyTime, studyUid } = last
  return { studyDate, studyTime, studyUid, given: given + (isSame ? before.given : 0) }
}

function visible(sql: AnySql, level: Level, view: View | undefined): Fragment {
  return level === 'instance' ? instanceShown(sql, view) : levelShown(sql, level, view)
}

function all(sql: AnySql, conditions: readonly Fragment[]): Fragment {
  return conditions.reduce((so, condition) => sql`${so} and ${condition}`, sql``)
}

function studyJson(sql: AnySql, view: View | undefined): Fragment {
  const { modalities, series, instances } = countsShown(sql, view)
  return sql`jsonb_build_object('id', s.id, 'studyUid', s.study_uid,
    'patientId', s.dicom_patient_id, 'issuer', s.dicom_issuer, 'patientName', s.dicom_patient_name,
    'accession', s.accession, 'studyDate', s.study_date, 'studyTime', s.study_time, 'studyId', s.study_id,
    'description', s.description, 'referringPhysician', s.referring_physician, 'modalities', ${modalities},
    'attributes', s.attributes, 'seriesCount', ${series}, 'instanceCount', ${instances},
    'availability', s.availability, 'rev', s.rev)`
}

function seriesJson(sql: AnySql, view: View | undefined): Fragment {
  return sql`jsonb_build_object('id', e.id, 'seriesUid', e.series_uid, 'modality', e.modality,
    'seriesNumber', e.series_number, 'description', e.description, 'seriesDate', e.series_date, 'seriesTime', e.series_time,
    'bodyPart', e.body_part, 'attributes', e.attributes, 'instanceCount', ${seriesCount(sql, view)}, 'rev', e.rev)`
}

const instanceJson = (sql: AnySql) => sql`jsonb_build_object('id', i.id, 'sopInstanceUid', i.sop_instance_uid,
  'sopClassUid', i.sop_class_uid, 'transferSyntaxUid', i.transfer_syntax_uid, 'instanceNumber', i.instance_number,
  'frames', i.frames, 'rows', i.rows, 'columns', i.columns,
  'attributes', jsonb_strip_nulls(jsonb_build_object('00280100', i.attributes->'00280100', '00420010', i.attributes->'00420010',
    '0040A493', i.attributes->'0040A493', '00700080', i.attributes->'00700080')))`
