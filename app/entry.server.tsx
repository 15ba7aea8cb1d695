/** Draws a page on the server, its inline scripts marked with the nonce that the policy of this answer names. */
import { PassThrough } from 'node:stream'
import { createReadableStreamFromReadable } from '@react-router/node'
import { renderToPipeableStream } from 'react-dom/server'
import { type EntryContext, type RouterContextProvider, ServerRouter } from 'react-router'
import { requestContext } from '#app/server/context.ts'
import { Nonce } from './ui/nonce.tsx'

export const streamTimeout = 5_000

export default function handleRequest(
  request: Request,
  status: number,
  headers: Headers,
  routerContext: EntryContext,
  loadContext: RouterContextProvider,
): Promise<Response> {
  const { nonce } = loadContext.get(requestContext)
  return new Promise((resolve, reject) => {
    let drawn = false
    let code = status
    const { pipe, abort } = renderToPipeableStream(
      <Nonce value={nonce}>
        <ServerRouter context={routerContext} url={request.url} nonce={nonce} />
      </Nonce>,
      {
        nonce,
        onShellReady() {
          drawn = true
          const body = new PassThrough()
          body.on('close', () => clearTimeout(timer))
          headers.set('Content-Type', 'text/html; charset=utf-8')
          pipe(body)
          resolve(new Response(createReadableStreamFromReadable(body), { status: code, headers }))
        },
        onShellError: reject,
        onError(error: unknown) {
          code = 500
          // Only the name: a message may carry what a person typed.
          if (drawn)
            console.error(JSON.stringify({ level: 'error', at: 'render', name: (error as Error).name }))
        },
      },
    )
    const timer = setTimeout(abort, streamTimeout + 1_000)
  })
}

export function handleError(error: unknown, { request }: { request: Request }): void {
  if (request.signal.aborted) return
  const { name, code } = error as Error & { code?: string }
  console.error(JSON.stringify({ level: 'error', at: 'route', name, code }))
}
