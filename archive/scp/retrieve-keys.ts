/** What a C-MOVE or C-GET identifier names (PS3.4 C.4.2.2.1, C.6.1.1, C.6.2.1): a level, and unique keys from it upwards. */
import type { Dataset } from '#archive/dimse/dataset.ts'
import { tagOf } from '#archive/dimse/dictionary.ts'
import {
  PATIENT_ROOT_FIND,
  PATIENT_ROOT_GET,
  PATIENT_ROOT_MOVE,
  STUDY_ROOT_FIND,
  STUDY_ROOT_GET,
  STUDY_ROOT_MOVE,
} from '#archive/dimse/sop-class.ts'
import { STATUS, StatusError } from '#archive/dimse/status.ts'
import type { RetrieveAsked, RetrieveLevel } from '#db/queries/dimse-query.ts'
import type { View } from '#db/queries/visibility.ts'

export type Root = 'patient' | 'study'

/** The information model of a class, where the service is the one that it is for; undefined for any other class. */
export function rootOf(sopClassUid: string, service: keyof typeof CLASSES): Root | undefined {
  const { patient, study } = CLASSES[service]
  if (sopClassUid === patient) return 'patient'
  return sopClassUid === study ? 'study' : undefined
}

const CLASSES = {
  cFind: { patient: PATIENT_ROOT_FIND, study: STUDY_ROOT_FIND },
  cMove: { patient: PATIENT_ROOT_MOVE, study: STUDY_ROOT_MOVE },
  cGet: { patient: PATIENT_ROOT_GET, study: STUDY_ROOT_GET },
} as const

const LEVELS: Readonly<Record<string, RetrieveLevel>> = {
  PATIENT: 'patient',
  STUDY: 'study',
  SERIES: 'series',
  IMAGE: 'instance',
}

/** Unique keys from the top down; each level is named by its own and all those above it. */
const UNIQUE_KEYS: readonly (readonly [RetrieveLevel, string])[] = [
  ['patient', 'PatientID'],
  ['study', 'StudyInstanceUID'],
  ['series', 'SeriesInstanceUID'],
  ['instance', 'SOPInstanceUID'],
]

/** @throws StatusError A900H for a level that the model does not have */
export function levelOf(identifier: Dataset, root: Root): RetrieveLevel {
  const level = LEVELS[identifier.text('QueryRetrieveLevel') ?? '']
  if (level && (root === 'patient' || level !== 'patient')) return level
  throw doesNotMatch('QueryRetrieveLevel', 'not a level of this information model')
}

/** The unique keys that a level stands below, and its own when `own`: the study root knows no patient key. */
export function uniqueKeys(root: Root, level: RetrieveLevel, { own }: { own: boolean }): string[] {
  const at = UNIQUE_KEYS.findIndex(([name]) => name === level)
  return UNIQUE_KEYS.slice(root === 'patient' ? 0 : 1, own ? at + 1 : at).map(([, keyword]) => keyword)
}

/** @throws StatusError A900H when a unique key is missing */
export function requireKeys(identifier: Dataset, keywords: readonly string[]): void {
  for (const keyword of keywords)
    if (!identifier.text(keyword)) throw doesNotMatch(keyword, `${keyword} is wanted`)
}

/** @throws StatusError A900H for a level or unique key that is missing */
export function retrieveAsked(
  identifier: Dataset,
  root: Root,
  { siteIds: sites, view }: { siteIds: readonly string[] | null; view: View },
): RetrieveAsked {
  const level = levelOf(identifier, root)
  requireKeys(identifier, uniqueKeys(root, level, { own: true }))
  const named = uniqueKeys(root, level, { own: true })
  const values = (keyword: string) =>
    named.includes(keyword) ? identifier.texts(keyword).filter((text) => text !== '') : []
  return {
    level,
    sites,
    view,
    patientIds: values('PatientID'),
    issuers: root === 'patient' ? identifier.texts('IssuerOfPatientID').filter((text) => text !== '') : [],
    studyUids: values('StudyInstanceUID'),
    seriesUids: values('SeriesInstanceUID'),
    sopInstanceUids: values('SOPInstanceUID'),
  }
}

export function doesNotMatch(keyword: string, comment: string): StatusError {
  return new StatusError({
    status: STATUS.datasetDoesNotMatch,
    offendingElements: [tagOf(keyword)],
    comment,
  })
}
