/** A day at the scanners: rooms, who is on the table, who is next, who is done. */
import type { NameSaid } from '#domain/order-message.ts'
import { type Actor, scopeOf } from '#domain/permissions.ts'
import type { Phase, Priority, StepStatus } from '#domain/words.ts'
import type { AnySql } from '../client.ts'

export interface ScanRoom {
  id: string
  name: string
  modality: string
  waiting: number
  /** A step has begun here and not ended. */
  isBusy: boolean
}

export interface ScanStep {
  stepId: string
  orderId: string
  accession: string
  roomId: string | null
  status: StepStatus
  plannedStart: Date | null
  arrivedAt: Date | null
  arrivalInferred: boolean
  priority: Priority
  phase: Phase
  name: NameSaid
  sex: string | null
  birthDate: string | null
  identifiers: string[]
  procedure: string
  procedureName: string
  protocol: string | null
  location: string | null
  images: number
  series: number
  begun: { at: Date; inferred: boolean; scannerSays: string | null; endedAt: Date | null } | null
  quality: 'accepted' | 'rejected' | null
}

const LIVE: StepStatus[] = ['scheduled', 'arrived', 'ready', 'started']

/**
 * Steps of the actor's sites planned or done around now, with those that are late kept until they are settled.
 * @param now department clock
 */
export async function scanDay(
  sql: AnySql,
  actor: Actor,
  now: Date,
): Promise<{ rooms: ScanRoom[]; steps: ScanStep[] }> {
  const scope = scopeOf(actor, 'see-work')
  const inSites = (column: string) =>
    scope.scope === 'all'
      ? sql`true`
      : scope.scope === 'sites'
        ? sql`${sql(column)} = any(${[...scope.siteIds]})`
        : sql`false`
  const dayAgo = new Date(now.getTime() - 16 * 3_600_000)
  const dayOn = new Date(now.getTime() + 16 * 3_600_000)
  const steps = await sql<ScanStep[]>`
    select s.id as "stepId", o.id as "orderId", o.accession, s.room_id as "roomId", s.status, s.planned_start as "plannedStart",
      s.arrived_at as "arrivedAt", s.arrival_inferred as "arrivalInferred", o.priority, o.phase, pt.name, pt.sex,
      pt.birth_date as "birthDate", o.location,
      array(select value from patient_identifiers where patient_id = pt.id and retired_at is null
        order by (type = 'MR') desc, issuer, value) as identifiers,
      coalesce(c.short_name, p.text) as procedure, coalesce(c.name, p.text) as "procedureName", s.protocol_name as protocol,
      coalesce(st.stored_count, 0) as images, coalesce(st.series_count, 0) as series,
      case when ps.id is null then null else jsonb_build_object('at', ps.started_at, 'inferred', ps.start_inferred,
        'scannerSays', case when ps.inferred then null else ps.status end, 'endedAt', ps.ended_at) end as begun,
      (select verdict from quality_decisions q where q.study_id = st.id order by q.cycle desc limit 1) as quality
    from steps s join orders o on o.id = s.order_id join patients pt on pt.id = o.patient_id
      join procedures p on p.id = s.procedure_id
      left join catalogue c on c.scheme = p.catalogue_scheme and c.code = p.catalogue_code
      left join studies st on st.study_uid = p.study_uid
      left join lateral (select x.* from performed_step_links l join performed_steps x on x.id = l.performed_step_id
        where l.step_id = s.id order by x.started_at desc limit 1) ps on true
    where ${inSites('o.site_id')} and (
      (s.status = any(${LIVE}) and (s.planned_start is null or s.planned_start < ${dayOn}))
      or (s.status in ('departed', 'discontinued') and coalesce(ps.ended_at, ps.started_at) > ${dayAgo}))
    order by (o.priority = 'stat' and s.status in ('arrived', 'ready')) desc, s.planned_start nulls last, s.id limit 400`
  const rooms = await sql<{ id: string; name: string; modality: string }[]>`
    select r.id, r.name, r.modality from rooms r where ${inSites('r.site_id')} order by r.site_id, r.position, r.name`
  return {
    steps: steps.map(revived),
    rooms: rooms.map((room) => ({ ...room, ...roomState(room.id, steps) })),
  }
}

// Instants inside a JSON column come as text.
function revived(step: ScanStep): ScanStep {
  const { begun } = step
  if (!begun) return step
  return {
    ...step,
    begun: { ...begun, at: new Date(begun.at), endedAt: begun.endedAt ? new Date(begun.endedAt) : null },
  }
}

function roomState(roomId: string, steps: readonly ScanStep[]): { waiting: number; isBusy: boolean } {
  const own = steps.filter((step) => step.roomId === roomId)
  return {
    waiting: own.filter(({ status }) => status === 'scheduled' || status === 'arrived' || status === 'ready')
      .length,
    isBusy: own.some(({ status }) => status === 'started'),
  }
}
