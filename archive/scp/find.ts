/** Study Root Query as SCP (PS3.4 C.4.1, C.6.2): studies, series and instances of the archive; rejected ones are not there. */
import { Dataset, type Value } from '#archive/dimse/dataset.ts'
import { hexOf, vrOf } from '#archive/dimse/dictionary.ts'
import type { DatasetRequest, Match } from '#archive/dimse/services.ts'
import { STATUS, StatusError } from '#archive/dimse/status.ts'
import type { Department } from '#db/department.ts'
import { deviceAct } from '#db/mutations/act.ts'
import { audit } from '#db/mutations/audit.ts'
import { type Found, type Match as Key, type Level, search } from '#db/queries/dicomweb.ts'
import { answer } from './identifier.ts'
import { keysOf, matches } from './matching.ts'

type DicomJson = Found['study']['attributes']

const LEVELS: Record<string, Level> = { STUDY: 'study', SERIES: 'series', IMAGE: 'instance' }
const PAGE = 500

/** Newest study first; read page by page, so that a query for everything holds no more than a page in memory. */
export async function* findStudyRoot(
  department: Department,
  { aeTitle, siteIds }: { aeTitle: string; siteIds: readonly string[] | null },
  { dataset: identifier, signal, association }: DatasetRequest,
): AsyncGenerator<Match> {
  const level = levelOf(identifier)
  const asked = { level, scope: { studies: null, sites: siteIds }, matches: keys(identifier) }
  let found = 0
  for (let offset = 0; !signal.aborted; offset += PAGE) {
    const page = await search(department.sql, { ...asked, limit: PAGE, offset })
    for (const one of page) {
      const candidate = entry(one, level)
      if (signal.aborted || !matches(candidate, identifier, MATCHED_BY_QUERY)) continue
      found += 1
      yield answer(candidate, identifier)
    }
    if (page.length < PAGE) break
  }
  const act = await deviceAct(department, aeTitle, { address: association.agreement.remoteAddress })
  await audit(department, act, {
    subject: `device:${aeTitle}`,
    type: 'archive.queried',
    data: { level, matches: found },
  })
}

// The query's own idea of names and times is wider than a second look at the text would be.
const MATCHED_BY_QUERY = [0x00080020, 0x00080030, 0x00080021, 0x00080031, 0x00080061, 0x00100010]

/** Without relational queries a lower level names the unique keys above it (PS3.4 C.4.1.1.3.1). */
function levelOf(identifier: Dataset): Level {
  const level = LEVELS[identifier.text('QueryRetrieveLevel') ?? '']
  if (!level) throw refused(0x00080052, 'Query/Retrieve Level is not STUDY, SERIES or IMAGE')
  if (level !== 'study' && !identifier.text('StudyInstanceUID'))
    throw refused(0x0020000d, 'Study Instance UID is wanted')
  if (level === 'instance' && !identifier.text('SeriesInstanceUID'))
    throw refused(0x0020000e, 'Series Instance UID is wanted')
  return level
}

function refused(tag: number, comment: string): StatusError {
  return new StatusError({ status: STATUS.datasetDoesNotMatch, offendingElements: [tag], comment })
}

function keys(identifier: Dataset): Key[] {
  return keysOf(identifier).flatMap((key) => {
    if (key.kind === 'sequence') return []
    return [{ tag: hexOf(key.tag), value: identifier.texts(key.tag).join('\\') }]
  })
}

function entry({ study, series, instance }: Found, level: Level): Dataset {
  const made = new Dataset(UTF8).set('SpecificCharacterSet', UTF8)
  for (const attributes of [study.attributes, series?.attributes, instance?.attributes])
    put(made, attributes ?? {})
  const own: Record<string, Value> = {
    QueryRetrieveLevel: level === 'instance' ? 'IMAGE' : level.toUpperCase(),
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
const STUDY_HELD = [
  'StudyDate',
  'StudyTime',
  'AccessionNumber',
  'PatientName',
  'PatientID',
  'IssuerOfPatientID',
  'PatientBirthDate',
  'PatientSex',
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
