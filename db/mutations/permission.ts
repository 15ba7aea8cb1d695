/** Brings the subject of an act before the one permission function, inside the act's own transaction. */
import { ineligible, isSpilled, type ReadingCase } from '#domain/eligibility.ts'
import { RadiologyError } from '#domain/errors.ts'
import { mustBeAble, type Subject, type Verb } from '#domain/permissions.ts'
import type { Modality, Priority, WorkItemKind } from '#domain/words.ts'
import type { Audience } from '#domain/work-item-wanted.ts'
import type { AnySql } from '../client.ts'
import type { Act } from './mutate.ts'

export interface Asked {
  sql: AnySql
  act: Pick<Act, 'actor' | 'now'>
}

/** @throws RadiologyError 'forbidden' and its neighbours; 'not-found' for an order that is not there */
export async function mustBeAbleOnOrder(
  { sql, act }: Asked,
  verb: Verb,
  orderId: string,
  more: Subject = {},
): Promise<void> {
  const [order] = await sql<{ site_id: string; patient_class: string }[]>`
    select site_id, patient_class from orders where id = ${orderId}`
  if (!order) throw new RadiologyError('not-found', { orderId })
  mustBeAble(act.actor, verb, { siteId: order.site_id, patientClass: order.patient_class, ...more })
}

export interface AskedItem {
  id: string
  kind: string
  subject_id: string
  order_id: string | null
  site_id: string
  holder: string | null
}

/** The same for a work item: its audience and, for readers, eligibility are part of the subject. */
export async function mustBeAbleOnItem(
  asked: Asked,
  verb: Verb,
  item: AskedItem,
  more: Subject = {},
): Promise<void> {
  const { act } = asked
  const reads = act.actor.roles.some((role) => role === 'radiologist' || role === 'resident')
  const { audience, why } = await itemSubject(asked, item, reads)
  mustBeAble(act.actor, verb, {
    siteId: item.site_id,
    ownerId: item.holder,
    audience,
    now: act.now,
    eligible: why === null,
    withinResidentLimits: why === null,
    ...more,
  })
}

async function itemSubject(
  asked: Asked,
  item: AskedItem,
  reads: boolean,
): Promise<{ audience: Audience; why: string | null }> {
  const row = await itemFacts(asked, item.id)
  const audience = reviveAudience(row!.audience)
  const why = reads ? ineligible(asked.act.actor, readingCase(row!, asked.act.now), row!.today) : null
  return { audience, why }
}

/** What eligibility asks of a case, as its row says it. */
export interface ReadingRow {
  kind: WorkItemKind
  site_id: string
  area: string | null
  priority: Priority
  modality: Modality | null
  due_from: Date
  due_at: Date | null
  patient_class: string | null
  birth_date: string | null
  today: string
  author_id: string | null
  on_shift: string[]
}

export type ItemFacts = ReadingRow & { audience: Partial<Audience>; holder: string | null }

/** What the rules ask of a work item, at the department's instant of the act. */
export async function itemFacts(
  { sql, act }: { sql: AnySql; act: Pick<Act, 'now'> },
  itemId: string,
): Promise<ItemFacts | undefined> {
  const [row] = await sql<ItemFacts[]>`
    select w.audience, w.holder, w.kind, w.site_id, w.area, w.priority, w.modality, w.due_from, w.due_at, o.patient_class,
      p.birth_date, to_char(${act.now}::timestamptz at time zone s.zone, 'YYYY-MM-DD') as today,
      (select r.author_id from reports r where r.id = w.subject_id) as author_id,
      array(select user_id from shifts where site_id = w.site_id and area = w.area and dropped_at is null
        and to_at > ${act.now} and from_at <= ${act.now}) as on_shift
    from work_items w join sites s on s.id = w.site_id left join orders o on o.id = w.order_id
      left join patients p on p.id = o.patient_id
    where w.id = ${itemId}`
  return row
}

/** A work item's audience as stored: JSON has no dates, and an item opened by hand names roles only. */
export function reviveAudience(stored: Partial<Audience>): Audience {
  return {
    roles: stored.roles ?? [],
    area: stored.area ?? null,
    roomId: stored.roomId ?? null,
    userId: stored.userId ?? null,
    exceptUserId: stored.exceptUserId ?? null,
    widensAt: stored.widensAt ? new Date(stored.widensAt) : null,
    widensTo: stored.widensTo ?? [],
  }
}

export function readingCase(row: ReadingRow, now: Date): ReadingCase {
  return {
    kind: row.kind,
    siteId: row.site_id,
    area: row.area,
    priority: row.priority,
    modality: row.modality,
    screening: row.patient_class === 'screening',
    birthDate: row.birth_date?.length === 10 ? row.birth_date : null,
    examDate: row.today,
    authorId: row.author_id,
    firstReaderId: null,
    spilled: isSpilled({ dueFrom: row.due_from, dueAt: row.due_at, onShift: row.on_shift }, now),
    onShift: row.on_shift,
  }
}
