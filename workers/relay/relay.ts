/** The relay: carries what happened from rows to workflows, and keeps the department going while there are none. */
import type { Client } from '@temporalio/client'
import { type Department, LIVE_CHANNEL } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { anchorChains } from '#db/mutations/audit.ts'
import { expireLeases } from '#db/mutations/work-items.ts'
import type { Log } from '../log.ts'
import { ensureNamespace, isNamespaceMissing } from '../temporal-client.ts'
import { watchClock } from './clock-watch.ts'
import { mayBeMore, ringWhatHappened } from './doorbell.ts'
import { watchReach } from './reach.ts'
import { settleDueRechecks } from './rechecks.ts'
import { type Repairs, reconcile } from './reconciler.ts'
import { repeat } from './repeat.ts'
import { standIn } from './stand-in.ts'

export interface RelayTimes {
  pollMs: number
  /** How long a fact may wait for its workflow before the relay settles it. */
  patienceMs: number
  leaseSweepMs: number
  reconcileMs: number
}

/** How much of the trail an outsider's copy of an anchor may lag behind. */
const ANCHOR_EVERY_MS = 3_600_000

export const RELAY_TIMES: RelayTimes = {
  pollMs: 1_000,
  patienceMs: 30_000,
  leaseSweepMs: 10_000,
  reconcileMs: 5 * 60_000,
}

export interface Relay {
  /** Numbers for health. */
  state(): Record<string, unknown>
  reconcileNow(): Promise<Repairs>
  stop(): Promise<void>
}

export async function startRelay(context: {
  department: Department
  client: Client
  log: Log
  times?: Partial<RelayTimes>
}): Promise<Relay> {
  const { department, client, log } = context
  const times = { ...RELAY_TIMES, ...context.times }
  const settledHere = new Set<string>()
  let mendAt = 0
  const reach = watchReach(() => {
    log.info('Temporal answers again')
    mendAt = 0
  })
  const understudy = standIn({ department, reach, settledHere, patienceMs: times.patienceMs, log })
  const repairs: Repairs = { ordersTakenUp: 0, endsTold: 0, lanesTakenUp: 0 }
  let oldestUnrelayedMs = 0

  async function ring(): Promise<void> {
    oldestUnrelayedMs = await oldestUnrelayed(department)
    const rung = await ringWhatHappened({ department, client, reach, settledHere })
    if (mayBeMore(rung)) doorbell.nudge()
  }

  async function mend(): Promise<Repairs> {
    const made = await reconcile({ department, client, reach })
    for (const kind of Object.keys(repairs) as (keyof Repairs)[]) repairs[kind] += made[kind]
    if (Object.values(made).some((count) => count > 0))
      log.warn(made, 'rows and workflows had lost each other')
    return made
  }

  /** A failed turn leaves it due, so that it comes again with the next poll and not in five minutes. */
  async function mendWhenDue(): Promise<void> {
    if (Date.now() < mendAt) return
    await mend()
    mendAt = Date.now() + times.reconcileMs
  }

  /** A server that lost its database does not know our namespace: everything in it can be had again from the rows. */
  async function inNamespace(turn: () => Promise<void>): Promise<void> {
    try {
      await turn()
    } catch (error) {
      if (!isNamespaceMissing(error)) throw error
      log.warn('Temporal does not know the namespace; it is made again and every open order taken up')
      await ensureNamespace(client)
      mendAt = 0
    }
  }

  const doorbell = repeat('the doorbell', times.pollMs, log, () => inNamespace(ring))
  const loops = [
    doorbell,
    repeat('the reconciler', times.pollMs, log, () => inNamespace(mendWhenDue)),
    repeat('settling in the workflows’ stead', times.pollMs, log, understudy.turn),
    repeat('looking at completeness again', times.pollMs, log, () =>
      settleDueRechecks(department, settledHere, log),
    ),
    repeat('the clock watch', times.pollMs, log, watchClock(department, client, reach)),
    repeat('the lease sweep', times.leaseSweepMs, log, async () => {
      await expireLeases(department, await dutyAct(department))
    }),
    repeat('the anchor over all chains', ANCHOR_EVERY_MS, log, async () => {
      await anchorChains(department, new Date())
    }),
  ]
  // The bell is only a hint: what it misses, the poll finds a second later.
  const { unlisten } = await department.sql.listen(LIVE_CHANNEL, () => doorbell.nudge())
  return {
    state: () => ({
      oldestUndeliveredMs: oldestUnrelayedMs,
      temporalDownMs: reach.downForMs(),
      settledInStead: understudy.count(),
      ...repairs,
    }),
    reconcileNow: mend,
    async stop() {
      await unlisten()
      await Promise.all(loops.map((loop) => loop.stop()))
    },
  }
}

/** How long the oldest event has waited for its doorbell, by the database's clock; 0: none waits. */
async function oldestUnrelayed({ sql }: Department): Promise<number> {
  const [row] = await sql<{ ms: number | null }[]>`
    select (extract(epoch from clock_timestamp() - min(e.recorded_at)) * 1000)::float8 as ms
    from orders o join order_events e on e.order_id = o.id and e.rev = o.relayed_rev + 1 where o.relayed_rev < o.rev`
  return Math.max(0, Math.round(row?.ms ?? 0))
}
