/** Orders as a placer writes them: ORM^O01 2.5.1 (HL7 chapter 4, IHE RAD-2), from what is ordered to the bytes on the wire. */
import { ulid } from 'ulid'
import type { NameSaid, ProviderSaid } from '#domain/order-message.ts'
import type { Priority } from '#domain/words.ts'
import type { Message, Segment } from '#interop/v2/message.ts'
import {
  addPatient,
  addVisit,
  priorityCodes,
  startMessage,
  writeCode,
  writeNumber,
  writeProvider,
} from '#interop/v2/outbound.ts'
import { writeTime } from '#interop/v2/time.ts'

export interface OrmProcedure {
  code: string
  text: string
  /** Default LN. */
  scheme?: string
  side?: 'left' | 'right'
  modality?: string
  /** AE title or room that the exam is wanted in. */
  room?: string
  accession?: string
  requestedProcedureId?: string
  stepId?: string
  studyInstanceUid?: string
}

export interface OrmContent {
  /** Table 0119; default NW. */
  control?: 'NW' | 'XO' | 'CA' | 'DC' | 'SN'
  /** MSH-10; default a new one. */
  controlId?: string
  placer: string
  /** Default EMR. */
  placerAuthority?: string
  placerGroup?: string
  filler?: { value: string; authority: string }
  patient: { id: string; issuer?: string; name: NameSaid; birthDate?: string; sex?: string }
  visit?: {
    patientClass?: 'E' | 'I' | 'O'
    location?: { pointOfCare: string; room?: string; bed?: string }
    number?: string
  }
  priority?: Priority
  /** The first is default: one ORC and OBR for each, all under the one placer number. */
  procedures: readonly OrmProcedure[]
  /** When the exam is wanted or, from a scheduling authority, booked. */
  start?: Date
  reason?: string
  requester?: ProviderSaid
  copiesTo?: readonly ProviderSaid[]
  /** MSH-7 and ORC-9; default now. */
  at?: Date
  /** IANA zone that times are written in; default Europe/Berlin. */
  zone?: string
  application?: string
  facility?: string
  processingId?: string
}

export const PLACER_APPLICATION = 'EMR'

/** At most 20 characters, unique for ever. */
export function newControlId(): string {
  return `SIM${ulid().slice(-17)}`
}

/** The message's bytes, in UTF-8 where ASCII does not do; unframed. */
export function buildOrm(content: OrmContent): Buffer {
  const { at = new Date(), zone = 'Europe/Berlin', placerAuthority = PLACER_APPLICATION } = content
  const message = startMessage(
    { message: 'ORM', event: 'O01', structure: 'ORM_O01' },
    {
      application: content.application ?? PLACER_APPLICATION,
      facility: content.facility ?? 'GENERAL',
      receivingApplication: 'ISOCENTER',
      receivingFacility: 'MAIN',
      controlId: content.controlId ?? newControlId(),
      at,
      zone,
      processingId: content.processingId ?? 'P',
    },
  )
  const { id, issuer = placerAuthority, name, birthDate, sex } = content.patient
  addPatient(message, {
    identifiers: [{ value: id, issuer, type: 'MR' }],
    name,
    ...(birthDate ? { birthDate } : {}),
    ...(sex ? { sex } : {}),
  })
  addVisitOf(message, content, placerAuthority)
  for (const [index, procedure] of content.procedures.entries()) {
    addOrder(message, { content, procedure, index, at, zone, placerAuthority })
  }
  return message.encodeAs('UNICODE UTF-8')
}

function addVisitOf(message: Message, { visit, requester }: OrmContent, authority: string): void {
  if (!visit && !requester) return
  addVisit(message, {
    ...(visit?.patientClass ? { patientClass: visit.patientClass } : {}),
    ...(visit?.location ? { location: visit.location } : {}),
    ...(requester ? { referrer: requester } : {}),
    ...(visit?.number ? { number: { value: visit.number, authority } } : {}),
  })
}

interface OrderPart {
  content: OrmContent
  procedure: OrmProcedure
  index: number
  at: Date
  zone: string
  placerAuthority: string
}

function addOrder(message: Message, part: OrderPart): void {
  const { content, at, zone, placerAuthority } = part
  const number = { value: content.placer, authority: placerAuthority }
  const orc = message.add('ORC')
  orc.set(1, content.control ?? 'NW')
  writeNumber(orc, 2, number)
  writeNumber(orc, 3, content.filler)
  if (content.placerGroup) orc.set(4, content.placerGroup)
  orc.set(9, writeTime(at, zone))
  if (content.requester) writeProvider(orc, '12', content.requester)
  const tq1 = message.add('TQ1')
  tq1.set(1, '1')
  if (content.start) tq1.set(7, writeTime(content.start, zone))
  tq1.set('9.1', priorityCodes[content.priority ?? 'routine'].code)
  addDetail(message.add('OBR'), part, number)
  if (part.procedure.studyInstanceUid) addStudyUid(message.add('ZDS'), part.procedure.studyInstanceUid)
}

function addDetail(
  obr: Segment,
  { content, procedure, index }: OrderPart,
  number: { value: string; authority: string },
): void {
  obr.set(1, String(index + 1))
  writeNumber(obr, 2, number)
  writeNumber(obr, 3, content.filler)
  writeCode(obr, '4', { code: procedure.code, text: procedure.text, scheme: procedure.scheme ?? 'LN' })
  if (content.requester) writeProvider(obr, '16', content.requester)
  const plain: [number, string | undefined][] = [
    [18, procedure.accession],
    [19, procedure.requestedProcedureId],
    [20, procedure.stepId],
    [21, procedure.room],
    [24, procedure.modality],
  ]
  for (const [field, value] of plain) if (value) obr.set(field, value)
  for (const [repetition, copy] of (content.copiesTo ?? []).entries())
    writeProvider(obr, `28[${repetition + 1}]`, copy)
  if (content.reason) obr.set('31.2', content.reason)
  if (procedure.side) writeCode(obr, '45', SIDES[procedure.side])
}

// Table 0340 of the United States; what side is meant is read from the code or from the word.
const SIDES = {
  left: { code: 'LT', text: 'Left', scheme: 'HL70340' },
  right: { code: 'RT', text: 'Right', scheme: 'HL70340' },
} as const

/** ZDS-1 (IHE RAD TF-2, RAD-4): the Study Instance UID as a reference pointer. */
function addStudyUid(zds: Segment, studyInstanceUid: string): void {
  for (const [index, part] of [studyInstanceUid, PLACER_APPLICATION, 'Application', 'DICOM'].entries())
    zds.set(`1.${index + 1}`, part)
}
