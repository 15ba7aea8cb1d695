/** `/orders/:orderId/timeline.json`: every event of an order whole, with the hashes that prove them, for whoever keeps or checks it. */
import { data, type LoaderFunctionArgs } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { audit } from '#db/mutations/audit.ts'
import { findOrders, timeline } from '#db/queries/orders.ts'
import { proveTimeline } from '#db/queries/timeline-proof.ts'

export async function loader(args: LoaderFunctionArgs): Promise<Response> {
  const { person, server, act } = await requireUser(args)
  const { department } = server
  const orderId = args.params.orderId ?? ''
  const [order] = await findOrders(department.sql, person.actor, { id: orderId, limit: 1 })
  if (!order) throw data(null, { status: 404 })
  const [events, proof] = await Promise.all([
    timeline(department.sql, orderId),
    proveTimeline(department.sql, orderId),
  ])
  const { machineNow, address } = await act()
  await audit(
    department,
    { actor: person.actor, source: 'app', machineNow, ...(address && { address }) },
    { subject: `order:${orderId}`, type: 'timeline.exported', data: { events: events.length } },
  )
  const body = {
    orderId,
    accession: order.accession,
    exportedAt: (await department.now()).toISOString(),
    proof,
    events,
  }
  return Response.json(body, { headers: { 'Cache-Control': 'no-store' } })
}
