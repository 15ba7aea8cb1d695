/**
 * Reads for DICOMweb and C-FIND: what a requestor may see of studies, series and instances (PS3.4 C.2.2.2, PS3.18 10).
 * Rejected instances are invisible, and so is a series or a study that has no other.
 */
import type postgres from 'postgres'
import { foldName } from '#domain/identity.ts'
import type { AnySql } from '../client.ts'
import { instanceShown, levelShown, type View } from './visibility.ts'

/** Which studies a requestor may see; null means that this side sets no limit. */
export interface StudyScope {
  /** Study Instance UIDs of a launch. */
  studies: readonly string[] | null
  /** Site ids of a program or a person. */
  sites: readonly string[] | null
  /** What it sees of rejected instances; left out: nothing. */
  view?: View
}

export type Level = 'study' | 'series' | 'instance'

/** A matching key: eight hexadecimal digits and what the requestor sent for it. */
export interface Match {
  tag: string
  value: string
}

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
}

/** A place between two hits, by the key of the study of the hit before it. */
export interface SearchPlace {
  studyDate: string
  studyTime: string
  studyUid: string
  /** Hits of that study that were given out already. */
  given: number
}

type Json = Record<string, { vr: string; Value?: unknown[]; BulkDataURI?: string; InlineBinary?: string }>

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
    with page as materialized (
      select s.id as study_id ${level === 'study' ? sql`` : sql`, e.id as series_id`}
        ${level === 'instance' ? sql`, i.id as instance_id` : sql``}
      from studies s ${joined(sql, level)}
      where ${visible(sql, level, asked.scope.view)} and ${inScope(sql, asked.scope)} ${all(sql, conditions(sql, asked))}
        ${beyond(sql, asked)}
      order by ${inOrder(sql, level)}
      limit ${asked.limit} offset ${skipped})
    select ${studyJson(sql)} as study,
      ${level === 'study' ? sql`null::jsonb` : seriesJson(sql)} as series,
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

function fieldsJson(sql: AnySql, { level, fields = [] }: Search): Fragment {
  if (fields !== 'all' && fields.length === 0) return sql`null::jsonb`
  const tags = fields === 'all' ? (level === 'study' ? STUDY_FIELDS : SERIES_FIELDS) : (fields as string[])
  const isWanted = fields === 'all' && level === 'instance' ? sql`true` : sql`f.key = any(${tags})`
  const header =
    level === 'instance'
      ? sql`(select i.attributes)`
      : sql`(select r.attributes from instances r where ${level === 'study' ? sql`r.study_id = s.id` : sql`r.series_id = e.id`}
          and ${instanceShown(sql, undefined, 'r')} order by r.id limit 1)`
  // Long values are for metadata, which say where they are to be had.
  return sql`(select jsonb_object_agg(f.key, f.value) from ${header} h, jsonb_each(h.attributes) f
    where ${isWanted} and not jsonb_exists(f.value, 'BulkDataURI'))`
}

function joined(sql: AnySql, level: Level): Fragment {
  return sql`${level === 'study' ? sql`` : sql`join series e on e.study_id = s.id`}
    ${level === 'instance' ? sql`join instances i on i.series_id = e.id` : sql``}`
}

function inOrder(sql: AnySql, level: Level): Fragment {
  return sql`s.study_date desc, s.study_time desc, s.study_uid desc
    ${level === 'study' ? sql`` : sql`, e.series_number nulls last, e.series_uid`}
    ${level === 'instance' ? sql`, i.instance_number nulls last, i.sop_instance_uid` : sql``}`
}

// Within a study its rows are counted off; it is the studies that there are a million of.
function beyond(sql: AnySql, { level, after }: Search): Fragment {
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

/** Every so many studies of a search, in its order: from there a page far behind is near. */
export async function milestones(
  sql: AnySql,
  asked: Omit<Search, 'limit' | 'offset'>,
  every: number,
): Promise<SearchPlace[]> {
  return plannedAnew(sql<SearchPlace[]>`
    select study_date as "studyDate", study_time as "studyTime", study_uid as "studyUid", 1 as given
    from (select s.study_date, s.study_time, s.study_uid, row_number() over (order by ${inOrder(sql, 'study')}) as number
      from studies s
      where ${visible(sql, 'study', asked.scope.view)} and ${inScope(sql, asked.scope)}
        ${all(sql, conditions(sql, { ...asked, limit: 0, offset: 0 }))}) numbered
    where number % ${every} = 0 order by number`)
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

/** Whether a key is matched on at a level; others are returned and not matched on. */
export function isMatched(level: Level, tag: string): boolean {
  return keysOf(level).has(tag)
}

/** How values of a key are matched; null for one that none of the levels matches on. */
export function kindOf(tag: string): KeyKind | null {
  return keysOf('instance').get(tag)?.[0] ?? null
}

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
      ${objectsAt(sql, scope, place)} and jsonb_typeof(i.pixel) = 'object')
    select ${objectColumns(sql)}
    from images m join instances i on i.id = m.id join series e on e.id = i.series_id join studies s on s.id = i.study_id
    where m.number = m.total / 2 + 1`
  return object ?? null
}

function objectColumns(sql: AnySql): Fragment {
  return sql`i.id, s.study_uid as "studyUid", e.series_uid as "seriesUid", e.id as "seriesId",
      i.sop_instance_uid as "sopInstanceUid", i.sop_class_uid as "sopClassUid",
      i.transfer_syntax_uid as "transferSyntaxUid", i.frames, i.blob, i.bytes, i.dataset_offset as "datasetOffset",
      i.sha256, coalesce(jsonb_typeof(i.pixel) = 'object', false) as "hasPixels"`
}

function objectsAt(sql: AnySql, scope: StudyScope, place: Place): Fragment {
  return sql`from instances i join series e on e.id = i.series_id join studies s on s.id = i.study_id
    where s.study_uid = ${place.studyUid} and ${instanceShown(sql, scope.view)} and ${inScope(sql, scope)}
      ${place.seriesUid === undefined ? sql`` : sql`and e.series_uid = ${place.seriesUid}`}
      ${place.sopInstanceUid === undefined ? sql`` : sql`and i.sop_instance_uid = ${place.sopInstanceUid}`}`
}

/** Where the frames of an object are, as ingest found them; null without pixels. */
export async function pixelPlaceOf(sql: AnySql, instanceId: string): Promise<unknown> {
  const [row] = await sql<{ pixel: unknown }[]>`select pixel from instances where id = ${instanceId}`
  return row?.pixel ?? null
}

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
        || case when jsonb_typeof(pixel) = 'object' and not jsonb_exists(attributes, '7FE00010')
          then '{"7FE00010": {"vr": "OW", "BulkDataURI": "bulkdata/7FE00010"}}'::jsonb else '{}'::jsonb end)::text as text
    from instances i
    where series_id = ${asked.seriesId} and ${instanceShown(sql)}
      ${asked.sopInstanceUid === undefined ? sql`` : sql`and sop_instance_uid = ${asked.sopInstanceUid}`}
    order by instance_number nulls last, sop_instance_uid`
}

/** Whether a study is stored at all, seen or not: tells a denial from a study that isn't there. */
export async function isStored(sql: AnySql, studyUid: string): Promise<boolean> {
  const [row] = await sql`select 1 from studies where study_uid = ${studyUid}`
  return row !== undefined
}

type Fragment = postgres.PendingQuery<postgres.Row[]>

function visible(sql: AnySql, level: Level, view: View | undefined): Fragment {
  return level === 'instance' ? instanceShown(sql, view) : levelShown(sql, level, view)
}

function inScope(sql: AnySql, { studies, sites }: StudyScope): Fragment {
  return sql`true ${studies === null ? sql`` : sql`and s.study_uid = any(${studies as string[]})`}
    ${sites === null ? sql`` : sql`and s.site_id = any(${sites as string[]})`}`
}

function all(sql: AnySql, conditions: readonly Fragment[]): Fragment {
  return conditions.reduce((so, condition) => sql`${so} and ${condition}`, sql``)
}

export type KeyKind = 'text' | 'folded' | 'name' | 'date' | 'time' | 'uid' | 'number' | 'list'
type Key = readonly [kind: KeyKind, expression: string]

const first = (alias: string, tag: string) => `coalesce(${alias}.attributes->'${tag}'->'Value'->>0, '')`

// Expressions of our own, never anything that came from outside.
const STUDY_KEYS: Record<string, Key> = {
  '00080020': ['date', 's.study_date'],
  '00080030': ['time', 's.study_time'],
  '00080050': ['text', 's.accession'],
  '00080061': ['list', 's.modalities'],
  '00080090': ['folded', 's.referring_physician'],
  '00081030': ['folded', 's.description'],
  '00100010': ['name', 's.patient_name_key'],
  '00100020': ['text', 's.dicom_patient_id'],
  '00100021': ['text', 's.dicom_issuer'],
  '00100030': ['date', first('s', '00100030')],
  '00100040': ['text', first('s', '00100040')],
  '0020000D': ['uid', 's.study_uid'],
  '00200010': ['text', 's.study_id'],
}

const SERIES_KEYS: Record<string, Key> = {
  '00080021': ['date', 'e.series_date'],
  '00080031': ['time', 'e.series_time'],
  '00080060': ['text', 'e.modality'],
  '0008103E': ['folded', 'e.description'],
  '00180015': ['text', 'e.body_part'],
  '0020000E': ['uid', 'e.series_uid'],
  '00200011': ['number', 'e.series_number'],
  '00400244': ['date', first('e', '00400244')],
  '00400245': ['time', first('e', '00400245')],
}

const INSTANCE_KEYS: Record<string, Key> = {
  '00080016': ['uid', 'i.sop_class_uid'],
  '00080018': ['uid', 'i.sop_instance_uid'],
  '00200013': ['number', 'i.instance_number'],
}

const KEYS: Record<Level, Map<string, Key>> = {
  study: new Map(Object.entries(STUDY_KEYS)),
  series: new Map(Object.entries({ ...STUDY_KEYS, ...SERIES_KEYS })),
  instance: new Map(Object.entries({ ...STUDY_KEYS, ...SERIES_KEYS, ...INSTANCE_KEYS })),
}

function keysOf(level: Level): Map<string, Key> {
  return KEYS[level]
}

function conditions(sql: AnySql, asked: Search): Fragment[] {
  const keys = keysOf(asked.level)
  return asked.matches.flatMap(({ tag, value }) => {
    const key = keys.get(tag)
    // An empty key, or a lone asterisk, is universal matching.
    if (!key || value === '' || /^\*+$/.test(value)) return []
    return [
      condition(sql, {
        kind: key[0],
        column: sql.unsafe(key[1]) as unknown as Fragment,
        value,
        fuzzy: asked.fuzzy ?? false,
      }),
    ]
  })
}

interface Condition {
  kind: KeyKind
  column: Fragment
  value: string
  fuzzy: boolean
}

function condition(sql: AnySql, { kind, column, value, fuzzy }: Condition): Fragment {
  switch (kind) {
    case 'uid':
      return sql`${column} = any(${value.split(/[\\,]/).map((uid) => uid.trim())})`
    case 'number':
      return /^[+-]?\d{1,9}$/.test(value.trim()) ? sql`${column} = ${Number(value)}` : sql`false`
    case 'date':
      return range(sql, { column, value, last: '' })
    // A time without its seconds begins its minute as well as ends it: 12 to 13 includes 13:59:59.
    case 'time':
      return range(sql, { column, value: value.replaceAll(':', ''), last: '~' })
    case 'list':
      return hasWildcard(value)
        ? sql`exists (select 1 from unnest(${column}) m where m like any(${listOf(value).map(likePattern)}))`
        : sql`${column} && ${listOf(value)}`
    case 'name':
      return likeAny(sql, column, namePatterns(value, fuzzy))
    case 'folded':
      return like(sql, sql`lower(${column})`, likePattern(value.toLowerCase()))
    case 'text':
      return hasWildcard(value) ? like(sql, column, likePattern(value)) : sql`${column} = ${value}`
  }
}

const listOf = (value: string): string[] => value.split(/[\\,]/).map((one) => one.trim())

function likeAny(sql: AnySql, column: Fragment, patterns: readonly string[]): Fragment {
  const either = patterns.map((pattern) => like(sql, column, pattern))
  return sql`(${either.reduce((so, one) => sql`${so} or ${one}`)})`
}

/** A pattern that begins with letters is a range of the index as well, which no plan made in advance can see by itself. */
function like(sql: AnySql, column: Fragment, pattern: string): Fragment {
  const [beginning = ''] = /^(?:[^%_\\]|\\.)*/.exec(pattern) ?? []
  const prefix = beginning.replace(/\\(.)/g, '$1')
  if (prefix === '') return sql`${column} like ${pattern}`
  const within = sql`${column} ~>=~ ${prefix}`
  // The highest character there is ends every continuation of the prefix.
  return sql`(${within} and ${column} ~<~ ${`${prefix}\u{10ffff}`} and ${column} like ${pattern})`
}

// PS3.4 C.2.2.2.5: from-to, each end may be open; DA and TM sort as text.
function range(
  sql: AnySql,
  { column, value, last }: { column: Fragment; value: string; last: string },
): Fragment {
  const dash = value.indexOf('-')
  if (/^\d{8}$/.test(value)) return sql`${column} = ${value}`
  if (dash < 0) return sql`${column} like ${`${escaped(value)}%`}`
  const [from, to] = [value.slice(0, dash), value.slice(dash + 1)]
  return sql`${column} <> '' ${from === '' ? sql`` : sql`and ${column} >= ${from}`}
    ${to === '' ? sql`` : sql`and ${column} <= ${to + last}`}`
}

const hasWildcard = (value: string): boolean => /[*?]/.test(value)

const escaped = (value: string): string => value.replace(/[\\%_]/g, '\\$&')

function likePattern(value: string): string {
  return escaped(value).replaceAll('*', '%').replaceAll('?', '_')
}

/**
 * Patterns over the folded name. A name without a wildcard matches whole or with further components after it, because
 * a requestor who types DOE^JOHN means DOE^JOHN^Q too; fuzzy matches the beginning of any component.
 */
function namePatterns(value: string, fuzzy: boolean): string[] {
  const folded = likePattern(foldKeepingWildcards(value))
  if (fuzzy) return [`${folded}%`, `%^${folded}%`, `% ${folded}%`]
  const whole = folded.endsWith('%') ? [folded] : [folded, `${folded}^%`, `${folded}=%`]
  // A key that names a later group alone, or one in another script, stands behind the Latin letters of the name.
  if (folded.startsWith('='))
    return whole.map((pattern) => pattern.replace(/^=+/, (groups) => groups.replaceAll('=', '%=')))
  return /[^ -~]/.test(folded) ? [...whole, ...whole.map((pattern) => `%=${pattern}`)] : whole
}

// The fold drops what is not a letter; the wildcards and carets between the letters are ours to keep.
function foldKeepingWildcards(value: string): string {
  const component = (text: string) =>
    text
      .split(/([*?])/)
      .map((part) => (part === '*' || part === '?' ? part : foldName(part)))
      .join('')
  const group = (text: string) => text.split('^').slice(0, 3).map(component).join('^').replace(/\^+$/, '')
  return value.split('=').map(group).join('=').replace(/=+$/, '')
}

const studyJson = (sql: AnySql) => sql`jsonb_build_object('id', s.id, 'studyUid', s.study_uid,
  'patientId', s.dicom_patient_id, 'issuer', s.dicom_issuer, 'patientName', s.dicom_patient_name,
  'accession', s.accession, 'studyDate', s.study_date, 'studyTime', s.study_time, 'studyId', s.study_id,
  'description', s.description, 'referringPhysician', s.referring_physician, 'modalities', s.modalities,
  'attributes', s.attributes, 'seriesCount', s.series_count, 'instanceCount', s.instance_count,
  'availability', s.availability, 'rev', s.rev)`

const seriesJson = (
  sql: AnySql,
) => sql`jsonb_build_object('id', e.id, 'seriesUid', e.series_uid, 'modality', e.modality,
  'seriesNumber', e.series_number, 'description', e.description, 'seriesDate', e.series_date, 'seriesTime', e.series_time,
  'bodyPart', e.body_part, 'attributes', e.attributes, 'instanceCount', e.instance_count, 'rev', e.rev)`

const instanceJson = (sql: AnySql) => sql`jsonb_build_object('id', i.id, 'sopInstanceUid', i.sop_instance_uid,
  'sopClassUid', i.sop_class_uid, 'transferSyntaxUid', i.transfer_syntax_uid, 'instanceNumber', i.instance_number,
  'frames', i.frames, 'rows', i.rows, 'columns', i.columns,
  'attributes', jsonb_strip_nulls(jsonb_build_object('00280100', i.attributes->'00280100', '00420010', i.attributes->'00420010',
    '0040A493', i.attributes->'0040A493', '00700080', i.attributes->'00700080')))`
