/** Critical results as those who must tell them need them: what, to whom next, how long still, and who was tried. */
import {
  CRITICAL_RUNGS,
  type CriticalLevel,
  type CriticalMethod,
  type CriticalRung,
  type CriticalState,
  type CriticalStep,
  contactNow,
  criticalSteps,
} from '#domain/critical-result.ts'
import type { NameSaid } from '#domain/order-message.ts'
import type { Actor } from '#domain/permissions.ts'
import { scopeOf } from '#domain/permissions.ts'
import type { Priority } from '#domain/words.ts'
import type { AnySql } from '../client.ts'
import { policyOf } from './policy.ts'
import { sharedRead } from './shared-read.ts'
import { standing } from './standing-criticals.ts'
import type { Fragment } from './study-scope.ts'

export interface CriticalOnScreen {
  id: string
  /** Whose patient it is about: where its images are now. */
  orderId: string
  reportId: string
  accession: string
  priority: Priority
  patient: { name: NameSaid; sex: string | null; birthDate: string | null }
  procedure: string
  finding: string
  level: CriticalLevel
  cause: 'finding' | 'over-read'
  state: CriticalState
  foundAt: Date
  foundBy: string
  dueAt: Date
  lateAt: Date | null
  /** Who is to be called now; null once it has ended. */
  contact: Contact | null
  /** Whose turn comes with time, and when. */
  next: { rung: CriticalRung; at: Date } | null
  attempts: {
    at: Date
    by: string
    rung: CriticalRung | null
    recipient: string | null
    method: CriticalMethod
    outcome: 'no-answer' | 'told-again'
  }[]
  told: { recipient: string; at: Date; method: CriticalMethod; communicator: string } | null
  withdrawn: { by: string; second: string; reason: string } | null
  endedAt: Date | null
  /** The report is out: its addendum is signed together with the call. */
  isOut: boolean
  /** Its images, or some of them, went to another order (accessions); null: they did not. */
  moved: { right: string; wrong: string; whole: boolean } | null
}

export interface Contact {
  rung: CriticalRung
  /** As far as the order or the people of the site say; a ward's name, a person's. */
  name: string | null
  phone: string | null
}

/** Of one order, of a report over it and others, and of images that were moved to it: the open ones first, then those that have ended, the newest first. */
export async function criticalResultsOfCase(
  sql: AnySql,
  { orderId, reportId }: { orderId: string; reportId: string | null },
  now: Date,
): Promise<CriticalOnScreen[]> {
  const here = sql`(c.order_id = ${orderId} or c.report_id = ${reportId} or c.id in (
    select m.critical_id from critical_moves m where m.to_order_id = ${orderId} and m.undone_at is null))`
  return told(sql, await rowsOf(sql, here), now)
}

/** How many are open at the sites of the person, and how many of them nobody heard of in time. */
export async function openCriticals(
  sql: AnySql,
  actor: Actor,
  now: Date,
): Promise<{ count: number; late: number }> {
  const scope = scopeOf(actor, 'see-work')
  const sites = ofSites(sql, scope)
  const rows = await sharedRead(
    sql,
    JSON.stringify(['criticals', scope]),
    async () => sql<{ dueAt: Date }[]>`
      select c.due_at as "dueAt" from critical_results c where c.state = 'open' and ${sites}`,
  )
  return { count: rows.length, late: rows.filter(({ dueAt }) => dueAt < now).length }
}

function ofSites(sql: AnySql, scope: ReturnType<typeof scopeOf>) {
  if (scope.scope === 'all') return sql`true`
  return scope.scope === 'sites' ? sql`c.site_id = any(${[...scope.siteIds]})` : sql`false`
}

const ENDED_SHOWN_MS = 24 * 3_600_000

/** All that the person may see: the open ones by the time left, then what ended within a day. */
export async function criticalResults(sql: AnySql, actor: Actor, now: Date): Promise<CriticalOnScreen[]> {
  const sites = ofSites(sql, scopeOf(actor, 'see-work'))
  const since = new Date(now.getTime() - ENDED_SHOWN_MS)
  return told(sql, await rowsOf(sql, sql`${sites} and (c.state = 'open' or c.ended_at >= ${since})`), now)
}

interface Row extends Omit<CriticalOnScreen, 'patient' | 'contact' | 'next' | 'told' | 'withdrawn'> {
  siteId: string
  policyVersion: number
  patientName: NameSaid
  sex: string | null
  birthDate: string | null
  requester: { family?: string; given?: string; prefix?: string; phone?: string } | null
  location: string | null
  recorded: CriticalRung[]
  recipient: string | null
  toldAt: Date | null
  method: CriticalMethod | null
  communicator: string | null
  endedBy: string | null
  second: string | null
  reason: string | null
  leads: string | null
  heads: string | null
}

const MOST = 500

async function rowsOf(sql: AnySql, where: Fragment): Promise<Row[]> {
  return await sql<Row[]>`
    select c.id, o.id as "orderId", c.report_id as "reportId", c.site_id as "siteId", o.accession, o.priority,
      p.name as "patientName", p.sex, p.birth_date as "birthDate", c.finding, c.level, c.cause, c.state,
      c.found_at as "foundAt", f.name as "foundBy", c.due_at as "dueAt", c.late_at as "lateAt",
      c.policy_version as "policyVersion", o.requester, o.location, c.recipient, c.told_at as "toldAt", c.method,
      u.name as communicator, e.name as "endedBy", s.name as second, c.withdrawn_reason as reason, c.ended_at as "endedAt",
      coalesce((select string_agg(x.text, ', ' order by x.position) from procedures x where x.order_id = o.id), '') as procedure,
      (select r.state in ('FINAL', 'ADDENDED', 'CORRECTED') and r.amendment is null from reports r where r.id = c.report_id)
        as "isOut",
      (select jsonb_build_object('right', b.accession, 'wrong', a.accession, 'whole', m.whole) from critical_moves m
        join orders a on a.id = m.from_order_id join orders b on b.id = m.to_order_id
        where m.critical_id = c.id and m.undone_at is null order by m.at desc, m.id desc limit 1) as moved,
      array(select step from critical_steps k where k.critical_id = c.id) as recorded,
      coalesce((select jsonb_agg(jsonb_build_object('at', a.at, 'by', b.name, 'rung', a.rung, 'recipient', a.recipient,
        'method', a.method, 'outcome', a.outcome) order by a.at, a.id) from critical_attempts a join users b on b.id = a.by
        where a.critical_id = c.id), '[]') as attempts,
      (select string_agg(l.name, ', ' order by l.name) from users l where l.enabled and 'lead' = any(l.roles)
        and (c.site_id = any(l.sites) or '*' = any(l.sites))) as leads,
      (select string_agg(l.name, ', ' order by l.name) from users l where l.enabled and 'head' = any(l.roles)
        and (c.site_id = any(l.sites) or '*' = any(l.sites))) as heads
    from critical_results c ${standing(sql)} join orders o on o.id = coalesce(st.to_order_id, c.order_id) join patients p on p.id = o.patient_id
      join users f on f.id = c.found_by left join users u on u.id = c.communicator_id
      left join users e on e.id = c.ended_by left join users s on s.id = c.second_person
    where ${where}
    order by c.state <> 'open', case when c.state = 'open' then c.due_at end, c.ended_at desc, c.id limit ${MOST}`
}

async function told(sql: AnySql, rows: Row[], now: Date): Promise<CriticalOnScreen[]> {
  const policies = new Map(
    await Promise.all(
      [...new Set(rows.map((row) => row.policyVersion))].map(
        async (version) => [version, await policyOf(sql, version)] as const,
      ),
    ),
  )
  return rows.map((row) => {
    const steps = criticalSteps(row.foundAt, row.level, policies.get(row.policyVersion)!)
    return onScreen(
      row,
      steps.filter(({ plannedAt }) => plannedAt > now),
    )
  })
}

function onScreen(row: Row, ahead: readonly CriticalStep[]): CriticalOnScreen {
  const { id, orderId, reportId, accession, priority, procedure, finding, level, cause, state } = row
  const { foundAt, foundBy, dueAt, lateAt, endedAt, isOut, moved, endedBy, second, reason } = row
  const attempts = row.attempts.map((attempt) => ({ ...attempt, at: new Date(attempt.at) }))
  const contact = state === 'open' ? contactOf(row, attempts) : null
  const next =
    contact && ahead.find(({ rung }) => CRITICAL_RUNGS.indexOf(rung) > CRITICAL_RUNGS.indexOf(contact.rung))
  return {
    ...{ id, orderId, reportId, accession, priority, procedure, finding, level, cause, state },
    ...{ foundAt, foundBy, dueAt, lateAt, endedAt, attempts, contact, isOut, moved },
    patient: { name: row.patientName, sex: row.sex, birthDate: row.birthDate },
    next: next ? { rung: next.rung, at: next.plannedAt } : null,
    told:
      state === 'closed'
        ? {
            recipient: row.recipient!,
            at: row.toldAt!,
            method: row.method!,
            communicator: row.communicator!,
          }
        : null,
    withdrawn: state === 'withdrawn' ? { by: endedBy!, second: second!, reason: reason! } : null,
  }
}

function contactOf(row: Row, attempts: CriticalOnScreen['attempts']): Contact {
  const unanswered = attempts.flatMap(({ rung, outcome }) =>
    outcome === 'no-answer' && rung !== null ? [rung] : [],
  )
  const rung = contactNow(row.recorded, unanswered)
  return { rung, ...whoIs(row, rung) }
}

function whoIs(
  { requester, location, leads, heads }: Row,
  rung: CriticalRung,
): { name: string | null; phone: string | null } {
  const asked = requester && [requester.prefix, requester.given, requester.family].filter(Boolean).join(' ')
  switch (rung) {
    case 'orderer':
      return { name: asked || null, phone: requester?.phone ?? null }
    case 'ward':
      return { name: location, phone: requester?.phone ?? null }
    case 'on-call':
      return { name: null, phone: null }
    case 'lead':
      return { name: leads, phone: null }
    case 'head':
      return { name: heads, phone: null }
  }
}

/** Those who may have told it: whoever reads or leads at the site. */
export async function communicators(sql: AnySql, siteId: string): Promise<{ id: string; name: string }[]> {
  return await sql<{ id: string; name: string }[]>`
    select id, name from users where enabled and roles && array['radiologist', 'resident', 'lead']
      and (${siteId} = any(sites) or '*' = any(sites)) order by name`
}
