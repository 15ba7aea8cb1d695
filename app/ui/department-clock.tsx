/** One clock for all relative times on a screen: the server's time, never the workstation's, which lies. */
import { createContext, type ReactNode, useContext, useMemo, useSyncExternalStore } from 'react'

export interface DepartmentTime {
  /** The server's machine time when this was taken. */
  at: string
  /** The department's time at that instant. */
  departmentNow: string
  /** How many department seconds pass in one second (1 but for simulation). */
  rate: number
  zone: string
}

const TimeContext = createContext<DepartmentTime>({
  at: '1970-01-01T00:00:00.000Z',
  departmentNow: '1970-01-01T00:00:00.000Z',
  rate: 1,
  zone: 'UTC',
})

/** The base that the server sent with the page; the event stream corrects it from then on. */
export function DepartmentClock({ time, children }: { time: DepartmentTime; children: ReactNode }) {
  const { at, departmentNow, rate, zone } = time
  const value = useMemo(() => ({ at, departmentNow, rate, zone }), [at, departmentNow, rate, zone])
  return <TimeContext value={value}>{children}</TimeContext>
}

/** How fast the department's clock runs against the wall's. */
export function useDepartmentRate(): number {
  return useContext(TimeContext).rate
}

/** The base itself, for what is known by the workstation's own clock (`departmentTimeAt`). */
export function useDepartmentTime(): DepartmentTime {
  return useContext(TimeContext)
}

export function useZone(): string {
  return useContext(TimeContext).zone
}

/**
 * The department's time, ticking every second or every minute on one shared timer.
 * While a page is being woken up it is the time the server drew with, so that both draw the same.
 */
export function useDepartmentNow(every: 'second' | 'minute' = 'minute'): Date {
  const base = useContext(TimeContext)
  const step = every === 'second' ? 1_000 : 60_000
  const now = useSyncExternalStore(
    subscribe,
    () => Math.floor(departmentTimeAt(Date.now(), base) / step) * step,
    () => Math.floor(Date.parse(base.departmentNow) / step) * step,
  )
  return useMemo(() => new Date(now), [now])
}

/** The workstation's own time (of performance) at which the newest server time was heard, and that server time. */
let heard: { localMs: number; departmentMs: number; rate: number } | undefined

/** Told by the event stream at every heartbeat. @param localMs when it was heard, on the workstation's clock */
export function hearServerTime(
  { departmentNow, rate }: { departmentNow: string; rate: number },
  localMs: number,
): void {
  heard = { localMs, departmentMs: Date.parse(departmentNow), rate }
}

export function departmentTimeAt(localMs: number, base: DepartmentTime): number {
  if (heard) return heard.departmentMs + (localMs - heard.localMs) * heard.rate
  heard = { localMs, departmentMs: Date.parse(base.departmentNow), rate: base.rate }
  return heard.departmentMs
}

const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(() => {
    for (const each of listeners) each()
  }, 1_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}
