/** The part of Express 5 that `app/main.ts` uses; the package ships no types. */
declare module 'express' {
  import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

  export interface Request extends IncomingMessage {
    path: string
    originalUrl: string
  }
  export interface Response extends ServerResponse {
    locals: Record<string, unknown>
  }
  export type NextFunction = (error?: unknown) => void
  export type Handler = (request: Request, response: Response, next: NextFunction) => unknown
  export type ErrorHandler = (
    error: unknown,
    request: Request,
    response: Response,
    next: NextFunction,
  ) => unknown
  export interface Express extends RequestListener {
    use(handler: Handler | ErrorHandler): void
    use(path: string, ...handlers: Handler[]): void
    get(path: string, ...handlers: Handler[]): void
    all(path: string | RegExp, ...handlers: Handler[]): void
    disable(setting: string): void
    set(setting: string, value: unknown): void
  }
  interface StaticOptions {
    immutable?: boolean
    maxAge?: string | number
    index?: boolean
    fallthrough?: boolean
  }
  interface ExpressModule {
    (): Express
    static(root: string, options?: StaticOptions): Handler
  }
  const express: ExpressModule
  export default express
}
