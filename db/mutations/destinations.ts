/** Receivers of results as a configuration names them; one that goes or comes back is said at every order it still owes an answer. */
import type { DestinationConfiguration } from '../queries/configuration.ts'
import { askToMend } from './deliveries.ts'
import { closeExceptionIn } from './exceptions.ts'
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
  if (type === 'delivery.destination-retired') await mendNoMore(scope, destinationId)
  else await mendAgain(scope, destinationId)
}

/** Nobody has to mend what nobody waits for. */
async function mendNoMore(scope: Scope, destinationId: string): Promise<void> {
  const open = await scope.sql<{ id: string }[]>`
    select id from exceptions where kind = 'delivery' and state = 'open' and refs->>'destinationId' = ${destinationId} order by id`
  for (const { id } of open) await closeExceptionIn(scope, id)
}

/** What was refused before the receiver went is refused still. */
async function mendAgain(scope: Scope, destinationId: string): Promise<void> {
  const parked = await scope.sql<
    { id: string; order_id: string; destination_id: string; control_id: string; parked_reason: string }[]
  >`
    select d.id, d.order_id, d.destination_id, d.control_id, d.parked_reason from deliveries d
    where d.destination_id = ${destinationId} and d.state = 'parked' and not exists (select 1 from exceptions e
      where e.kind = 'delivery' and e.key = 'delivery:' || d.id and e.state = 'open') order by d.id`
  for (const { parked_reason, ...row } of parked) await askToMend(scope, row, parked_reason)
}
