/** What an order message does to an order: ORC-1 against the order's phase (HL7 2.5.1 table 0119). */
import type { RefusalCode } from './errors.ts'
import type { ExceptionKind, Phase } from './words.ts'

export const ORDER_CONTROL_CODES = ['NW', 'XO', 'CA', 'DC', 'SN', 'NA'] as const
export type OrderControlCode = (typeof ORDER_CONTROL_CODES)[number]

/** The kinds of thing an XO changes, as far as a phase minds. */
export const ORDER_CHANGES = [
  'priority',
  'reason',
  'referrer',
  'copies-to',
  'procedure',
  'side',
  'contrast',
] as const
export type OrderChange = (typeof ORDER_CHANGES)[number]

export type OrderMessage = {
  /** Same content as the order has now (NW). */
  sameContent: boolean
  /** The message's patient is the order's. */
  patientMatches: boolean
  /** What an XO changes. */
  changed: readonly OrderChange[]
}

/**
 * `create`: a new order · `applied`: the changes named in `apply` are made · `cancel`: the cancel saga starts ·
 * `stop-asked`: shown on the console's card, discontinued when the step is stopped · `number-assigned`: an empty
 * placer number is filled (NA) · `unchanged`: the first answer again.
 */
export type OrderControlOutcome =
  | { outcome: 'create' | 'unchanged' | 'cancel' | 'stop-asked' | 'number-assigned' }
  | { outcome: 'applied'; apply: readonly OrderChange[]; protocolAgain: boolean }
  | { outcome: 'refused'; refusal: RefusalCode; exception: ExceptionKind; apply: readonly OrderChange[] }

/** Phase null: no order with this placer number and authority. */
export function orderControl(
  code: OrderControlCode,
  phase: Phase | null,
  message: OrderMessage,
): OrderControlOutcome {
  if (phase === null) return unknownOrder(code)
  switch (code) {
    case 'NW':
      return newOrder(bandOf(phase), message)
    case 'XO':
      return change(bandOf(phase), message)
    case 'CA':
    case 'DC':
      return stop(code, bandOf(phase))
    case 'SN':
      return { outcome: 'unchanged' }
    case 'NA':
      return { outcome: 'number-assigned' }
  }
}

type Band = 'before' | 'acquiring' | 'imaged' | 'reported' | 'ended'

/** Columns of the table. */
function bandOf(phase: Phase): Band {
  switch (phase) {
    case 'ordered':
    case 'protocolled':
    case 'scheduled':
    case 'no-show':
    case 'arrived':
      return 'before'
    case 'acquiring':
      return 'acquiring'
    case 'acquired':
    case 'quality-check':
    case 'reading':
    case 'preliminary':
      return 'imaged'
    case 'final':
    case 'delivered':
    case 'closed':
      return 'reported'
    case 'cancelled':
    case 'discontinued':
      return 'ended'
  }
}

function unknownOrder(code: OrderControlCode): OrderControlOutcome {
  return code === 'NW' || code === 'SN' ? { outcome: 'create' } : refused('unknown-order', 'message')
}

/** An ended order is never revived: a new number is wanted. */
function newOrder(band: Band, message: OrderMessage): OrderControlOutcome {
  if (band === 'ended') return refused('order-ended', 'conflict')
  return message.sameContent ? { outcome: 'unchanged' } : refused('duplicate-order', 'conflict')
}

const CHANGES_EXAM: readonly OrderChange[] = ['procedure', 'side', 'contrast']

function change(band: Band, message: OrderMessage): OrderControlOutcome {
  if (!message.patientMatches) return refused('identity-mismatch', 'identity')
  if (band === 'ended') return refused('order-ended', 'conflict')
  const changesExam = message.changed.some((changed) => CHANGES_EXAM.includes(changed))
  if (band === 'reported') return afterReport(message.changed)
  if (!changesExam || band === 'before') {
    return { outcome: 'applied', apply: message.changed, protocolAgain: changesExam }
  }
  return refused(band === 'acquiring' ? 'procedure-begun' : 'images-exist', 'conflict')
}

/** Who gets a copy may still change after the report; nothing else may. */
function afterReport(changed: readonly OrderChange[]): OrderControlOutcome {
  const copies = changed.filter((one) => one === 'copies-to')
  if (copies.length === changed.length) return { outcome: 'applied', apply: copies, protocolAgain: false }
  return refused('report-final', 'conflict', copies)
}

function stop(code: 'CA' | 'DC', band: Band): OrderControlOutcome {
  switch (band) {
    case 'before':
      return { outcome: 'cancel' }
    case 'acquiring':
      return code === 'DC' ? { outcome: 'stop-asked' } : refused('procedure-begun', 'conflict')
    case 'imaged':
      return refused('images-exist', 'conflict')
    case 'reported':
      return refused('report-final', 'conflict')
    case 'ended':
      return { outcome: 'unchanged' }
  }
}

function refused(
  refusal: RefusalCode,
  exception: ExceptionKind,
  apply: readonly OrderChange[] = [],
): OrderControlOutcome {
  return { outcome: 'refused', refusal, exception, apply }
}
