/** The reading list for a screen that shows it already: `?have=` says which version, `?view=`, `?filter=` and `?pages=` which list. */
import type { LoaderFunctionArgs } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { readingAnswer } from '#app/server/reading-answer.ts'
import { rolesWith } from '../../places.ts'

export async function loader(args: LoaderFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('reading'))
  const search = new URL(args.request.url).searchParams
  return new Response(await readingAnswer(signedIn, search.get('have') ?? '', search), {
    headers: { 'Content-Type': 'application/json; charset=utf-8' },
  })
}
