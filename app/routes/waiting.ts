/** How much waits in each place of a person's bar, for a bar that is on the screen already. */
import type { LoaderFunctionArgs } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { placesWithCounts } from '#app/server/waiting.ts'

export async function loader(args: LoaderFunctionArgs) {
  const places = await placesWithCounts(await requireUser(args))
  return Response.json(Object.fromEntries(places.map(({ id, waiting, late }) => [id, { waiting, late }])))
}
