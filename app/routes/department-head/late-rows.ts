/** The late list for a screen that shows it already: `?have=` says which version, `?view=`, `?filter=` and `?pages=` which list. */
import type { LoaderFunctionArgs } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { lateAnswer } from '#app/server/late-cases.ts'
import { rolesWith } from '../../places.ts'

export async function loader(args: LoaderFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('late'))
  const search = new URL(args.request.url).searchParams
  return new Response(await lateAnswer(signedIn, search.get('have') ?? '', search), {
    headers: { 'Content-Type': 'application/json; charset=utf-8' },
  })
}
