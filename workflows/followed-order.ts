/** One order as its workflow follows it: what was last seen of it, the doorbell, and the wait for either. */
import {
  ActivityFailure,
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  log,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { Phase } from '#domain/words.ts'
import { records, type Standing } from './activities.ts'
import {
  type Lane,
  type OrderEnd,
  type OrderStart,
  type OrderStatus,
  queryNames,
  signalNames,
} from './contract.ts'

export const eventsHappened = defineSignal<[rev: number]>(signalNames.eventsHappened)
export const clockTurned = defineSignal(signalNames.clockTurned)
export const orderStatus = defineQuery<OrderStatus>(queryNames.orderStatus)

/** A replay of 4,774 events took 6 s of the task's 10, so a run ends far below that. */
const HISTORY_LIMIT = 1_500
/** An instant that has just passed, by a clock that is not quite the department's, must not become a busy loop. */
const SHORTEST_WAIT_MS = 250

export interface FollowedOrder {
  readonly id: string
  isIn(...phases: Phase[]): boolean
  /** Ended, and nothing has happened since that was seen. */
  isOver(): boolean
  end(): OrderEnd
  hasReportsUnderWay(): boolean
  lanes(): readonly Lane[]
  graceIsOver(): boolean
  /** Waits until something happened or time may have changed something, then looks at the facts again. */
  news(): Promise<void>
  lookAgain(): Promise<void>
  /** Before the end: what happened while the last facts were looked at is looked at too. */
  lastWords(): Promise<void>
}

/** Takes the order up: from its start, after a crash, or rebuilt from its rows, which all look the same from here. */
export async function followOrder({
  orderId,
  historyLimit = HISTORY_LIMIT,
}: OrderStart): Promise<FollowedOrder> {
  let standing: Standing | null = null
  let isUnknown = false
  let newestRev = 0
  let clockWasTurned = false

  setHandler(eventsHappened, (rev) => {
    newestRev = Math.max(newestRev, rev)
  })
  setHandler(clockTurned, () => {
    clockWasTurned = true
  })
  setHandler(orderStatus, () => ({
    orderId,
    phase: standing?.phase ?? null,
    rev: standing?.rev ?? 0,
    newestRev,
    end: standing?.ended || isUnknown ? end() : null,
  }))

  async function lookAgain(): Promise<void> {
    clockWasTurned = false
    try {
      standing = await records.settleOrder({ orderId })
    } catch (error) {
      if (!isNotFound(error)) throw error
      // The rows were restored to a time before this order: nothing is owed to what does not exist.
      log.warn('the order is not in the database', { orderId })
      isUnknown = true
    }
  }

  function hasNews(): boolean {
    return clockWasTurned || newestRev > (standing?.rev ?? 0)
  }

  async function news(): Promise<void> {
    await goOnInNewRunWhenLong()
    const wakeInMs = standing?.wakeInMs ?? null
    if (wakeInMs === null) await condition(hasNews)
    else await condition(hasNews, Math.max(wakeInMs, SHORTEST_WAIT_MS))
    await lookAgain()
  }

  // What the doorbell rang for in the meantime is not lost: a run's first act is to look at the facts.
  async function goOnInNewRunWhenLong(): Promise<void> {
    const { historyLength, continueAsNewSuggested } = workflowInfo()
    if (historyLength < historyLimit && !continueAsNewSuggested) return
    await condition(allHandlersFinished)
    await continueAsNew<(start: OrderStart) => Promise<OrderEnd>>({ orderId, historyLimit })
  }

  function end(): OrderEnd {
    return isUnknown ? 'not-found' : (standing!.phase as OrderEnd)
  }

  await lookAgain()
  return {
    id: orderId,
    isIn: (...phases) => !isUnknown && standing !== null && phases.includes(standing.phase),
    isOver: () => isUnknown || (standing!.ended && !hasNews()),
    end,
    hasReportsUnderWay: () => standing!.lanes.length > 0,
    lanes: () => standing!.lanes,
    graceIsOver: () => standing!.closesInMs === 0,
    news,
    lookAgain,
    async lastWords() {
      await condition(allHandlersFinished)
      if (standing?.ended && hasNews() && !isUnknown) await lookAgain()
    },
  }
}

function isNotFound(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof ApplicationFailure &&
    error.cause.type === 'not-found'
  )
}
