/** A page's end of the event stream: who wants to hear of what, and how fresh the screen is. */
import { hearServerTime } from '../ui/department-clock.tsx'
import { keepListening } from './event-source.ts'
import { concerns, HEARTBEAT_MS, type LiveNews } from './live-message.ts'

export type ConnectionState =
  | { state: 'live' | 'catching-up' }
  | { state: 'behind'; seconds: number }
  | { state: 'offline'; since: number }

const BEHIND_MS = 15_000

interface Listener {
  topics: readonly string[]
  hear: () => void
}

const listeners = new Set<Listener>()
const watchers = new Set<() => void>()
let isOpen = false
let lastNewsAt = 0
let closedSince: number | undefined
let started = false

/** Hears of changes to these topics until the returned function is called. */
export function listenTo(topics: readonly string[], hear: () => void): () => void {
  start()
  const listener = { topics, hear }
  listeners.add(listener)
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
    lastNewsAt = Date.now()
    hearServerTime(news.message)
    for (const listener of [...listeners]) if (concerns(news.message, listener.topics)) listener.hear()
  }
  for (const watch of [...watchers]) watch()
}
