/** Everything under `/viewer`: the prepared OHIF site, its settings and our extension, for a signed-in person. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { appConfiguration } from './configuration.ts'
import { isChanged } from './prepare.ts'

const EXTENSION = fileURLToPath(new URL('./extension/', import.meta.url))
const EXTENSION_FILES = new Set([
  'applied-presentation.js',
  'caret.js',
  'desk.js',
  'drawn-shutters.js',
  'frames.js',
  'colours.js',
  'grey-curve.js',
  'hanging.js',
  'image-grid.js',
  'image-references.js',
  'image-stacks.js',
  'isocenter.css',
  'isocenter.js',
  'keep-presentation.js',
  'key-images.js',
  'known-states.js',
  'last-changed.js',
  'live-graphics.js',
  'look-up-table.js',
  'mark-json.js',
  'mark-series.js',
  'marks.js',
  'own-greys.js',
  'own-presentation.js',
  'own-window.js',
  'person.js',
  'presentation-colour.js',
  'presentation-drawing.js',
  'presentation-state.js',
  'report.js',
  'unreached.js',
  'viewports.js',
])

export interface ViewerDependencies {
  /** Where `prepareViewer` put the site. */
  directory: string
  /** Whether the request comes with a live session. */
  isSignedIn(request: IncomingMessage): Promise<boolean>
  /** Where a person without a session is sent. */
  signInPath: string
}

/** Answers a request under `/viewer`; mount it on that path (it reads the whole address, not the rest of it). */
export type ViewerHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export function serveViewer(dependencies: ViewerDependencies): ViewerHandler {
  let policy: Promise<string> | undefined
  return async (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return end(response, 405, { Allow: 'GET, HEAD' })
    const address = wholeAddress(request)
    if (address.pathname === '/viewer') return end(response, 302, { Location: `/viewer/${address.search}` })
    const name = fileName(address.pathname)
    if (name === null) return end(response, 404)

    policy ??= contentSecurityPolicy(dependencies.directory)
    response.setHeader('Content-Security-Policy', await policy)
    response.setHeader('X-Content-Type-Options', 'nosniff')
    // As on the page that opens it: a window of its own and its reading room could not talk otherwise.
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
    // The site's own files are published by OHIF to all the world; the pages and what is ours ask for a session.
    const isPage = extname(name) === '' || name === 'index.html'
    const isOurs = name === 'app-config.js' || name.startsWith('ext/')
    if ((isPage || isOurs) && !(await dependencies.isSignedIn(request)))
      return isPage ? end(response, 302, { Location: dependencies.signInPath }) : end(response, 401)

    if (name === 'app-config.js') return sendText(response, appConfiguration(), TYPES['.js']!)
    if (name.startsWith('ext/')) return sendExtension(response, name.slice('ext/'.length))
    return sendFile({
      request,
      response,
      directory: dependencies.directory,
      name: isPage ? 'index.html' : name,
    })
  }
}

function wholeAddress(request: IncomingMessage): URL {
  const original = (request as IncomingMessage & { originalUrl?: string }).originalUrl ?? request.url ?? '/'
  return new URL(original, 'http://viewer')
}

/** The path below `/viewer/`, or null when it leads elsewhere. */
function fileName(pathname: string): string | null {
  if (!pathname.startsWith('/viewer/')) return null
  let name: string
  try {
    name = decodeURIComponent(pathname.slice('/viewer/'.length))
  } catch {
    return null
  }
  const isOutside = normalize(`/${name}`) !== `/${name}` || name.includes('\0')
  return isOutside || name.split('/').some((part) => part.startsWith('.')) ? null : name
}

/**
 * OHIF's own policy, for its pages and workers alone: decoding JPEG 2000 and loading SEG need `unsafe-eval`.
 * The two inline scripts of its page are allowed by their hashes.
 */
async function contentSecurityPolicy(directory: string): Promise<string> {
  const page = await readFile(join(directory, 'index.html'), 'utf8')
  const hashes = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(
    ([, script]) => `'sha256-${createHash('sha256').update(script!).digest('base64')}'`,
  )
  return [
    "default-src 'none'",
    "base-uri 'self'",
    `script-src 'self' ${hashes.join(' ')} 'wasm-unsafe-eval' 'unsafe-eval'`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "worker-src 'self' blob:",
    "connect-src 'self' blob: data:",
    "font-src 'self'",
    "object-src 'self' blob:",
    "frame-src 'self' blob:",
    "manifest-src 'self'",
    "frame-ancestors 'self'",
  ].join('; ')
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.jsonc': 'application/json',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.xml': 'application/xml',
}

const HASHED = /(?:\.bundle\.[0-9a-f]{16}\.js|[0-9a-f]{16}\.(?:wasm|woff2|js))$/

interface FileAnswer {
  request: IncomingMessage
  response: ServerResponse
  directory: string
  name: string
}

async function sendFile({ request, response, directory, name }: FileAnswer): Promise<void> {
  const path = join(directory, name)
  const found = await fileAt(path)
  if (!found) return end(response, 404)
  const packed = acceptsGzip(request) ? await fileAt(`${path}.gz`) : null
  const chosen = packed ? { path: `${path}.gz`, size: packed.size } : { path, size: found.size }
  const tag = `"${found.size.toString(36)}-${Math.trunc(found.mtimeMs).toString(36)}${packed ? '-gz' : ''}"`
  const isPage = name === 'index.html'
  const isForEver = HASHED.test(name) && !isChanged(name)
  response.setHeader('Cache-Control', isForEver ? 'public, max-age=31536000, immutable' : 'no-cache')
  response.setHeader('ETag', tag)
  response.setHeader('Vary', 'Accept-Encoding')
  if (isPage) response.setHeader('Referrer-Policy', 'same-origin')
  if (request.headers['if-none-match'] === tag) return end(response, 304)
  response.setHeader('Content-Type', TYPES[extname(name)] ?? 'application/octet-stream')
  response.setHeader('Content-Length', chosen.size)
  if (packed) response.setHeader('Content-Encoding', 'gzip')
  if (request.method === 'HEAD') return end(response, 200)
  try {
    await pipeline(createReadStream(chosen.path), response)
  } catch (error) {
    // The reader closed the page while a file was on its way; there is nobody left to tell.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
  }
}

async function fileAt(path: string): Promise<{ size: number; mtimeMs: number } | null> {
  try {
    const found = await stat(path)
    return found.isFile() ? found : null
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return null
    throw error
  }
}

function acceptsGzip(request: IncomingMessage): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(String(request.headers['accept-encoding'] ?? ''))
}

async function sendExtension(response: ServerResponse, name: string): Promise<void> {
  if (!EXTENSION_FILES.has(name)) return end(response, 404)
  sendText(response, await readFile(join(EXTENSION, name), 'utf8'), TYPES[extname(name)]!)
}

function sendText(response: ServerResponse, text: string, type: string): void {
  response.setHeader('Content-Type', type)
  response.setHeader('Cache-Control', 'no-store')
  response.statusCode = 200
  response.end(text)
}

function end(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.statusCode = status
  response.end()
}
