/** What an inbound order says, free of its wire: the meeting point of HL7 ORM^O01, OMG^O19 and OMI^O23 with the department. */

/**
 * A field of a message says one of three things: a value, `null` (the sender deletes what we have, HL7 `""`),
 * or nothing at all (`undefined`: keep what we have). In the first message about a thing null means nothing.
 */
export type Said<T> = T | null | undefined

/** ORC-1 (HL7 table 0119): what a placer, scheduler or filler may ask of us. */
export const orderControls = [
  'NW',
  'XO',
  'CA',
  'DC',
  'HD',
  'RL',
  'SN',
  'NA',
  'SC',
  'OC',
  'OD',
  'RP',
  'RO',
  'RU',
  'PA',
  'CH',
] as const
export type OrderControl = (typeof orderControls)[number]

/** ORC-1 codes that answer a message of ours; they are matched by order number and never ask for anything. */
export const orderAnswers = ['OK', 'UA', 'CR', 'UC', 'DR', 'UD', 'HR', 'UH', 'XR', 'UX', 'DE'] as const
export type OrderAnswer = (typeof orderAnswers)[number]

/** An order number with the authority that gave it; the number alone identifies nothing. */
export type OrderNumberSaid = { value: string; authority: string }

/** A patient identifier as sent; `type` is PID-3.5 (MR, PI, AN …). The issuer is never a wildcard. */
export type IdentifierSaid = { value: string; issuer: string; type?: string }

/** One component group of a person's name (XPN, PN). */
export type NameGroup = {
  family?: string
  given?: string
  middle?: string
  suffix?: string
  prefix?: string
  degree?: string
}

/** A name in the three component groups of DICOM PN: alphabetic, ideographic, phonetic. */
export type NameSaid = { alphabetic?: NameGroup; ideographic?: NameGroup; phonetic?: NameGroup }

/** A date with no more precision than was sent: `1963`, `1963-05` or `1963-05-17`. Never zone-shifted. */
export type PartialDate = { value: string; precision: 'year' | 'month' | 'day' }

export type CodeSaid = { code?: string; scheme?: string; text?: string }

/** A person named in an order (XCN). A name without an id never matches a provider silently. */
export type ProviderSaid = { id?: string; authority?: string; name: NameGroup }

export type OrderPatient = {
  /** The first is the one the sender means; old PID-2 and PID-4 follow with the issuer `unknown`. */
  identifiers: IdentifierSaid[]
  name: Said<NameSaid>
  otherNames: NameSaid[]
  birthDate: Said<PartialDate>
  /** F, M or O as DICOM knows them; `sexAsSent` keeps table 0001's letter. */
  sex: Said<'F' | 'M' | 'O'>
  sexAsSent?: string
  /** PID-31 `Y`, or a name such as UNKNOWN: an emergency number that will be used again. */
  temporaryIdentity: boolean
  comments: string[]
}

export type OrderVisit = {
  number: Said<{ value: string; authority: string }>
  /** Table 0004: I, O, E, … as sent. */
  patientClass: Said<string>
  location: Said<{ pointOfCare?: string; room?: string; bed?: string; facility?: string }>
  referrer: Said<ProviderSaid>
  pregnant: boolean
  vip: Said<string>
}

/** One scheduled step as the sender sees it; a placer names none of its own, and gets one with a wish at most. */
export type OrderedStep = {
  stepId?: string
  modality?: string
  protocol?: CodeSaid
  room?: string
  aeTitles: string[]
  /** A placer's wish; books nothing. */
  wishedStart?: Date
  /** Set only by a connection with authority for the schedule. */
  bookedStart?: Date
}

export type OrderedProcedure = {
  code?: string
  scheme?: string
  text?: string
  alternate?: CodeSaid
  modifiers: CodeSaid[]
  side?: 'left' | 'right' | 'both'
  /** Adopted: the connection is the authority for accession numbers and the value is usable. */
  accession?: { value: string; issuer: string }
  requestedProcedureId?: string
  /** Adopted: the connection is the authority for Study Instance UIDs and the value is a valid UID. */
  studyInstanceUid?: string
  /** Identifiers that came but are not ours to adopt: kept to be found by, never used as keys. */
  otherIds: { kind: 'accession' | 'study-uid'; value: string }[]
  /** At least one. */
  steps: OrderedStep[]
  /** OBR-30 (table 0124). */
  transport?: string
  notes: string[]
}

export type ObservationSaid = {
  code: CodeSaid
  value: string
  units?: string
  /** OBX-14; a value without it has unknown age. */
  observedAt?: Date
}

export type AllergySaid = { type?: string; agent: CodeSaid; severity?: string; reaction?: string }

/** Something worth telling people that did not stop the message: a code and a place, never a value. */
export type OrderWarning = { code: string; location: string }

export type OrderMessage = {
  control: OrderControl | OrderAnswer
  /** Absent only where the code allows it (SN, and answers). */
  placer?: OrderNumberSaid
  filler?: OrderNumberSaid
  /** ORC-4: orders placed together. */
  placerGroup?: string
  /** ORC-5 as sent; never drives control. */
  externalStatus?: string
  patient: OrderPatient
  visit?: OrderVisit
  /** Undefined when no field says anything; an unmapped word counts as urgent and is kept in `word`. */
  priority?: { level: 'stat' | 'urgent' | 'routine'; word: string }
  requester: Said<ProviderSaid>
  enteredBy?: ProviderSaid
  copiesTo: ProviderSaid[]
  reason: Said<{ text: string; codes: CodeSaid[] }>
  /** ORC-16: why this order is changed or cancelled. */
  changeReason?: string
  indications: CodeSaid[]
  dangerCode?: string
  medicalAlerts?: string
  allergies: AllergySaid[]
  observations: ObservationSaid[]
  notes: string[]
  orderedAt?: Date
  /** Telephone for critical results (ORC-14, OBR-17). */
  callBack: Said<string>
  department?: string
  procedures: OrderedProcedure[]
  warnings: OrderWarning[]
}
