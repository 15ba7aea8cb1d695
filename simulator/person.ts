/** Anybody who works at a screen: signed in with their own account, again whenever the session has ended, until closing. */
import { keepDoing, type Pace } from './pace.ts'
import type { Random } from './random.ts'
import { WebRefusal, type WebSession, webSession } from './web-session.ts'

export interface Account {
  user: string
  password: string
}

export interface PersonOptions {
  app: string
  account: Account
  pace: Pace
  random: Random
  /** The department's clock. */
  now: () => Date
  say?: (event: PersonEvent) => void
}

export type PersonEvent =
  | { event: 'did'; user: string; what: string }
  | { event: 'refused'; user: string; what: string; code: string }
  | { event: 'trouble'; user: string; error: unknown }

/** Does one round of work after the other; each round sees the screens anew. */
export async function runPerson(
  { app, account, pace, say }: PersonOptions,
  round: (session: WebSession) => Promise<void>,
): Promise<void> {
  const { user, password } = account
  let session: WebSession | undefined
  await keepDoing(
    pace,
    async () => {
      session ??= await webSession(app, user, password)
      try {
        await round(session)
      } catch (error) {
        // The session may be over, or the app is another one now: whoever is in doubt signs in again.
        if (!(error instanceof WebRefusal) || error.redirect) session = undefined
        throw error
      }
    },
    (error) => say?.({ event: 'trouble', user, error }),
  )
  await session?.signOut().catch(() => {}) // the app may have stopped first
}

/** What an action answers when it stays on its page. */
export interface Answered {
  ok?: boolean
  code?: string
  refused?: string
}

/** Says what became of an act; answers whether it was done. */
export function report(
  { say, account }: PersonOptions,
  what: string,
  answered: Answered | undefined,
): boolean {
  const { user } = account
  const code = answered?.ok === false ? (answered.code ?? 'unknown') : answered?.refused
  say?.(code ? { event: 'refused', user, what, code } : { event: 'did', user, what })
  return code === undefined
}
