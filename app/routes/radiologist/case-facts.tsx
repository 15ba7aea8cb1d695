/** What the reading list's detail panel says of the case under the cursor, asked for when the cursor comes to rest. */
import { data, type LoaderFunctionArgs, type ShouldRevalidateFunctionArgs } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { caseFacts } from '#db/queries/case-facts.ts'
import { can } from '#domain/permissions.ts'
import { isLiveLoad } from '../../live/is-live-load.ts'
import { rolesWith } from '../../places.ts'

export async function loader(args: LoaderFunctionArgs) {
  const { person, server } = await requireUser(args, rolesWith('reading'))
  const itemId = args.params.itemId ?? ''
  const facts = await caseFacts(server.department.sql, itemId)
  if (!facts || !can(person.actor, 'see-order', { siteId: facts.siteId }).allowed)
    throw data(null, { status: 404 })
  return { itemId, ...facts }
}

// The list asks for them again when its row has changed.
export function shouldRevalidate(args: ShouldRevalidateFunctionArgs) {
  return !isLiveLoad(args) && args.defaultShouldRevalidate
}
