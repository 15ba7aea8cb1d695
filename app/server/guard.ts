/** The first line of every loader and action: who asks, and may they be here at all. */
import { data, type LoaderFunctionArgs, redirect } from 'react-router'
import { audit } from '#db/mutations/audit.ts'
import type { Act } from '#db/mutations/mutate.ts'
import { type SignedInUser, sessionUser } from '#db/mutations/sessions.ts'
import type { Role } from '#domain/words.ts'
import { type AppServer, requestContext, serverContext } from './context.ts'
import { readSessionCookie } from './session-cookie.ts'

export interface SignedIn {
  person: SignedInUser
  server: AppServer
  /** Who, through which door and when, as every mutation asks for it. */
  act: (key?: string) => Promise<Act>
}

type Args = Pick<LoaderFunctionArgs, 'request' | 'context'>

/**
 * The signed-in person; without a session the answer is the sign-in page.
 * @param roles those who may see this page at all; for anybody else it doesn't exist (404, and the trail says so)
 */
export async function requireUser({ request, context }: Args, roles?: readonly Role[]): Promise<SignedIn> {
  const server = context.get(serverContext)
  const { ip } = context.get(requestContext)
  const person = await findPerson(request, server)
  if (!person) throw redirect(signInAddress(request))
  if (roles && !person.roles.some((role) => roles.includes(role))) {
    await audit(
      server.department,
      { actor: person.actor, source: 'app', machineNow: new Date(), address: ip },
      {
        subject: `user:${person.id}`,
        type: 'page.denied',
        outcome: 'denied',
        data: { page: new URL(request.url).pathname.split('/')[1] },
      },
    )
    throw data(null, { status: 404 })
  }
  return {
    person,
    server,
    act: async (key) => ({
      actor: person.actor,
      source: 'app',
      now: await server.department.now(),
      machineNow: new Date(),
      address: ip,
      // Of this person: what another one's browser made up says nothing here.
      ...(key && { key: `${person.id}/${key}` }),
    }),
  }
}

/** The person whose session cookie a request carries, for handlers outside React Router too. */
export async function findPerson(
  request: { headers: Headers } | { headers: { cookie?: string | undefined } },
  { department }: AppServer,
): Promise<SignedInUser | null> {
  const { headers } = request
  const token = readSessionCookie(headers instanceof Headers ? headers.get('cookie') : headers.cookie)
  return token ? sessionUser(department, token) : null
}

// Only a path of ours, without its query: after signing in people come back to where they were.
function signInAddress(request: Request): string {
  const path = new URL(request.url).pathname.replace(/\.data$/, '')
  return path === '/' || path === '/_root' ? '/sign-in' : `/sign-in?to=${encodeURIComponent(path)}`
}

/** Where a person goes after signing in: never an address of somebody else's. */
export function safeReturnPath(to: string | null): string {
  return to && /^\/(?![/\\])[\w\-./]*$/.test(to) ? to : '/'
}
