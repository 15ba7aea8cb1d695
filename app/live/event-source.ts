/** One EventSource that never gives up: the browser's own stops for good when an answer isn't 200. */
import { EVERYTHING, type LiveMessage, type LiveNews } from './live-message.ts'

const TRY_AGAIN_MS = 2_000

/** @returns a function that asks for a new try at once, and one that ends it */
export function keepListening(tell: (news: LiveNews) => void): { nudge: () => void; stop: () => void } {
  let source: EventSource | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  // The first page was drawn before anybody listened.
  let hadGap = true

  function connect(): void {
    clearTimeout(timer)
    source = new EventSource('/live')
    source.onopen = () => tell({ kind: 'state', open: true })
    source.onmessage = ({ data }) => {
      const message = JSON.parse(data) as LiveMessage
      // What happened while nobody listened is unknown: everything must be asked for again.
      if (hadGap) message.topics.push(EVERYTHING)
      hadGap = false
      tell({ kind: 'message', message, heardMs: Date.now() })
    }
    source.onerror = () => {
      hadGap = true
      tell({ kind: 'state', open: false })
      if (source?.readyState === EventSource.CLOSED) timer = setTimeout(connect, TRY_AGAIN_MS)
    }
  }
  connect()
  return {
    nudge() {
      if (source?.readyState === EventSource.CLOSED) connect()
    },
    stop() {
      clearTimeout(timer)
      source?.close()
    },
  }
}
