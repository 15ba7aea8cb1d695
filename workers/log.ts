/** Temporal's log lines in ours; of an error only what never holds a value of a row. */
import {
  DefaultLogger,
  type Logger,
  type LogLevel,
  makeTelemetryFilterString,
  type RuntimeOptions,
} from '@temporalio/worker'
import type { Logger as Log } from 'pino'
import { loggedError } from '#db/service.ts'

export type { Log }

/** Temporal's log lines into ours, those of its native part included; signals are the process's own business. */
export function runtimeOptions(log: Log): RuntimeOptions {
  const filter = makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' })
  return {
    logger: temporalLogger(log),
    shutdownSignals: [],
    telemetryOptions: { logging: { forward: {}, filter } },
  }
}

/** Temporal's own log lines, into ours. */
export function temporalLogger(log: Log): Logger {
  return new DefaultLogger(log.level === 'trace' ? 'TRACE' : 'INFO', ({ level, message, meta }) => {
    log[onPurpose.test(message) ? 'debug' : pinoLevels[level]](safe(meta), message)
  })
}

// Each of our workers polls for one kind of task only.
const onPurpose = /^No (activities|workflows) registered/

const pinoLevels = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'debug',
  WARN: 'warn',
  ERROR: 'error',
} as const satisfies Record<LogLevel, string>

function safe(meta: object | undefined): object {
  return Object.fromEntries(
    Object.entries(meta ?? {}).map(([key, value]) => [
      key,
      value instanceof Error ? loggedError(value) : value,
    ]),
  )
}
