/** The reading list without a browser: the same session, event stream and requests, at the same pace as a page. */
import { concerns, EVERYTHING, type LiveMessage } from '../app/live/live-message.ts'
import { pacedLoads } from '../app/live/paced-loads.ts'
import { type KeptRows, keptRows, type RowsAnswer } from '../app/worklist/kept-rows.ts'
import type { Change, Screen, SignedIn } from './screen.ts'

/** As in app/routes/radiologist/reading-list.tsx. */
const TOPICS = [
  'list:read',
  'list:sent-back',
  'list:sign',
  'images.arrived',
  'completeness.decided',
  'report.signed',
  'views:reading',
]
/** As in app/routes/shell.tsx and app/live/use-waiting.ts. */
const COUNTED = ['list:read', 'list:sent-back', 'list:sign']
const COUNTS_EVERY_MS = 2_000

interface Row {
  orderId: string
  isTaken: boolean
}

export interface ProgramScreen extends Screen {
  /** How long each request for the list took, decoding included. */
  readonly loadsMs: number[]
}

/** @param cookie of a session that is open already: one person at several screens */
export async function openProgram(signedIn: SignedIn, cookie?: string): Promise<ProgramScreen> {
  const session = cookie ?? (await signIn(signedIn))
  const leaving = new AbortController()
  const wire = { app: signedIn.app, cookie: session, signal: leaving.signal }
  const kept = keptRows<Row>()
  const loadsMs: number[] = []
  let watching: { change: Change; resolve: (at: number) => void; reject: (error: Error) => void } | undefined
  let shown: Promise<number> = Promise.resolve(0)

  async function load(): Promise<void> {
    const begun = performance.now()
    const rows = await readList(wire, kept)
    loadsMs.push(performance.now() - begun)
    if (watching && isIn(rows, watching.change)) {
      watching.resolve(Date.now())
      watching = undefined
    }
  }
  const list = pacedLoads({ load: () => load().catch((error) => watching?.reject(error)) })
  const counts = pacedLoads({
    everyMs: COUNTS_EVERY_MS,
    load: () => readCounts(wire).catch((error) => watching?.reject(error)),
  })
  await load()
  await new Promise<void>((resolve, reject) => {
    let isFirst = true
    listen(wire, (message) => {
      resolve()
      // What happened before anybody listened is unknown.
      if (isFirst) message.topics.push(EVERYTHING)
      isFirst = false
      if (concerns(message, TOPICS)) list.ask()
      if (concerns(message, COUNTED)) counts.ask()
    }).catch((error) => {
      if (leaving.signal.aborted) return
      reject(error)
      watching?.reject(error)
    })
  })
  return {
    kind: 'program',
    loadsMs,
    async watchFor(change) {
      shown = new Promise((resolve, reject) => {
        watching = { change, resolve, reject }
      })
      shown.catch(() => {}) // told to whoever waits for it
    },
    shown: () => shown,
    async close() {
      list.stop()
      counts.stop()
      leaving.abort()
    },
  }
}

function isIn(rows: readonly Row[], { orderId, state }: Change): boolean {
  const row = rows.find((each) => each.orderId === orderId)
  if (state === 'gone') return row === undefined
  return row !== undefined && (state === 'listed' || row.isTaken === (state === 'taken'))
}

export async function signIn({ app, user, password }: SignedIn): Promise<string> {
  const response = await fetch(`${app}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: { Origin: app },
    body: new URLSearchParams({ userName: user, password, to: '/reading' }),
  })
  const [cookie] = response.headers.getSetCookie()
  if (!cookie) throw new Error(`signing in as ${user} answered ${response.status}`)
  return cookie.split(';')[0]!
}

interface Wire {
  app: string
  cookie: string
  signal: AbortSignal
}

async function readList(wire: Wire, kept: KeptRows<Row>, have = kept.version): Promise<readonly Row[]> {
  const { list } = (await read(wire, `/reading/rows?have=${have}`)) as { list: RowsAnswer<Row> }
  const rows = kept.take(list)
  if (rows === null && have === '') throw new Error('the reading list did not bring its rows')
  return rows ?? readList(wire, kept, '')
}

async function readCounts(wire: Wire): Promise<void> {
  await read(wire, '/waiting')
}

async function read({ app, cookie, signal }: Wire, path: string): Promise<unknown> {
  const ask = () => fetch(app + path, { headers: { cookie }, signal })
  // A server closes idle connections; a browser, too, asks once more when it meets one that is just being closed.
  const response = await ask().catch(ask)
  if (!response.ok || response.redirected)
    throw new Error(`${path.split('?')[0]} answered ${response.status}`)
  return response.json()
}

async function listen({ app, cookie, signal }: Wire, hear: (message: LiveMessage) => void): Promise<void> {
  const response = await fetch(`${app}/live`, { headers: { cookie }, signal })
  if (!response.ok || !response.body) throw new Error(`the event stream answered ${response.status}`)
  let text = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (text + chunk).split('\n\n')
    text = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('data: ')) hear(JSON.parse(line.slice(6)))
  }
  if (!signal.aborted) throw new Error('the event stream ended')
}
