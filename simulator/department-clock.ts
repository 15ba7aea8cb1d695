/** The department's clock as every open page hears it (the event stream, `/live`); until then the machine's own. */
import { type DepartmentClock, departmentNow, REAL_TIME } from '#domain/clock.ts'
import type { WebSession } from './web-session.ts'

export interface ClockOnTheWall {
  now(): Date
  /** Settles when somebody has seen it. */
  readonly seen: Promise<void>
  /** Listens to one stream until it ends. */
  listen(session: WebSession, closing: AbortSignal): Promise<void>
}

export function clockOnTheWall(): ClockOnTheWall {
  let clock: DepartmentClock = REAL_TIME
  const seen = Promise.withResolvers<void>()
  return {
    seen: seen.promise,
    now: () => departmentNow(clock, new Date()),
    async listen(session, closing) {
      const response = await session.fetch('/live', { signal: closing })
      if (!response.ok || !response.body) throw new Error(`/live: HTTP ${response.status}`)
      let unread = ''
      for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
        const lines = (unread + part).split('\n')
        unread = lines.pop() ?? ''
        for (const shown of lines.map(read)) {
          if (!shown) continue
          clock = shown
          seen.resolve()
        }
      }
    },
  }
}

function read(line: string): DepartmentClock | undefined {
  if (!line.startsWith('data: ')) return undefined
  const { at, departmentNow: shown, rate } = JSON.parse(line.slice(6)) as Record<string, string | number>
  return {
    baseMachineMs: Date.parse(String(at)),
    baseDepartmentMs: Date.parse(String(shown)),
    rate: Number(rate),
  }
}
