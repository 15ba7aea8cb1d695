/** Scheduled Procedure Step: the total table of its states and events (Scheduled Procedure Step Status, 0040,0020). */
import { ILLEGAL, type Outcome, refuse, same, to } from './outcome.ts'
import type { StepStatus } from './words.ts'

export const STEP_EVENTS = [
  'book',
  'unbook',
  'arrive',
  'undo-arrive',
  'ready',
  'gate-failed',
  'begin-on-screen',
  'begin-by-device',
  'performed',
  'stopped',
  'wrong-entry',
  'cancel',
  'no-show-timer',
] as const
/**
 * `performed`: all performed steps final, one COMPLETED or judged usable. `stopped`: all DISCONTINUED and unusable.
 * `wrong-entry`: discontinued as 110514. `gate-failed`: a safety gate failed or expired.
 */
export type StepEvent = (typeof STEP_EVENTS)[number]

export type StepContext = {
  /** Every safety gate satisfied or overridden. */
  gatesSatisfied: boolean
  /** The slot asked for is free. */
  slotFree: boolean
  hasSlot: boolean
  /** Is now the slot's local day? */
  sameLocalDay: boolean
  /** False when the wristband scanned belongs to somebody else. */
  wristbandMatches: boolean
  /** The status before the exam began, to go back to. */
  beforeBegin: StepStatus
}

export function step(status: StepStatus, event: StepEvent, context: StepContext): Outcome<StepStatus> {
  const cell = TABLE[event][status]
  return typeof cell === 'function' ? cell(context) : cell
}

/** Arriving with every gate satisfied goes on to ready in the same transaction. */
export function goesOnToReady(status: StepStatus, context: Pick<StepContext, 'gatesSatisfied'>): boolean {
  return status === 'arrived' && context.gatesSatisfied
}

type Cell = Outcome<StepStatus> | ((context: StepContext) => Outcome<StepStatus>)

const BEGUN = refuse('procedure-begun')
const inferred = (status: StepStatus) => to(status, { inferred: true })
const book =
  (status: StepStatus): Cell =>
  ({ slotFree }) =>
    slotFree ? to(status) : refuse('slot-taken')
const backToSlot: Cell = ({ hasSlot }) => to(hasSlot ? 'scheduled' : 'planned')
const begin =
  (rest: { inferred: boolean }): Cell =>
  ({ wristbandMatches, gatesSatisfied }) => {
    if (!wristbandMatches) return refuse('identity-mismatch')
    return gatesSatisfied ? to('started', rest) : refuse('safety-unsatisfied')
  }

const TABLE: Readonly<Record<StepEvent, Readonly<Record<StepStatus, Cell>>>> = {
  book: {
    planned: book('scheduled'),
    scheduled: book('scheduled'),
    // A patient who is here may change rooms and stays arrived.
    arrived: book('arrived'),
    ready: book('ready'),
    started: ILLEGAL,
    departed: ILLEGAL,
    discontinued: ILLEGAL,
    cancelled: ILLEGAL,
    'no-show': book('scheduled'),
  },
  unbook: {
    planned: same(),
    scheduled: to('planned'),
    arrived: ILLEGAL,
    ready: ILLEGAL,
    started: BEGUN,
    departed: ILLEGAL,
    discontinued: ILLEGAL,
    cancelled: same(),
    'no-show': to('planned'),
  },
  arrive: {
    planned: to('arrived'),
    scheduled: to('arrived'),
    arrived: same(),
    ready: same(),
    started: same(),
    departed: ILLEGAL,
    discontinued: ILLEGAL,
    cancelled: refuse('order-ended'),
    'no-show': ({ sameLocalDay }) => (sameLocalDay ? to('arrived') : ILLEGAL),
  },
  'undo-arrive': {
    planned: ILLEGAL,
    scheduled: same(),
    arrived: backToSlot,
    ready: backToSlot,
    started: BEGUN,
    departed: ILLEGAL,
    discontinued: ILLEGAL,
    cancelled: ILLEGAL,
    'no-show': same(),
  },
  ready: {
    planned: ILLEGAL,
    scheduled: ILLEGAL,
    arrived: ({ gatesSatisfied }) => (gatesSatisfied ? to('ready') : refuse('safety-unsatisfied')),
    ready: same(),
    started: same(),
    departed: ILLEGAL,
    discontinued: ILLEGAL,
    cancelled: ILLEGAL,
    'no-show': ILLEGAL,
  },
  'gate-failed': {
    planned: same(),
    scheduled: same(),
    arrived: same(),
    ready: to('arrived'),
    started: same(),
    departed: same(),
    discontinued: same(),
    cancelled: same(),
    'no-show': same(),
  },
  'begin-on-screen': {
    planned: begin({ inferred: true }),
    scheduled: begin({ inferred: true }),
    arrived: begin({ inferred: false }),
    ready: begin({ inferred: false }),
    started: same(),
    departed: ILLEGAL,
    discontinued: ILLEGAL,
    cancelled: ILLEGAL,
    'no-show': ILLEGAL,
  },
  // The exam happened: it is recorded whatever stood before it, and an open gate becomes a conflict.
  'begin-by-device': {
    planned: inferred('started'),
    scheduled: inferred('started'),
    arrived: ({ gatesSatisfied }) => to('started', { exception: gatesSatisfied ? null : 'conflict' }),
    ready: to('started'),
    started: same(),
    departed: same(),
    discontinued: to('started'),
    cancelled: same('conflict'),
    'no-show': inferred('started'),
  },
  performed: {
    planned: ILLEGAL,
    scheduled: ILLEGAL,
    arrived: ILLEGAL,
    ready: ILLEGAL,
    started: to('departed'),
    departed: same(),
    discontinued: to('departed'),
    cancelled: same(),
    'no-show': ILLEGAL,
  },
  stopped: {
    planned: ILLEGAL,
    scheduled: ILLEGAL,
    arrived: ILLEGAL,
    ready: ILLEGAL,
    started: to('discontinued'),
    departed: ILLEGAL,
    discontinued: same(),
    cancelled: same(),
    'no-show': ILLEGAL,
  },
  'wrong-entry': {
    planned: ILLEGAL,
    scheduled: ILLEGAL,
    arrived: ILLEGAL,
    ready: ILLEGAL,
    started: ({ beforeBegin }) => to(beforeBegin),
    departed: ILLEGAL,
    discontinued: ILLEGAL,
    cancelled: same(),
    'no-show': ILLEGAL,
  },
  cancel: {
    planned: to('cancelled'),
    scheduled: to('cancelled'),
    arrived: to('cancelled'),
    ready: to('cancelled'),
    started: BEGUN,
    departed: refuse('images-exist'),
    discontinued: same(),
    cancelled: same(),
    'no-show': to('cancelled'),
  },
  'no-show-timer': {
    planned: same(),
    scheduled: to('no-show'),
    arrived: same(),
    ready: same(),
    started: same(),
    departed: same(),
    discontinued: same(),
    cancelled: same(),
    'no-show': same(),
  },
}
