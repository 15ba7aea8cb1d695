/** Which attributes of an object its order says otherwise, and the record of it (Original Attributes Sequence, PS3.3 C.12.1.1.9). */
import { type Correction, OF_ANOTHER } from '#db/queries/corrections.ts'
import { formatPersonName, nameKeyOfDicom } from '#domain/identity.ts'
import type { NameGroup } from '#domain/order-message.ts'

export type Json = Record<
  string,
  { vr: string; Value?: unknown[]; BulkDataURI?: string; InlineBinary?: string }
>

/** An object's corrected attributes, as DICOM JSON, and who corrected them. */
export interface Coercion {
  attributes: Json
  /** AE title that the object came from. */
  source: string
  at: Date
  /** Us. */
  system: string
}

export interface Sent {
  /** DICOM JSON of the header as stored. */
  header: Json
  sourceAe: string
}

/** (0400,0563) */
const SYSTEM = 'ISOCENTER'

/** Null when the object says what its order says, or nobody knows better. */
export function coercionOf({ header, sourceAe }: Sent, correction: Correction | undefined): Coercion | null {
  if (!correction) return null
  const attributes = isMoved(header, correction)
    ? movedChanges(header, correction)
    : { ...patientChanges(header, correction), ...requestChanges(header, correction) }
  if (Object.keys(attributes).length === 0) return null
  return { attributes, source: sourceAe, at: correction.at, system: SYSTEM }
}

const STUDY_INSTANCE_UID = '0020000D'

/** A person said that it is of this study, whatever the scanner was told. */
function isMoved(header: Json, { studyUid }: Correction): boolean {
  const said = text(header, STUDY_INSTANCE_UID)
  return said !== '' && said !== studyUid
}

/** Nothing of what the scanner was told about the other patient, visit and request goes out as this one's. */
function movedChanges(header: Json, correction: Correction): Json {
  const blank = Object.fromEntries(
    OF_ANOTHER.flatMap((tag) => (header[tag] ? [[tag, { vr: header[tag].vr }]] : [])),
  )
  const { patient, requests } = correction
  const birthDate = patient.birthDate?.length === 10 ? patient.birthDate.replaceAll('-', '') : null
  const said = (vr: string, value: string | null | undefined) => (value ? { vr, Value: [value] } : { vr })
  return {
    ...blank,
    '00080050': said('SH', requests[0]?.accession),
    '00100010': { vr: 'PN', Value: [groups(patient)] },
    ...identifier(patient.id !== null && isLegal(patient.id) ? patient : { id: null, issuer: null }),
    '00100030': said('DA', birthDate),
    '00100040': said('CS', patient.sex),
    [STUDY_INSTANCE_UID]: { vr: 'UI', Value: [correction.studyUid] },
    '00400275': { vr: 'SQ', Value: requests.map(requestAttributes) },
  }
}

function patientChanges(header: Json, { patient, patientIds, activeIds }: Correction): Json {
  const said = text(header, '00100020')
  if (said !== '' && !patientIds.includes(said)) return {}
  const birthDate = patient.birthDate?.length === 10 ? patient.birthDate.replaceAll('-', '') : null
  return {
    ...(!isSameName(header, patient) && { '00100010': { vr: 'PN', Value: [groups(patient)] } }),
    ...(patient.id !== null && isLegal(patient.id) && !activeIds.includes(said) && identifier(patient)),
    ...(birthDate !== null &&
      text(header, '00100030') !== birthDate && { '00100030': { vr: 'DA', Value: [birthDate] } }),
    ...(patient.sex !== null &&
      text(header, '00100040') !== patient.sex && { '00100040': { vr: 'CS', Value: [patient.sex] } }),
  }
}

// A number never goes out without who gave it: what the object says of that was said of another number.
function identifier({ id, issuer }: Pick<Correction['patient'], 'id' | 'issuer'>): Json {
  return {
    '00100020': id ? { vr: 'LO', Value: [id] } : { vr: 'LO' },
    '00100021': issuer && isLegal(issuer) ? { vr: 'LO', Value: [issuer] } : { vr: 'LO' },
  }
}

/** Of LO, and of a group of PN (PS3.5 table 6.2-1). */
const LENGTH = 64

/** Whether LO can hold it. A number that is cut short would be another one. */
function isLegal(value: string): boolean {
  return [...value].length <= LENGTH && !/[\\\p{Cc}]/u.test(value)
}

// The case of letters, accents and a further script are a console's manner and no other name.
function isSameName(header: Json, patient: Correction['patient']): boolean {
  const said = header['00100010']?.Value?.[0] as { Alphabetic?: string } | undefined
  return nameKeyOfDicom(said?.Alphabetic) === nameKeyOfDicom(groups(patient).Alphabetic)
}

function groups({ name }: Correction['patient']): Record<string, string> {
  const legal = Object.fromEntries(Object.entries(name).map(([group, said]) => [group, legalGroup(said)]))
  const [alphabetic, ideographic, phonetic] = formatPersonName(legal).split('=').map(cut)
  return {
    ...(alphabetic && { Alphabetic: alphabetic }),
    ...(ideographic && { Ideographic: ideographic }),
    ...(phonetic && { Phonetic: phonetic }),
  }
}

// A caret, an equals sign or a backslash in a name would make another component, group or value of it.
function legalGroup(group: NameGroup): NameGroup {
  const said = Object.entries(group).filter(([, component]) => component !== undefined)
  return Object.fromEntries(
    said.map(([key, component]) => [key, component.replace(/[\^=\\\p{Cc}]+/gu, ' ').trim()]),
  )
}

const cut = (text: string): string => [...text].slice(0, LENGTH).join('').trimEnd()

function requestChanges(header: Json, { requests }: Correction): Json {
  const [first] = requests
  if (!first) return {}
  const said = text(header, '00080050')
  const isOurs = (accession: string) => requests.some((request) => request.accession === accession)
  return {
    ...(!isOurs(said) && { '00080050': { vr: 'SH', Value: [first.accession] } }),
    ...(isOfOthers(header, isOurs) && { '00400275': { vr: 'SQ', Value: requests.map(requestAttributes) } }),
  }
}

/** Whether an object says nothing of a request, or of none of ours and by an accession number of another. */
function isOfOthers(header: Json, isOurs: (accession: string) => boolean): boolean {
  const asked = (header['00400275']?.Value ?? []) as Json[]
  const accessions = asked.map((item) => text(item ?? {}, '00080050')).filter((accession) => accession !== '')
  return asked.length === 0 || (accessions.length > 0 && !accessions.some(isOurs))
}

function requestAttributes({
  accession,
  requestedProcedureId,
  text: words,
  stepNumber,
}: Correction['requests'][number]): Json {
  return {
    '00080050': { vr: 'SH', Value: [accession] },
    '00321060': { vr: 'LO', Value: [cut(words.replace(/[\\\p{Cc}]+/gu, ' '))] },
    ...(stepNumber !== null && { '00400009': { vr: 'SH', Value: [stepNumber] } }),
    '00401001': { vr: 'SH', Value: [requestedProcedureId] },
  }
}

/** (0400,0565): reconciled against the orders and the patients of the department. */
export const COERCE = 'COERCE'

/** DT in universal time, so that the same correction always reads the same. */
export function modifiedAt({ at }: Coercion): string {
  return `${at.toISOString().slice(0, 19).replace(/[-:T]/g, '')}+0000`
}

/** The header as it goes out, as text in the order of its tags. */
export function coercedText(header: Json, coercion: Coercion): string {
  const { attributes, source, system } = coercion
  const original = Object.fromEntries(
    Object.keys(attributes).map((tag) => [tag, header[tag] ?? { vr: attributes[tag]!.vr }]),
  )
  const record: Json = {
    '04000550': { vr: 'SQ', Value: [original] },
    '04000562': { vr: 'DT', Value: [modifiedAt(coercion)] },
    '04000563': { vr: 'LO', Value: [system] },
    '04000564': source === '' ? { vr: 'LO' } : { vr: 'LO', Value: [source] },
    '04000565': { vr: 'CS', Value: [COERCE] },
  }
  const before = header['04000561']?.Value ?? []
  return inTagOrder({ ...header, ...attributes, '04000561': { vr: 'SQ', Value: [...before, record] } })
}

// JavaScript puts keys that look like numbers (54000100) before all others; DICOM wants them in their place.
function inTagOrder(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inTagOrder).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([key, member]) => `${JSON.stringify(key)}:${inTagOrder(member)}`).join(',')}}`
}

function text(header: Json, tag: string): string {
  const value = header[tag]?.Value?.[0]
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : ''
}
