/**
 * Search as people type it: accession, a patient number, or a name in any script; only orders the actor may see. What is typed
 * is looked up in an index of its own, never compared with every order.
 */
import { foldName } from '#domain/identity.ts'
import type { NameSaid } from '#domain/order-message.ts'
import { type Actor, scopeOf } from '#domain/permissions.ts'
import type { AnySql } from '../client.ts'
import { requestedBy } from './requester.ts'
import { atMost } from './rows-at-most.ts'
import type { Fragment } from './study-scope.ts'

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
/**
 * So many people, or orders of a site, are looked at one by one. A name that more people have is common enough to be met by
 * going back through the orders; of a number's beginning that more have, the highest are looked at.
 */
const FEW = 150
/** So many orders of everybody's are gone back through before a name is looked up: what is common is met there. */
const RECENT = 3_000

/** Exact accession first, then whoever's number or name fits, newest order first. */
export async function searchOrders(sql: AnySql, actor: Actor, text: string): Promise<FoundOrderRow[]> {
  const typed = text.trim()
  const scope = scopeOf(actor, 'see-order')
  if (typed === '' || scope.scope === 'none') return []
  const words = wordsOf(typed)
  if (scope.scope === 'own') return detailsOf(sql, typed, ownOrders(sql, scope.ownerId, { typed, words }))

  const sites =
    scope.scope === 'sites' ? sql`${[...scope.siteIds]}::text[]` : sql`array(select id from sites)`
  const { byName } = await foundByName(sql, words, sites)
  return detailsOf(
    sql,
    typed,
    sql`
    (${byAccession(sql, typed, sites)}) union (${byNumber(sql, typed, sites)}) union (${byName})`,
  )
}

/** A name key has its components parted by ^; people part them by a comma or a blank. What has a digit is no name. */
function wordsOf(typed: string): string[] {
  if (/\d/.test(typed)) return []
  return foldName(typed.replaceAll(',', ' '))
    .split(' ')
    .filter((word) => word !== '')
}

/** How the newest orders of whoever has the name are found; in an object, since a fragment that is waited for is sent. */
async function foundByName(
  sql: AnySql,
  words: readonly string[],
  sites: Fragment,
): Promise<{ byName: Fragment }> {
  if (words.length === 0) return { byName: sql`select id from orders where false` }
  const recent = await recentOfName(sql, words, sites)
  if (recent.length === MOST) return { byName: sql`select unnest(${recent}::text[]) as id` }
  const people = await named(sql, words)
  if (people.length > FEW) return { byName: newestOfName(sql, words, sites) }
  return {
    byName: sql`
      select id from orders where patient_id = any(${people}) and site_id = any(${sites})
      order by received_at desc, id desc ${atMost(sql, MOST)}`,
  }
}

/** Read no further back than to the last that is wanted. */
async function recentOfName(sql: AnySql, words: readonly string[], sites: Fragment): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select order_id as id from (
      select order_id, received_at, site_id, name_key from order_names
      order by received_at desc, order_id desc ${atMost(sql, RECENT)}) recent
    where site_id = any(${sites}) and ${nameFits(sql, sql`name_key`, words)}
    order by received_at desc, order_id desc ${atMost(sql, MOST)}`
  return rows.map(({ id }) => id)
}

/** Whoever has the name, and one more than `FEW` when they are too many to be looked at. */
async function named(sql: AnySql, words: readonly string[]): Promise<string[]> {
  // Found as if all were wanted and read no further than that: a limit of its own would have every patient looked at.
  const rows = await sql<{ id: string }[]>`
    with fitting as materialized (
      select id from patients where ${words.some(isPart) ? nameFits(sql, sql`name_key`, words) : hasWords(sql, words)})
    select id from fitting ${atMost(sql, FEW + 1)}`
  return rows.map(({ id }) => id)
}

/** Latin letters enough for the index of parts (pg_trgm); other words begin one of the name's, in any of its scripts. */
const isPart = (word: string) => /[A-Z]{3}/.test(word)

function nameFits(sql: AnySql, key: Fragment, words: readonly string[]): Fragment {
  return words
    .map((word) => {
      const text = likeText(word)
      if (isPart(word)) return sql`${key} like ${`%${text}%`}`
      // Not the column itself: of so few letters the index of parts would be read from end to end. Most names are told apart
      // by the first of these.
      return sql`(${key} || '' like ${`%${text}%`}
        and ${key} || '' like any(${[`${text}%`, `%^${text}%`, `% ${text}%`, `%=${text}%`]}))`
    })
    .reduce((so, one) => sql`${so} and ${one}`)
}

/** The same by the index of the words of names (migration 0032). Folded, a word has letters and digits alone. */
function hasWords(sql: AnySql, words: readonly string[]): Fragment {
  return sql`array_to_tsvector(array_remove(string_to_array(translate(left(name_key, 500), '^=', '  '), ' '), ''))
    @@ ${words.map((word) => `'${word}':*`).join(' & ')}::text::tsquery`
}

/** Of each site the newest, from an index that holds the names in that order. */
function newestOfName(sql: AnySql, words: readonly string[], sites: Fragment): Fragment {
  return sql`
    select n.order_id as id from unnest(${sites}) s (id) cross join lateral (
      select order_id, received_at from order_names where site_id = s.id and ${nameFits(sql, sql`name_key`, words)}
      order by received_at desc, order_id desc ${atMost(sql, MOST)}) n
    order by n.received_at desc, n.order_id desc ${atMost(sql, MOST)}`
}

function byAccession(sql: AnySql, typed: string, sites: Fragment): Fragment {
  const begins = `${likeText(typed.toLowerCase())}%`
  return sql`
    select id from orders where site_id = any(${sites}) and lower(accession) = ${typed.toLowerCase()}
    union all (select id from (
      select o.id, o.received_at from unnest(${sites}) s (id) cross join lateral (
        select id, received_at from orders where site_id = s.id and lower(accession) like ${begins}
        order by lower(accession) using ~>~ ${atMost(sql, FEW)}) o
      order by o.received_at desc, o.id desc ${atMost(sql, MOST)}) newest)`
}

function byNumber(sql: AnySql, typed: string, sites: Fragment): Fragment {
  const begins = `${likeText(typed.toLowerCase())}%`
  return sql`
    select id from orders where site_id = any(${sites}) and patient_id = any(array(
      select patient_id from patient_identifiers where lower(value) = ${typed.toLowerCase()}
      union all (select patient_id from patient_identifiers where lower(value) like ${begins}
        order by lower(value) using ~>~ ${atMost(sql, FEW)})))
    order by received_at desc, id desc ${atMost(sql, MOST)}`
}

/** Whoever sees their own orders alone: those are looked at, and nobody else's. */
function ownOrders(
  sql: AnySql,
  ownerId: string,
  { typed, words }: { typed: string; words: readonly string[] },
): Fragment {
  const begins = `${likeText(typed.toLowerCase())}%`
  return sql`
    select o.id from orders o join patients p on p.id = o.patient_id
    where ${requestedBy(sql, ownerId)} and (lower(o.accession) like ${begins}
      or exists (select 1 from patient_identifiers x where x.patient_id = p.id and lower(x.value) like ${begins})
      or ${words.length === 0 ? sql`false` : nameFits(sql, sql`p.name_key`, words)})
    order by (lower(o.accession) = ${typed.toLowerCase()}) desc, o.received_at desc ${atMost(sql, MOST)}`
}

async function detailsOf(sql: AnySql, typed: string, ids: Fragment): Promise<FoundOrderRow[]> {
  return await sql<FoundOrderRow[]>`
    with best as materialized (
      select * from orders where id = any(array(${ids}))
      order by (lower(accession) = ${typed.toLowerCase()}) desc, received_at desc, id desc ${atMost(sql, MOST)})
    select o.id, o.accession, p.name, p.birth_date as "birthDate", p.sex, coalesce(pi.value, '') as mrn,
      coalesce((select coalesce(c.short_name, x.text) from procedures x
        left join catalogue c on c.scheme = x.catalogue_scheme and c.code = x.catalogue_code
        where x.order_id = o.id order by x.position limit 1), '') as procedure
    from best o join patients p on p.id = o.patient_id
      left join lateral (select value from patient_identifiers where patient_id = p.id and retired_at is null
        order by (type = 'MR') desc, issuer, value limit 1) pi on true
    order by (lower(o.accession) = ${typed.toLowerCase()}) desc, o.received_at desc, o.id desc`
}

function likeText(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&')
}
