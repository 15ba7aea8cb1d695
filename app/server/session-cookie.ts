/** The session cookie: written at sign-in, read at each request, never visible to scripts. */
const NAME = 'isocenter_session'

export function readSessionCookie(header: string | null | undefined): string | undefined {
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=')
    if (at > 0 && pair.slice(0, at).trim() === NAME) return pair.slice(at + 1).trim() || undefined
  }
  return undefined
}

export function sessionCookie(token: string, { secure }: { secure: boolean }): string {
  return `${NAME}=${token}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
}

export function endedSessionCookie({ secure }: { secure: boolean }): string {
  return `${sessionCookie('', { secure })}; Max-Age=0`
}
