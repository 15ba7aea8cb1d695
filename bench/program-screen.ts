/** The reading list without a browser: the same session, event stream and loader requests, at the same pace as a page. */
import { UNSAFE_decodeViaTurboStream as decode } from 'react-router'
import { concerns, type LiveMessage } from '../app/live/live-message.ts'
import type { Change, Screen, SignedIn } from './screen.ts'

/** As in app/routes/radiologist/reading-list.tsx and app/live/use-live.ts. */
const TOPICS = [
  'list:read',
  'list:sent-back',
  'list:sign',
  'images.arrived',
  'completeness.decided',
  'report.signed',
]
const AT_MOST_EVERY_MS = 250
const ROUTE = 'routes/radiologist/reading-list'

interface Row {
  orderId: string
  isTaken: boolean
}

export interface ProgramScreen extends Screen {
  /** How long each loader request took, decoding included. */
  readonly loadsMs: number[]
}

export async function openProgram(signedIn: SignedIn): Promise<ProgramScreen> {
  const cookie = await signIn(signedIn)
  const leaving = new AbortController()
  const loadsMs: number[] = []
  let watching: { change: Change; resolve: (at: number) => void; reject: (error: Error) => void } | undefined
  let shown: Promise<number> = Promise.resolve(0)

  async function load(): Promise<void> {
    const begun = performance.now()
    const rows = await readList(signedIn.app, cookie, leaving.signal)
    loadsMs.push(performance.now() - begun)
    if (watching && isIn(rows, watching.change)) {
      watching.resolve(Date.now())
      watching = undefined
    }
  }
  const ask = paced(() => load().catch((error) => watching?.reject(error)), leaving.signal)
  await load()
  await new Promise<void>((resolve, reject) => {
    listen(signedIn.app, cookie, leaving.signal, (message) => {
      resolve()
      if (concerns(message, TOPICS)) ask()
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
      leaving.abort()
    },
  }
}

function isIn(rows: readonly Row[], { orderId, state }: Change): boolean {
  const row = rows.find((each) => each.orderId === orderId)
  if (state === 'gone') return row === undefined
  return row !== undefined && (state === 'listed' || row.isTaken === (state === 'taken'))
}

/** One request at a time, and not more often than a page asks. */
function paced(load: () => Promise<void>, signal: AbortSignal): () => void {
  let isWanted = false
  let isBusy = false
  let isPausing = false
  function ask(): void {
    isWanted = true
    if (isBusy || isPausing || signal.aborted) return
    isWanted = false
    isBusy = true
    isPausing = true
    const again = () => isWanted && ask()
    setTimeout(() => {
      isPausing = false
      again()
    }, AT_MOST_EVERY_MS)
    void load().finally(() => {
      isBusy = false
      again()
    })
  }
  return ask
}

async function signIn({ app, user, password }: SignedIn): Promise<string> {
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

async function readList(app: string, cookie: string, signal: AbortSignal): Promise<Row[]> {
  const ask = () => fetch(`${app}/reading.data`, { headers: { cookie }, signal })
  // A server closes idle connections; a browser, too, asks once more when it meets one that is just being closed.
  const response = await ask().catch(ask)
  if (!response.ok || !response.body) throw new Error(`the reading list answered ${response.status}`)
  const { value, done } = await decode(response.body, globalThis)
  await done
  return JSON.parse((value as Record<string, { data: { cases: string } }>)[ROUTE]!.data.cases)
}

async function listen(
  app: string,
  cookie: string,
  signal: AbortSignal,
  hear: (message: LiveMessage) => void,
): Promise<void> {
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
