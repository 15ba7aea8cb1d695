/** Launches: who opened which order's images, for what, with which priors; the only key to images for a viewer. */
import { RadiologyError } from '#domain/errors.ts'
import { scopeOf } from '#domain/permissions.ts'
import type { AnySql } from '../client.ts'
import type { Department } from '../department.ts'
import { readWith } from '../queries/reading-room.ts'
import { requestedBy, requesterOf } from '../queries/requester.ts'
import { ulid } from '../ulid.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { mustBeAbleOnOrder } from './permission.ts'

export type LaunchPurpose = 'read' | 'view' | 'quality'

export interface Launch {
  id: string
  orderId: string
  /** Study Instance UIDs, the current ones first, then the permitted priors, newest first. */
  studies: string[]
}

const MOST_PRIORS = 8

export interface LaunchAsked {
  orderId: string
  sessionId: string
  purpose: LaunchPurpose
  /** The one that this session has: it stays while there is nothing more to be seen than what it holds. */
  standing?: { id: string; studies: string[] } | null
}

/**
 * Opens an order's images for one session. Priors are this patient's other studies, by our patient link and never
 * by a Patient ID in an object.
 * @throws RadiologyError 'not-found' when the order has no visible images or may not be seen
 */
export async function createLaunch(
  department: Department,
  act: Act,
  { orderId, sessionId, purpose, standing }: LaunchAsked,
): Promise<Launch> {
  return mutate(department, act, 'create-launch', async (scope) => {
    const { sql } = scope
    const ownerId = await requesterOf(sql, orderId)
    await mustBeAbleOnOrder(scope, 'see-images', orderId, {
      ownerId,
      released: await isReleased(sql, orderId),
    })
    const current = await sql<{ study_uid: string }[]>`
      select distinct s.study_uid, s.id from study_links l join studies s on s.id = l.study_id
      where (l.order_id = ${orderId} ${purpose === 'read' ? sql`or l.procedure_id in (${readWith(sql, orderId)})` : sql``})
        and l.undone_at is null and s.instance_count > s.report_count order by s.id`
    if (current.length === 0) throw new RadiologyError('not-found', { orderId })
    const priors = await sql<{ study_uid: string }[]>`
      select s.study_uid from orders o join studies s on s.patient_id = o.patient_id
      where o.id = ${orderId} and s.instance_count > s.report_count and s.study_uid <> all(${current.map((row) => row.study_uid)})
        and exists (select 1 from quality_decisions q where q.study_id = s.id and q.verdict = 'accepted')
        and ${priorsOf(scope)}
      order by s.study_date desc, s.study_time desc limit ${MOST_PRIORS}`
    const id = ulid()
    const studies = [...current, ...priors].map((row) => row.study_uid)
    if (standing && studies.every((uid) => standing.studies.includes(uid))) return { ...standing, orderId }
    await sql`
      insert into launches (id, session_id, user_id, order_id, purpose, studies, created_at)
      values (${id}, ${sessionId}, ${act.actor.id}, ${orderId}, ${purpose}, ${studies}, ${act.machineNow})`
    scope.audit({
      subject: `order:${orderId}`,
      type: 'images.launched',
      data: { launchId: id, purpose, studies: studies.length },
    })
    return { id, orderId, studies }
  })
}

async function isReleased(sql: AnySql, orderId: string): Promise<boolean> {
  const [version] = await sql`
    select 1 from report_versions v join report_procedures rp on rp.report_id = v.report_id
      join procedures p on p.id = rp.procedure_id
    where p.order_id = ${orderId} and v.released_at is not null limit 1`
  return version !== undefined
}

// A referrer sees as priors only what they asked for themselves, and has been reported on.
function priorsOf({ sql, act }: Scope) {
  const seen = scopeOf(act.actor, 'view-prior')
  if (seen.scope !== 'own') return sql`true`
  return sql`exists (select 1 from study_links l join orders o on o.id = l.order_id
      join procedures p on p.order_id = o.id join report_procedures rp on rp.procedure_id = p.id
      join report_versions v on v.report_id = rp.report_id and v.released_at is not null
    where l.study_id = s.id and l.undone_at is null and ${requestedBy(sql, seen.ownerId)})`
}

/** A launch that still stands, and the only session that it is for. */
export interface StandingLaunch extends Launch {
  sessionId: string
  /** Of its order. */
  siteId: string
}

/** Those of these launches that stand, by id. */
export async function standingLaunches(
  { sql }: Department,
  launchIds: readonly string[],
): Promise<Map<string, StandingLaunch>> {
  const rows = await sql<StandingLaunch[]>`
    select l.id, l.session_id as "sessionId", l.order_id as "orderId", l.studies, o.site_id as "siteId"
    from launches l join orders o on o.id = l.order_id
    where l.id = any(${launchIds as string[]}) and l.ended_at is null`
  return new Map(rows.map((launch) => [launch.id, launch]))
}
