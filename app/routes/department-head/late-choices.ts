/** Whom a lead may give a piece of work to, or call in, and where else an exam could be: asked when the key is pressed. */
import type { LoaderFunctionArgs, ShouldRevalidateFunctionArgs } from 'react-router'
import { peopleFor, roomsFor } from '#app/server/colleagues.ts'
import { requireUser } from '#app/server/guard.ts'
import { isLiveLoad } from '../../live/is-live-load.ts'

/** `?item=` the work item; `?step=` the scheduled step, when rooms are asked for. */
export async function loader(args: LoaderFunctionArgs) {
  const signedIn = await requireUser(args, ['lead'])
  const search = new URL(args.request.url).searchParams
  const stepId = search.get('step')
  if (stepId) return { id: stepId, people: [], rooms: await roomsFor(signedIn, stepId) }
  const itemId = search.get('item') ?? ''
  return { id: itemId, people: await peopleFor(signedIn, itemId), rooms: [] }
}

export function shouldRevalidate(args: ShouldRevalidateFunctionArgs) {
  return !isLiveLoad(args) && args.defaultShouldRevalidate
}
