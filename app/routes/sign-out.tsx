/** Ends the session, here and for the viewer. */
import { type ActionFunctionArgs, redirect } from 'react-router'
import { serverContext } from '#app/server/context.ts'
import { endedSessionCookie, readSessionCookie } from '#app/server/session-cookie.ts'
import { signOut } from '#db/mutations/sessions.ts'

// Open to anybody: who has no session has nothing to end.
export async function action({ request, context }: ActionFunctionArgs) {
  const { department, secure } = context.get(serverContext)
  const token = readSessionCookie(request.headers.get('cookie'))
  if (token) await signOut(department, token)
  return redirect('/sign-in?out=1', { headers: { 'Set-Cookie': endedSessionCookie({ secure }) } })
}

export function loader() {
  throw redirect('/sign-in')
}
