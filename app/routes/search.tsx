/** Answers the search field: by POST, so that nothing typed stands in an address or a log. */
import { type ActionFunctionArgs, redirect } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { searchOrders } from '#db/queries/order-search.ts'

export async function action(args: ActionFunctionArgs) {
  const { person, server } = await requireUser(args)
  const text = String((await args.request.formData()).get('text') ?? '').slice(0, 80)
  return Response.json({ orders: await searchOrders(server.department.sql, person.actor, text) })
}

export function loader() {
  throw redirect('/')
}
