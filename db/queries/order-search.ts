/** Search as people type it: accession, a patient number, or a name in any script; only orders the actor may see. */
import { foldName } from '#domain/identity.ts'
import type { NameSaid } from '#domain/order-message.ts'
import { type Actor, scopeOf } from '#domain/permissions.ts'
import type { AnySql } from '../client.ts'
import { requestedBy } from './requester.ts'

export interface FoundOrderRow {
  id: string
  accession: string
  name: NameSaid
  birthDate: string | null
  sex: string | null
  mrn: string
  procedure: string
}

const MOST = 12

/** Exact accession and number first, then names that begin so, newest order first. */
export async function searchOrders(sql: AnySql, actor: Actor, text: string): Promise<FoundOrderRow[]> {
  const typed = text.trim()
  const scope = scopeOf(actor, 'see-order')
  if (typed === '' || scope.scope === 'none') return []
  const visible =
    scope.scope === 'all'
      ? sql`true`
      : scope.scope === 'sites'
        ? sql`o.site_id = any(${[...scope.siteIds]})`
        : requestedBy(sql, scope.ownerId)
  // A name key has its components parted by ^; people part them by a comma or a blank.
  const name = foldName(typed.replaceAll(',', ' '))
  const [first = '', ...rest] = name.split(' ')
  const nameFits =
    /\d/.test(typed) || first === ''
      ? sql`false`
      : sql`p.name_key like ${`%${likeText(first)}%`} and ${rest.length === 0 ? sql`true` : sql`p.name_key like all(${rest.map((word) => `%${likeText(word)}%`)})`}`
  return await sql<FoundOrderRow[]>`
    select o.id, o.accession, p.name, p.birth_date as "birthDate", p.sex, coalesce(pi.value, '') as mrn,
      coalesce((select coalesce(c.short_name, x.text) from procedures x
        left join catalogue c on c.scheme = x.catalogue_scheme and c.code = x.catalogue_code
        where x.order_id = o.id order by x.position limit 1), '') as procedure
    from orders o join patients p on p.id = o.patient_id
      left join lateral (select value from patient_identifiers where patient_id = p.id and retired_at is null
        order by (type = 'MR') desc, issuer, value limit 1) pi on true
    where ${visible} and (o.accession ilike ${`${likeText(typed)}%`}
      or exists (select 1 from patient_identifiers x where x.patient_id = p.id and x.value ilike ${`${likeText(typed)}%`})
      or ${nameFits})
    order by (lower(o.accession) = lower(${typed})) desc, o.received_at desc limit ${MOST}`
}

function likeText(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&')
}
