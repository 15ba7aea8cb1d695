/** The one shape of every write: who asks, one transaction, conditional changes, events, derived phases, return. */

import type { Actor } from '#domain/permissions.ts'
import type { EventType } from '#domain/words.ts'
import type { TransactionSql } from '../client.ts'
import type { Department } from '../department.ts'
import { failpoint } from '../failpoint.ts'
import { recomputePhases } from './phases.ts'

export type Source = 'app' | 'hl7' | 'fhir' | 'dimse' | 'web' | 'duty' | 'config'

/** Who does something, through which door, and when (business time and machine time are both arguments). */
export interface Act {
  actor: Actor
  source: Source
  /** Department clock. */
  now: Date
  /** Machine clock: leases, sessions, audit. */
  machineNow: Date
  /** Idempotency key: a repeated key returns the first result. */
  key?: string
  /** Address of the peer, for the audit trail. */
  address?: string
}

export interface NewEvent {
  type: EventType
  refs?: Record<string, unknown>
  /** Ids, enums, numbers, instants; never names, text, birth dates, MRNs. */
  data?: Record<string, unknown>
}

export interface NewAudit {
  /** What the chain is about: `order:<id>`, `study:<uid>`, `patient:<id>`, `user:<id>`, `device:<ae>`. */
  subject: string
  type: string
  outcome?: 'success' | 'denied' | 'failure'
  data?: Record<string, unknown>
}

/** What a mutation's body works with. */
export interface Scope {
  sql: TransactionSql
  act: Act
  /** Takes the order's row lock: first thing in every mutation that touches an order; several orders in id order. */
  lockOrder(orderId: string): Promise<void>
  append(orderId: string, ...events: NewEvent[]): void
  /** How many events this transaction will append to the order. */
  appended(orderId: string): number
  audit(event: NewAudit): void
  /** Topics told to screens after the commit. */
  announce(...topics: string[]): void
}

/** Live topic of every list of orders: where one of them stands has changed, whatever did it. */
export const PHASE = 'phase'

// These say who works on what, not where the order stands: the phase cannot change by them.
const withoutPhase =
  /^(work-item|escalation|critical|delivery\.(queued|sent|answered|unknown|parked|mended))\b|^report\.saved$/

/**
 * Runs `body` in one transaction, again from the beginning when it gave way to another's; appended events, phases derived
 * from them and audit rows are written in it.
 * @throws whatever the body throws, with nothing written
 */
export async function mutate<T>(
  department: Department,
  act: Act,
  name: string,
  body: (scope: Scope) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { result, topics } = await once(department, act, name, body)
      await failpoint(`${name}:after-commit`)
      department.announce([...topics])
      return result
    } catch (error) {
      if (!isDeadlock(error) || attempt === MOST_ATTEMPTS) throw error
    }
  }
}

const MOST_ATTEMPTS = 4

// Two acts waited for each other, and this one was chosen to give way: nothing of it was written.
const isDeadlock = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === '40P01'

async function once<T>(
  department: Department,
  act: Act,
  name: string,
  body: (scope: Scope) => Promise<T>,
): Promise<{ result: T; topics: Set<string> }> {
  const topics = new Set<string>()
  const result = await department.sql.begin(async (tx) => {
    const sql = tx as TransactionSql
    const first = await firstResult<T>(sql, act.key, name)
    if (first) return first.result
    const recorder = record(sql, act, topics)
    const value = await body(recorder.scope)
    await recorder.flush()
    if (act.key) {
      await sql`update idempotency_keys set result = ${sql.json((value ?? null) as never)} where key = ${act.key}`
    }
    await failpoint(`${name}:before-commit`)
    return value
  })
  return { result: result as T, topics }
}

// The key's row is inserted first, so that a second caller waits here for the first one's commit.
async function firstResult<T>(
  sql: TransactionSql,
  key: string | undefined,
  name: string,
): Promise<{ result: T } | null> {
  if (!key) return null
  const inserted = await sql`
    insert into idempotency_keys (key, mutation) values (${key}, ${name}) on conflict do nothing returning key`
  if (inserted.length > 0) return null
  const [row] = await sql<{ result: T }[]>`select result from idempotency_keys where key = ${key}`
  return { result: row!.result }
}

function record(sql: TransactionSql, act: Act, topics: Set<string>) {
  const events = new Map<string, NewEvent[]>()
  const audits: NewAudit[] = []
  const scope: Scope = {
    sql,
    act,
    async lockOrder(orderId) {
      await sql`select 1 from orders where id = ${orderId} for update`
    },
    append(orderId, ...more) {
      events.set(orderId, [...(events.get(orderId) ?? []), ...more])
    },
    appended(orderId) {
      return events.get(orderId)?.length ?? 0
    },
    audit(event) {
      audits.push(event)
    },
    announce(...more) {
      for (const topic of more) topics.add(topic)
    },
  }
  async function flush(): Promise<void> {
    for (const [orderId, list] of [...events].sort(([a], [b]) => (a < b ? -1 : 1))) {
      await appendEvents(scope, orderId, list)
      topics.add(`order:${orderId}`)
      for (const { type } of list) topics.add(type)
    }
    for (const event of audits) await writeAudit(sql, act, event)
  }
  return { scope, flush }
}

async function appendEvents(scope: Scope, orderId: string, events: NewEvent[]): Promise<void> {
  const { sql, act } = scope
  await sql`select append_order_events(${orderId}, ${act.now}, ${act.actor.id}, ${roleOf(act.actor)}, ${act.source},
    ${sql.json(events as never)})`
  if (events.every(({ type }) => withoutPhase.test(type))) return
  if (await recomputePhases(sql, orderId)) scope.announce(PHASE)
}

async function writeAudit(sql: TransactionSql, act: Act, event: NewAudit): Promise<void> {
  await sql`select append_audit(${event.subject}, ${event.type}, ${event.outcome ?? 'success'}, ${act.machineNow},
    ${act.actor.id}, ${roleOf(act.actor)}, ${act.source}, ${act.address ?? null}, ${sql.json((event.data ?? {}) as never)})`
}

/** The role under which the trail names an actor. */
export function roleOf(actor: Actor): string {
  return actor.roles[0] ?? actor.kind
}
