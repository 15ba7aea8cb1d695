/** Worklists: the open work items of some kinds that an actor may see, in the department's one order of lists. */
import { ALWAYS_OPEN, type BusinessCalendar, localDate, MINUTE_MS } from '#domain/calendar.ts'
import { type Facets, fitsFilter, type ListFilter } from '#domain/list-filter.ts'
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
import {
  type CompletenessVerdict,
  type PatientClass,
  type PauseReason,
  type Phase,
  type Priority,
  type SubjectType,
  WORK_ITEM_KINDS,
  type WorkItemKind,
} from '#domain/words.ts'
import type { Audience } from '#domain/work-item-wanted.ts'
import type { AnySql } from '../client.ts'
import { reviveAudience } from '../mutations/permission.ts'
import { sharedRead } from './shared-read.ts'
import { type OnShift, onShiftAt } from './shifts.ts'
import type { Fragment } from './study-scope.ts'

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
  /** For what its clock stands still now. */
  paused: PauseReason | null
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
  /** Who has the shift of its area there now. */
  onShift: readonly string[]
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
  /** Rows of the whole list, as it was asked for. */
  total: number
  /** By the names of `counted`. */
  counts: Record<string, { count: number; late: number }>
  asOf: Date
  /** Local date at a site of the list. */
  today(siteId: string): string
}

export interface Asked {
  /** Of the first page; those after it say it again, so that they are pages of one list. */
  now: Date
  after?: ListKey | undefined
  limit?: number | undefined
  filter?: ListFilter | undefined
  /** Only what is due before. */
  dueBefore?: Date | undefined
  /** Leaves out loose studies and exceptions that no order stands behind. */
  withOrder?: boolean | undefined
  /** `due`: the promise that breaks first stands first. */
  order?: 'list' | 'due' | undefined
  /** Further filters, of which only the rows are counted. */
  counted?: Record<string, ListFilter> | undefined
}

/**
 * The list as a screen shows it. Sites and kinds are filtered in SQL, the audience by the one permission rule. Pages
 * continue after a key of the same instant: they neither repeat nor miss a row that stood there, and what was opened
 * since belongs to the next list.
 */
export async function worklist(
  sql: AnySql,
  actor: Actor,
  kinds: readonly WorkItemKind[],
  { now, after, limit = 200, filter = {}, dueBefore, withOrder, order = 'list', counted = {} }: Asked,
): Promise<Worklist> {
  const asOf = asOfMinute(now)
  const list = await ranked(sql, actor, kinds, { asOf, dueBefore })
  const seen = list.items.filter(
    (item) =>
      maySee(actor, item, now) &&
      (!withOrder || item.row.order_id !== null) &&
      (!dueBefore || (item.facets.dueAt !== null && item.facets.dueAt < dueBefore)),
  )
  const todays = new Map([...list.calendars].map(([siteId, { zone }]) => [siteId, localDate(zone, now)]))
  const fits = ({ facets }: RankedItem, wanted: ListFilter) =>
    fitsFilter(facets, wanted, { userId: actor.id, now, today: todays.get(facets.siteId) ?? '' })
  const listed = seen.filter((item) => fits(item, filter))
  if (order === 'due') listed.sort((a, b) => compareDue(a.key, b.key))
  const compare = order === 'due' ? compareDue : compareListKeys
  const rest = after
    ? listed.filter((item) => item.row.opened_at <= now && compare(item.key, after) > 0)
    : listed
  return {
    rows: await detailed(sql, list, rest.slice(0, limit), asOf),
    more: Math.max(0, rest.length - limit),
    total: listed.length,
    counts: Object.fromEntries(
      Object.entries(counted).map(([name, wanted]) => [
        name,
        counts(
          seen.filter((item) => fits(item, wanted)),
          now,
        ),
      ]),
    ),
    asOf,
    today: (siteId) => todays.get(siteId) ?? '',
  }
}

function counts(items: readonly RankedItem[], now: Date): { count: number; late: number } {
  return {
    count: items.length,
    late: items.filter(({ facets }) => facets.dueAt !== null && facets.dueAt < now).length,
  }
}

function compareDue(a: ListKey, b: ListKey): number {
  if (a.dueAtMs !== b.dueAtMs) return a.dueAtMs < b.dueAtMs ? -1 : 1
  return compareListKeys(a, b)
}

/** What ranking and filtering ask of an item; the rest is read for the page that is shown. */
interface RankedItem {
  id: string
  row: Row
  facets: Facets
  audience: Audience
  holderId: string | null
  key: ListKey
  isSimilar: boolean
}

interface RankedList {
  items: readonly RankedItem[]
  calendars: ReadonlyMap<string, BusinessCalendar>
  onShift: OnShift
  /** Rows that somebody's page asked for, for all who share the list. */
  rows: Map<string, Promise<WorklistRow>>
}

// One read and one ranking for everybody of the same sites who asks at the same time.
function ranked(
  sql: AnySql,
  actor: Actor,
  kinds: readonly WorkItemKind[],
  { asOf, dueBefore }: { asOf: Date; dueBefore: Date | undefined },
): Promise<RankedList> {
  // By the minute, so that screens share it; the asker cuts it to the instant.
  const until = dueBefore && new Date(asOfMinute(dueBefore).getTime() + MINUTE_MS)
  const key = JSON.stringify([scopeOf(actor, 'see-work'), kinds, asOf, until])
  return sharedRead(sql, key, async () => {
    const [rows, calendars, onShift] = await Promise.all([
      itemsOf(sql, actor, { kinds, until }),
      calendarsOf(sql),
      onShiftAt(sql, asOf),
    ])
    const similar = similarAmong(
      rows.flatMap((row) =>
        row.patient_id ? [{ id: row.patient_id, name: row.name, birthDate: row.birth_date }] : [],
      ),
    )
    const items = rows.map((row): RankedItem => {
      const key = listKey(listedItem(row), asOf, calendars.get(row.site_id)!)
      const isSimilar = similar.has(row.patient_id)
      return {
        ...{ id: row.id, row, key, isSimilar, facets: facetsOf(row) },
        audience: reviveAudience(row.audience),
        holderId: row.holder,
      }
    })
    items.sort((a, b) => compareListKeys(a.key, b.key))
    return { items, calendars, onShift, rows: new Map() }
  })
}

async function calendarsOf(sql: AnySql): Promise<Map<string, BusinessCalendar>> {
  const sites = await sql<{ id: string; zone: string; calendar: Omit<BusinessCalendar, 'zone'> }[]>`
    select id, zone, calendar from sites`
  return new Map(sites.map(({ id, zone, calendar }) => [id, { ...ALWAYS_OPEN, ...calendar, zone }]))
}

function facetsOf(row: Row): Facets {
  return {
    area: row.area,
    siteId: row.site_id,
    modality: row.modality,
    patientClass: row.patient_class,
    birthDate: row.birth_date,
    priority: row.priority,
    phase: row.phase,
    dueAt: row.due_at,
    holderId: row.holder,
  }
}

/** The rows of a page, each read once for everybody who shows it. */
async function detailed(
  sql: AnySql,
  list: RankedList,
  page: readonly RankedItem[],
  asOf: Date,
): Promise<WorklistRow[]> {
  const missing = page.filter(({ id }) => !list.rows.has(id))
  if (missing.length > 0) {
    const details = detailsOf(
      sql,
      missing.map(({ id }) => id),
    )
    for (const item of missing) {
      const row = details.then((found) => toRow(item, found.get(item.id) ?? {}, { list, asOf }))
      row.catch(() => list.rows.delete(item.id)) // told to whoever waits for it
      list.rows.set(item.id, row)
    }
  }
  return Promise.all(page.map(({ id }) => list.rows.get(id)!))
}

/** How many items of each kind stand on this actor's lists of orders, and how many of them are late. */
export async function worklistCounts(
  sql: AnySql,
  actor: Actor,
  kinds: readonly WorkItemKind[],
  now: Date,
): Promise<Record<string, { count: number; late: number }>> {
  const counts: Record<string, { count: number; late: number }> = Object.fromEntries(
    kinds.map((kind) => [kind, { count: 0, late: 0 }]),
  )
  for (const { kind, audience, holder, due_at } of await countable(sql, actor, kinds)) {
    if (holder !== actor.id && !sees(actor, audience, now)) continue
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
    const rows = await sql<
      { kind: string; audience: Partial<Audience>; holder: string | null; due_at: Date | null }[]
    >`
      select kind, audience, holder, due_at from work_items w where state in ('open', 'claimed') and ${kindFilter(sql, kinds)}
        and order_id is not null and ${siteFilter(sql, actor)}`
    return rows.map((row) => ({ ...row, audience: reviveAudience(row.audience) }))
  })
}

// Whoever keeps the day moving, and programs, see every item of their sites; a reader or technologist their own circle's.
function sees(actor: Actor, audience: Audience, now: Date): boolean {
  const oversees = actor.roles.some((role) => role === 'lead' || role === 'head' || role === 'integration')
  return oversees || inAudience(actor, audience, now)
}

function maySee(actor: Actor, { holderId, audience }: RankedItem, now: Date): boolean {
  return holderId === actor.id || sees(actor, audience, now)
}

function siteFilter(sql: AnySql, actor: Actor) {
  const scope = scopeOf(actor, 'see-work')
  if (scope.scope === 'all') return sql`true`
  return scope.scope === 'sites' ? sql`w.site_id = any(${[...scope.siteIds]})` : sql`false`
}

// Who asks for every kind asks for none in particular: a plan for that can be kept.
function kindFilter(sql: AnySql, kinds: readonly WorkItemKind[]) {
  return WORK_ITEM_KINDS.every((kind) => kinds.includes(kind)) ? sql`true` : sql`w.kind = any(${[...kinds]})`
}

// biome-ignore lint/suspicious/noExplicitAny: one wide row, read once just below
type Row = Record<string, any>

/** Of every open item what ranking asks: what came one after another is read side by side, and not item by item. */
async function itemsOf(
  sql: AnySql,
  actor: Actor,
  { kinds, until }: { kinds: readonly WorkItemKind[]; until: Date | undefined },
): Promise<Row[]> {
  const orders = sql`= any(array(select order_id from listed))`
  const items = sql`= any(array(select id from listed))`
  return await sql<Row[]>`
    with listed as materialized (
      select w.* from work_items w where w.state in ('open', 'claimed') and ${kindFilter(sql, kinds)}
        and ${siteFilter(sql, actor)} and ${until ? sql`w.due_at < ${until}` : sql`true`})
    select w.*, o.accession, o.phase, o.patient_class, o.patient_id, pt.name, pt.birth_date,
      u.name as holder_name, meant.name as meant_name, given.name as assigned_name, r.name as room_name,
      (select jsonb_object_agg(item_id, list) from (
        select item_id, jsonb_agg(jsonb_build_object('reason', reason, 'from', from_at, 'to', to_at) order by from_at) as list
        from pauses where item_id ${items} group by item_id) x)->w.id as pauses,
      w.kind = 'read' and coalesce(w.order_id = any(array(
        select order_id from steps where order_id ${orders} and retake_of is not null and status = 'departed')), false) as after_retake,
      w.id = any(array(select item_id from returns where item_id ${items} and answered_at is not null)) as returned
    from listed w
      left join (select * from orders where id ${orders}) o on o.id = w.order_id
      left join patients pt on pt.id = o.patient_id
      left join users u on u.id = w.holder left join users meant on meant.id = w.audience->>'userId'
      left join users given on given.id = w.assigned_to
      left join rooms r on r.id = w.room_id`
}

/**
 * What else a row shows, by item: each part is read for the whole page and put to its item here, or it would be looked
 * through as many times as the planner takes the page to be short.
 */
async function detailsOf(sql: AnySql, itemIds: readonly string[]): Promise<Map<string, Row>> {
  const of = (part: string, column: string) => sql`= any(array(select ${sql(column)} from ${sql(part)}))`
  const list = (rows: Fragment) => sql`(select coalesce(jsonb_agg(to_jsonb(x)), '[]') from (${rows}) x)`
  const [parts] = await sql<Record<(typeof DETAILS)[number], Row[]>[]>`
    with listed as materialized (
      select id, order_id, subject_type, subject_id from work_items where id = any(${[...itemIds]})),
    ordered as materialized (
      select id, accession_issuer, placer_number, priority_word, location, patient_id from orders
      where id ${of('listed', 'order_id')}),
    asked_for as materialized (
      select p.id, p.order_id, p.position, p.code, p.study_uid, coalesce(c.short_name, p.text) as short_name,
        coalesce(c.name, p.text) as name
      from procedures p left join catalogue c on c.scheme = p.catalogue_scheme and c.code = p.catalogue_code
      where p.order_id ${of('listed', 'order_id')})
    select ${list(sql`select * from listed`)} as items, ${list(sql`select * from ordered`)} as orders,
      ${list(sql`select * from asked_for order by position`)} as procedures,
      ${list(sql`
        select id as subject_id, procedure_id from steps where id ${of('listed', 'subject_id')}
        union all select study_id, procedure_id from study_links where study_id ${of('listed', 'subject_id')} and undone_at is null
        union all select report_id, procedure_id from report_procedures where report_id ${of('listed', 'subject_id')}`)} as subjects,
      ${list(sql`select id, sex from patients where id ${of('ordered', 'patient_id')}`)} as patients,
      ${list(sql`
        select distinct on (patient_id) patient_id, value, issuer from patient_identifiers
        where patient_id ${of('ordered', 'patient_id')} and retired_at is null
        order by patient_id, (type = 'MR') desc, issuer, value`)} as identifiers,
      ${list(sql`
        select id, study_uid, patient_id, instance_count, report_count, stored_count, completeness, completeness_missing
        from studies where study_uid ${of('asked_for', 'study_uid')}`)} as studies,
      ${list(sql`
        select patient_id, count(*) as studies from studies
        where patient_id ${of('ordered', 'patient_id')} and instance_count > report_count group by patient_id`)} as theirs,
      ${list(sql`
        select id, kind, reason, times from exceptions
        where id = any(array(select subject_id from listed where subject_type = 'exception'))`)} as exceptions`
  return joined(parts!)
}

const DETAILS = [
  ...(['items', 'orders', 'procedures', 'subjects', 'patients', 'identifiers'] as const),
  ...(['studies', 'theirs', 'exceptions'] as const),
] as const

function joined(parts: Record<(typeof DETAILS)[number], Row[]>): Map<string, Row> {
  const by = (rows: Row[], column: string) => new Map(rows.map((row) => [row[column] as string, row]))
  const [orders, patients, exceptions] = [parts.orders, parts.patients, parts.exceptions].map((rows) =>
    by(rows, 'id'),
  )
  const [identifiers, theirs] = [by(parts.identifiers, 'patient_id'), by(parts.theirs, 'patient_id')]
  const studies = by(parts.studies, 'study_uid')
  const procedures = Map.groupBy(parts.procedures, (row) => row.order_id as string)
  const subjects = new Set(parts.subjects.map((row) => `${row.subject_id} ${row.procedure_id}`))
  return new Map(
    parts.items.map((item) => {
      const order = orders!.get(item.order_id)
      const asked = procedures.get(item.order_id) ?? []
      // The one that the work is about; of an order as a whole, its first.
      const procedure =
        asked.find(({ id }) => id === item.subject_id || subjects.has(`${item.subject_id} ${id}`)) ?? asked[0]
      const study = procedure && studies.get(procedure.study_uid)
      const identifier = identifiers.get(order?.patient_id)
      const exception = exceptions!.get(item.subject_id)
      const isTheirs = study?.patient_id === order?.patient_id && study?.instance_count > study?.report_count
      const counted = theirs.get(order?.patient_id)?.studies ?? 0
      const row: Row = {
        ...{ accession_issuer: order?.accession_issuer, placer_number: order?.placer_number ?? null },
        ...{ priority_word: order?.priority_word ?? null, location: order?.location ?? null },
        sex: patients!.get(order?.patient_id)?.sex ?? null,
        ...{ patient_value: identifier?.value, patient_issuer: identifier?.issuer },
        ...{ procedure_id: procedure?.id, code: procedure?.code, study_uid: procedure?.study_uid },
        ...{ short_name: procedure?.short_name, procedure_name: procedure?.name },
        study_id: study?.id,
        instance_count: study && study.instance_count - study.report_count,
        ...{ stored_count: study?.stored_count, completeness: study?.completeness },
        completeness_missing: study?.completeness_missing,
        ...{ exception_kind: exception?.kind, exception_reason: exception?.reason, times: exception?.times },
        priors: procedure ? counted - (study && isTheirs ? 1 : 0) : 0,
      }
      return [item.id as string, row]
    }),
  )
}

function toRow(item: RankedItem, detail: Row, { list, asOf }: { list: RankedList; asOf: Date }): WorklistRow {
  const row: Row = { ...item.row, ...detail }
  const calendar = list.calendars.get(row.site_id)!
  return {
    itemId: row.id,
    kind: row.kind,
    cycle: row.cycle,
    subjectType: row.subject_type,
    subjectId: row.subject_id,
    siteId: row.site_id,
    order: row.order_id ? orderOf(row, item.isSimilar) : null,
    state: row.state,
    openedAt: row.opened_at,
    dueFrom: row.due_from,
    dueAt: row.due_at,
    allowanceMs: row.allowance_ms ?? 0,
    lateAt: row.late_at,
    paused: pausesOf(row).paused?.reason ?? null,
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
    audience: item.audience,
    onShift: row.area === null ? [] : list.onShift(row.site_id, row.area),
    meantFor: row.meant_name,
    assignedTo: row.assigned_to ? { id: row.assigned_to, name: row.assigned_name } : null,
    why: whyHere(listedItem(row), asOf, calendar),
    key: item.key,
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
    ...pausesOf(row),
    machineUrgent: false,
    afterRetake: row.after_retake,
    patientWaits: false,
    sentBack: row.kind === 'sent-back' || row.returned,
  }
}

interface StoredPause {
  reason: PauseReason
  from: string
  to: string | null
}

function pausesOf(row: Row): Pick<ListedItem, 'pauses' | 'paused'> {
  const stored = (row.pauses ?? []) as StoredPause[]
  const open = stored.find(({ to }) => to === null)
  return {
    pauses: stored.flatMap(({ from, to }) => (to ? [{ from: new Date(from), to: new Date(to) }] : [])),
    paused: open ? { reason: open.reason, from: new Date(open.from) } : null,
  }
}

function orderOf(row: Row, isSimilar: boolean): WorklistOrder {
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
      isSimilar,
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
