/** What readers asked of technologists: the open questions with their marked images, and what became of an order's. */
import type { NameSaid } from '#domain/order-message.ts'
import { type Actor, scopeOf } from '#domain/permissions.ts'
import type { ReturnAnswer, ReturnKind, ReturnReason } from '#domain/return.ts'
import type { Phase, Priority, StepStatus } from '#domain/words.ts'
import type { AnySql } from '../client.ts'
import type { StoredObject } from './quality-check.ts'
import { sharedRead } from './shared-read.ts'

/** A list that nobody has paged: far more than a department asks of itself at a time. */
const MOST = 1_000

export interface OpenReturn {
  id: string
  kind: ReturnKind
  reason: ReturnReason
  orderId: string
  accession: string
  phase: Phase
  priority: Priority
  name: NameSaid
  procedure: string
  askedBy: string
  askedAt: Date
  dueAt: Date
}

/** How many of them wait at the sites of the actor, and how many for longer than they should. */
export async function countReturns(
  sql: AnySql,
  actor: Actor,
  now: Date,
): Promise<{ count: number; late: number }> {
  const ours = oursToAnswer(sql, actor)
  return sharedRead(sql, JSON.stringify(['returns', scopeOf(actor, 'clarify')]), async () => {
    const rows = await sql<{ dueAt: Date }[]>`
      select ${dueAt(sql)} as "dueAt" from returns r join orders o on o.id = r.order_id
      where r.answered_at is null and ${ours}`
    return rows.map(({ dueAt }) => dueAt)
  }).then((dues) => ({ count: dues.length, late: dues.filter((dueAt) => dueAt < now).length }))
}

// docs/roles/technologist.md: a question is answered within half an hour.
function dueAt(sql: AnySql) {
  return sql`r.asked_at + interval '30 minutes'`
}

function oursToAnswer(sql: AnySql, actor: Actor) {
  const scope = scopeOf(actor, 'clarify')
  if (scope.scope === 'all') return sql`true`
  return scope.scope === 'sites' ? sql`o.site_id = any(${[...scope.siteIds]})` : sql`false`
}

/** Longest waiting first. */
export async function openReturns(sql: AnySql, actor: Actor): Promise<OpenReturn[]> {
  return await sql<OpenReturn[]>`
    select r.id, r.kind, r.reason_code as reason, o.id as "orderId", o.accession, o.phase, o.priority, pt.name,
      coalesce(c.short_name, p.text) as procedure, u.name as "askedBy", r.asked_at as "askedAt",
      ${dueAt(sql)} as "dueAt"
    from returns r join orders o on o.id = r.order_id join patients pt on pt.id = o.patient_id join users u on u.id = r.asked_by
      cross join lateral (select p.* from procedures p left join study_links l on l.procedure_id = p.id and l.study_id = r.study_id
        where p.order_id = o.id order by (l.id is not null) desc, p.position limit 1) p
      left join catalogue c on c.scheme = p.catalogue_scheme and c.code = p.catalogue_code
    where r.answered_at is null and ${oursToAnswer(sql, actor)} order by r.asked_at, r.id limit ${MOST}`
}

export interface AskedReturn {
  id: string
  kind: ReturnKind
  reason: ReturnReason
  words: string | null
  orderId: string
  siteId: string
  studyUid: string
  askedBy: string
  askedAt: Date
  isOpen: boolean
  /** The repeat it made. */
  step: { status: StepStatus; room: string | null; plannedStart: Date | null } | null
  /** Those the reader marked; none: the question is about the whole study. */
  marked: StoredObject[]
}

/** Null when there is none; the caller has checked the right to see it. */
export async function askedReturn(sql: AnySql, returnId: string): Promise<AskedReturn | null> {
  const [row] = await sql<(Omit<AskedReturn, 'marked'> & { instances: string[] })[]>`
    select r.id, r.kind, r.reason_code as reason, r.words, r.order_id as "orderId", o.site_id as "siteId",
      st.study_uid as "studyUid", u.name as "askedBy", r.asked_at as "askedAt", r.answered_at is null as "isOpen", r.instances,
      case when s.id is not null then jsonb_build_object('status', s.status, 'room', rm.name, 'plannedStart', s.planned_start) end as step
    from returns r join orders o on o.id = r.order_id join studies st on st.id = r.study_id join users u on u.id = r.asked_by
      left join steps s on s.id = r.step_id left join rooms rm on rm.id = s.room_id
    where r.id = ${returnId}`
  if (!row) return null
  const { instances, ...asked } = row
  const plannedStart = asked.step?.plannedStart ? new Date(asked.step.plannedStart) : null
  return {
    ...asked,
    step: asked.step && { ...asked.step, plannedStart },
    marked: await sql<StoredObject[]>`
      select i.sop_instance_uid as uid, e.series_uid as "seriesUid", e.modality, e.description, '' as view, i.frames,
        i.rows is not null as "isImage", i.rejected_code as "rejectedCode"
      from instances i join series e on e.id = i.series_id
      where i.sop_instance_uid = any(${instances}) order by e.series_number nulls last, i.instance_number nulls last, i.id`,
  }
}

export interface ReturnTold {
  id: string
  kind: ReturnKind
  reason: ReturnReason
  words: string | null
  marked: number
  askedBy: string
  askedAt: Date
  answer: ReturnAnswer | null
  answerWords: string | null
  answeredBy: string | null
  answeredAt: Date | null
}

/** Everything readers asked about an order, newest first. */
export async function returnsOf(sql: AnySql, orderId: string): Promise<ReturnTold[]> {
  return await sql<ReturnTold[]>`
    select r.id, r.kind, r.reason_code as reason, r.words, cardinality(r.instances) as marked, u.name as "askedBy",
      r.asked_at as "askedAt", r.answer, r.answer_words as "answerWords", a.name as "answeredBy", r.answered_at as "answeredAt"
    from returns r join users u on u.id = r.asked_by left join users a on a.id = r.answered_by
    where r.order_id = ${orderId} order by r.asked_at desc, r.id desc`
}
