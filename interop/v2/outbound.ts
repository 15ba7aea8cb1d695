/** What messages of ours have in common: MSH, PID, PV1 and the numbers of ORC and OBR (HL7 2.5.1 chapters 2 to 4). */
import type { NameGroup, NameSaid, ProviderSaid } from '#domain/order-message.ts'
import { Message, type Segment } from './message.ts'
import { writeTime } from './time.ts'

export type OutboundHeader = {
  /** Our MSH-3 and MSH-4. */
  application: string
  facility: string
  receivingApplication: string
  receivingFacility: string
  /** At most 20 characters (MSH-10 in 2.5.1); one for each report version and destination, for life. */
  controlId: string
  /** MSH-7; frozen with the bytes at the first attempt. */
  at: Date
  /** IANA zone that instants are written in. */
  zone: string
  processingId: string
}

export type OutboundPatient = {
  /** The destination's own identifier first. */
  identifiers: { value: string; issuer: string; universalId?: string; type?: string }[]
  name: NameSaid
  /** `YYYY`, `YYYY-MM` or `YYYY-MM-DD`: as precise as we know it. */
  birthDate?: string
  sex?: string
}

export type OutboundVisit = {
  patientClass?: string
  location?: { pointOfCare?: string; room?: string; bed?: string; facility?: string }
  referrer?: ProviderSaid
  number?: { value: string; authority: string }
}

export type OutboundCode = { code?: string; text?: string; scheme?: string }
export type OutboundNumber = { value: string; authority: string }

export function startMessage(
  type: { message: string; event: string; structure: string },
  header: OutboundHeader,
): Message {
  const message = Message.create()
  const msh = message.first('MSH')!
  msh.set(3, header.application)
  msh.set(4, header.facility)
  msh.set(5, header.receivingApplication)
  msh.set(6, header.receivingFacility)
  msh.set(7, writeTime(header.at, header.zone))
  msh.set('9.1', type.message)
  msh.set('9.2', type.event)
  msh.set('9.3', type.structure)
  msh.set(10, header.controlId)
  msh.set(11, header.processingId)
  msh.set(12, '2.5.1')
  return message
}

export function addPatient(message: Message, patient: OutboundPatient): void {
  const pid = message.add('PID')
  pid.set(1, '1')
  for (const [index, { value, issuer, universalId, type }] of patient.identifiers.entries()) {
    const at = `3[${index + 1}]`
    pid.set(`${at}.1`, value)
    writeAuthority(pid, `${at}.4`, issuer, universalId)
    if (type) pid.set(`${at}.5`, type)
  }
  writeName(pid, 5, patient.name)
  if (patient.birthDate) pid.set(7, patient.birthDate.replaceAll('-', ''))
  if (patient.sex) pid.set(8, patient.sex)
}

function writeAuthority(
  segment: Segment,
  at: string,
  namespace: string,
  universalId: string | undefined,
): void {
  segment.set(universalId ? `${at}.1` : at, namespace)
  if (!universalId) return
  segment.set(`${at}.2`, universalId)
  segment.set(`${at}.3`, 'ISO')
}

/** One repetition for each component group; XPN-8 only where there is more than the alphabetic one. */
function writeName(pid: Segment, field: number, name: NameSaid): void {
  const groups: [NameGroup | undefined, string][] = [
    [name.alphabetic, 'A'],
    [name.ideographic, 'I'],
    [name.phonetic, 'P'],
  ]
  const present = groups.filter((entry): entry is [NameGroup, string] => entry[0] !== undefined)
  for (const [index, [group, representation]] of present.entries()) {
    const at = `${field}[${index + 1}]`
    for (const [offset, part] of nameParts(group).entries()) if (part) pid.set(`${at}.${offset + 1}`, part)
    pid.set(`${at}.7`, 'L')
    if (present.length > 1 || representation !== 'A') pid.set(`${at}.8`, representation)
  }
}

function nameParts({ family, given, middle, suffix, prefix, degree }: NameGroup): (string | undefined)[] {
  return [family, given, middle, suffix, prefix, degree]
}

export function addVisit(message: Message, visit: OutboundVisit): void {
  const pv1 = message.add('PV1')
  pv1.set(1, '1')
  if (visit.patientClass) pv1.set(2, visit.patientClass)
  const { pointOfCare, room, bed, facility } = visit.location ?? {}
  for (const [index, part] of [pointOfCare, room, bed, facility].entries())
    if (part) pv1.set(`3.${index + 1}`, part)
  if (visit.referrer) writeProvider(pv1, '8', visit.referrer)
  if (!visit.number) return
  pv1.set('19.1', visit.number.value)
  pv1.set('19.4', visit.number.authority)
  pv1.set('19.5', 'VN')
}

/** XCN. */
export function writeProvider(segment: Segment, at: string, { id, authority, name }: ProviderSaid): void {
  const parts = [id, ...nameParts(name), undefined, authority]
  for (const [index, part] of parts.entries()) if (part) segment.set(`${at}.${index + 1}`, part)
}

/** NDL: the parts of the name are subcomponents of its first component. An XCN here shows as a blank signer. */
export function writeNameWithLocation(segment: Segment, at: string, { id, name }: ProviderSaid): void {
  for (const [index, part] of [id, ...nameParts(name)].entries())
    if (part) segment.set(`${at}.1.${index + 1}`, part)
}

export function writeCode(segment: Segment, at: string, { code, text, scheme }: OutboundCode): void {
  for (const [index, part] of [code, text, scheme].entries())
    if (part) segment.set(`${at}.${index + 1}`, part)
}

/** EI, exactly as received, authority included. */
export function writeNumber(segment: Segment, field: number, number: OutboundNumber | undefined): void {
  if (!number) return
  segment.set(`${field}.1`, number.value)
  segment.set(`${field}.2`, number.authority)
}

/** Table 0485, as TQ1-9 and ORC-7.6 say it. */
export const priorityCodes = {
  stat: { code: 'S', text: 'Stat' },
  urgent: { code: 'A', text: 'ASAP' },
  routine: { code: 'R', text: 'Routine' },
} as const
