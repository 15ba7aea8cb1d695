/** What one shift hands to the next: what the facts say is on the table, promised, waited for or broken, and what somebody added. */
import {
  type HandoverKind,
  type HandoverState,
  handoverState,
  type Shift,
  shiftAt,
  type WaitingFor,
} from '#domain/handover.ts'
import type { NameSaid } from '#domain/order-message.ts'
import { type Actor, scopeOf } from '#domain/permissions.ts'
import type { AnySql } from '../client.ts'
import { policyOf } from './policy.ts'

export interface HandoverLine {
  /** Names the fact, or the added line: `step/<id>`, `line/<id>`. */
  key: string
  kind: HandoverKind
  /** What it is, as a code that has its words. */
  what: string
  waitingFor: WaitingFor | string | null
  siteId: string
  /** Null: nobody knows since when. */
  since: Date | null
  orderId: string | null
  accession: string | null
  name: NameSaid | null
  procedure: string | null
  priority: string | null
  room: string | null
  /** A reason without patient data, an AE title, or what somebody wrote. */
  words: string | null
  /** Set for what somebody added. */
  added: { id: string; by: string; byId: string } | null
  state: HandoverState
  /** Who took it over for this shift. */
  acknowledged: Taken[]
  /** Who did for an earlier one, newest first. */
  before: Taken[]
}

export interface Taken {
  by: string
  at: Date
}

export interface Handover {
  lines: HandoverLine[]
  /** Shifts of the actor's sites. */
  shifts: Record<string, Shift>
}

const EQUIPMENT_FAILED = ['110501', '110516', '110526', '110527']
const HOURS_16_MS = 16 * 3_600_000
/** Longer than any handover that people can hold; what is beyond stands on the lists themselves. */
const MOST = 200

/** Every line of the actor's sites, the oldest first within its kind. @param now department clock */
export async function handover(sql: AnySql, actor: Actor, now: Date): Promise<Handover> {
  const { handover: policy } = await policyOf(sql)
  const sites = await sql<
    { id: string; zone: string }[]
  >`select id, zone from sites s where ${inSites(sql, actor, 's.id')}`
  const shifts = Object.fromEntries(sites.map(({ id, zone }) => [id, shiftAt(zone, now, policy)]))
  const [found, taken] = await Promise.all([linesOf(sql, actor, now), takenOf(sql, Object.keys(shifts))])
  const by = Map.groupBy(taken, ({ key }) => key)
  const lines = found.map((line) => withState(line, by.get(line.key) ?? [], shifts[line.siteId]!))
  return { lines, shifts }
}

type Found = Omit<HandoverLine, 'state' | 'acknowledged' | 'before'>

function withState(line: Found, taken: readonly TakenRow[], shift: Shift): HandoverLine {
  const takenOverFor = taken.map(({ shiftStart }) => shiftStart)
  const said = ({ by, at }: TakenRow): Taken => ({ by, at })
  return {
    ...line,
    state: handoverState({ since: line.since, isAdded: line.added !== null, takenOverFor }, shift),
    acknowledged: taken.filter(({ shiftStart }) => shiftStart >= shift.start).map(said),
    before: taken.filter(({ shiftStart }) => shiftStart < shift.start).map(said),
  }
}

interface TakenRow extends Taken {
  key: string
  shiftStart: Date
}

async function takenOf(sql: AnySql, sites: readonly string[]): Promise<TakenRow[]> {
  return await sql<TakenRow[]>`
    select a.line_key as key, u.name as by, a.at, a.shift_start as "shiftStart"
    from handover_acknowledgements a join users u on u.id = a.by
    where a.site_id = any(${[...sites]}) order by a.at desc limit 2000`
}

async function linesOf(sql: AnySql, actor: Actor, now: Date): Promise<Found[]> {
  const since = new Date(now.getTime() - HOURS_16_MS)
  const ofOrders = inSites(sql, actor, 'o.site_id')
  return await sql<Found[]>`
    with facts as (
      select 'begun/' || ps.id as key, 'table' as kind, 'on-table' as what, null as waiting_for, o.site_id,
        ps.started_at as since, o.id as order_id, s.procedure_id, coalesce(d.room_id, s.room_id) as room_id, null as words
      from steps s join orders o on o.id = s.order_id
        join lateral (select x.* from performed_step_links l join performed_steps x on x.id = l.performed_step_id
          where l.step_id = s.id order by x.started_at desc limit 1) ps on true
        left join devices d on d.id = ps.device_id
      where s.status = 'started' and ${ofOrders}
      union all
      select 'here/' || s.id, 'promised', 'here', null, o.site_id, s.arrived_at, o.id, s.procedure_id, s.room_id, null
      from steps s join orders o on o.id = s.order_id where s.status in ('arrived', 'ready') and ${ofOrders}
      union all
      select 'retake/' || s.id, 'promised', 'retake', null, o.site_id, s.retake_asked_at, o.id, s.procedure_id, s.room_id, null
      from steps s join orders o on o.id = s.order_id
      where s.status in ('planned', 'scheduled') and s.retake_of is not null and ${ofOrders}
      union all
      select 'stat/' || s.id, 'promised', 'stat', null, o.site_id, o.received_at, o.id, s.procedure_id, s.room_id, null
      from steps s join orders o on o.id = s.order_id
      where s.status in ('planned', 'scheduled') and s.retake_of is null and o.priority = 'stat'
        and (s.planned_start is null or s.planned_start > ${now}) and ${ofOrders}
      union all
      select 'pause/' || p.id, 'waiting', 'paused', substr(p.reason, 9), o.site_id, p.from_at, o.id, null, w.room_id, null
      from pauses p join work_items w on w.id = p.item_id join orders o on o.id = w.order_id
      where p.to_at is null and w.state in ('open', 'claimed') and ${ofOrders}
      union all
      select 'away/' || s.id || '/' || s.bookings, 'waiting', 'not-here',
        case when o.patient_class in ('inpatient', 'intensive-care', 'emergency') then 'transport' else 'patient' end,
        o.site_id, s.planned_start, o.id, s.procedure_id, s.room_id, null
      from steps s join orders o on o.id = s.order_id
      where s.status = 'scheduled' and s.planned_start <= ${now} and ${ofOrders}
      union all
      select 'device/' || d.id, 'broken', 'switched-off', null, d.site_id, null, null, null, d.room_id, d.ae_title
      from devices d where d.kind = 'modality' and not d.enabled and ${inSites(sql, actor, 'd.site_id')}
      union all
      select 'failed/' || ps.id, 'broken', 'equipment', null, ps.site_id, coalesce(ps.ended_at, ps.started_at), o.id,
        s.procedure_id, d.room_id, ps.station_ae
      from performed_steps ps join performed_step_links l on l.performed_step_id = ps.id join steps s on s.id = l.step_id
        join orders o on o.id = s.order_id left join devices d on d.id = ps.device_id
      where ps.status = 'DISCONTINUED' and ps.reason_code = any(${EQUIPMENT_FAILED}) and ps.started_at >= ${since} and ${ofOrders}
      union all
      select 'item/' || w.id, 'broken', 'incomplete', null, o.site_id, w.opened_at, o.id, null, w.room_id, null
      from work_items w join orders o on o.id = w.order_id
      where w.kind = 'complete' and w.state in ('open', 'claimed') and ${ofOrders}
      union all
      select 'exception/' || x.id || '/' || x.cycle, 'broken', x.kind, null, x.site_id, x.at, x.order_id, null, null, x.reason
      from exceptions x where x.state = 'open' and x.kind in ('quarantine', 'unmatched-study', 'conflict', 'identity')
        and ${inSites(sql, actor, 'x.site_id')}
      union all
      select 'line/' || h.id, h.kind, 'added', h.waiting_for, h.site_id, h.added_at, h.order_id, null, h.room_id, h.words
      from handover_lines h where h.settled_at is null and ${inSites(sql, actor, 'h.site_id')}
    )
    select f.key, f.kind, f.what, f.waiting_for as "waitingFor", f.site_id as "siteId", f.since, f.order_id as "orderId",
      o.accession, o.priority, pt.name, r.name as room, f.words, coalesce(c.short_name, p.text) as procedure,
      case when h.id is not null then jsonb_build_object('id', h.id, 'by', u.name, 'byId', u.id) end as added
    from facts f left join orders o on o.id = f.order_id left join patients pt on pt.id = o.patient_id
      left join lateral (select * from procedures x where x.order_id = o.id
        order by (x.id = f.procedure_id) desc nulls last, x.position limit 1) p on true
      left join catalogue c on c.scheme = p.catalogue_scheme and c.code = p.catalogue_code
      left join rooms r on r.id = f.room_id
      left join handover_lines h on f.key = 'line/' || h.id left join users u on u.id = h.added_by
    order by f.since nulls first, f.key limit ${MOST}`
}

function inSites(sql: AnySql, actor: Actor, column: string) {
  const scope = scopeOf(actor, 'hand-over')
  if (scope.scope === 'all') return sql`true`
  return scope.scope === 'sites' ? sql`${sql(column)} = any(${[...scope.siteIds]})` : sql`false`
}
