/** What every reader and writer holds: the pool, the department's clock, and the bell that screens listen to. */
import { connect, type Sql } from './client.ts'

export const LIVE_CHANNEL = 'isocenter_live'
const COALESCE_MS = 80
const CLOCK_CACHE_MS = 1_000

export interface Department {
  readonly sql: Sql
  /** Business time now (simulation, training and time travel turn this clock). */
  now(): Promise<Date>
  clock(): Promise<DepartmentClock>
  /** Tells screens and the relay that something changed; coalesced, outside transactions, at most a hint. */
  announce(topics: readonly string[]): void
  close(): Promise<void>
}

export interface DepartmentClock {
  baseMachineMs: number
  baseDepartmentMs: number
  rate: number
}

/** Opens the department's database for one process. */
export function openDepartment(databaseUrl: string, options: { name: string; max?: number }): Department {
  const sql = connect(databaseUrl, options)
  const bell = coalescedBell(sql)
  const clock = cachedClock(sql)
  return {
    sql,
    clock,
    async now() {
      const { baseMachineMs, baseDepartmentMs, rate } = await clock()
      return new Date(baseDepartmentMs + (Date.now() - baseMachineMs) * rate)
    },
    announce: bell.ring,
    async close() {
      await bell.flush()
      await sql.end({ timeout: 5 })
    },
  }
}

// A NOTIFY inside every claim would take one lock for the whole cluster at each commit and halve throughput.
function coalescedBell(sql: Sql) {
  let waiting = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  async function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    if (waiting.size === 0) return
    const topics = [...waiting]
    waiting = new Set()
    for (let from = 0; from < topics.length; from += 100) {
      await sql`select pg_notify(${LIVE_CHANNEL}, ${topics.slice(from, from + 100).join(' ')})`.catch(() => {
        // Only a hint: readers also poll, so a lost bell delays and never loses.
      })
    }
  }
  return {
    ring(topics: readonly string[]) {
      for (const topic of topics) waiting.add(topic)
      timer ??= setTimeout(() => void flush(), COALESCE_MS)
    },
    flush,
  }
}

function cachedClock(sql: Sql): () => Promise<DepartmentClock> {
  let cached: { at: number; value: Promise<DepartmentClock> } | undefined
  async function read(): Promise<DepartmentClock> {
    const [row] = await sql<{ base_machine: Date; base_department: Date; rate: number }[]>`
      select base_machine, base_department, rate from department_clock`
    if (!row) return { baseMachineMs: 0, baseDepartmentMs: 0, rate: 1 }
    return {
      baseMachineMs: row.base_machine.getTime(),
      baseDepartmentMs: row.base_department.getTime(),
      rate: row.rate,
    }
  }
  return () => {
    if (!cached || Date.now() - cached.at > CLOCK_CACHE_MS) {
      const value = read()
      value.catch(() => {
        cached = undefined
      })
      cached = { at: Date.now(), value }
    }
    return cached.value
  }
}
