/** Order status out: ORM^O01 to placers, phase by phase (HL7 2.5.1 ORC-1, ORC-5 table 0038, OBR-25 table 0123; IHE RAD-3). */
import type { ProviderSaid } from '#domain/order-message.ts'
import {
  addPatient,
  addVisit,
  type OutboundCode,
  type OutboundHeader,
  type OutboundNumber,
  type OutboundPatient,
  type OutboundVisit,
  priorityCodes,
  startMessage,
  writeCode,
  writeNumber,
  writeProvider,
} from './outbound.ts'
import { writeTime } from './time.ts'

export type StatusToTell = 'accepted' | 'scheduled' | 'arrived' | 'acquiring' | 'acquired' | EndToTell
type EndToTell = 'cancelled-for-placer' | 'cancelled-by-us' | 'discontinued'

type Wording = { control: string; order: string; result: string; event?: OutboundCode }

/** The values are ours to choose within the tables. Reading and reports are told by ORU, never from here. */
const wordings: Record<StatusToTell, Wording> = {
  accepted: { control: 'SC', order: 'IP', result: 'O' },
  scheduled: { control: 'SC', order: 'SC', result: 'S' },
  arrived: {
    control: 'SC',
    order: 'IP',
    result: 'S',
    event: { code: 'ARRIVED', text: 'Patient arrived', scheme: '99ISOC' },
  },
  acquiring: { control: 'SC', order: 'IP', result: 'I' },
  acquired: { control: 'SC', order: 'CM', result: 'I' },
  'cancelled-for-placer': { control: 'CR', order: 'CA', result: 'X' },
  'cancelled-by-us': { control: 'OC', order: 'CA', result: 'X' },
  discontinued: { control: 'OD', order: 'DC', result: 'X' },
}

export type OrderStatusContent = OutboundHeader & {
  status: StatusToTell
  /** When it became so. */
  statusAt: Date
  patient: OutboundPatient
  visit?: OutboundVisit
  placer?: OutboundNumber
  filler?: OutboundNumber
  procedure: OutboundCode
  accession: string
  requestedProcedureId?: string
  stepId?: string
  modality?: string
  priority?: keyof typeof priorityCodes
  scheduledStart?: Date
  requester?: ProviderSaid
  reason?: OutboundCode
  charset?: string
}

/** @throws UnencodableText when the destination's character set lacks a character */
export function buildOrderStatus(content: OrderStatusContent): Buffer {
  const message = startMessage({ message: 'ORM', event: 'O01', structure: 'ORM_O01' }, content)
  addPatient(message, content.patient)
  if (content.visit) addVisit(message, content.visit)
  const wording = wordings[content.status]
  const orc = message.add('ORC')
  orc.set(1, wording.control)
  writeNumber(orc, 2, content.placer)
  writeNumber(orc, 3, content.filler)
  orc.set(5, wording.order)
  writeTiming(orc, '7', content)
  orc.set(9, writeTime(content.statusAt, content.zone))
  if (content.requester) writeProvider(orc, '12', content.requester)
  if (content.reason) writeCode(orc, '16', content.reason)
  if (wording.event) writeCode(orc, '25', wording.event)
  const obr = message.add('OBR')
  obr.set(1, '1')
  writeNumber(obr, 2, content.placer)
  writeNumber(obr, 3, content.filler)
  writeCode(obr, '4', content.procedure)
  if (content.requester) writeProvider(obr, '16', content.requester)
  obr.set(18, content.accession)
  if (content.requestedProcedureId) obr.set(19, content.requestedProcedureId)
  if (content.stepId) obr.set(20, content.stepId)
  obr.set(22, writeTime(content.statusAt, content.zone))
  if (content.modality) obr.set(24, content.modality)
  obr.set(25, wording.result)
  writeTiming(obr, '27', content)
  if (content.scheduledStart) obr.set(36, writeTime(content.scheduledStart, content.zone))
  return message.encodeAs(content.charset ?? 'UNICODE UTF-8')
}

/** TQ: the start in its fourth component, the priority in its sixth; an ORM has no TQ1 before 2.5. */
function writeTiming(
  segment: { set(place: string, value: string): void },
  field: string,
  { scheduledStart, priority, zone }: OrderStatusContent,
): void {
  if (scheduledStart) segment.set(`${field}.4`, writeTime(scheduledStart, zone))
  if (priority) segment.set(`${field}.6`, priorityCodes[priority].code)
}
