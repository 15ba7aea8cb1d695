/** Receivers of results as a configuration names them; one that goes or comes back is said at every order it still owes an answer. */
import type { DestinationConfiguration } from '../queries/configuration.ts'
import type { Scope } from './mutate.ts'

/**
 * Writes the list; what it leaves out is retired. A retired receiver's deliveries keep their state, are sent no more and
 * are no longer waited for; one that is back, or switched on again, gets what it lacks.
 */
export async function writeDestinations(
  scope: Scope,
  destinations: readonly DestinationConfiguration[],
): Promise<void> {
  const { sql, act } = scope
  const before = await standingOf(scope)
  for (const one of destinations) {
    await sql`
      insert into destinations (id, name, kind, host, port, receiving_application, receiving_facility, required, policy, enabled)
      values (${one.id}, ${one.name}, ${one.kind ?? 'hl7-oru'}, ${one.host}, ${one.port}, ${one.receivingApplication ?? ''},
        ${one.receivingFacility ?? ''}, ${one.required ?? true}, ${sql.json((one.policy ?? {}) as never)}, ${one.enabled ?? true})
      on conflict (id) do update set name = excluded.name, kind = excluded.kind, host = excluded.host, port = excluded.port,
        receiving_application = excluded.receiving_application, receiving_facility = excluded.receiving_facility,
        required = excluded.required, policy = excluded.policy, enabled = excluded.enabled, retired_at = null`
  }
  await sql`
    update destinations set retired_at = ${act.machineNow}
    where retired_at is null and id <> all(${destinations.map(({ id }) => id)})`
  for (const [id, now] of await standingOf(scope)) {
    const was = before.get(id)
    if (was === undefined || was === now) continue
    if (now === 'retired') await tellOwing(scope, id, 'delivery.destination-retired')
    else if (was === 'retired' || now === 'on') await tellOwing(scope, id, 'delivery.destination-back')
  }
}

type Standing = 'on' | 'off' | 'retired'

async function standingOf({ sql }: Scope): Promise<Map<string, Standing>> {
  const rows = await sql<{ id: string; standing: Standing }[]>`
    select id, case when retired_at is not null then 'retired' when enabled then 'on' else 'off' end as standing
    from destinations order by id`
  return new Map(rows.map(({ id, standing }) => [id, standing]))
}

/** Whose answer it still owes: their phase may change by it, and their workflows look after its lanes again. */
async function tellOwing(
  scope: Scope,
  destinationId: string,
  type: 'delivery.destination-retired' | 'delivery.destination-back',
): Promise<void> {
  const orders = await scope.sql<{ id: string }[]>`
    select id from orders where id in (
      select order_id from deliveries where destination_id = ${destinationId} and state <> 'acknowledged')
    order by id for update`
  for (const { id } of orders) scope.append(id, { type, data: { destinationId } })
}
