/** A page's end of the event stream: who wants to hear of what, and how fresh the screen is. */
import { hearServerTime } from '../ui/department-clock.tsx'
import { keepListening } from './event-source.ts'
import { concerns, HEARTBEAT_MS, type LiveNews } from './live-message.ts'
import { recentNews } from './recent-news.ts'

export type ConnectionState =
  | { state: 'live' | 'catching-up' }
  | { state: 'behind'; seconds: number }
  | { state: 'offline'; since: number }

const BEHIND_MS = 15_000

interface Listener {
  topics: readonly string[]
  sinceMs: number
  hear: () => void
}

const listeners = new Set<Listener>()
const watchers = new Set<() => void>()
const recent = recentNews()
let isOpen = false
let lastNewsAt = 0
let closedSince: number | undefined
let started = false

/**
 * Hears of changes to these topics until the returned function is called.
 * @param sinceMs when what is on the screen was asked for: what was heard since then may not be in it
 */
export function listenTo(topics: readonly string[], sinceMs: number, hear: () => void): () => void {
  start()
  const listener = { topics, sinceMs, hear }
  listeners.add(listener)
  if (recent.since(sinceMs).some(({ message }) => concerns(message, topics))) hear()
  return () => void listeners.delete(listener)
}

/** For `useSyncExternalStore`: called once a second and at every change of the connection. */
export function watchConnection(watch: () => void): () => void {
  start()
  watchers.add(watch)
  const timer = setInterval(watch, 1_000)
  return () => {
    watchers.delete(watch)
    clearInterval(timer)
  }
}

export function connectionState(nowMs: number): ConnectionState {
  const age = nowMs - lastNewsAt
  if (!isOpen && closedSince !== undefined && nowMs - closedSince > BEHIND_MS)
    return { state: 'offline', since: closedSince }
  if (lastNewsAt > 0 && age > BEHIND_MS) return { state: 'behind', seconds: Math.floor(age / 1000) }
  // One late heartbeat is no news; two are.
  if (!isOpen || (lastNewsAt > 0 && age > HEARTBEAT_MS * 1.5)) return { state: 'catching-up' }
  return { state: 'live' }
}

/** Seconds since the last word from the server. */
export function newsAgeSeconds(nowMs: number): number {
  return lastNewsAt ? Math.max(0, Math.floor((nowMs - lastNewsAt) / 1000)) : 0
}

function start(): void {
  if (started) return
  started = true
  closedSince = Date.now()
  if (typeof SharedWorker === 'undefined') {
    keepListening(take)
    return
  }
  const worker = new SharedWorker(new URL('./live-worker.ts', import.meta.url), {
    type: 'module',
    name: 'isocenter-live',
  })
  worker.port.onmessage = ({ data }: MessageEvent<LiveNews>) => take(data)
  worker.port.start()
  addEventListener('pagehide', () => worker.port.postMessage('leaving'))
  // A page that comes back from the browser's page cache has lost its place with the worker.
  addEventListener('pageshow', (event) => {
    if (event.persisted) location.reload()
  })
}

function take(news: LiveNews): void {
  if (news.kind === 'state') {
    if (isOpen && !news.open) closedSince = Date.now()
    if (news.open) closedSince = undefined
    isOpen = news.open
  } else {
    isOpen = true
    closedSince = undefined
    // Once more what another page heard is no news of the connection, but may be news for this one.
    if (news.heardMs >= lastNewsAt) {
      lastNewsAt = news.heardMs
      hearServerTime(news.message, news.heardMs)
    }
    recent.keep(news)
    for (const { topics, sinceMs, hear } of [...listeners])
      if (news.heardMs >= sinceMs && concerns(news.message, topics)) hear()
  }
  for (const watch of [...watchers]) watch()
}
