/** Acknowledgements (HL7 2.5.1 section 2.9): original and enhanced mode, MSA and ERR in the version of the request. */
import { charsetNamed } from './charset.ts'
import type { Connection } from './connection.ts'
import { usualDelimiters } from './delimiters.ts'
import { errorTexts, type Finding, type Location } from './finding.ts'
import { Message, type Segment } from './message.ts'
import { writeTime } from './time.ts'

export type ApplicationCode = 'AA' | 'AE' | 'AR'
export type AcknowledgementCode = ApplicationCode | 'CA' | 'CE' | 'CR'

/** What became of a message. An AA may carry findings as warnings. */
export type Outcome = { code: ApplicationCode; errors?: Finding[]; warnings?: Finding[] }

export type AckContext = {
  connection: Connection
  /** Unique, at most 20 characters, once per acknowledgement. */
  newControlId: () => string
  now: Date
}

type When = 'AL' | 'NE' | 'ER' | 'SU'

/** MSH-15 and MSH-16: undefined in original mode, where both are empty. */
export function enhancedMode(request: Message): { accept: When; application: When } | undefined {
  const [accept, application] = [15, 16].map((field) => request.first('MSH')?.value(field)?.toUpperCase())
  if (!accept && !application) return undefined
  return { accept: whenOf(request, accept, 'MSH-15'), application: whenOf(request, application, 'MSH-16') }
}

function whenOf(request: Message, word: string | undefined, location: string): When {
  if (word === 'NE' || word === 'ER' || word === 'SU' || word === 'AL') return word
  if (word === undefined) return 'NE'
  request.warn('acknowledgement-condition', location)
  return 'AL'
}

/**
 * The answers a request wants, in order: one in original mode, none to two in enhanced mode.
 * Called after the commit, so the accept acknowledgement speaks of a message that is safely ours.
 */
export function acknowledge(request: Message, outcome: Outcome, context: AckContext): Buffer[] {
  const mode = enhancedMode(request)
  if (!mode) return [buildAck(request, outcome.code, outcome, context)]
  const accept = acceptCode(outcome)
  const answers: Buffer[] = []
  if (wanted(mode.accept, accept === 'CA'))
    answers.push(buildAck(request, accept, acceptOnly(outcome, accept), context))
  // What could not even be taken has no application answer.
  if (accept === 'CA' && wanted(mode.application, outcome.code === 'AA'))
    answers.push(buildAck(request, outcome.code, outcome, context))
  if (accept !== 'CA' && mode.accept === 'NE' && wanted(mode.application, false))
    answers.push(buildAck(request, outcome.code, outcome, context))
  return answers
}

function wanted(when: When, success: boolean): boolean {
  return when === 'AL' || (when === 'SU' && success) || (when === 'ER' && !success)
}

/** CR: type, processing id or version unacceptable. CE: could not be taken. Anything else was taken. */
function acceptCode(outcome: Outcome): 'CA' | 'CE' | 'CR' {
  if (outcome.code === 'AR') return 'CR'
  const kept = outcome.errors?.every((error) => error.ourCode !== 'not-stored') ?? true
  return kept ? 'CA' : 'CE'
}

function acceptOnly(outcome: Outcome, code: 'CA' | 'CE' | 'CR'): Outcome {
  return code === 'CA' ? { code: 'AA' } : outcome
}

const acceptCodes: AcknowledgementCode[] = ['CA', 'CE', 'CR']

/** One ACK. Sender and receiver change places; MSA-2 is the request's MSH-10 exactly, however long. */
export function buildAck(
  request: Message,
  code: AcknowledgementCode,
  { errors = [], warnings = [] }: Omit<Outcome, 'code'>,
  { connection, newControlId, now }: AckContext,
): Buffer {
  const mirrored =
    request.delimiters.escape && request.delimiters.subcomponent ? request.delimiters : usualDelimiters
  const ack = Message.create(mirrored)
  const header = ack.first('MSH')!
  const asked = request.first('MSH')
  const copy = (to: number, from: number, otherwise: string) => {
    if (mirrored === request.delimiters && asked?.fields[from]) header.setEscaped(to, asked.fields[from])
    else header.set(to, asked?.value(from) ?? otherwise)
  }
  copy(3, 5, connection.application)
  copy(4, 6, connection.facility)
  copy(5, 3, '')
  copy(6, 4, '')
  header.set(7, writeTime(now, connection.zone))
  header.set('9.1', 'ACK')
  const event = asked?.value('9.2')
  if (event) header.set('9.2', event)
  if (event && !olderThan25(request)) header.set('9.3', 'ACK')
  header.set(10, newControlId())
  copy(11, 11, 'P')
  copy(12, 12, '2.5.1')
  // The application's own answer in enhanced mode asks for none in return.
  if (enhancedMode(request) && !acceptCodes.includes(code)) header.set(16, 'NE')
  const msa = ack.add('MSA')
  msa.set(1, code)
  if (mirrored === request.delimiters) msa.setEscaped(2, asked?.fields[10] ?? '')
  else msa.set(2, asked?.get(10) ?? '')
  const first = errors[0]
  if (first) msa.set(3, asciiOnly(first.sentence).slice(0, 80))
  addErrors(ack, request, errors, 'E')
  addErrors(ack, request, warnings, 'W')
  return encoded(ack, request)
}

/** Only what is echoed from the request can hold more than ASCII, so the request's own set suffices where we write it. */
function encoded(ack: Message, request: Message): Buffer {
  const name = request.charset.name
  return ack.encodeAs(charsetNamed(name) && name !== 'ASCII' ? name : 'UNICODE UTF-8')
}

function addErrors(ack: Message, request: Message, findings: Finding[], severity: 'E' | 'W'): void {
  if (findings.length === 0) return
  if (olderThan25(request)) addOldErrors(ack, findings)
  else for (const finding of findings) describe(ack.add('ERR'), finding, severity)
}

/** ERR from 2.5 on: one segment for each finding. */
function describe(err: Segment, finding: Finding, severity: 'E' | 'W'): void {
  if (finding.location) locate(err, finding.location)
  err.set('3.1', finding.code0357)
  err.set('3.2', errorTexts[finding.code0357])
  err.set('3.3', 'HL70357')
  err.set(4, severity)
  err.set('5.1', finding.ourCode)
  err.set('5.3', 'ISOCENTER')
  err.set(8, asciiOnly(finding.sentence))
}

function locate(err: Segment, { segment, occurrence, field, repetition, component }: Location): void {
  const parts = [segment, occurrence, field, field && (repetition ?? 1), component]
  for (const [index, part] of parts.entries()) if (part) err.set(`2.${index + 1}`, String(part))
}

/** ERR before 2.5: one segment, one repetition of ERR-1 (ELD) for each finding. */
function addOldErrors(ack: Message, findings: Finding[]): void {
  const err = ack.add('ERR')
  for (const [index, { location, code0357 }] of findings.entries()) {
    const at = `1[${index + 1}]`
    if (location) {
      err.set(`${at}.1`, location.segment)
      if (location.occurrence) err.set(`${at}.2`, String(location.occurrence))
      if (location.field) err.set(`${at}.3`, String(location.field))
    }
    err.set(`${at}.4`, code0357)
  }
}

function olderThan25(request: Message): boolean {
  const version = /^2\.(\d+)/.exec(request.first('MSH')?.value('12.1') ?? '')
  return version !== null && Number(version[1]) < 5
}

function asciiOnly(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}
