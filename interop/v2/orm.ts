/** Orders in: ORM^O01, OMG^O19 and OMI^O23 to what they ask of the department (HL7 2.5.1 chapter 4; IHE RAD-2, RAD-4). */
import {
  type CodeSaid,
  type OrderAnswer,
  type OrderControl,
  type OrderedProcedure,
  type OrderedStep,
  type OrderMessage,
  orderAnswers,
  orderControls,
  type PartialDate,
  type Said,
} from '#domain/order-message.ts'
import type { Connection } from './connection.ts'
import {
  dropUndefined,
  eachRepetition,
  readCode,
  readIdentifiers,
  readNames,
  readNumber,
  readOrderNumber,
  readProvider,
} from './datatypes.ts'
import type { ErrorCode, Finding, Warning } from './finding.ts'
import { groupOrders, type OrderGroup } from './groups.ts'
import type { Message, Segment } from './message.ts'
import { mostUrgent, readPriority } from './priority.ts'
import { readSide } from './side.ts'
import { readPartialDate, readTime } from './time.ts'

export type MappedOrders = { orders: OrderMessage[]; errors: Finding[]; warnings: Warning[] }

/**
 * Every order of a message: groups that share a placer number (and a control code) are one order with several
 * procedures. One message is one transaction, so any error means that none of its orders is carried out.
 */
export function mapOrders(message: Message, connection: Connection): MappedOrders {
  const reading = new Reading(message, connection)
  const { patientNotes, groups } = groupOrders(message)
  const patient = readPatient(reading, patientNotes)
  if (groups.length === 0) reading.refuse('100', { segment: 'ORC' }, 'The message holds no order (ORC).')
  const orders: OrderMessage[] = []
  for (const group of groups) {
    const order = readGroup(reading, group, patient)
    if (!order) continue
    const same = orders.find((known) => isSameOrder(known, order))
    if (same) merge(same, order)
    else orders.push(order)
  }
  for (const order of orders) order.warnings = reading.warnings
  return {
    orders: reading.errors.length > 0 ? [] : orders,
    errors: reading.errors,
    warnings: reading.warnings,
  }
}

/** What is being read, and what was found wrong on the way. */
class Reading {
  readonly message: Message
  readonly connection: Connection
  readonly errors: Finding[] = []
  readonly warnings: Warning[] = []
  readonly warn: (code: string, location: string) => void

  constructor(message: Message, connection: Connection) {
    this.message = message
    this.connection = connection
    this.warn = (code, location) => {
      if (!this.warnings.some((w) => w.code === code && w.location === location))
        this.warnings.push({ code, location })
    }
  }

  refuse(code0357: ErrorCode, location: Finding['location'], sentence: string): void {
    this.errors.push({ code0357, location, ourCode: 'invalid-message', sentence })
  }

  /** A time that decides something must be one; an empty place is none. */
  time(segment: Segment | undefined, place: string | number, needed = true): Date | undefined {
    const text = segment?.value(place)
    if (!segment || !text) return undefined
    const read = readTime(text, this.connection.zone)
    const where = `${segment.name}-${place}`
    if (read?.odd) this.warn('time-of-clock-change', where)
    if (!read && needed)
      this.refuse('102', segment.at(Number.parseInt(String(place), 10)), `${where} is not a time.`)
    else if (!read) this.warn('not-a-time', where)
    return read?.instant
  }
}

function readPatient(reading: Reading, notes: Segment[]): OrderMessage['patient'] | undefined {
  const pid = reading.message.first('PID')
  if (!pid) {
    reading.refuse('100', { segment: 'PID', occurrence: 1 }, 'The message holds no patient (PID).')
    return undefined
  }
  const { authority } = reading.connection
  const identifiers = readIdentifiers(pid, 3, authority)
  for (const old of [2, 4]) {
    for (const found of readIdentifiers(pid, old, 'unknown'))
      if (!identifiers.some((known) => known.value === found.value)) identifiers.push(found)
  }
  if (identifiers.length === 0)
    reading.refuse('101', pid.at(3, 1, 1), 'The patient has no identifier (PID-3).')
  const [name, ...otherNames] = readNames(pid, 5)
  const sexAsSent = pid.value(8)?.toUpperCase()
  return {
    identifiers,
    name: pid.isNull(5) ? null : name,
    otherNames,
    birthDate: readBirthDate(reading, pid),
    sex: pid.isNull(8) ? null : readSex(sexAsSent),
    ...(sexAsSent ? { sexAsSent } : {}),
    temporaryIdentity: pid.value(31)?.toUpperCase() === 'Y' || /^unknown$/i.test(pid.value('5.1') ?? ''),
    comments: notes.map((note) => note.text(3)).filter(Boolean),
  }
}

function readBirthDate(reading: Reading, pid: Segment): Said<PartialDate> {
  if (pid.isNull(7)) return null
  const text = pid.value(7)
  if (!text) return undefined
  const date = readPartialDate(text)
  if (!date) reading.refuse('102', pid.at(7), 'The birth date (PID-7) is not a date.')
  return date
}

/** Table 0001 to DICOM's (0010,0040): ambiguous and other are O, unknown and not applicable say nothing. */
function readSex(letter: string | undefined): 'F' | 'M' | 'O' | undefined {
  if (letter === 'F' || letter === 'M' || letter === 'O') return letter
  return letter === 'A' ? 'O' : undefined
}

function readGroup(
  reading: Reading,
  group: OrderGroup,
  patient: OrderMessage['patient'] | undefined,
): OrderMessage | undefined {
  const { orc, obr } = group
  const { authority } = reading.connection
  if (!orc) {
    reading.refuse('100', { segment: 'ORC', occurrence: 1 }, 'An order detail (OBR) stands without its ORC.')
    return undefined
  }
  const control = readControl(reading, orc)
  if (!control) return undefined
  if (!obr && (asksForWork(control) || group.otherDetail)) {
    reading.refuse(
      '100',
      { segment: 'OBR', occurrence: orc.occurrence },
      'The order has no imaging detail (OBR).',
    )
    return undefined
  }
  const placer = readOrderNumber(orc, 2, authority) ?? readOrderNumber(obr, 2, authority)
  const filler = readOrderNumber(orc, 3, authority) ?? readOrderNumber(obr, 3, authority)
  if (!placer && control !== 'SN' && (!filler || asksForWork(control)))
    reading.refuse('101', orc.at(2, 1, 1), 'The order has no placer number (ORC-2).')
  disagreements(reading, group)
  const procedures = obr ? readProcedures(reading, group, obr, control) : []
  if (!patient) return undefined
  return dropUndefined<OrderMessage>({
    control,
    placer,
    filler,
    placerGroup: orc.value('4.1'),
    externalStatus: orc.value(5),
    patient,
    visit: readVisit(reading),
    priority: readPriority(group, reading.connection.priorityWords, reading.warn),
    requester: readRequester(reading, group),
    enteredBy: readProvider(orc, 10),
    copiesTo: obr ? eachRepetition(obr, 28, (at) => readProvider(obr, at)) : [],
    reason: readReason(obr),
    changeReason: orc.value('16.2') ?? orc.value('16.1'),
    indications: group.diagnoses.map((dg1) => readCode(dg1, 3)).filter((code) => code !== undefined),
    dangerCode: obr?.value('12.2') ?? obr?.value('12.1'),
    medicalAlerts: obr ? obr.text(13) || undefined : undefined,
    allergies: readAllergies(reading.message),
    observations: readObservations(reading, group),
    notes: group.notes.map((note) => note.text(3)).filter(Boolean),
    orderedAt: reading.time(orc, 9, false),
    callBack: orc.isNull(14) ? null : (telephone(orc, 14) ?? (obr && telephone(obr, 17))),
    department: orc.value('17.1') ?? orc.value('17.2'),
    procedures,
    warnings: [],
  })
}

/** Codes that bring an order into being and so must say what is to be done. */
function asksForWork(control: OrderMessage['control']): boolean {
  return control === 'NW' || control === 'SN' || control === 'RO' || control === 'CH'
}

function readControl(reading: Reading, orc: Segment): OrderControl | OrderAnswer | undefined {
  const code = orc.value(1)?.toUpperCase()
  const known = [...orderControls, ...orderAnswers].find((control) => control === code)
  if (!code) reading.refuse('101', orc.at(1), 'The order control code (ORC-1) is missing.')
  else if (!known) reading.refuse('103', orc.at(1), 'The order control code (ORC-1) is not one we take.')
  return known
}

/** ORC wins over OBR where both name the order; people are told. */
function disagreements(reading: Reading, { orc, obr }: OrderGroup): void {
  for (const field of [2, 3]) {
    const [ours, theirs] = [orc?.value(`${field}.1`), obr?.value(`${field}.1`)]
    if (ours && theirs && ours !== theirs) reading.warn('order-number-disagrees', `OBR-${field}`)
  }
}

/** OBR-16 is the physician; a different ORC-12 is often the ward's account. */
function readRequester(reading: Reading, { orc, obr }: OrderGroup): OrderMessage['requester'] {
  if (obr?.isNull(16) || (orc?.isNull(12) && !obr?.value(16))) return null
  const physician = obr && readProvider(obr, 16)
  const ordering = orc && readProvider(orc, 12)
  if (physician?.id && ordering?.id && physician.id !== ordering.id)
    reading.warn('requester-disagrees', 'OBR-16')
  return physician ?? ordering
}

/** OBR-31 repeats and may be text only; everything is joined in order and nothing is cut. */
function readReason(obr: Segment | undefined): OrderMessage['reason'] {
  if (!obr) return undefined
  if (obr.isNull(31)) return null
  const codes = eachRepetition(obr, 31, (at) => readCode(obr, at))
  if (codes.length === 0) return undefined
  return {
    text: codes.map(({ text, code }) => text ?? code).join('\n'),
    codes: codes.filter(({ code }) => code),
  }
}

function telephone(segment: Segment, field: number): string | undefined {
  const numbered = [segment.value(`${field}.6`), segment.value(`${field}.7`)].filter(Boolean).join(' ')
  return segment.value(`${field}.1`) ?? segment.value(`${field}.12`) ?? (numbered || undefined)
}

function readVisit({ message, connection }: Reading): OrderMessage['visit'] {
  const [pv1, pid] = [message.first('PV1'), message.first('PID')]
  const visitNumber = readNumber(pv1, 19, connection.authority) ?? readNumber(pid, 18, connection.authority)
  if (!pv1 && !visitNumber) return undefined
  const [pointOfCare, room, bed, facility] = ['3.1', '3.2', '3.3', '3.4.1'].map((place) => pv1?.value(place))
  return {
    number: pv1?.isNull(19) ? null : visitNumber,
    patientClass: pv1?.isNull(2) ? null : pv1?.value(2),
    location: pv1?.isNull(3)
      ? null
      : pointOfCare || room
        ? dropUndefined({ pointOfCare, room, bed, facility })
        : undefined,
    referrer: pv1?.isNull(8) ? null : pv1 && readProvider(pv1, 8),
    pregnant: pv1 ? eachRepetition(pv1, 15, (at) => pv1.value(at)).includes('B6') : false,
    vip: pv1?.isNull(16) ? null : pv1?.value(16),
  }
}

function readAllergies(message: Message): OrderMessage['allergies'] {
  return message.all('AL1').flatMap((al1) => {
    const agent = readCode(al1, 3)
    if (!agent) return []
    return [
      dropUndefined({
        type: al1.value('2.1'),
        agent,
        severity: al1.value('4.1'),
        reaction: al1.text(5) || undefined,
      }),
    ]
  })
}

function readObservations(reading: Reading, { observations }: OrderGroup): OrderMessage['observations'] {
  return observations.flatMap((obx) => {
    const [code, value] = [readCode(obx, 3), obx.text(5)]
    if (!code || !value) return []
    return [dropUndefined({ code, value, units: obx.value('6.1'), observedAt: reading.time(obx, 14, false) })]
  })
}

/**
 * The procedures of one OBR: one, unless IPC segments name several requested procedure ids.
 * A code missing from a change or a cancel only means that it doesn't change.
 */
function readProcedures(
  reading: Reading,
  group: OrderGroup,
  obr: Segment,
  control: OrderMessage['control'],
): OrderedProcedure[] {
  const procedure = readProcedure(reading, group, obr)
  if (asksForWork(control) && !procedure.code && !procedure.text)
    reading.refuse('101', obr.at(4, 1, 1), 'The order does not say which procedure is wanted (OBR-4).')
  if (asksForWork(control) && !procedure.code && procedure.text)
    reading.warn('procedure-without-code', 'OBR-4')
  if (group.imaging.length === 0) return [procedure]
  const byId = Map.groupBy(group.imaging, (ipc) => ipc.value('2.1') ?? '')
  return [...byId.values()].map((segments) => withImaging(reading, procedure, segments, group))
}

function readProcedure(reading: Reading, group: OrderGroup, obr: Segment): OrderedProcedure {
  const { connection } = reading
  const scheduling = connection.role === 'scheduler'
  const universal = readCode(obr, 4)
  const alternate = readCode(obr, 4, 4)
  const requested = (scheduling ? readCode(obr, 44) : undefined) ?? universal
  const side = readSide(obr)
  if (side === 'disagree')
    reading.errors.push({
      code0357: '207',
      location: obr.at(45),
      ourCode: 'invalid-message',
      sentence: 'Two fields of the order name different sides (OBR-15, OBR-45).',
    })
  const procedure: OrderedProcedure = {
    code: requested?.code,
    scheme: requested?.code ? (requested.scheme ?? connection.localScheme) : undefined,
    text: requested?.text,
    alternate: scheduling ? undefined : alternate,
    modifiers: eachRepetition(obr, 45, (at) => readCode(obr, at)),
    side: side === 'disagree' ? undefined : side,
    requestedProcedureId: obr.value(19),
    otherIds: [],
    steps: [readStep(reading, group, obr, scheduling ? alternate : undefined)],
    transport: obr.value(30),
    notes: [],
  }
  adoptAccession(reading, procedure, accessionOf(group, connection))
  adoptStudyUid(reading, procedure, group.study?.value('1.1'), 'ZDS-1')
  return dropUndefined(procedure)
}

function accessionOf(group: OrderGroup, { accessionFrom, authority }: Connection) {
  for (const path of accessionFrom) {
    const [name, place] = path.split('-')
    const segment = name === 'ORC' ? group.orc : name === 'OBR' ? group.obr : undefined
    const value = place && segment?.value(place)
    if (value) return { value, issuer: authority, path }
  }
  return undefined
}

/** Adopted from an authority when it fits DICOM SH; else kept to be found by, and ours is minted. */
function adoptAccession(
  { connection, warn }: Reading,
  procedure: OrderedProcedure,
  said: { value: string; issuer: string; path: string } | undefined,
): void {
  if (!said) return
  const usable = said.value.length <= 16 && !said.value.includes('\\')
  if (connection.authorityFor.includes('accession') && usable) {
    procedure.accession = { value: said.value, issuer: said.issuer }
    return
  }
  if (connection.authorityFor.includes('accession')) warn('accession-unusable', said.path)
  procedure.otherIds.push({ kind: 'accession', value: said.value })
}

function adoptStudyUid(
  { connection, warn }: Reading,
  procedure: OrderedProcedure,
  uid: string | undefined,
  path: string,
): void {
  if (!uid) return
  const authority = connection.authorityFor.includes('study-uid')
  if (authority && isUid(uid)) procedure.studyInstanceUid = uid
  else {
    if (authority) warn('study-uid-unusable', path)
    procedure.otherIds.push({ kind: 'study-uid', value: uid })
  }
}

/** PS3.5 section 9.1: up to 64 characters, no component with a leading zero. */
function isUid(text: string): boolean {
  return text.length <= 64 && /^[0-2](?:\.(?:0|[1-9]\d*))+$/.test(text)
}

function readStep(
  reading: Reading,
  group: OrderGroup,
  obr: Segment,
  protocol: CodeSaid | undefined,
): OrderedStep {
  const start = readStart(reading, group)
  const booked = reading.connection.authorityFor.includes('schedule')
  return dropUndefined({
    stepId: obr.value(20),
    modality: obr.value(24),
    protocol,
    room: obr.value(21),
    aeTitles: [],
    wishedStart: booked ? undefined : start,
    bookedStart: booked ? start : undefined,
  })
}

/** The first place with a value; a repeat pattern is one order all the same, and flagged. */
function readStart(reading: Reading, { orc, obr, timings }: OrderGroup): Date | undefined {
  const patterns = [...timings.map((tq1) => tq1.value('3.1')), orc?.value('7.2'), obr?.value('27.2')]
  if (patterns.some((pattern) => pattern && !/^(once|1)$/i.test(pattern)))
    reading.warn('repeat-pattern', 'TQ1-3')
  const places: [Segment | undefined, string | number][] = [
    ...timings.map((tq1): [Segment, number] => [tq1, 7]),
    [orc, '7.4'],
    [obr, '27.4'],
    [obr, 36],
    [obr, 6],
    [obr, 7],
  ]
  const [segment, place] = places.find(([candidate, at]) => candidate?.value(at)) ?? []
  return place === undefined ? undefined : reading.time(segment, place)
}

/** IPC (OMI^O23) overrides OBR-18…21: each segment is a step, and those of one requested procedure share its study. */
function withImaging(
  reading: Reading,
  procedure: OrderedProcedure,
  segments: Segment[],
  group: OrderGroup,
): OrderedProcedure {
  const first = segments[0]!
  const imaging: OrderedProcedure = { ...procedure, otherIds: [], requestedProcedureId: first.value('2.1') }
  delete imaging.accession
  delete imaging.studyInstanceUid
  if (new Set(segments.map((ipc) => ipc.value('3.1'))).size > 1)
    reading.refuse('102', first.at(3), 'Steps of one requested procedure name different studies (IPC-3).')
  const accession = first.value('1.1')
  if (accession) {
    const issuer = first.value('1.2') ?? reading.connection.authority
    adoptAccession(reading, imaging, { value: accession, issuer, path: 'IPC-1' })
  }
  adoptStudyUid(reading, imaging, first.value('3.1') ?? group.study?.value('1.1'), 'IPC-3')
  imaging.steps = segments.map((ipc) => imagingStep(ipc, procedure.steps[0]!))
  return dropUndefined(imaging)
}

function imagingStep(ipc: Segment, { wishedStart, bookedStart, modality }: OrderedStep): OrderedStep {
  return dropUndefined({
    stepId: ipc.value('4.1'),
    modality: ipc.value('5.1') ?? modality,
    protocol: readCode(ipc, 6),
    room: ipc.value('8.1') ?? ipc.value('7.1'),
    aeTitles: eachRepetition(ipc, 9, (at) => ipc.value(at)),
    wishedStart,
    bookedStart,
  })
}

function isSameOrder(a: OrderMessage, b: OrderMessage): boolean {
  if (a.control !== b.control) return false
  if (a.placer && b.placer)
    return a.placer.value === b.placer.value && a.placer.authority === b.placer.authority
  return (
    !a.placer &&
    !b.placer &&
    a.filler?.value === b.filler?.value &&
    a.filler?.authority === b.filler?.authority
  )
}

/** A second group of the same order adds its procedures, and whatever the first left unsaid. */
function merge(order: OrderMessage, more: OrderMessage): void {
  order.procedures.push(...more.procedures)
  order.priority = mostUrgent(order.priority, more.priority)
  order.requester ??= more.requester
  order.reason ??= more.reason
  order.copiesTo.push(
    ...more.copiesTo.filter((copy) => !order.copiesTo.some((known) => known.id && known.id === copy.id)),
  )
  order.indications.push(...more.indications)
  order.observations.push(...more.observations)
  order.notes.push(...more.notes)
}
