/** The headers that every page of ours carries; the viewer's pages set their own, wider policy. */
import type { ServerResponse } from 'node:http'

export function setSecurityHeaders(response: ServerResponse, nonce: string): void {
  response.setHeader('Content-Security-Policy', contentSecurityPolicy(nonce))
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.setHeader('X-Frame-Options', 'DENY')
  response.setHeader('Referrer-Policy', 'same-origin')
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
  response.setHeader('Permissions-Policy', 'camera=(), geolocation=(), microphone=(self)')
  // Pages hold identities: no shared workstation may find them in a cache after sign-out.
  response.setHeader('Cache-Control', 'no-store')
}

/** Style attributes are allowed, because a server-rendered virtual table places its rows by them. */
export function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src-elem 'self' 'nonce-${nonce}'`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "frame-src 'self'",
    "manifest-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "object-src 'none'",
  ].join('; ')
}
