/** Worklists: the open work items of some kinds that an actor may see, in the department's one order of lists. */
import type { BusinessCalendar } from '#domain/calendar.ts'
import {
  asOfMinute,
  compareListKeys,
  type ListedItem,
  type ListKey,
  listKey,
  type WhyHere,
  whyHere,
} from '#domain/list-order.ts'
import type { NameSaid } from '#domain/order-message.ts'
import { type Actor, inAudience, scopeOf } from '#domain/permissions.ts'
import { similarAmong } from '#domain/similar-people.ts'
import type {
  CompletenessVerdict,
  PatientClass,
  Phase,
  Priority,
  SubjectType,
  WorkItemKind,
} from '#domain/words.ts'
import type { Audience } from '#domain/work-item-wanted.ts'
import type { AnySql } from '../client.ts'
import { reviveAudience } from '../mutations/permission.ts'
import { sharedRead } from './shared-read.ts'

export interface WorklistRow {
  itemId: string
  kind: WorkItemKind
  cycle: number
  subjectType: SubjectType
  subjectId: string
  siteId: string
  /** Null for an exception that has no order. */
  order: WorklistOrder | null
  state: 'open' | 'claimed'
  openedAt: Date
  dueFrom: Date
  dueAt: Date | null
  allowanceMs: number
  lateAt: Date | null
  holder: { id: string; name: string; since: Date } | null
  fence: number
  leaseUntil: Date | null
  blockedBy: string | null
  room: { id: string; name: string } | null
  area: string | null
  modality: string | null
  /** Set for kind `mend`: what must be mended, in words without patient data. */
  exception: { id: string; kind: string; reason: string; times: number } | null
  audience: Audience
  /** Whose it is before anybody has taken it; null for a circle's. */
  meantFor: string | null
  /** To whom the lead gave it; anybody may still claim it, "next case" leaves it to them. */
  assignedTo: { id: string; name: string } | null
  why: WhyHere[]
  key: ListKey
}

export interface WorklistOrder {
  id: string
  accession: string
  issuer: string
  placer: string | null
  phase: Phase
  priority: Priority
  priorityWord: string | null
  patientClass: PatientClass
  location: string | null
  patient: WorklistPatient
  procedure: { id: string; code: string; shortName: string; name: string }
  studyInstanceUid: string
  images: { visible: number; stored: number; missing: number; verdict: CompletenessVerdict } | null
  /** Other accepted studies of this patient. */
  priors: number
}

export interface WorklistPatient {
  id: string
  name: NameSaid
  birthDate: string | null
  sex: string | null
  patientId: string
  patientIssuer: string
  /** Somebody else on this list could be taken for them. */
  isSimilar: boolean
}

export interface Worklist {
  rows: WorklistRow[]
  /** Rows after this page; 0: this is the last. */
  more: number
  asOf: Date
}

/**
 * The list as a screen shows it. Sites and kinds are filtered in SQL, the audience by the one permission rule;
 * pages continue after a key, so that they neither repeat nor miss a row.
 */
export async function worklist(
  sql: AnySql,
  actor: Actor,
  kinds: readonly WorkItemKind[],
  { now, after, limit = 200 }: { now: Date; after?: ListKey; limit?: number },
): Promise<Worklist> {
  const asOf = asOfMinute(now)
  const rows = (await ranked(sql, actor, kinds, asOf)).filter((row) => maySee(actor, row, now))
  const from = after ? rows.findIndex((row) => compareListKeys(row.key, after) > 0) : 0
  const rest = from < 0 ? [] : rows.slice(from)
  return { rows: rest.slice(0, limit), more: Math.max(0, rest.length - limit), asOf }
}

// One read and one ranking for everybody of the same sites who asks at the same time.
function ranked(
  sql: AnySql,
  actor: Actor,
  kinds: readonly WorkItemKind[],
  asOf: Date,
): Promise<readonly WorklistRow[]> {
  const key = JSON.stringify([scopeOf(actor, 'see-work'), kinds, asOf])
  return sharedRead(sql, key, async () => {
    const rows = (await itemsOf(sql, actor, kinds)).map((row) => toRow(row, asOf))
    const patients = rows.flatMap(({ order }) => (order ? [order.patient] : []))
    const similar = similarAmong(patients)
    for (const patient of patients) patient.isSimilar = similar.has(patient.id)
    return rows.sort((a, b) => compareListKeys(a.key, b.key))
  })
}

/** How many items of each kind wait for this actor, and how many of them are late. */
export async function worklistCounts(
  sql: AnySql,
  actor: Actor,
  kinds: readonly WorkItemKind[],
  now: Date,
): Promise<Record<string, { count: number; late: number }>> {
  const counts: Record<string, { count: number; late: number }> = Object.fromEntries(
    kinds.map((kind) => [kind, { count: 0, late: 0 }]),
  )
  for (const { kind, audience, due_at } of await countable(sql, actor, kinds)) {
    if (!sees(actor, audience, now)) continue
    const count = counts[kind]!
    count.count += 1
    if (due_at && due_at < now) count.late += 1
  }
  return counts
}

// As with the lists: one read for everybody of the same sites who asks at the same time.
function countable(sql: AnySql, actor: Actor, kinds: readonly WorkItemKind[]) {
  const key = JSON.stringify(['counts', scopeOf(actor, 'see-work'), kinds])
  return sharedRead(sql, key, async () => {
    const rows = await sql<{ kind: string; audience: Partial<Audience>; due_at: Date | null }[]>`
      select kind, audience, due_at from work_items w where state in ('open', 'claimed') and kind = any(${[...kinds]}) and ${siteFilter(sql, actor)}`
    return rows.map((row) => ({ ...row, audience: reviveAudience(row.audience) }))
  })
}

// Whoever keeps the day moving, and programs, see every item of their sites; a reader or technologist their own circle's.
function sees(actor: Actor, audience: Audience, now: Date): boolean {
  const oversees = actor.roles.some((role) => role === 'lead' || role === 'head' || role === 'integration')
  return oversees || inAudience(actor, audience, now)
}

function maySee(actor: Actor, row: WorklistRow, now: Date): boolean {
  return row.holder?.id === actor.id || sees(actor, row.audience, now)
}

function siteFilter(sql: AnySql, actor: Actor) {
  const scope = scopeOf(actor, 'see-work')
  if (scope.scope === 'all') return sql`true`
  return scope.scope === 'sites' ? sql`w.site_id = any(${[...scope.siteIds]})` : sql`false`
}

// biome-ignore lint/suspicious/noExplicitAny: one wide row, read once just below
type Row = Record<string, any>

async function itemsOf(sql: AnySql, actor: Actor, kinds: readonly WorkItemKind[]): Promise<Row[]> {
  return await sql<Row[]>`
    select w.*, o.accession, o.accession_issuer, o.placer_number, o.phase, o.priority_word, o.patient_class, o.location,
      pt.id as patient_id, pt.name, pt.birth_date, pt.sex, pi.value as patient_value, pi.issuer as patient_issuer,
      p.id as procedure_id, p.code, coalesce(c.short_name, p.text) as short_name, coalesce(c.name, p.text) as procedure_name,
      p.study_uid, st.id as study_id, st.instance_count, st.stored_count, st.completeness, st.completeness_missing,
      u.name as holder_name, meant.name as meant_name, given.name as assigned_name, r.name as room_name, s.zone, s.calendar, e.kind as exception_kind, e.reason as exception_reason, e.times,
      (select count(*) from studies prior where prior.patient_id = o.patient_id and prior.study_uid <> p.study_uid
        and prior.instance_count > 0) as priors
    from work_items w join sites s on s.id = w.site_id
      left join orders o on o.id = w.order_id
      left join patients pt on pt.id = o.patient_id
      left join lateral (select value, issuer from patient_identifiers where patient_id = pt.id and retired_at is null
        order by (type = 'MR') desc, issuer, value limit 1) pi on true
      left join lateral (select p.* from procedures p
        left join steps own on own.procedure_id = p.id and own.id = w.subject_id
        left join study_links l on l.procedure_id = p.id and l.study_id = w.subject_id and l.undone_at is null
        left join report_procedures rp on rp.procedure_id = p.id and rp.report_id = w.subject_id
        where p.order_id = w.order_id
        order by (p.id = w.subject_id or own.id is not null or l.id is not null or rp.report_id is not null) desc, p.position limit 1) p on true
      left join catalogue c on c.scheme = p.catalogue_scheme and c.code = p.catalogue_code
      left join studies st on st.study_uid = p.study_uid
      left join users u on u.id = w.holder left join users meant on meant.id = w.audience->>'userId'
      left join users given on given.id = w.assigned_to
      left join rooms r on r.id = w.room_id
      left join exceptions e on w.subject_type = 'exception' and e.id = w.subject_id
    where w.state in ('open', 'claimed') and w.kind = any(${[...kinds]}) and ${siteFilter(sql, actor)}`
}

function toRow(row: Row, asOf: Date): WorklistRow {
  const calendar: BusinessCalendar = { ...row.calendar, zone: row.zone }
  const listed = listedItem(row)
  return {
    itemId: row.id,
    kind: row.kind,
    cycle: row.cycle,
    subjectType: row.subject_type,
    subjectId: row.subject_id,
    siteId: row.site_id,
    order: row.order_id ? orderOf(row) : null,
    state: row.state,
    openedAt: row.opened_at,
    dueFrom: row.due_from,
    dueAt: row.due_at,
    allowanceMs: row.allowance_ms ?? 0,
    lateAt: row.late_at,
    holder: row.holder ? { id: row.holder, name: row.holder_name, since: row.claimed_at } : null,
    fence: row.fence,
    leaseUntil: row.lease_until,
    blockedBy: row.blocked_by,
    room: row.room_id ? { id: row.room_id, name: row.room_name } : null,
    area: row.area,
    modality: row.modality,
    exception: row.exception_kind
      ? { id: row.subject_id, kind: row.exception_kind, reason: row.exception_reason, times: row.times }
      : null,
    audience: reviveAudience(row.audience),
    meantFor: row.meant_name,
    assignedTo: row.assigned_to ? { id: row.assigned_to, name: row.assigned_name } : null,
    why: whyHere(listed, asOf, calendar),
    key: listKey(listed, asOf, calendar),
  }
}

function listedItem(row: Row): ListedItem {
  return {
    id: row.id,
    accession: row.accession ?? '',
    priority: row.priority,
    patientClass: row.patient_class ?? 'outpatient',
    openedAt: row.opened_at,
    dueFrom: row.due_from,
    dueAt: row.due_at,
    allowanceMs: row.allowance_ms ?? 0,
    business: row.business,
    pauses: [],
    paused: null,
    machineUrgent: false,
    afterRetake: false,
    patientWaits: false,
    sentBack: row.kind === 'sent-back',
  }
}

function orderOf(row: Row): WorklistOrder {
  return {
    id: row.order_id,
    accession: row.accession,
    issuer: row.accession_issuer,
    placer: row.placer_number,
    phase: row.phase,
    priority: row.priority,
    priorityWord: row.priority_word,
    patientClass: row.patient_class,
    location: row.location,
    patient: {
      id: row.patient_id,
      name: row.name,
      birthDate: row.birth_date,
      sex: row.sex,
      patientId: row.patient_value ?? '',
      patientIssuer: row.patient_issuer ?? '',
      isSimilar: false,
    },
    procedure: { id: row.procedure_id, code: row.code, shortName: row.short_name, name: row.procedure_name },
    studyInstanceUid: row.study_uid,
    images: row.study_id
      ? {
          visible: row.instance_count,
          stored: row.stored_count,
          missing: row.completeness_missing,
          verdict: row.completeness,
        }
      : null,
    priors: row.priors,
  }
}
