/** The department at a glance: what is open and where, what is late, and where the time went. */
import { instantOf, localTime } from '#domain/calendar.ts'
import { type Actor, scopeOf } from '#domain/permissions.ts'
import {
  MARKS,
  type Mark,
  marks,
  type ProcedureParts,
  percentile,
  segments,
  type TimelineEvent,
} from '#domain/segments.ts'
import { ENDED_PHASES, PHASES, type Phase } from '#domain/words.ts'
import type { AnySql } from '../client.ts'

export interface PhaseCount {
  phase: Phase
  open: number
  late: number
}

export interface SegmentFigures {
  from: Mark
  to: Mark
  n: number
  /** Below 20 values p90 and p95 say nothing, so they are not said. */
  p50: number | null
  p90: number | null
  p95: number | null
  /** The values themselves, when there are too few for percentiles. */
  values: number[]
  inferred: number
  /** Each value behind the numbers, slowest first. */
  slowest: readonly MeasuredTime[]
}

export interface MeasuredTime {
  orderId: string
  /** Tells procedures of one order apart. */
  procedureId: string
  ms: number
  inferred: boolean
  /** 0 to 23: the hour of the segment's first instant, on the clocks of the order's site. */
  hour: number
}

export interface DepartmentFigures {
  phases: PhaseCount[]
  openOrders: number
  lateItems: number
  dueWithinHour: number
  /** Orders with an open exception. */
  ordersToMend: number
  deliveredToday: number
  segments: SegmentFigures[]
  /** Procedures of which something ended in the period, and differences left out because they were negative. */
  procedures: number
  negative: number
}

export const ENOUGH_FOR_PERCENTILES = 20
const HOUR_MS = 3_600_000

/** Whose turnaround is measured; what is left out narrows nothing. */
export interface Population {
  modality?: string
  patientClass?: string
  site?: string
}

/**
 * @param since start of the period: what ended in it is measured, whenever it began
 * @param zone whose clocks `since` is read from: at each site the period begins when its own show the same
 * @param now department clock
 */
export async function departmentFigures(
  sql: AnySql,
  actor: Actor,
  {
    since,
    zone,
    now,
    dayStart,
    of = {},
  }: { since: Date; zone?: string; now: Date; dayStart: Date; of?: Population },
): Promise<DepartmentFigures> {
  const sites = siteIds(actor)
  const [phases, figures, turnaround] = await Promise.all([
    phaseCounts(sql, sites, now),
    counts(sql, sites, { now, dayStart }),
    turnaroundOf(sql, sites, { since, zone, of }),
  ])
  const open = phases.filter(({ phase }) => !(ENDED_PHASES as readonly Phase[]).includes(phase))
  return {
    phases: open,
    openOrders: open.reduce((sum, each) => sum + each.open, 0),
    ...figures,
    ...turnaround,
  }
}

/** Null: all of them. */
function siteIds(actor: Actor): string[] | null {
  const scope = scopeOf(actor, 'see-department')
  if (scope.scope === 'all') return null
  return scope.scope === 'sites' ? [...scope.siteIds] : []
}

async function phaseCounts(sql: AnySql, sites: string[] | null, now: Date): Promise<PhaseCount[]> {
  const rows = await sql<{ phase: Phase; open: number; late: number }[]>`
    select o.phase, count(*) as open, count(*) filter (where exists (
      select 1 from work_items w where w.order_id = o.id and w.state in ('open', 'claimed') and w.due_at < ${now})) as late
    from orders o where o.closed_at is null and o.end_kind is null and (${sites === null} or o.site_id = any(${sites ?? []}))
    group by o.phase`
  return PHASES.map((phase) => rows.find((row) => row.phase === phase) ?? { phase, open: 0, late: 0 })
}

async function counts(sql: AnySql, sites: string[] | null, { now, dayStart }: { now: Date; dayStart: Date }) {
  const inSites = sql`(${sites === null} or w.site_id = any(${sites ?? []}))`
  const [row] = await sql<
    { lateItems: number; dueWithinHour: number; ordersToMend: number; deliveredToday: number }[]
  >`
    select
      (select count(*) from work_items w where w.state in ('open', 'claimed') and w.due_at < ${now} and w.order_id is not null and ${inSites}) as "lateItems",
      (select count(*) from work_items w where w.state in ('open', 'claimed') and w.due_at >= ${now}
        and w.due_at < ${new Date(now.getTime() + HOUR_MS)} and w.order_id is not null and ${inSites}) as "dueWithinHour",
      (select count(distinct x.order_id) from exceptions x join orders w on w.id = x.order_id
        where x.state = 'open' and ${inSites}) as "ordersToMend",
      (select count(distinct d.order_id) from deliveries d join orders w on w.id = d.order_id
        where d.acknowledged_at >= ${dayStart} and d.report_id is not null and ${inSites}) as "deliveredToday"`
  return row ?? { lateItems: 0, dueWithinHour: 0, ordersToMend: 0, deliveredToday: 0 }
}

const MEASURED = [
  'order.received',
  'step.scheduled',
  'step.arrived',
  'performed-step.begun',
  'performed-step.ended',
  'quality.accepted',
  'work-item.claimed',
  'report.wet-read',
  'report.preliminary',
  'report.signed',
  'report.released',
  'delivery.sent',
  'delivery.acknowledged',
]

interface Period {
  since: Date
  zone: string | undefined
}

async function turnaroundOf(
  sql: AnySql,
  sites: string[] | null,
  { of: { modality, patientClass, site }, ...period }: Period & { of: Population },
) {
  const zones = await sql<{ zone: string }[]>`select distinct zone from sites`
  const sinceAt = beginnings(period)
  const earliest = new Date(Math.min(...zones.map(({ zone }) => sinceAt(zone).getTime())))
  const inPeriod = sql`o.id in (select x.order_id from order_events x where x.type = any(${MEASURED}) and x.at >= ${earliest})
    and (${sites === null} or o.site_id = any(${sites ?? []}))
    and ${patientClass ? sql`o.patient_class = ${patientClass}` : sql`true`}
    and ${site ? sql`o.site_id = ${site}` : sql`true`}`
  const [events, parts] = await Promise.all([
    sql<(TimelineEvent & { orderId: string })[]>`
      select e.order_id as "orderId", e.type, e.at, e.actor_role as "actorRole", e.refs || e.data as data
      from order_events e join orders o on o.id = e.order_id
      where ${inPeriod} and e.type = any(${MEASURED}) order by e.order_id, e.rev`,
    sql<MeasuredProcedure[]>`
      select p.id, p.order_id as "orderId", si.zone,
        array(select s.id from steps s where s.procedure_id = p.id) as "stepIds",
        array(select l.performed_step_id from performed_step_links l join steps s on s.id = l.step_id where s.procedure_id = p.id)
          as "performedStepIds",
        array(select l.study_id from study_links l where l.procedure_id = p.id and l.undone_at is null) as "studyIds",
        array(select r.report_id from report_procedures r where r.procedure_id = p.id) as "reportIds",
        coalesce((select jsonb_agg(jsonb_build_object('id', d.id, 'reportId', d.report_id, 'version', d.version))
          from deliveries d join destinations t on t.id = d.destination_id join report_procedures r on r.report_id = d.report_id
          where d.order_id = p.order_id and r.procedure_id = p.id and d.required
            and (t.retired_at is null or d.acknowledged_at is not null)), '[]') as "requiredDeliveries",
        array(select w.id from work_items w where w.kind = 'read' and (w.subject_id = p.id or w.subject_id in (
          select l.study_id from study_links l where l.procedure_id = p.id))) as "readItemIds"
      from procedures p join orders o on o.id = p.order_id join sites si on si.id = o.site_id where ${inPeriod} and p.end_kind is null
        and ${modality ? sql`p.modality = ${modality}` : sql`true`}`,
  ])
  return measured(
    Map.groupBy(events, (event) => event.orderId),
    parts,
    sinceAt,
  )
}

interface MeasuredProcedure extends ProcedureParts {
  id: string
  orderId: string
  zone: string
}

type Found = Map<string, MeasuredTime[]>

function measured(
  events: Map<string, TimelineEvent[]>,
  procedures: readonly MeasuredProcedure[],
  sinceAt: (zone: string) => Date,
) {
  const found: Found = new Map()
  let negative = 0
  let count = 0
  for (const procedure of procedures) {
    const { id: procedureId, orderId, zone } = procedure
    const marked = marks(events.get(orderId) ?? [], procedure)
    const cut = segments(marked, sinceAt(zone))
    negative += cut.negative
    if (cut.segments.length > 0) count += 1
    for (const { from, to, ms, inferred } of cut.segments) {
      const key = `${from} ${to}`
      const values = found.get(key) ?? []
      values.push({ orderId, procedureId, ms, inferred, hour: hourOf(zone, marked[from]!.at) })
      found.set(key, values)
    }
  }
  for (const values of found.values()) values.sort((a, b) => b.ms - a.ms)
  return {
    segments: pairs(found).map(([from, to]) => figuresOf({ from, to }, found.get(`${from} ${to}`) ?? [])),
    procedures: count,
    negative,
  }
}

/** When the period began on the clocks of each zone. */
function beginnings({ since, zone: told }: Period): (zone: string) => Date {
  const found = new Map<string, Date>()
  return (zone) => {
    const known = found.get(zone) ?? (told ? instantOf(zone, localTime(told, since)) : since)
    found.set(zone, known)
    return known
  }
}

const QUARTER_MS = 900_000

// Clocks differ from UTC, and change, by whole quarters: all instants of one quarter are of one hour, which is looked up once.
function hourOf(zone: string, at: Date): number {
  return localTime(zone, new Date(Math.floor(at.getTime() / QUARTER_MS) * QUARTER_MS)).hour
}

/** Every step from one mark to the next, and those that join over a missing mark where there are any. */
function pairs(found: Found): [Mark, Mark][] {
  return MARKS.flatMap((from, at) =>
    MARKS.slice(at + 1).flatMap((to, further): [Mark, Mark][] =>
      further === 0 || found.has(`${from} ${to}`) ? [[from, to]] : [],
    ),
  )
}

/** @param slowest the values, slowest first */
function figuresOf(
  { from, to }: Pick<SegmentFigures, 'from' | 'to'>,
  slowest: readonly MeasuredTime[],
): SegmentFigures {
  const values = slowest.map(({ ms }) => ms).reverse()
  const isEnough = values.length >= ENOUGH_FOR_PERCENTILES
  return {
    from,
    to,
    n: values.length,
    p50: percentile(values, 50),
    p90: isEnough ? percentile(values, 90) : null,
    p95: isEnough ? percentile(values, 95) : null,
    values: isEnough ? [] : values,
    inferred: slowest.filter(({ inferred }) => inferred).length,
    slowest,
  }
}

/** The same segment, of what began in one hour of the day. */
export function segmentAtHour(segment: SegmentFigures, hour: number): SegmentFigures {
  return figuresOf(
    segment,
    segment.slowest.filter((each) => each.hour === hour),
  )
}

/** The figures, of what began in one hour of the day: each segment by its own first instant. */
export function figuresAtHour(figures: DepartmentFigures, hour: number): DepartmentFigures {
  const segments = figures.segments.map((segment) => segmentAtHour(segment, hour))
  const procedures = new Set(segments.flatMap(({ slowest }) => slowest.map(({ procedureId }) => procedureId)))
  return { ...figures, segments, procedures: procedures.size }
}
