/** What was heard lately, for a screen that was read before it began to listen. */
import { type LiveNews, REMEMBERED_MS } from './live-message.ts'

export type HeardMessage = Extract<LiveNews, { kind: 'message' }>

export interface RecentNews {
  keep(heard: HeardMessage): void
  /** Oldest first. */
  since(ms: number): HeardMessage[]
}

export function recentNews(): RecentNews {
  let heard: HeardMessage[] = []
  return {
    keep(message) {
      if (message.message.topics.length === 0) return
      heard = [...heard.filter(({ heardMs }) => message.heardMs - heardMs < REMEMBERED_MS), message]
    },
    since: (ms) => heard.filter(({ heardMs }) => heardMs >= ms),
  }
}
