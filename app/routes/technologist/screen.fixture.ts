/** A person at a screen without a browser: loaders and actions as the server runs them, under a session of their own. */
import { type LoaderFunctionArgs, RouterContextProvider } from 'react-router'
import { requestContext, serverContext } from '#app/server/context.ts'
import { sessionCookie } from '#app/server/session-cookie.ts'
import { DEMONSTRATION } from '#bin/testing/demonstration.ts'
import type { Department } from '#db/department.ts'
import { signIn } from '#db/mutations/sessions.ts'
import { seedDemo } from '#db/seed/demo.ts'

export interface AtTheScreen {
  /** To sign with, and for whatever else asks again who acts. */
  password: string
  /** What a loader or an action gets for a GET, or for a POST of these fields. */
  args: (path: string, fields?: Record<string, string>) => LoaderFunctionArgs<Readonly<RouterContextProvider>>
}

/** Signs a demonstration account in; the department was seeded with the same secret. */
export async function sitDown(
  department: Department,
  { databaseUrl, user }: { databaseUrl: string; user: string },
): Promise<AtTheScreen> {
  const { accounts } = await seedDemo(databaseUrl, DEMONSTRATION)
  const password = accounts.find((account) => account.user === user)!.password
  const signedIn = await signIn(department, { userName: user, password, address: '::1' })
  if (!signedIn.ok) throw new Error(`${user} was not let in`)
  const cookie = sessionCookie(signedIn.token, { secure: false }).split(';')[0]!
  return {
    password,
    args(path, fields) {
      const context = new RouterContextProvider()
      context.set(serverContext, { department, secure: false, isDemo: true })
      context.set(requestContext, { nonce: '', ip: '::1' })
      const [, , itemId = ''] = path.split('?')[0]!.split('/')
      const url = new URL(path, 'http://isocenter.test')
      const request = new Request(url, {
        headers: { cookie },
        ...(fields && { method: 'POST', body: new URLSearchParams(fields) }),
      })
      return { request, url, pattern: '', params: itemId ? { itemId } : {}, context }
    },
  }
}
