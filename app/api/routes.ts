/** The JSON routes for integrators under `/api`, health and metrics: authorised, audited, documented at `/api/openapi.json`. */
import express, { type Request, type RequestHandler, type Response, Router } from 'express'
import { audit } from '#db/mutations/audit.ts'
import { health } from '#db/queries/health.ts'
import { type Actor, can } from '#domain/permissions.ts'
import type { AppServer } from '../server/context.ts'
import { refuse } from './answer.ts'
import { actorOfRequest } from './authenticate.ts'
import { putConfiguration, showConfiguration } from './configuration.ts'
import { answerFhir } from './fhir.ts'
import { metricsText } from './metrics.ts'
import { openapi } from './openapi.ts'
import { listOrders, searchOrders, showTimeline } from './orders.ts'
import { listAudit, listDeliveries, listExceptions } from './oversight.ts'
import { showWorklist } from './worklists.ts'

/** What every JSON handler is given: who asks, and the department. */
export interface Asked {
  server: AppServer
  actor: Actor
  address: string
}

type Answering = (asked: Asked, request: Request, response: Response) => Promise<void>

/** Mounted before the pages; nothing here ever answers HTML. */
export function apiRoutes(server: AppServer): RequestHandler {
  const routes = Router()
  routes.get('/health', answerHealth(server))
  routes.get('/metrics', answerMetrics(server))
  routes.get('/api/openapi.json', (_request, response) => void response.json(openapi))
  // Who asks is settled before a byte of the body is parsed.
  routes.use('/api', authenticate(server), ...bodies)
  const authorised = (answering: Answering): RequestHandler => authorise(server, answering)
  routes.get('/api/orders', authorised(listOrders))
  routes.post('/api/orders/search', authorised(searchOrders))
  routes.get('/api/orders/:id/timeline', authorised(showTimeline))
  routes.get('/api/worklists/:kind', authorised(showWorklist))
  routes.get('/api/deliveries', authorised(listDeliveries))
  routes.get('/api/exceptions', authorised(listExceptions))
  routes.get('/api/audit', authorised(listAudit))
  routes.get('/api/config', authorised(showConfiguration))
  routes.put('/api/config', authorised(putConfiguration))
  routes.use('/api', (_request, response) => void response.status(404).json({ error: 'not-found' }))
  routes.use('/fhir', answerFhir(server))
  return routes
}

const bodies = [
  express.json({ limit: '1mb' }),
  express.text({ limit: '1mb', type: ['application/yaml', 'text/yaml', 'application/x-yaml'] }),
]

function authenticate(server: AppServer): RequestHandler {
  return async (request, response, next) => {
    response.setHeader('Cache-Control', 'no-store')
    const actor = await actorOfRequest(request, server)
    if (actor) {
      response.locals.actor = actor
      return next()
    }
    await auditDenied(server, request)
    response.setHeader('WWW-Authenticate', 'Bearer, Basic realm="isocenter"')
    response.status(401).json({ error: 'unauthenticated' })
  }
}

function authorise(server: AppServer, answering: Answering): RequestHandler {
  return async (request, response) => {
    const actor = response.locals.actor as Actor
    const address = request.socket.remoteAddress ?? ''
    await auditQuery(server, actor, address, request)
    try {
      await answering({ server, actor, address }, request, response)
    } catch (error) {
      refuse(response, error)
    }
  }
}

// The route as a template: an address may name an order, and a trail of addresses would be a second patient index.
async function auditQuery(
  { department }: AppServer,
  actor: Actor,
  address: string,
  request: Request,
): Promise<void> {
  await audit(
    department,
    { actor, source: 'web', machineNow: new Date(), address },
    {
      subject: `user:${actor.id}`,
      type: 'api.asked',
      data: { method: request.method, route: request.route?.path as string },
    },
  )
}

async function auditDenied({ department }: AppServer, request: Request): Promise<void> {
  const nobody: Actor = { kind: 'token', id: 'unknown', roles: [], sites: [], areas: [], credentials: [] }
  await audit(
    department,
    { actor: nobody, source: 'web', machineNow: new Date(), address: request.socket.remoteAddress ?? '' },
    {
      subject: 'user:unknown',
      type: 'api.denied',
      outcome: 'denied',
      data: { method: request.method, route: request.route?.path as string },
    },
  )
}

/** Anybody hears whether it works; causes and next actions are for those who may see them. */
function answerHealth(server: AppServer): RequestHandler {
  return async (request, response) => {
    response.setHeader('Cache-Control', 'no-store')
    try {
      const found = await health(server.department.sql, new Date())
      const actor = await actorOfRequest(request, server)
      const words = Object.fromEntries(
        Object.entries(found.processes).map(([name, process]) => [name, process.status]),
      )
      const detail =
        actor && can(actor, 'see-health').allowed
          ? { faults: found.faults, figures: found.figures, detail: found.processes }
          : {}
      response
        .status(found.status === 'down' ? 503 : 200)
        .json({ status: found.status, processes: words, ...detail })
    } catch {
      // The database does not answer: that is all there is to say, and it must be said.
      response.status(503).json({ status: 'down', processes: { app: 'ok', postgres: 'down' } })
    }
  }
}

const loopback = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])

function answerMetrics(server: AppServer): RequestHandler {
  return async (request, response) => {
    const local = loopback.has(request.socket.remoteAddress ?? '') && !request.headers['x-forwarded-for']
    if (!local && !(await actorOfRequest(request, server))) return void response.status(401).end()
    response.type('text/plain; version=0.0.4').send(await metricsText(server.department))
  }
}
