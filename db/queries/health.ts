/** Whether the department is healthy: processes by their own word, queues by their age, each fault with cause and next action. */
import type { AnySql } from '../client.ts'
import { policyOf } from './policy.ts'

export type Status = 'ok' | 'degraded' | 'down'

export interface ProcessHealth {
  status: Status
  /** Machine clock. */
  lastBeatAt: Date | null
  copies: number
  state: Record<string, unknown>
}

export interface Fault {
  id: string
  severity: 'degraded' | 'down'
  /** Numbers for the sentence that the strings catalogue makes of it. */
  values: Record<string, string | number>
  since: Date | null
}

export interface Health {
  status: Status
  processes: Record<string, ProcessHealth>
  faults: Fault[]
  figures: Record<string, number | null>
}

/** Without these nothing comes in or is seen; without the others duties wait. */
const essential = ['app', 'archive', 'interop'] as const
const duties = ['workers', 'relay'] as const
const STALE_MS = 15_000
const RELAY_LATE_MS = 60_000
const TEMPORAL_AWAY_MS = 5_000
const DAY_MS = 86_400_000
/** A long series that is read, or an archive that was off over a weekend. */
const VERIFICATION_LATE_MS = 3 * DAY_MS

/** Machine clock, since it speaks of processes and not of patients. */
export async function health(sql: AnySql, machineNow: Date): Promise<Health> {
  const processes = await processHealth(sql, machineNow)
  const figures = await figuresOf(sql, machineNow)
  const { verification } = await policyOf(sql)
  figures.verificationMs = ((figures.storedBytes ?? 0) / verification.bytesPerSecond) * 1_000
  const faults = [
    ...processFaults(processes),
    ...queueFaults(figures),
    ...verificationFaults(figures, verification.everyMs),
  ]
  const status = faults.some((fault) => fault.severity === 'down')
    ? 'down'
    : faults.length > 0
      ? 'degraded'
      : 'ok'
  return { status, processes, faults, figures }
}

async function processHealth(sql: AnySql, machineNow: Date): Promise<Record<string, ProcessHealth>> {
  const rows = await sql<{ process: string; at: Date; state: Record<string, unknown> }[]>`
    select process, at, state from heartbeats order by at desc`
  const found: Record<string, ProcessHealth> = {}
  for (const name of [...essential, ...duties]) {
    const beats = rows.filter((row) => row.process === name)
    const fresh = beats.filter((row) => machineNow.getTime() - row.at.getTime() < STALE_MS)
    found[name] = {
      status: fresh.length > 0 ? 'ok' : 'down',
      lastBeatAt: beats[0]?.at ?? null,
      copies: fresh.length,
      state: fresh[0]?.state ?? {},
    }
  }
  found.postgres = { status: 'ok', lastBeatAt: machineNow, copies: 1, state: {} }
  const awayMs = Number(found.relay?.state.temporalDownMs ?? 0)
  found.temporal = {
    status: found.relay?.status === 'ok' && awayMs < TEMPORAL_AWAY_MS ? 'ok' : 'down',
    lastBeatAt: found.relay?.lastBeatAt ?? null,
    copies: 1,
    state: {},
  }
  return found
}

function processFaults(processes: Record<string, ProcessHealth>): Fault[] {
  return Object.entries(processes)
    .filter(([, process]) => process.status !== 'ok')
    .map(([name, process]) => ({
      id: (essential as readonly string[]).includes(name) ? 'process-down' : 'duty-process-down',
      severity: (essential as readonly string[]).includes(name) ? ('down' as const) : ('degraded' as const),
      values: { process: name },
      since: process.lastBeatAt,
    }))
}

async function figuresOf(sql: AnySql, machineNow: Date): Promise<Record<string, number | null>> {
  const [row] = await sql<Record<string, number | null>[]>`
    select
      (select count(*) from orders where relayed_rev < rev) as "undeliveredEvents",
      (select extract(epoch from ${machineNow}::timestamptz - min(e.recorded_at)) * 1000 from orders o
        join order_events e on e.order_id = o.id and e.rev = o.relayed_rev + 1 where o.relayed_rev < o.rev) as "oldestUndeliveredMs",
      (select count(*) from deliveries where state <> 'acknowledged') as "openDeliveries",
      (select count(*) from deliveries where state = 'parked') as "parkedDeliveries",
      (select extract(epoch from ${machineNow}::timestamptz - min(coalesce(d.first_error_at, r.recorded_at))) * 1000 from deliveries d
        join lateral (select recorded_at from order_events e where e.order_id = d.order_id and e.type = 'delivery.queued'
          and e.data->>'deliveryId' = d.id limit 1) r on true
        where d.state in ('waiting', 'sent', 'unknown')) as "oldestDeliveryMs",
      (select count(*) from exceptions where state = 'open') as "openExceptions",
      (select count(*) from quarantine where decision is null) as "quarantined",
      (select count(*) from instances where damaged is not null) as "damagedObjects",
      (select count(distinct study_id) from studies_to_state where try_again_at is not null) as "unstatedStudies",
      (select extract(epoch from ${machineNow}::timestamptz - coalesce(verified_at, stored_at)) * 1000 from instances
        order by verified_at nulls first limit 1) as "oldestVerifiedMs",
      (select count(*) from studies) as studies,
      (select coalesce(sum(bytes), 0) from studies) as "storedBytes",
      (select count(*) from destinations where enabled and retired_at is null) as destinations`
  return Object.fromEntries(
    Object.entries(row!).map(([key, value]) => [key, value === null ? null : Number(value)]),
  )
}

/** Stored objects are to be read again within a period: it is too short for all of them, or was not kept to. */
function verificationFaults(
  { oldestVerifiedMs, verificationMs }: Record<string, number | null>,
  everyMs: number,
): Fault[] {
  const [takesMs, waitedMs] = [verificationMs ?? 0, oldestVerifiedMs ?? 0]
  if (takesMs <= everyMs && waitedMs <= everyMs + VERIFICATION_LATE_MS) return []
  const values = {
    days: Math.floor(Math.max(takesMs, waitedMs) / DAY_MS),
    every: Math.floor(everyMs / DAY_MS),
  }
  return [{ id: 'verification-late', severity: 'degraded', values, since: null }]
}

function queueFaults(figures: Record<string, number | null>): Fault[] {
  const faults: Fault[] = []
  const add = (id: string, values: Record<string, number>) =>
    faults.push({ id, severity: 'degraded', values, since: null })
  if ((figures.oldestUndeliveredMs ?? 0) > RELAY_LATE_MS)
    add('duties-late', { ms: figures.oldestUndeliveredMs!, count: figures.undeliveredEvents! })
  if ((figures.parkedDeliveries ?? 0) > 0) add('deliveries-parked', { count: figures.parkedDeliveries! })
  if ((figures.oldestDeliveryMs ?? 0) > 5 * RELAY_LATE_MS)
    add('deliveries-late', { ms: figures.oldestDeliveryMs!, count: figures.openDeliveries! })
  if ((figures.damagedObjects ?? 0) > 0) add('objects-damaged', { count: figures.damagedObjects! })
  if ((figures.unstatedStudies ?? 0) > 0) add('studies-unstated', { count: figures.unstatedStudies! })
  if (figures.destinations === 0) add('no-destination', {})
  return faults
}
