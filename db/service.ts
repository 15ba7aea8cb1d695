/** The life of one process of the department: its database, its heartbeat, readiness, and a clean end on SIGTERM. */
import { type Logger, pino } from 'pino'
import { type Department, openDepartment } from './department.ts'
import { armFailpoints } from './failpoint.ts'

const BEAT_MS = 5_000

export interface ServiceSettings {
  databaseUrl: string
  failpointFile: string | undefined
  logLevel: string
}

export interface Service {
  department: Department
  log: Logger
}

/** What a process adds: how it stops, and what it says of itself to the health page (numbers and words, no patients). */
export interface Running {
  stop(): Promise<void>
  state?(): Record<string, unknown> | Promise<Record<string, unknown>>
}

/**
 * Runs a process until SIGTERM or SIGINT: starts it, beats every five seconds, tells the supervisor when it is
 * ready, and ends it in order. A failed start ends the process with exit code 1 and one line.
 */
export async function runService(
  name: string,
  settings: ServiceSettings,
  start: (service: Service) => Promise<Running>,
): Promise<void> {
  armFailpoints(settings.failpointFile)
  const log = pino({
    name,
    level: settings.logLevel,
    base: { pid: process.pid },
    serializers: { err: loggedError },
  })
  const department = openDepartment(settings.databaseUrl, { name, max: 12 })
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'a rejection nobody handled'))
  try {
    const running = await start({ department, log })
    const beat = await beginBeating(department, name, running)
    onceStopped(async () => {
      clearInterval(beat)
      await running.stop()
      await department.sql`delete from heartbeats where process = ${name} and pid = ${process.pid}`.catch(
        () => {},
      )
      await department.close()
    })
    process.send?.({ type: 'ready' })
    log.info('ready')
  } catch (error) {
    log.fatal({ err: error }, 'could not start')
    process.exit(1)
  }
}

async function beginBeating(department: Department, name: string, running: Running): Promise<NodeJS.Timeout> {
  const { sql } = department
  async function beat(): Promise<void> {
    const state = (await running.state?.()) ?? {}
    await sql`
      insert into heartbeats (process, pid, at, state) values (${name}, ${process.pid}, ${new Date()}, ${sql.json(state as never)})
      on conflict (process, pid) do update set at = excluded.at, state = excluded.state`
  }
  // What an earlier incarnation left behind says nothing about this one.
  await sql`delete from heartbeats where process = ${name} and at < ${new Date(Date.now() - 12 * BEAT_MS)}`
  await beat()
  return setInterval(() => void beat().catch(() => {}), BEAT_MS) // The database is away: its absence is what health shows.
}

function onceStopped(stop: () => Promise<void>): void {
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return
      stopping = true
      void stop().finally(() => process.exit(0))
    })
  }
}

/** An error as it may be logged: a driver's own words can hold values of a row, so only its kind is. */
export function loggedError(error: unknown) {
  const { name, code, message, stack } = error as {
    name?: string
    code?: string
    message?: string
    stack?: string
  }
  const fromDriver = name === 'PostgresError'
  return {
    type: name,
    code,
    message: fromDriver ? `postgres ${code}` : message,
    stack: fromDriver ? stack?.split('\n').slice(1).join('\n') : stack,
  }
}
