/** Who else could take a piece of work: the people the department's own rules let, with what they have in hand. */
import { refusalCode } from '#domain/errors.ts'
import type { Actor } from '#domain/permissions.ts'
import type { AnySql } from '../client.ts'
import { type AskedItem, mustBeAbleOnItem } from '../mutations/permission.ts'

export interface Colleague {
  id: string
  name: string
  roles: string[]
  /** At a screen within the last minutes. */
  isHere: boolean
  /** Pieces of work in their hands, and given to them. */
  inHand: number
  /** It is theirs already. */
  isAssigned: boolean
  /** Called in to it and not answered yet. */
  isCalled: boolean
}

/** Whoever was at a screen so lately is in the house. */
const HERE_MS = 10 * 60_000
/** A picker has nine digits, and nobody reads further than a screen. */
const MOST = 20

/** A person as the one permission function knows them; null for nobody, or somebody whose account is closed. */
export async function actorOf(sql: AnySql, userId: string): Promise<Actor | null> {
  const [row] = await sql<Omit<Actor, 'kind'>[]>`
    select id, roles, sites, areas, credentials from users where id = ${userId} and enabled`
  return row ? { kind: 'user', ...row } : null
}

/** Everybody but the holder who may claim the item now: who is here and has least in hand stands first. */
export async function colleaguesFor(
  sql: AnySql,
  itemId: string,
  { now, machineNow }: { now: Date; machineNow: Date },
): Promise<Colleague[]> {
  const [item] = await sql<
    AskedItem[]
  >`select * from work_items where id = ${itemId} and state in ('open', 'claimed')`
  if (!item) return []
  const hereSince = new Date(machineNow.getTime() - HERE_MS)
  const people = await sql<(Colleague & Omit<Actor, 'kind'>)[]>`
    select u.id, u.name, u.roles, u.sites, u.areas, u.credentials,
      exists (select 1 from sessions s where s.user_id = u.id and s.ended_at is null and s.last_seen_at >= ${hereSince}) as "isHere",
      (select count(*)::int from work_items w where w.holder = u.id or (w.assigned_to = u.id and w.state = 'open')) as "inHand",
      w.assigned_to is not distinct from u.id as "isAssigned",
      exists (select 1 from call_ins c where c.item_id = w.id and c.user_id = u.id and c.answered_at is null
        and c.withdrawn_at is null) as "isCalled"
    from users u join work_items w on w.id = ${itemId}
    where u.enabled and u.id is distinct from w.holder and (u.sites && array['*', w.site_id])
      and u.roles && array(select jsonb_array_elements_text(coalesce(w.audience->'roles', '[]') || coalesce(w.audience->'widensTo', '[]')))
    order by "isHere" desc, "inHand", u.family, u.id`
  const able: Colleague[] = []
  for (const { sites, areas, credentials, ...colleague } of people) {
    const actor = {
      kind: 'user',
      id: colleague.id,
      roles: colleague.roles,
      sites,
      areas,
      credentials,
    } as Actor
    if (await mayTake(sql, item, actor, now)) able.push(colleague)
    if (able.length === MOST) break
  }
  return able
}

async function mayTake(sql: AnySql, item: AskedItem, actor: Actor, now: Date): Promise<boolean> {
  try {
    await mustBeAbleOnItem({ sql, act: { actor, now } }, 'claim', item)
    return true
  } catch (error) {
    if (refusalCode(error) === null) throw error
    return false
  }
}

export interface OpenCall {
  callId: string
  itemId: string
  kind: string
  orderId: string | null
  accession: string | null
  procedure: string | null
  priority: string
  dueAt: Date | null
  askedBy: string
  askedAt: Date
}

/** The calls that this person has not answered, oldest first. */
export async function openCalls(sql: AnySql, userId: string): Promise<OpenCall[]> {
  return await sql<OpenCall[]>`
    select c.id as "callId", w.id as "itemId", w.kind, w.order_id as "orderId", o.accession, w.priority, w.due_at as "dueAt",
      (select coalesce(k.short_name, p.text) from procedures p
        left join catalogue k on k.scheme = p.catalogue_scheme and k.code = p.catalogue_code
        where p.order_id = w.order_id order by p.position limit 1) as procedure,
      u.name as "askedBy", c.asked_at as "askedAt"
    from call_ins c join work_items w on w.id = c.item_id join users u on u.id = c.asked_by left join orders o on o.id = w.order_id
    where c.user_id = ${userId} and c.answered_at is null and c.withdrawn_at is null and w.state in ('open', 'claimed')
    order by c.asked_at limit 5`
}

export interface CalledColleague {
  callId: string
  name: string
  askedAt: string
  answer: 'coming' | 'cannot' | null
  answeredAt: string | null
}

/** The last call of each of these items that was not taken back. */
export async function callsOf(
  sql: AnySql,
  itemIds: readonly string[],
): Promise<Map<string, CalledColleague>> {
  if (itemIds.length === 0) return new Map()
  const rows = await sql<
    {
      item_id: string
      id: string
      name: string
      asked_at: Date
      answer: 'coming' | 'cannot' | null
      answered_at: Date | null
    }[]
  >`
    select distinct on (c.item_id) c.item_id, c.id, u.name, c.asked_at, c.answer, c.answered_at
    from call_ins c join users u on u.id = c.user_id
    where c.item_id = any(${[...itemIds]}) and c.withdrawn_at is null order by c.item_id, c.asked_at desc`
  return new Map(
    rows.map((row) => [
      row.item_id,
      {
        callId: row.id,
        name: row.name,
        askedAt: row.asked_at.toISOString(),
        answer: row.answer,
        answeredAt: row.answered_at?.toISOString() ?? null,
      },
    ]),
  )
}
