/** The event stream: one LISTEN connection per process, and every open page hears what changed (SSE, HTML 9.2). */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Department, LIVE_CHANNEL } from '#db/department.ts'
import { EVERYTHING, HEARTBEAT_MS, type LiveMessage } from './live-message.ts'

/** Changes that come close together are one message; far below what a person notices. */
const COALESCE_MS = 40
/** A page that doesn't read for this long is dropped; it comes back and asks for everything. */
const BACKLOG_BYTES = 256 * 1024

export interface LiveServer {
  /** Answers with an endless stream. The caller has checked the session. */
  stream(request: IncomingMessage, response: ServerResponse): void
  readonly open: number
  close(): Promise<void>
}

export async function startLiveServer(department: Department): Promise<LiveServer> {
  const pages = new Set<ServerResponse>()
  let waiting = new Set<string>()
  let timer: NodeJS.Timeout | undefined

  async function send(): Promise<void> {
    timer = undefined
    const topics = [...waiting]
    waiting = new Set()
    try {
      const line = `data: ${JSON.stringify(await messageOf(department, topics))}\n\n`
      for (const page of pages) {
        if (page.writableLength > BACKLOG_BYTES) page.destroy()
        else page.write(line)
      }
    } catch {
      // The clock can't be read just now: the next heartbeat says it.
      for (const topic of topics) waiting.add(topic)
    }
  }

  function hear(topics: string[]): void {
    for (const topic of topics) waiting.add(topic)
    timer ??= setTimeout(() => void send(), COALESCE_MS)
  }

  const listening = await department.sql.listen(
    LIVE_CHANNEL,
    (payload) => hear(payload.split(' ').filter(Boolean)),
    // After a lost connection whatever was notified in between is gone.
    () => hear([EVERYTHING]),
  )
  const heartbeat = setInterval(() => void send(), HEARTBEAT_MS)

  return {
    get open() {
      return pages.size
    },
    stream(request, response) {
      response.writeHead(200, {
        'Content-Type': 'text/event-stream',
        'Cache-Control': 'no-store',
        'X-Accel-Buffering': 'no',
      })
      request.socket.setNoDelay(true)
      request.socket.setTimeout(0)
      pages.add(response)
      response.on('close', () => pages.delete(response))
      void messageOf(department, []).then(
        (message) => response.write(`retry: 1000\n\ndata: ${JSON.stringify(message)}\n\n`),
        () => response.destroy(),
      )
    },
    async close() {
      clearInterval(heartbeat)
      clearTimeout(timer)
      for (const page of pages) page.end()
      await listening.unlisten().catch(() => {}) // the database may already be gone
    },
  }
}

async function messageOf(department: Department, topics: string[]): Promise<LiveMessage> {
  const [now, { rate }] = await Promise.all([department.now(), department.clock()])
  return { topics, at: new Date().toISOString(), departmentNow: now.toISOString(), rate }
}
