/** Patient Root and Study Root Query as SCP (PS3.4 C.4.1, C.6): what the archive holds; rejected instances are not there. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Dataset, type Value } from '#archive/dimse/dataset.ts'
import { hexOf, tagOf, vrOf } from '#archive/dimse/dictionary.ts'
import type { DatasetRequest, Match } from '#archive/dimse/services.ts'
import { STATUS, StatusError } from '#archive/dimse/status.ts'
import type { Department } from '#db/department.ts'
import { deviceAct } from '#db/mutations/act.ts'
import { audit } from '#db/mutations/audit.ts'
import { type Found, placeAfter, type Search, type SearchPlace, search } from '#db/queries/dicomweb.ts'
import { type PatientCounts, patientCounts, type RetrieveLevel } from '#db/queries/dimse-query.ts'
import type { Match as Key, Level } from '#db/queries/matching-keys.ts'
import type { View } from '#db/queries/visibility.ts'
import { answer } from './identifier.ts'
import { keysOf, matches } from './matching.ts'
import { dateRange, timeRange } from './ranges.ts'
import { doesNotMatch, levelOf, requireKeys, rootOf, uniqueKeys } from './retrieve-keys.ts'

type DicomJson = Found['study']['attributes']

export interface FindParts {
  department: Department
  /** Our own AE title: where what was found is retrieved from. */
  aeTitle: string
  /** Who asks, which sites' studies it may see (null: all), and what of rejected instances. */
  caller: { aeTitle: string; siteIds: readonly string[] | null; view: View }
}

const PAGE = 500
const MATCHES_A_TURN = 20

/** Newest study first; read page by page, so that a query for everything holds no more than a page in memory. */
export async function* findObjects(parts: FindParts, request: DatasetRequest): AsyncGenerator<Match> {
  const { dataset: identifier, signal, association, sopClassUid } = request
  const { department, caller } = parts
  const root = rootOf(sopClassUid, 'cFind')
  if (!root) throw new StatusError({ status: STATUS.sopClassNotSupported })
  const level = levelOf(identifier, root)
  // Without relational queries a lower level names the unique keys above it (PS3.4 C.4.1.1.3.1).
  requireKeys(identifier, uniqueKeys(root, level, { own: false }))
  const asked = askedFor(identifier, level, caller)
  let found = 0
  try {
    for await (const candidate of candidates(parts, level, asked)) {
      if (signal.aborted) break
      if (!matches(candidate, identifier, MATCHED_BY_QUERY)) continue
      found += 1
      // Others have their turn, and a C-CANCEL can be read.
      if (found % MATCHES_A_TURN === 0) await nextTurn()
      yield answer(candidate, identifier, ALWAYS_ANSWERED)
    }
  } finally {
    // Whoever leaves in the middle has read what it was told until then.
    const act = await deviceAct(department, caller.aeTitle, { address: association.agreement.remoteAddress })
    await audit(department, act, {
      subject: `device:${caller.aeTitle}`,
      type: 'archive.queried',
      data: { level, matches: found },
    })
  }
}

// The query's own idea of names and times is wider than a second look at the text would be.
const MATCHED_BY_QUERY = [0x00080020, 0x00080030, 0x00080021, 0x00080031, 0x00080061, 0x00100010]

/** In every answer, asked for or not (PS3.4 C.4.1.1.3.2). */
const ALWAYS_ANSWERED = [tagOf('QueryRetrieveLevel'), tagOf('RetrieveAETitle')]

function askedFor(
  identifier: Dataset,
  level: RetrieveLevel,
  { siteIds: sites, view }: FindParts['caller'],
): Omit<Search, 'limit' | 'offset'> {
  const asked: Level = level === 'patient' ? 'study' : level
  return { level: asked, scope: { studies: null, sites, view }, matches: keys(identifier, level) }
}

function keys(identifier: Dataset, level: RetrieveLevel): Key[] {
  return keysOf(identifier).flatMap((key) => {
    // A patient is no narrower for a key of the studies below it.
    if (key.kind === 'sequence' || (level === 'patient' && key.tag >>> 16 !== 0x0010)) return []
    return [
      { tag: hexOf(key.tag), value: rangeKey(identifier, key.tag) ?? identifier.texts(key.tag).join('\\') },
    ]
  })
}

/** A date or time key as its range of first and last; undefined for a key of another kind. */
function rangeKey(identifier: Dataset, tag: number): string | undefined {
  const vr = vrOf(tag)
  if (vr !== 'DA' && vr !== 'TM') return undefined
  const range = (vr === 'DA' ? dateRange : timeRange)(identifier.text(tag) ?? '')
  if (range === undefined) throw doesNotMatch(hexOf(tag), 'Not a date or time, nor a range')
  return range === null ? '' : `${range.from ?? ''}-${range.to ?? ''}`
}

async function* candidates(
  { department, aeTitle }: FindParts,
  level: RetrieveLevel,
  asked: Omit<Search, 'limit' | 'offset'>,
): AsyncGenerator<Dataset> {
  const patients = new Set<string>()
  for (let after: SearchPlace | null = null; ; ) {
    const page: Found[] = await search(department.sql, { ...asked, limit: PAGE, offset: 0, after })
    if (level === 'patient') {
      const fresh = page.filter(({ study }) => isFirst(patients, study))
      const counted = await patientCounts(
        department.sql,
        fresh.map(({ study }) => study),
        asked.scope,
      )
      for (const [at, { study }] of fresh.entries()) yield patientEntry(study, counted[at]!, aeTitle)
    } else for (const one of page) yield entry(one, level, aeTitle)
    if (page.length < PAGE) return
    after = placeAfter(page, after)
  }
}

/** A patient is an ID and its issuer; what has no ID cannot be asked for and is found as a study only. */
function isFirst(seen: Set<string>, { patientId, issuer }: Found['study']): boolean {
  const key = `${issuer}\\${patientId}`
  if (patientId === '' || seen.has(key)) return false
  seen.add(key)
  return true
}

/** As the newest study says it. */
function patientEntry(study: Found['study'], counts: PatientCounts, aeTitle: string): Dataset {
  const made = new Dataset(UTF8).set('SpecificCharacterSet', UTF8)
  const patientLevel = Object.entries(study.attributes).filter(([hex]) => hex.startsWith('0010'))
  put(made, Object.fromEntries(patientLevel))
  const own: Record<string, Value> = {
    QueryRetrieveLevel: 'PATIENT',
    RetrieveAETitle: aeTitle,
    InstanceAvailability: study.availability,
    NumberOfPatientRelatedStudies: counts.studies,
    NumberOfPatientRelatedSeries: counts.series,
    NumberOfPatientRelatedInstances: counts.instances,
  }
  for (const [keyword, value] of Object.entries(own)) made.set(keyword, value)
  for (const keyword of PATIENT_HELD) if (!made.has(keyword)) made.set(keyword, null)
  return made
}

function entry({ study, series, instance }: Found, level: Level, aeTitle: string): Dataset {
  const made = new Dataset(UTF8).set('SpecificCharacterSet', UTF8)
  for (const attributes of [study.attributes, series?.attributes, instance?.attributes])
    put(made, attributes ?? {})
  const own: Record<string, Value> = {
    QueryRetrieveLevel: level === 'instance' ? 'IMAGE' : level.toUpperCase(),
    RetrieveAETitle: aeTitle,
    InstanceAvailability: study.availability,
    StudyInstanceUID: study.studyUid,
    ...(level === 'study' ? studyCounts(study) : {}),
    ...(series ? { SeriesInstanceUID: series.seriesUid, Modality: series.modality } : {}),
    ...(series && level === 'series' ? { NumberOfSeriesRelatedInstances: series.instanceCount } : {}),
    ...(instance ? instanceKeys(instance) : {}),
  }
  for (const [keyword, value] of Object.entries(own)) made.set(keyword, value)
  for (const keyword of HELD[level]) if (!made.has(keyword)) made.set(keyword, null)
  return made
}

const UTF8 = ['ISO_IR 192']

/** Keys held at each level even where an object says nothing for them: they are matched on, and answered empty. */
const PATIENT_HELD = ['PatientName', 'PatientID', 'IssuerOfPatientID', 'PatientBirthDate', 'PatientSex']
const STUDY_HELD = [
  ...PATIENT_HELD,
  'StudyDate',
  'StudyTime',
  'AccessionNumber',
  'StudyID',
  'StudyDescription',
  'ReferringPhysicianName',
]
const SERIES_HELD = [
  ...STUDY_HELD,
  'SeriesNumber',
  'SeriesDescription',
  'SeriesDate',
  'SeriesTime',
  'BodyPartExamined',
]
const HELD: Record<Level, readonly string[]> = {
  study: STUDY_HELD,
  series: SERIES_HELD,
  instance: SERIES_HELD,
}

function studyCounts(study: Found['study']): Record<string, Value> {
  return {
    ModalitiesInStudy: study.modalities,
    NumberOfStudyRelatedSeries: study.seriesCount,
    NumberOfStudyRelatedInstances: study.instanceCount,
  }
}

function instanceKeys(instance: NonNullable<Found['instance']>): Record<string, Value> {
  return {
    SOPInstanceUID: instance.sopInstanceUid,
    SOPClassUID: instance.sopClassUid,
    InstanceNumber: instance.instanceNumber,
    NumberOfFrames: instance.frames,
    Rows: instance.rows,
    Columns: instance.columns,
  }
}

function put(made: Dataset, attributes: DicomJson): void {
  for (const [hex, { vr, Value: values }] of Object.entries(attributes)) {
    const tag = Number.parseInt(hex, 16)
    // Sequences and bytes are no keys of the study root; their text was written in UTF-8 when it was indexed.
    if (tag === 0x00080005 || vr === 'SQ' || vrOf(tag) === 'SQ') continue
    made.set(tag, (values ?? []).map(fromJson).filter((value) => value !== null) as Value)
  }
}

type Json = { Alphabetic?: string; Ideographic?: string; Phonetic?: string }

function fromJson(value: unknown): Value {
  if (typeof value === 'string' || typeof value === 'number') return value
  if (value === null || typeof value !== 'object') return null
  const { Alphabetic: alphabetic, Ideographic: ideographic, Phonetic: phonetic } = value as Json
  return {
    ...(alphabetic && { alphabetic }),
    ...(ideographic && { ideographic }),
    ...(phonetic && { phonetic }),
  }
}
