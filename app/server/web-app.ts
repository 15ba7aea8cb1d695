/** Everything the web process answers, in the order in which it is asked. */
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { fileURLToPath } from 'node:url'
import { createRequestHandler } from '@react-router/express'
import express, { type ErrorRequestHandler, type Request, type RequestHandler } from 'express'
import type { Logger } from 'pino'
import { RouterContextProvider, type ServerBuild } from 'react-router'
import { apiRoutes } from '../api/routes.ts'
import type { LiveServer } from '../live/live-server.ts'
import type { ImageServices } from '../viewer/image-services.ts'
import { type AppServer, requestContext, serverContext } from './context.ts'
import { findPerson } from './guard.ts'
import { isSameOrigin } from './same-origin.ts'
import { setSecurityHeaders } from './security-headers.ts'

const BUILD = new URL('../../build/', import.meta.url)

/** @throws when the screens were never built */
export async function webApp(
  server: AppServer,
  { live, images, log }: { live: LiveServer; images: ImageServices; log: Logger },
): Promise<RequestListener> {
  const build = await loadBuild()
  const routes = express()
  routes.disable('x-powered-by')
  routes.use(
    '/assets',
    express.static(path('client/assets/'), {
      immutable: true,
      maxAge: '1y',
      index: false,
      fallthrough: false,
    }),
  )
  routes.use(filesBeside(path('client/')))
  routes.get('/live', liveStream(server, live))
  routes.use(refuseForgery)
  routes.use('/viewer', images.viewer)
  routes.use('/dicom-web', images.dicomweb)
  routes.use(apiRoutes(server))
  routes.use(pageHeaders)
  routes.use(
    createRequestHandler({
      build,
      mode: 'production',
      getLoadContext: (request, response) =>
        contextOf(server, request as unknown as Request, response.locals.nonce as string),
    }) as unknown as RequestHandler,
  )
  routes.use(lastResort(log))
  // Frames come by the thousand: they pass the same guard as above and nothing else.
  return (request, response) =>
    isForImages(request.url) && isSameOrigin(request)
      ? void images.dicomweb(request, response)
      : routes(request, response)
}

const isForImages = (address = ''): boolean => /^\/dicom-web(?![^/?])/.test(address)

/** The few files at the top, by name: what is no file of ours costs no look at the disk. */
function filesBeside(folder: string): RequestHandler {
  const serve = express.static(folder, { maxAge: '1h', index: false })
  const files = new Set(
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? `/${entry.name}` : [])),
  )
  return (request, response, next) => (files.has(request.path) ? serve(request, response, next) : next())
}

async function loadBuild(): Promise<ServerBuild> {
  const file = path('server/index.js')
  if (!existsSync(file)) throw new Error('build/server is missing: run `npm run build` first')
  return import(file)
}

function liveStream(server: AppServer, live: LiveServer): RequestHandler {
  return async (request, response) => {
    if (await findPerson(request, server)) return live.stream(request, response)
    response.statusCode = 401
    response.end()
  }
}

const pageHeaders: RequestHandler = (_request, response, next) => {
  const nonce = randomBytes(16).toString('base64')
  response.locals.nonce = nonce
  setSecurityHeaders(response, nonce)
  next()
}

const refuseForgery: RequestHandler = (request, response, next) => {
  if (isSameOrigin(request)) return next()
  response.statusCode = 403
  response.end()
}

function lastResort(log: Logger): ErrorRequestHandler {
  return (error, _request, response, next) => {
    const { status = 500 } = error as { status?: number }
    if (status >= 500) log.error({ err: error }, 'a request failed')
    if (response.headersSent) return next(error)
    response.statusCode = status
    response.end()
  }
}

function contextOf(server: AppServer, request: Request, nonce: string): RouterContextProvider {
  const context = new RouterContextProvider()
  context.set(serverContext, server)
  context.set(requestContext, { nonce, ip: request.socket.remoteAddress ?? '' })
  return context
}

function path(relative: string): string {
  return fileURLToPath(new URL(relative, BUILD))
}
