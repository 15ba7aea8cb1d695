/**
 * What the web process serves of images: OHIF under `/viewer`, its DICOMweb under `/dicom-web/launch/<id>` for the
 * session that opened the launch, and plain `/dicom-web` for programs.
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Access } from '#archive/web/access.ts'
import { problem } from '#archive/web/dicomweb.ts'
import { answerHttp, sendResponse } from '#archive/web/node-http.ts'
import { openDicomweb } from '#archive/web/service.ts'
import { Gathered, STANDS_FOR_MS } from '#db/gathered.ts'
import { audit } from '#db/mutations/audit.ts'
import { type StandingLaunch, standingLaunches } from '#db/mutations/launches.ts'
import { type SignedInUser, sessionUsers, tokenActors } from '#db/mutations/sessions.ts'
import { type Actor, can, scopeOf } from '#domain/permissions.ts'
import { actorOfRequest, bearerToken } from '../api/authenticate.ts'
import type { AppServer } from '../server/context.ts'
import { findPerson } from '../server/guard.ts'
import { readSessionCookie } from '../server/session-cookie.ts'
import { serveViewer } from './serve.ts'

export interface ImageServices {
  /** Mount on `/viewer`. */
  viewer(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** Mount on `/dicom-web`. */
  dicomweb(request: IncomingMessage, response: ServerResponse): Promise<void>
  close(): Promise<void>
}

export interface ImageServicesOptions {
  server: AppServer
  /** Where `prepareViewer` put OHIF. */
  viewerDirectory: string
  blobFolder: string
  aeTitle: string
  log: Logger
}

export async function openImageServices(options: ImageServicesOptions): Promise<ImageServices> {
  const { server, log } = options
  const service = await openDicomweb({ department: server.department, ...options })
  const viewer = serveViewer({
    directory: options.viewerDirectory,
    isSignedIn: async (request) => (await findPerson(request, server)) !== null,
    signInPath: '/sign-in',
  })
  const credentials = credentialsOf(server)

  async function dicomweb(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refuse = (status: number, words: string) =>
      sendResponse({ request, response, answered: problem(status, words), blobs: service.blobs })
    const launchId = launchIn(request)
    const found =
      launchId === null
        ? await forProgram(request, credentials)
        : await forLaunch(request, launchId, credentials)
    if ('access' in found)
      return answerHttp(request, response, { service, ...found, isBehindTls: server.secure })
    if (request.headers.authorization) await auditDenied(server, request, found.actor)
    if (found.status === 401 && launchId === null)
      response.setHeader('WWW-Authenticate', 'Bearer, Basic realm="isocenter"')
    return refuse(found.status, found.words)
  }

  return {
    viewer,
    dicomweb: (request, response) =>
      dicomweb(request, response).catch((error: unknown) => {
        log.error({ err: error }, 'a DICOMweb request was cut off')
        if (response.headersSent) return void response.destroy()
        const answered = problem(500, 'what is stored could not be read')
        return sendResponse({ request, response, answered, blobs: service.blobs })
      }),
    close: () => service.close(),
  }
}

type Found = { access: Access; root: string } | { status: 401 | 403 | 404; words: string; actor?: Actor }

const NOBODY: Actor = { kind: 'token', id: 'unknown', roles: [], sites: [], areas: [], credentials: [] }

/** A token or an account that nobody knows, or one that sees no images. */
async function auditDenied(
  { department }: AppServer,
  { method, socket }: IncomingMessage,
  actor: Actor = NOBODY,
): Promise<void> {
  await audit(
    department,
    { actor, source: 'web', machineNow: new Date(), address: socket.remoteAddress ?? '' },
    { subject: `user:${actor.id}`, type: 'images.denied', outcome: 'denied', data: { method } },
  )
}

const ROOT = '/dicom-web'
const LAUNCH = /^\/dicom-web\/launch\/([^/?]*)/

function addressOf(request: IncomingMessage): string {
  return (request as IncomingMessage & { originalUrl?: string }).originalUrl ?? request.url ?? '/'
}

function launchIn(request: IncomingMessage): string | null {
  return LAUNCH.exec(addressOf(request))?.[1] ?? null
}

/**
 * Who may come in: a token that was revoked, a session that ended and a launch that was closed open nothing any more
 * once `STANDS_FOR_MS` have passed. Requests that come at the same time are looked up together.
 */
interface Credentials {
  sessions: Gathered<SignedInUser>
  launches: Gathered<StandingLaunch>
  programs: Programs
}

function credentialsOf(server: AppServer): Credentials {
  const { department } = server
  const stands = { standsForMs: STANDS_FOR_MS }
  const tokens = new Gathered((known) => tokenActors(department, known), stands)
  const basic = rememberBasic((request) => actorOfRequest(request, server))
  return {
    sessions: new Gathered((cookies) => sessionUsers(department, cookies), stands),
    launches: new Gathered((ids) => standingLaunches(department, ids), stands),
    programs: (request) => {
      const token = bearerToken(request)
      return token === null ? basic(request) : tokens.get(token)
    },
  }
}

async function forLaunch(
  request: IncomingMessage,
  launchId: string,
  { sessions, launches }: Credentials,
): Promise<Found> {
  const cookie = readSessionCookie(request.headers.cookie)
  if (!cookie) return { status: 401, words: 'sign in first' }
  const [person, launch] = await Promise.all([sessions.get(cookie), launches.get(launchId)])
  if (!person) return { status: 401, words: 'sign in first' }
  if (launch?.sessionId !== person.sessionId) return { status: 404, words: 'there is no such launch' }
  const { actor } = person
  const mayMark = can(actor, 'mark-images', { siteId: launch.siteId }).allowed
  const access = { kind: 'launch', launchId, actor, studies: launch.studies, mayMark } as const
  return { access, root: `${ROOT}/launch/${launchId}` }
}

// A session's cookie opens nothing here: people see images through a launch, which says of which order and why.
async function forProgram(request: IncomingMessage, { programs }: Credentials): Promise<Found> {
  if (!request.headers.authorization) return { status: 401, words: 'a program needs a token or an account' }
  const actor = await programs(request)
  if (!actor) return { status: 401, words: 'the token or the account is not known' }
  const scope = scopeOf(actor, 'see-images')
  if (scope.scope === 'none' || scope.scope === 'own')
    return { status: 403, words: 'this role sees no images here', actor }
  const sites = scope.scope === 'all' ? null : scope.siteIds
  return {
    access: { kind: 'program', actor, sites, mayStore: can(actor, 'store-images', {}).allowed },
    root: ROOT,
  }
}

type Programs = (request: IncomingMessage) => Promise<Actor | null>

const BASIC_FOR_MS = 10_000
const MOST_REMEMBERED = 100

/** A password's hash is slow on purpose; a client that fetches five hundred frames pays for it every ten seconds. */
function rememberBasic(authenticate: Programs): Programs {
  const known = new Map<string, { actor: Actor; until: number }>()
  return async (request) => {
    const { authorization = '' } = request.headers
    if (!/^basic /i.test(authorization)) return authenticate(request)
    const key = createHash('sha256').update(authorization).digest('base64')
    const remembered = known.get(key)
    if (remembered && remembered.until > Date.now()) return remembered.actor
    const actor = await authenticate(request)
    if (known.size >= MOST_REMEMBERED) known.clear()
    if (actor) known.set(key, { actor, until: Date.now() + BASIC_FOR_MS })
    else known.delete(key)
    return actor
  }
}
