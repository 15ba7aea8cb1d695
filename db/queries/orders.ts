/** Orders as integrators and pages read them: found by number, study, phase or patient, newest first, keyset-paged. */
import type postgres from 'postgres'
import { nameKey } from '#domain/identity.ts'
import {
  AGE_GROUPS,
  AGES_FROM,
  type Asking,
  type FilterField,
  type ListFilter,
  SOON_MS,
  withoutField,
} from '#domain/list-filter.ts'
import type { NameSaid } from '#domain/order-message.ts'
import { type Actor, scopeOf } from '#domain/permissions.ts'
import { ENDED_PHASES, type Phase, type Priority } from '#domain/words.ts'
import type { AnySql } from '../client.ts'
import { requestedBy } from './requester.ts'
import { atMost } from './rows-at-most.ts'

export interface OrderSummary {
  id: string
  accession: string
  issuer: string
  placer: string | null
  placerAuthority: string | null
  filler: string
  patientId: string
  patientIssuer: string
  patientName: NameSaid
  birthDate: string | null
  sex: string | null
  site: string
  priority: Priority
  phase: Phase
  receivedAt: Date
  closedAt: Date | null
  rev: number
  procedures: ProcedureSummary[]
  /** First instants of the order's way; what has not happened is absent. */
  times: Partial<Record<(typeof marks)[number][0], string>>
  workItems: { id: string; kind: string; state: string; dueAt: Date | null; holder: string | null }[]
}

export interface ProcedureSummary {
  id: string
  code: string
  scheme: string
  name: string
  requestedProcedureId: string
  studyInstanceUid: string
  phase: Phase
  steps: { id: string; stepNumber: string; status: string; room: string | null; plannedStart: Date | null }[]
}

export interface OrderFilter {
  id?: string
  accession?: string
  placer?: string
  study?: string
  phase?: string
  since?: Date
  /** Only these. */
  ids?: readonly string[]
  /** Neither closed nor ended. */
  open?: true
  /** With work past its due time at this instant. */
  lateAt?: Date
  /** With a result acknowledged since. */
  deliveredSince?: Date
  /** With an open exception. */
  toMend?: true
  /** What a list's chips say. */
  chips?: ListFilter | undefined
  /** Who asks and when: some chips mean the reader, the hour or an age. */
  asking?: Asking | undefined
  patient?: { patientId: string; issuer?: string; name?: string; birthDate?: string }
  limit: number
  after?: { receivedAt: Date; id: string }
}

/**
 * Orders the actor may see, newest first; what may not be seen is never fetched. What else a row shows is read for the whole
 * page at once: orders that came one after another stand side by side in an index, which is then gone down once for all of
 * them and not once for each. Each part comes as one object by id: joined as rows, they would be as many times looked
 * through as the planner takes the page to be short.
 */
export async function findOrders(sql: AnySql, actor: Actor, filter: OrderFilter): Promise<OrderSummary[]> {
  const rows = await sql<Row[]>`
    with found as materialized (${page(sql, actor, filter, { columns: sql`o.*`, limit: filter.limit })})
    select o.*, ${patients(sql)}->o.patient_id as patient, ${identifiers(sql)}->o.patient_id as identifier,
      ${procedures(sql)}->o.id as procedures, ${workItems(sql)}->o.id as work_items, ${times(sql)}->o.id as times
    from found o
    order by o.received_at desc, o.id desc`
  return rows.map(summary)
}

/** What a count says at most: beyond it a list is long, and how long exactly is no question of a day's work. */
export const COUNTED_UP_TO = 10_000

/** Exact up to `COUNTED_UP_TO`, and one more than that for whatever is longer. */
export async function countOrders(
  sql: AnySql,
  actor: Actor,
  { after: _, ...filter }: Omit<OrderFilter, 'limit'>,
): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select count(*) as n from (${page(sql, actor, filter, { columns: sql`o.id`, limit: COUNTED_UP_TO + 1 })}) found`
  return row!.n
}

/** One page: an index in the list's order gives the rows, and what else is asked of them stops at the page's end. */
function page(
  sql: AnySql,
  actor: Actor,
  { chips = {}, ...filter }: Omit<OrderFilter, 'limit'>,
  { columns, limit }: { columns: Fragment; limit: number },
): Fragment {
  const driver = driverOf({ ...filter, chips })
  const values = [...((driver && chips[driver]) ?? [])]
  // Said twice, the planner would take it for twice as rare.
  const others = driver ? withoutField(chips, driver) : chips
  const wanted = sql`${visible(sql, actor)} and ${matches(sql, { ...filter, chips: others })}`
  const patient = withPatient(sql, others, filter)
  if (!driver || (values.length === 1 && !isOfProcedures(driver))) {
    return sql`
      select ${columns} from orders o ${patient}
      where ${wanted} and ${driver ? sql`o.${columnOf(sql, driver)} = ${values[0]!}` : sql`true`}
      order by o.received_at desc, o.id desc ${atMost(sql, limit)}`
  }
  return sql`
    select ${columns} from (${drivenBy(sql, driver, { values, after: filter.after })}) d join orders o on o.id = d.id ${patient}
    where ${wanted} order by d.received_at desc, d.id desc ${atMost(sql, limit)}`
}

function withPatient(sql: AnySql, { age }: ListFilter, { patient }: Omit<OrderFilter, 'limit'>): Fragment {
  return age || patient ? sql`join patients p on p.id = o.patient_id` : sql``
}

type Fragment = postgres.PendingQuery<postgres.Row[]>

/** Chips whose values an index holds newest first, those with the fewest orders behind a value first. */
const DRIVERS = ['modality', 'phase', 'area', 'class', 'priority', 'site'] as const satisfies FilterField[]
type Driver = (typeof DRIVERS)[number]

/** None where few orders can be meant, which an index of their own holds: those are looked through. */
function driverOf({ chips = {}, ...filter }: Omit<OrderFilter, 'limit'>): Driver | undefined {
  const { open, lateAt, deliveredSince, toMend, ids, id, asking } = filter
  const isOfWork = asking && (chips.time?.length || chips.claim?.length)
  if (open || lateAt || deliveredSince || toMend || ids || id || isOfWork) return undefined
  return DRIVERS.find((field) => chips[field]?.length)
}

/**
 * Value by value, each in the list's order, so that they are merged as they are read: with any() all would be sorted. An
 * order with two procedures that fit comes twice in a row, and once out of it.
 */
function drivenBy(
  sql: AnySql,
  field: Driver,
  { values, after }: { values: readonly string[]; after: OrderFilter['after'] },
): Fragment {
  const column = columnOf(sql, field)
  const branches = values.map((value) =>
    isOfProcedures(field)
      ? sql`(select x.received_at, x.order_id as id from procedures x where x.${column} = ${value}
          and ${after ? sql`(x.received_at, x.order_id) < (${after.receivedAt}, ${after.id})` : sql`true`}
          order by x.received_at desc, x.order_id desc)`
      : sql`(select x.received_at, x.id from orders x where x.${column} = ${value}
          and ${after ? sql`(x.received_at, x.id) < (${after.receivedAt}, ${after.id})` : sql`true`}
          order by x.received_at desc, x.id desc)`,
  )
  const all = branches.reduce((one, next) => sql`${one} union all ${next}`)
  if (!isOfProcedures(field)) return all
  return sql`select distinct on (u.received_at, u.id) u.received_at, u.id from (${all}) u order by u.received_at desc, u.id desc`
}

function isOfProcedures(field: Driver): boolean {
  return field === 'modality' || field === 'area'
}

function columnOf(sql: AnySql, field: Driver): Fragment {
  if (field === 'class') return sql`patient_class`
  if (field === 'site') return sql`site_id`
  return sql`${sql(field)}` as Fragment
}

function visible(sql: AnySql, actor: Actor) {
  const scope = scopeOf(actor, 'see-order')
  if (scope.scope === 'all') return sql`true`
  if (scope.scope === 'sites') return sql`o.site_id = any(${[...scope.siteIds]})`
  if (scope.scope === 'own') return requestedBy(sql, scope.ownerId)
  return sql`false`
}

function matches(sql: AnySql, filter: Omit<OrderFilter, 'limit'>) {
  const { patient, after } = filter
  return sql`${filter.id ? sql`o.id = ${filter.id}` : sql`true`}
    and ${filter.accession ? sql`o.accession = ${filter.accession}` : sql`true`}
    and ${filter.placer ? sql`o.placer_number = ${filter.placer}` : sql`true`}
    and ${filter.study ? sql`exists (select 1 from procedures x where x.order_id = o.id and x.study_uid = ${filter.study})` : sql`true`}
    and ${filter.phase ? sql`o.phase = ${filter.phase}` : sql`true`}
    and ${filter.since ? sql`o.received_at >= ${filter.since}` : sql`true`}
    and ${filter.ids ? sql`o.id = any(${[...filter.ids]})` : sql`true`}
    and ${filter.open ? sql`o.closed_at is null and o.end_kind is null and o.phase <> all(${[...ENDED_PHASES]})` : sql`true`}
    and ${filter.lateAt ? sql`o.id = any(array(select x.order_id from work_items x where x.state in ('open', 'claimed') and x.due_at < ${filter.lateAt}))` : sql`true`}
    and ${filter.deliveredSince ? sql`o.id = any(array(select x.order_id from deliveries x where x.acknowledged_at >= ${filter.deliveredSince} and x.report_id is not null))` : sql`true`}
    and ${filter.toMend ? sql`o.id = any(array(select x.order_id from exceptions x where x.state = 'open' and x.order_id is not null))` : sql`true`}
    and ${chipsFit(sql, filter)}
    and ${patient ? patientMatches(sql, patient) : sql`true`}
    and ${after ? sql`(o.received_at, o.id) < (${after.receivedAt}, ${after.id})` : sql`true`}`
}

/** As `fitsFilter` says it of one row. An order is of the area and modality of any of its procedures, and late by any work. */
function chipsFit(sql: AnySql, { chips = {}, asking }: Omit<OrderFilter, 'limit'>): Fragment {
  const any = (column: Fragment, field: FilterField) =>
    chips[field]?.length ? sql`${column} = any(${[...chips[field]]})` : sql`true`
  const ofProcedure = (column: Fragment, field: FilterField) =>
    chips[field]?.length
      ? sql`exists (select 1 from procedures x where x.order_id = o.id and ${column} = any(${[...chips[field]]}))`
      : sql`true`
  return sql`${any(sql`o.site_id`, 'site')} and ${any(sql`o.patient_class`, 'class')}
    and ${any(sql`o.priority`, 'priority')} and ${any(sql`o.phase`, 'phase')}
    and ${ofProcedure(sql`x.area`, 'area')} and ${ofProcedure(sql`x.modality`, 'modality')}
    and ${asking ? agesFit(sql, chips.age ?? [], asking) : sql`true`}
    and ${asking ? workFits(sql, chips, asking) : sql`true`}`
}

function agesFit(sql: AnySql, groups: readonly string[], { today }: Asking): Fragment {
  const spans = AGE_GROUPS.flatMap((group, index) => {
    if (!groups.includes(group)) return []
    const next = AGE_GROUPS[index + 1]
    const born = (years: number) =>
      `${String(Number(today.slice(0, 4)) - years).padStart(4, '0')}${today.slice(4)}`
    return [
      sql`(p.birth_date <= ${born(AGES_FROM[group])} and ${next ? sql`p.birth_date > ${born(AGES_FROM[next])}` : sql`true`})`,
    ]
  })
  const [first, ...rest] = spans
  if (!first) return sql`true`
  return sql`p.birth_date like '____-__-__' and (${rest.reduce((one, next) => sql`${one} or ${next}`, first)})`
}

function workFits(sql: AnySql, { time, claim }: ListFilter, { userId, now }: Asking): Fragment {
  if (!time?.length && !claim?.length) return sql`true`
  const soon = new Date(now.getTime() + SOON_MS)
  const says = (values: readonly string[] | undefined, value: string, fits: Fragment) =>
    values?.includes(value) ? fits : sql`false`
  const inTime = time?.length
    ? sql`(${says(time, 'late', sql`x.due_at < ${now}`)} or ${says(time, 'soon', sql`x.due_at >= ${now} and x.due_at < ${soon}`)})`
    : sql`true`
  const claimed = claim?.length
    ? sql`(${says(claim, 'free', sql`x.holder is null`)} or ${says(claim, 'mine', sql`x.holder = ${userId}`)}
        or ${says(claim, 'taken', sql`x.holder <> ${userId}`)})`
    : sql`true`
  return sql`o.id = any(array(select x.order_id from work_items x where x.state in ('open', 'claimed') and ${inTime} and ${claimed}))`
}

function patientMatches(
  sql: AnySql,
  { patientId, issuer, name, birthDate }: NonNullable<OrderFilter['patient']>,
) {
  const key = name ? nameKey({ alphabetic: { family: name } }) : null
  return sql`exists (select 1 from patient_identifiers x where x.patient_id = o.patient_id and x.value = ${patientId}
      and ${issuer ? sql`x.issuer = ${issuer}` : sql`true`})
    and ${key ? sql`starts_with(p.name_key, ${key})` : sql`true`}
    and ${birthDate ? sql`p.birth_date = ${birthDate}` : sql`true`}`
}

/** Of the page that is called `found`, as each of those below. */
const ofPage = (sql: AnySql) => sql`= any(array(select id from found))`

function patients(sql: AnySql) {
  return sql`(select jsonb_object_agg(id, jsonb_build_object('name', name, 'birthDate', birth_date, 'sex', sex))
      from patients where id = any(array(select patient_id from found)))`
}

/** One of each patient's: the medical record number, where there is one. */
function identifiers(sql: AnySql) {
  return sql`(select jsonb_object_agg(patient_id, jsonb_build_object('value', value, 'issuer', issuer)) from (
      select distinct on (patient_id) patient_id, value, issuer from patient_identifiers
      where patient_id = any(array(select patient_id from found)) and retired_at is null
      order by patient_id, (type = 'MR') desc, issuer, value) x)`
}

function procedures(sql: AnySql) {
  return sql`(select jsonb_object_agg(order_id, list) from (
      select x.order_id, jsonb_agg(jsonb_build_object('id', x.id, 'code', x.code, 'scheme', x.scheme,
        'name', coalesce(c.name, x.text), 'requestedProcedureId', x.requested_procedure_id, 'studyInstanceUid', x.study_uid,
        'phase', x.phase, 'steps', coalesce(${steps(sql)}->x.id, '[]')) order by x.position) as list
      from procedures x left join catalogue c on c.scheme = x.catalogue_scheme and c.code = x.catalogue_code
      where x.order_id ${ofPage(sql)} group by x.order_id) x)`
}

function steps(sql: AnySql) {
  return sql`(select jsonb_object_agg(procedure_id, list) from (
      select s.procedure_id, jsonb_agg(jsonb_build_object('id', s.id, 'stepNumber', s.step_number, 'status', s.status,
        'room', r.name, 'plannedStart', s.planned_start) order by s.planned_start nulls last, s.id) as list
      from steps s left join rooms r on r.id = s.room_id where s.order_id ${ofPage(sql)} group by s.procedure_id) s)`
}

const marks = [
  ['ordered', 'order.received'],
  ['scheduled', 'step.scheduled'],
  ['arrived', 'step.arrived'],
  ['begun', 'performed-step.begun'],
  ['ended', 'performed-step.ended'],
  ['available', 'quality.accepted'],
  ['preliminary', 'report.preliminary'],
  ['final', 'report.signed'],
  ['released', 'report.released'],
  ['delivered', 'delivery.acknowledged'],
] as const

function times(sql: AnySql) {
  return sql`(select jsonb_object_agg(order_id, list) from (
      select e.order_id, jsonb_object_agg(m.mark, e.at) as list from (
        select order_id, type, to_char(min(at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
        from order_events where order_id ${ofPage(sql)}
          -- A receiver may have been told where the order stood before it got a report.
          and (type <> 'delivery.acknowledged' or data->>'version' is not null) group by order_id, type) e
      join unnest(${marks.map(([mark]) => mark)}::text[], ${marks.map(([, type]) => type)}::text[]) as m(mark, type) using (type)
      group by e.order_id) x)`
}

function workItems(sql: AnySql) {
  return sql`(select jsonb_object_agg(order_id, list) from (
      select w.order_id, jsonb_agg(jsonb_build_object('id', w.id, 'kind', w.kind, 'state', w.state, 'dueAt', w.due_at,
        'holder', u.name) order by w.opened_at, w.id) as list
      from work_items w left join users u on u.id = w.holder
      where w.order_id ${ofPage(sql)} and w.state in ('open', 'claimed') group by w.order_id) x)`
}

// biome-ignore lint/suspicious/noExplicitAny: one wide row, read once just below
type Row = Record<string, any>

function summary(row: Row): OrderSummary {
  return {
    id: row.id,
    accession: row.accession,
    issuer: row.accession_issuer,
    placer: row.placer_number,
    placerAuthority: row.placer_authority,
    filler: row.filler_number,
    patientId: row.identifier?.value ?? '',
    patientIssuer: row.identifier?.issuer ?? '',
    patientName: row.patient.name,
    birthDate: row.patient.birthDate,
    sex: row.patient.sex,
    site: row.site_id,
    priority: row.priority,
    phase: row.phase,
    receivedAt: row.received_at,
    closedAt: row.closed_at,
    rev: row.rev,
    procedures: row.procedures ?? [],
    times: row.times ?? {},
    workItems: row.work_items ?? [],
  }
}

export interface TimelineEvent {
  rev: number
  at: Date
  recordedAt: Date
  type: string
  actor: { id: string; name: string; role: string }
  source: string
  refs: Record<string, unknown>
  data: Record<string, unknown>
  hash: string
  previousHash: string
}

/** Every event of an order in order, with who did it in words; the caller has checked the right to see it. */
export async function timeline(sql: AnySql, orderId: string): Promise<TimelineEvent[]> {
  const rows = await sql<Row[]>`
    select e.*, u.name from order_events e left join users u on u.id = e.actor_id where e.order_id = ${orderId} order by e.rev`
  return rows.map((row) => ({
    rev: row.rev,
    at: row.at,
    recordedAt: row.recorded_at,
    type: row.type,
    actor: { id: row.actor_id, name: row.name ?? row.actor_id, role: row.actor_role },
    source: row.source,
    refs: row.refs,
    data: row.data,
    hash: row.hash,
    previousHash: row.previous_hash,
  }))
}
