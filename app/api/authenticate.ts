/** Who a program is: a bearer token, HTTP Basic with a local account, or a signed-in person's session (RFC 6750, RFC 7617). */
import type { IncomingMessage } from 'node:http'
import type { Department } from '#db/department.ts'
import { basicActor, tokenActor } from '#db/mutations/sessions.ts'
import type { Actor } from '#domain/permissions.ts'
import type { AppServer } from '../server/context.ts'
import { findPerson } from '../server/guard.ts'

/** The actor behind a request, or null. Pages never call this: a token opens no screen. */
export async function actorOfRequest(request: IncomingMessage, server: AppServer): Promise<Actor | null> {
  const [scheme, credentials] = (request.headers.authorization ?? '').split(/\s+/, 2)
  switch (scheme?.toLowerCase()) {
    case 'bearer':
      return credentials ? tokenActor(server.department, credentials) : null
    case 'basic':
      return credentials ? fromBasic(server.department, credentials) : null
    default:
      return (await findPerson(request, server))?.actor ?? null
  }
}

/** The token of RFC 6750 2.1, or null when the request has none. */
export function bearerToken({ headers }: IncomingMessage): string | null {
  return /^bearer\s+(\S+)/i.exec(headers.authorization ?? '')?.[1] ?? null
}

async function fromBasic(department: Department, credentials: string): Promise<Actor | null> {
  const text = Buffer.from(credentials, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1) return null
  return basicActor(department, { userName: text.slice(0, colon), password: text.slice(colon + 1) })
}
