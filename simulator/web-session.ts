/** A person at the screens, without a browser: signs in with the form, asks for what pages ask for, posts what their forms post. */
import { UNSAFE_decodeViaTurboStream, UNSAFE_SingleFetchRedirectSymbol } from 'react-router'

export interface WebSession {
  readonly user: string
  readonly password: string
  /** Any address of the app, with the session's cookie; redirects are not followed. */
  fetch(path: string, init?: RequestInit): Promise<Response>
  get(path: string): Promise<Response>
  /** A form as a browser sends it without scripts. */
  post(path: string, fields: Fields): Promise<Response>
  /** What a page's own loader answers, as its script asks for it. @throws WebRefusal when it is a refusal or elsewhere */
  page<T>(path: string): Promise<T>
  /** What an action answers: its data, or where it sends the person. @throws WebRefusal when the page broke */
  submit<T = unknown>(path: string, fields: Fields): Promise<Submitted<T>>
  signOut(): Promise<void>
}

export type Fields = Readonly<Record<string, string | number>>
export type Submitted<T> = { data: T; redirect: undefined } | { data: undefined; redirect: string }

/** The app said no, in a way a page would not show as its own words. */
export class WebRefusal extends Error {
  readonly status: number
  readonly redirect: string | undefined

  constructor(what: string, { status, redirect }: { status: number; redirect?: string | undefined }) {
    super(`${what}: HTTP ${status}${redirect ? `, sent to ${redirect}` : ''}`)
    this.name = 'WebRefusal'
    this.status = status
    this.redirect = redirect
  }
}

/** Signs in. @throws WebRefusal when user name or password are refused */
export async function webSession(baseUrl: string, user: string, password: string): Promise<WebSession> {
  const response = await fetch(`${baseUrl}/sign-in`, {
    method: 'POST',
    body: new URLSearchParams({ userName: user, password, to: '' }),
    redirect: 'manual',
  })
  await response.arrayBuffer()
  const [cookie] = response.headers.getSetCookie().map((line) => line.split(';')[0] ?? '')
  if (response.status !== 302 || !cookie) throw new WebRefusal('sign-in', { status: response.status })
  return new Session({ baseUrl, user, password, cookie })
}

class Session implements WebSession {
  readonly user: string
  readonly password: string
  readonly #baseUrl: string
  readonly #cookie: string

  constructor(of: { baseUrl: string; user: string; password: string; cookie: string }) {
    this.user = of.user
    this.password = of.password
    this.#baseUrl = of.baseUrl
    this.#cookie = of.cookie
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    headers.set('Cookie', this.#cookie)
    return fetch(`${this.#baseUrl}${path}`, { redirect: 'manual', ...init, headers })
  }

  get(path: string): Promise<Response> {
    return this.fetch(path)
  }

  post(path: string, fields: Fields): Promise<Response> {
    return this.fetch(path, { method: 'POST', body: formOf(fields) })
  }

  async page<T>(path: string): Promise<T> {
    const response = await this.get(dataAddress(path))
    const decoded = await decode(response, path)
    const routes = Object.values(decoded as Record<string, { data?: unknown; error?: unknown }>)
    const broken = routes.find((route) => 'error' in route)
    if (broken) throw new WebRefusal(path, { status: statusOf(broken.error, response) })
    // Layouts come before the page they are around.
    const own = routes.at(-1)
    if (!own) throw new WebRefusal(path, { status: response.status })
    return own.data as T
  }

  async submit<T>(path: string, fields: Fields): Promise<Submitted<T>> {
    const response = await this.post(dataAddress(path), fields)
    const decoded = (await decode(response, path, { mayRedirect: true })) as {
      data?: T
      error?: unknown
      redirect?: string
    }
    if (decoded.redirect === undefined && 'error' in decoded)
      throw new WebRefusal(path, { status: statusOf(decoded.error, response) })
    return decoded.redirect === undefined
      ? { data: decoded.data as T, redirect: undefined }
      : { data: undefined, redirect: decoded.redirect }
  }

  async signOut(): Promise<void> {
    await (await this.post('/sign-out', {})).arrayBuffer()
  }
}

function formOf(fields: Fields): URLSearchParams {
  return new URLSearchParams(Object.entries(fields).map(([name, value]) => [name, String(value)]))
}

/** Where a page's script asks for its data (React Router's single fetch). */
function dataAddress(path: string): string {
  const [pathname = '', search] = path.split('?')
  return `${pathname === '/' ? '/_root' : pathname}.data${search ? `?${search}` : ''}`
}

interface Redirect {
  redirect: string
}

async function decode(
  response: Response,
  path: string,
  { mayRedirect = false }: { mayRedirect?: boolean } = {},
): Promise<unknown> {
  if (!response.body || !response.headers.has('X-Remix-Response')) {
    await response.arrayBuffer()
    throw new WebRefusal(path, { status: response.status })
  }
  const decoded = await UNSAFE_decodeViaTurboStream(response.body, globalThis as typeof globalThis & Window)
  const value = decoded.value as Record<string | symbol, unknown>
  await decoded.done
  const told = (value[UNSAFE_SingleFetchRedirectSymbol] ?? value) as Partial<Redirect>
  if (typeof told.redirect !== 'string') return value
  if (told.redirect.startsWith('/sign-in') || !mayRedirect)
    throw new WebRefusal(path, { status: response.status, redirect: told.redirect })
  return { redirect: told.redirect }
}

function statusOf(error: unknown, response: Response): number {
  return (error as { status?: number } | undefined)?.status ?? response.status
}
