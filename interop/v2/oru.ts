/** Reports out: ORU^R01 2.5.1 (IHE RAD-28 shape), the whole report each time, because receivers replace by OBR-3. */
import type { ProviderSaid } from '#domain/order-message.ts'
import type { Message, Segment } from './message.ts'
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
  writeNameWithLocation,
  writeNumber,
  writeProvider,
} from './outbound.ts'
import { writeTime } from './time.ts'

export type OruStatus = 'preliminary' | 'final' | 'corrected' | 'addendum' | 'withdrawn' | 'cancelled'

export type OruSection = {
  kind:
    | 'findings'
    | 'impression'
    | 'reason'
    | 'comparison'
    | 'recommendation'
    | 'communication'
    | 'addendum'
    | 'whole'
  /** Plain text; line breaks are LF. */
  text: string
  /** Of an addendum: who added it and when. */
  author?: ProviderSaid
  at?: Date
}

/** One requested procedure of the report, with the study its images are in. */
export type OruProcedure = {
  ordered: OutboundCode
  performed?: OutboundCode
  requestedProcedureId?: string
  stepId?: string
  modality?: string
  exam: { start?: Date; end?: Date }
  studyInstanceUid: string
}

export type OruContent = OutboundHeader & {
  patient: OutboundPatient
  visit?: OutboundVisit
  placer?: OutboundNumber
  filler?: OutboundNumber
  accession: string
  /** What the report is about, in the order's order: a group of ORC, OBR and OBX each. */
  procedures: readonly OruProcedure[]
  priority?: keyof typeof priorityCodes
  status: OruStatus
  /** The moment of this status (sign time), never the send time. */
  statusAt: Date
  requester?: ProviderSaid
  copiesTo?: ProviderSaid[]
  reason?: OutboundCode[]
  /** Who is responsible for this status: the signer, from `final` on. */
  signer?: ProviderSaid
  assistants?: ProviderSaid[]
  technologist?: ProviderSaid
  transcriptionist?: ProviderSaid
  sections: OruSection[]
  pdf?: Uint8Array
  /** What the destination wants. */
  policy?: {
    addendumAs?: 'C' | 'F'
    textAs?: 'FT' | 'TX'
    charset?: string
    /** Several procedures under one report: the text with each of them, or once after the last (ORC-1 CN). */
    multiProcedure?: 'repeat' | 'combined'
  }
}

/** OBR-25 (table 0123), OBX-11 (table 0085), ORC-5 (table 0038). */
const statuses: Record<OruStatus, { result: string; observation: string; order: string }> = {
  preliminary: { result: 'P', observation: 'P', order: 'IP' },
  final: { result: 'F', observation: 'F', order: 'CM' },
  corrected: { result: 'C', observation: 'C', order: 'CM' },
  addendum: { result: 'C', observation: 'C', order: 'CM' },
  withdrawn: { result: 'C', observation: 'W', order: 'CM' },
  cancelled: { result: 'X', observation: 'X', order: 'CA' },
}

const sectionCodes: Record<OruSection['kind'], OutboundCode> = {
  findings: { code: '18782-3', text: 'Findings', scheme: 'LN' },
  impression: { code: '19005-8', text: 'Impression', scheme: 'LN' },
  reason: { code: '18785-6', text: 'Reason for study', scheme: 'LN' },
  comparison: { code: '18834-2', text: 'Comparison', scheme: 'LN' },
  recommendation: { code: '18783-1', text: 'Recommendation', scheme: 'LN' },
  communication: { code: '73568-8', text: 'Communication of critical results', scheme: 'LN' },
  addendum: { code: '55107-7', text: 'Addendum', scheme: 'LN' },
  whole: { code: '18748-4', text: 'Diagnostic imaging study', scheme: 'LN' },
}

/**
 * The message as it is frozen and sent on every attempt.
 * @throws UnencodableText when the destination's character set lacks a character
 */
export function buildOru(report: OruContent): Buffer {
  const message = startMessage({ message: 'ORU', event: 'R01', structure: 'ORU_R01' }, report)
  addPatient(message, report.patient)
  if (report.visit) addVisit(message, report.visit)
  for (const procedure of report.procedures) addProcedure(message, report, procedure)
  return message.encodeAs(report.policy?.charset ?? 'UNICODE UTF-8')
}

/**
 * What keeps this report from being sent, as field names with what is wrong; nothing half-right goes out.
 * Checked before the first attempt, and a delivery that fails is parked with these words.
 */
export function missingForOru(report: OruContent): string[] {
  const signed = report.status === 'final' || report.status === 'corrected' || report.status === 'addendum'
  const checks: [boolean, string][] = [
    [
      report.controlId.length > 0 && report.controlId.length <= 20,
      'MSH-10: a control id of at most 20 characters',
    ],
    [
      report.patient.identifiers.some(({ value, issuer }) => value && issuer),
      'PID-3: a patient identifier with its issuer',
    ],
    [Boolean(report.placer?.value || report.filler?.value), 'OBR-2 or OBR-3: an order number'],
    [
      [report.placer, report.filler].every((n) => (n?.value.length ?? 0) <= 22),
      'OBR-2, OBR-3: at most 22 characters',
    ],
    [Boolean(report.requester?.id || report.requester?.name.family), 'OBR-16: the requester'],
    [
      report.accession.length > 0 && report.accession.length <= 16,
      'OBR-18: an accession number of at most 16 characters',
    ],
    [!Number.isNaN(report.statusAt.getTime()), 'OBR-22: the time of this status'],
    [!signed || Boolean(report.signer?.id && report.signer.name.family), 'OBR-32: the signer'],
    [report.procedures.length > 0, 'OBR-4: a procedure'],
    [report.procedures.every((one) => one.studyInstanceUid.length > 0), 'OBX: the Study Instance UID'],
    [
      report.status === 'cancelled' ||
        Boolean(report.pdf?.length) ||
        report.sections.some(({ text }) => text.trim()),
      'OBX: a text or a document',
    ],
  ]
  return checks.filter(([present]) => !present).map(([, what]) => what)
}

/** A receiver that does not know CN still finds every procedure with its result; one that does gets the text once. */
function addProcedure(message: Message, report: OruContent, procedure: OruProcedure): void {
  const isLast = procedure === report.procedures.at(-1)
  const isFollowed = report.policy?.multiProcedure === 'combined' && !isLast
  addOrder(message, report, isFollowed ? 'CN' : 'RE')
  addRequest(message, report, procedure)
  if (report.priority) addTiming(message, report.priority)
  addStudy(message, report, procedure)
  if (!isFollowed) addReport(message, report, procedure)
}

function addOrder(message: Message, report: OruContent, control: 'RE' | 'CN'): void {
  const orc = message.add('ORC')
  orc.set(1, control)
  writeNumber(orc, 2, report.placer)
  writeNumber(orc, 3, report.filler)
  orc.set(5, statuses[report.status].order)
  orc.set(9, writeTime(report.statusAt, report.zone))
  if (report.requester) writeProvider(orc, '12', report.requester)
}

function addRequest(message: Message, report: OruContent, procedure: OruProcedure): void {
  const { ordered, performed, exam, requestedProcedureId, stepId, modality } = procedure
  const obr = message.add('OBR')
  obr.set(1, String(obr.occurrence))
  writeNumber(obr, 2, report.placer)
  writeNumber(obr, 3, report.filler)
  writeCode(obr, '4', ordered)
  if (exam.start) obr.set(7, writeTime(exam.start, report.zone))
  if (exam.end) obr.set(8, writeTime(exam.end, report.zone))
  if (report.requester) writeProvider(obr, '16', report.requester)
  obr.set(18, report.accession)
  if (requestedProcedureId) obr.set(19, requestedProcedureId)
  if (stepId) obr.set(20, stepId)
  obr.set(22, writeTime(report.statusAt, report.zone))
  if (modality) obr.set(24, modality)
  obr.set(25, resultStatus(report))
  for (const [index, copy] of (report.copiesTo ?? []).entries()) writeProvider(obr, `28[${index + 1}]`, copy)
  for (const [index, reason] of (report.reason ?? []).entries()) writeCode(obr, `31[${index + 1}]`, reason)
  addInterpreters(obr, report)
  writeCode(obr, '44', performed ?? ordered)
}

function addInterpreters(
  obr: Segment,
  { signer, assistants, technologist, transcriptionist }: OruContent,
): void {
  if (signer) writeNameWithLocation(obr, '32', signer)
  for (const [index, assistant] of (assistants ?? []).entries())
    writeNameWithLocation(obr, `33[${index + 1}]`, assistant)
  if (technologist) writeNameWithLocation(obr, '34', technologist)
  if (transcriptionist) writeNameWithLocation(obr, '35', transcriptionist)
}

function resultStatus({ status, policy }: OruContent): string {
  return status === 'addendum' ? (policy?.addendumAs ?? 'C') : statuses[status].result
}

function observationStatus({ status, policy }: OruContent): string {
  return status === 'addendum' ? (policy?.addendumAs ?? 'C') : statuses[status].observation
}

function addTiming(message: Message, priority: keyof typeof priorityCodes): void {
  const tq1 = message.add('TQ1')
  tq1.set(1, '1')
  writeCode(tq1, '9', { ...priorityCodes[priority], scheme: 'HL70485' })
}

function addStudy(message: Message, report: OruContent, { studyInstanceUid }: OruProcedure): void {
  const study = addObservation(message, report, 'ST')
  writeCode(study, '3', { code: '113014', text: 'DICOM Study', scheme: 'DCM' })
  study.set(5, studyInstanceUid)
}

function addReport(message: Message, report: OruContent, { exam }: OruProcedure): void {
  let addenda = 0
  for (const [index, section] of report.sections.entries()) {
    if (section.kind === 'addendum') addenda += 1
    const heading =
      section.kind === 'addendum' ? addendumHeading(section, addenda, report.zone) : headings[report.status]
    const headed = section.kind === 'addendum' || index === 0
    const text = headed && heading ? `${heading}\n${section.text}` : section.text
    addSection(message, report, { section: { ...section, text }, examStart: exam.start })
  }
  if (report.pdf) addDocument(message, report, { pdf: report.pdf, examStart: exam.start })
}

/** A receiver that shows only the text must still show what kind of text it is. */
const headings: Partial<Record<OruStatus, string>> = {
  preliminary: 'PRELIMINARY REPORT',
  corrected: 'CORRECTED REPORT',
  withdrawn: 'WITHDRAWN REPORT',
}

function addendumHeading({ author, at }: OruSection, number: number, zone: string): string {
  const by = author
    ? ` by ${[author.name.prefix, author.name.given, author.name.family].filter(Boolean).join(' ')}`
    : ''
  return `ADDENDUM ${number}${by}${at ? ` at ${readable(at, zone)}` : ''}`
}

function readable(at: Date, zone: string): string {
  const [, year, month, day, hour, minute] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)/.exec(writeTime(at, zone))!
  return `${year}-${month}-${day} ${hour}:${minute}`
}

/** FT takes line breaks as `\.br\`; a receiver of TX gets one OBX for each line. */
function addSection(
  message: Message,
  report: OruContent,
  { section, examStart }: { section: OruSection; examStart: Date | undefined },
): void {
  const type = report.policy?.textAs ?? 'FT'
  const parts = type === 'TX' ? section.text.split('\n').map((line) => line || ' ') : [section.text]
  for (const part of parts) {
    const obx = addObservation(message, report, type)
    writeCode(obx, '3', sectionCodes[section.kind])
    obx.set(5, part)
    const at = section.at ?? examStart
    if (at) obx.set(14, writeTime(at, report.zone))
    const observer = section.author ?? report.signer
    if (observer) writeProvider(obx, '16', observer)
  }
}

/** One unbroken line of Base64 in one OBX: wrapped lines arrive as a corrupt document. */
function addDocument(
  message: Message,
  report: OruContent,
  { pdf, examStart }: { pdf: Uint8Array; examStart: Date | undefined },
): void {
  const obx = addObservation(message, report, 'ED')
  writeCode(obx, '3', sectionCodes.whole)
  const parts = [report.application, 'Application', 'PDF', 'Base64', Buffer.from(pdf).toString('base64')]
  for (const [index, part] of parts.entries()) obx.set(`5.${index + 1}`, part)
  if (examStart) obx.set(14, writeTime(examStart, report.zone))
}

function addObservation(message: Message, report: OruContent, type: string): Segment {
  const obx = message.add('OBX')
  obx.set(1, String(obx.occurrence))
  obx.set(2, type)
  obx.set(11, observationStatus(report))
  return obx
}
