/** Patients on a list of the same site today who could be taken for the patient of an order. */
import type { NameSaid } from '#domain/order-message.ts'
import { type Actor, can } from '#domain/permissions.ts'
import { similarKeyStarts, similarPeople } from '#domain/similar-people.ts'
import type { AnySql } from '../client.ts'

export interface OtherPerson {
  patientId: string
  name: NameSaid
  birthDate: string | null
  identifiers: { value: string; issuer: string }[]
}

/** Half a day either way, as on the scan queue: who was, is or will be here today. */
const HOURS_16_MS = 16 * 3_600_000
/** A department in which more than these are alike wants a person's eyes on every one of them anyway. */
const MOST_COMPARED = 2_000

/**
 * Those this person has not yet looked at for this order.
 * @param now department clock
 */
export async function similarToday(
  sql: AnySql,
  actor: Actor,
  { orderId, now }: { orderId: string; now: Date },
): Promise<OtherPerson[]> {
  const [own] = await sql<{ siteId: string; patientId: string; name: NameSaid; birthDate: string | null }[]>`
    select o.site_id as "siteId", p.id as "patientId", p.name, p.birth_date as "birthDate"
    from orders o join patients p on p.id = o.patient_id where o.id = ${orderId}`
  if (!own || !can(actor, 'see-work', { siteId: own.siteId }).allowed) return []
  const starts = similarKeyStarts(own.name)
  if (starts.length === 0) return []
  const others = await sql<OtherPerson[]>`
    select p.id as "patientId", p.name, p.birth_date as "birthDate",
      (select coalesce(jsonb_agg(jsonb_build_object('value', value, 'issuer', issuer) order by issuer, value), '[]')
        from patient_identifiers where patient_id = p.id and retired_at is null and type = 'MR') as identifiers
    from patients p where p.id <> ${own.patientId} and ${beginsAs(sql, starts)}
      and exists (select 1 from orders o where o.patient_id = p.id and o.site_id = ${own.siteId} and ${isToday(sql, now)})
      and not exists (select 1 from similar_names_seen n
        where n.user_id = ${actor.id} and n.order_id = ${orderId} and n.patient_id = p.id)
    order by p.id limit ${MOST_COMPARED}`
  return others.filter((other) => similarPeople(own, other))
}

function beginsAs(sql: AnySql, starts: readonly string[]) {
  const [first = '', second = first] = starts
  return sql`(starts_with(p.name_key, ${first}) or starts_with(p.name_key, ${second}))`
}

// On somebody's list now, or in a room today; what is only to be booked or performed later is neither.
function isToday(sql: AnySql, now: Date) {
  const [from, to] = [new Date(now.getTime() - HOURS_16_MS), new Date(now.getTime() + HOURS_16_MS)]
  return sql`(exists (select 1 from work_items w where w.order_id = o.id and w.state in ('open', 'claimed')
      and w.kind not in ('schedule', 'rebook', 'perform'))
    or exists (select 1 from steps s where s.order_id = o.id and (s.status in ('arrived', 'ready', 'started')
      or s.planned_start between ${from} and ${to} or (s.status = 'planned' and o.priority = 'stat'))))`
}
