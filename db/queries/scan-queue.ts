/** A day at the scanners: rooms, who is on the table, who is next, who is done, and whom a wristband belongs to. */
import { yearsBetween } from '#domain/calendar.ts'
import { gatesOf } from '#domain/catalogue.ts'
import type { NameSaid } from '#domain/order-message.ts'
import { type Actor, scopeOf } from '#domain/permissions.ts'
import type { Policy } from '#domain/policy.ts'
import { similarPeople } from '#domain/similar-people.ts'
import type { CompletenessVerdict, Phase, Priority, SafetyGate, StepStatus } from '#domain/words.ts'
import type { AnySql } from '../client.ts'
import { policyOf } from './policy.ts'
import type { MoveSeen } from './wrong-exam.ts'

export interface ScanRoom {
  id: string
  name: string
  siteId: string
  modality: string
  /** Scanners that stand here and say by MPPS when they begin and end. */
  mppsDevices: string[]
  waiting: number
  /** A step has begun here and not ended. */
  isBusy: boolean
  /** Somebody is here and not on the table. */
  isPreparing: boolean
  /** The slot of the patient who is here and has been waiting longest past it. */
  lateSince: Date | null
}

export interface ScanStep {
  stepId: string
  orderId: string
  accession: string
  siteId: string
  /** Where it is booked, or where the scanner stands that began it; null: any room of its modality. */
  roomId: string | null
  modality: string
  status: StepStatus
  plannedStart: Date | null
  arrivedAt: Date | null
  arrivalInferred: boolean
  isRetake: boolean
  priority: Priority
  phase: Phase
  patientId: string
  name: NameSaid
  /** Somebody else in this room today has nearly the same name. */
  isSimilar: boolean
  sex: string | null
  birthDate: string | null
  identifiers: string[]
  /** Numbers of theirs that somebody else who is expected here has too: another issuer gave them out. */
  sharedNumbers: string[]
  procedure: string
  procedureName: string
  protocol: string | null
  /** The library's protocol that was planned, and the procedure in whose library it stands: `LN 30799-1`. */
  protocolId: string | null
  libraryOf: string | null
  /** What the catalogue asks before this exam: pregnancy, egfr … */
  gates: SafetyGate[]
  location: string | null
  /** The placer asked to stop it while it was running (ORC-1 DC). */
  stopAskedAt: Date | null
  images: number
  series: number
  missing: number
  verdict: CompletenessVerdict | null
  begun: {
    performedStepId: string
    at: Date
    inferred: boolean
    scannerSays: string | null
    endedAt: Date | null
  } | null
  /** Its images were made under another order, or images made under it are another's. */
  movedHere: MoveSeen | null
  movedAway: MoveSeen | null
  /** A stopped exam that waits for a technologist's word (0040,0281 says why it was stopped). */
  stopped: { performedStepId: string; reasonCode: string | null } | null
  quality: 'accepted' | 'rejected' | null
  /** In whose hands it is: taken, or passed to them; null: nobody's. */
  hands: { id: string; name: string } | null
  /** There is an exam to do, which may be taken and passed on. */
  isToDo: boolean
  /** Images came or went by a move and nobody has checked them since. */
  isMovedUnchecked: boolean
  /** The open check of its images, or of what never came. */
  check: { itemId: string; kind: 'quality' | 'complete' } | null
}

const LIVE: StepStatus[] = ['scheduled', 'arrived', 'ready', 'started']
// Once a report is final, a move stays.
const REPORTED: Phase[] = ['final', 'delivered', 'closed']
const HOURS_16_MS = 16 * 3_600_000
/** Whoever was at a screen so lately is in the house. */
const HERE_MS = 10 * 60_000

/**
 * Steps of the actor's sites planned or done around now, with those that are late kept until they are settled; STAT
 * walk-ins and repeats stand there before they have a slot.
 * @param now department clock
 */
export async function scanDay(
  sql: AnySql,
  actor: Actor,
  now: Date,
): Promise<{ rooms: ScanRoom[]; steps: ScanStep[] }> {
  const [rooms, rows] = await Promise.all([roomsOf(sql, actor), stepsOf(sql, actor, now)])
  const policy = await policyOf(sql)
  const steps = withOthers(rows.map((row) => ({ ...revived(row), gates: asked(row, policy, now) })))
  return { steps, rooms: rooms.map((room) => ({ ...room, ...roomState(room, steps, now) })) }
}

function inSites(sql: AnySql, actor: Actor, column: string) {
  const scope = scopeOf(actor, 'see-work')
  if (scope.scope === 'all') return sql`true`
  return scope.scope === 'sites' ? sql`${sql(column)} = any(${[...scope.siteIds]})` : sql`false`
}

type RoomRow = Pick<ScanRoom, 'id' | 'name' | 'siteId' | 'modality' | 'mppsDevices'>

async function roomsOf(sql: AnySql, actor: Actor): Promise<RoomRow[]> {
  return await sql<RoomRow[]>`
    select r.id, r.name, r.site_id as "siteId", r.modality,
      array(select d.ae_title from devices d where d.room_id = r.id and d.enabled and d.profile in ('full', 'mpps')
        order by d.ae_title) as "mppsDevices"
    from rooms r where ${inSites(sql, actor, 'r.site_id')} order by r.site_id, r.position, r.name`
}

async function stepsOf(sql: AnySql, actor: Actor, now: Date): Promise<ScanStep[]> {
  const dayAgo = new Date(now.getTime() - HOURS_16_MS)
  const dayOn = new Date(now.getTime() + HOURS_16_MS)
  return await sql<ScanStep[]>`
    select s.id as "stepId", o.id as "orderId", o.accession, o.site_id as "siteId", coalesce(ps.room_id, s.room_id) as "roomId",
      s.modality, s.status, s.planned_start as "plannedStart", s.arrived_at as "arrivedAt", s.arrival_inferred as "arrivalInferred",
      s.retake_of is not null as "isRetake", o.priority, o.phase, pt.id as "patientId", pt.name, pt.sex,
      pt.birth_date as "birthDate", o.location, o.stop_asked_at as "stopAskedAt",
      array(select value from patient_identifiers where patient_id = pt.id and retired_at is null
        order by (type = 'MR') desc, issuer, value) as identifiers,
      coalesce(c.short_name, p.text) as procedure, coalesce(c.name, p.text) as "procedureName", s.protocol_name as protocol,
      s.protocol_id as "protocolId", c.scheme || ' ' || c.code as "libraryOf",
      coalesce(c.gates, '{}') as gates, coalesce(st.stored_count, 0) as images, coalesce(st.series_count, 0) as series,
      coalesce(st.completeness_missing, 0) as missing, st.completeness as verdict,
      case when ps.id is null then null else jsonb_build_object('performedStepId', ps.id, 'at', ps.started_at, 'inferred', ps.start_inferred,
        'scannerSays', case when ps.inferred then null else ps.status end, 'endedAt', ps.ended_at) end as begun,
      case when ps.status = 'DISCONTINUED' and ps.decision is null and (s.status = 'started' or exists (
          select 1 from work_items w where w.subject_id = ps.id and w.kind = 'decide' and w.state in ('open', 'claimed')))
        then jsonb_build_object('performedStepId', ps.id, 'reasonCode', ps.reason_code) end as stopped,
      (select jsonb_build_object('moveId', m.id, 'accession', other.accession, 'isOpen', o.phase <> all(${REPORTED}))
        from moved_images m join orders other on other.id = m.from_order_id
        where m.performed_step_id = ps.id and m.undone_at is null) as "movedHere",
      (select jsonb_build_object('moveId', m.id, 'accession', other.accession,
          'isOpen', o.phase <> all(${REPORTED}) and other.phase <> all(${REPORTED}))
        from moved_images m join orders other on other.id = m.to_order_id
        where m.from_order_id = o.id and s.id = any(m.from_step_ids) and m.undone_at is null
        order by m.at desc limit 1) as "movedAway",
      (select verdict from quality_decisions q where q.study_id = st.id and not q.unchecked order by q.cycle desc limit 1) as quality,
      exists (select 1 from moved_images m where (m.to_study_id = st.id or m.from_study_id = st.id) and not exists (
        select 1 from quality_decisions q where q.study_id = st.id and q.at > coalesce(m.undone_at, m.at)
          and q.verdict = 'accepted')) and st.stored_count > 0 as "isMovedUnchecked",
      (select jsonb_build_object('id', u.id, 'name', u.name) from work_items w join users u on u.id = w.assigned_to
        where w.subject_id = s.id and w.kind = 'perform' and w.state in ('open', 'claimed')) as hands,
      exists (select 1 from work_items w
        where w.subject_id = s.id and w.kind = 'perform' and w.state in ('open', 'claimed')) as "isToDo",
      (select jsonb_build_object('itemId', w.id, 'kind', w.kind) from work_items w
        where w.subject_id = st.id and w.kind in ('quality', 'complete') and w.state in ('open', 'claimed')
        order by w.opened_at desc limit 1) as check
    from steps s join orders o on o.id = s.order_id join patients pt on pt.id = o.patient_id
      join procedures p on p.id = s.procedure_id
      left join catalogue c on c.scheme = p.catalogue_scheme and c.code = p.catalogue_code
      left join lateral (select x.*, d.room_id from performed_step_links l join performed_steps x on x.id = l.performed_step_id
          left join devices d on d.id = x.device_id
        where l.step_id = s.id order by x.started_at desc limit 1) ps on true
      -- What was scanned for two orders at once stands in the study of one of them.
      left join studies st on st.study_uid = coalesce(ps.study_uid, p.study_uid)
    where ${inSites(sql, actor, 'o.site_id')} and (
      (s.status = any(${LIVE}) and (s.planned_start is null or s.planned_start < ${dayOn}))
      or (s.status = 'planned' and (o.priority = 'stat' or s.retake_of is not null))
      or (s.status in ('departed', 'discontinued') and coalesce(ps.ended_at, ps.started_at) > ${dayAgo}))
    -- Whoever still waits is never cut off by what is done.
    order by s.status in ('departed', 'discontinued'), case when o.priority <> 'stat' then 2 when s.status in ('arrived', 'ready') then 0
        when s.planned_start is null then 1 else 2 end, s.planned_start nulls last, s.id limit 400`
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

// What the catalogue asks is worth saying at the table even where no safety gate is kept.
function asked({ gates, sex, birthDate }: ScanStep, policy: Policy, now: Date): SafetyGate[] {
  const ageYears = birthDate?.length === 10 ? yearsBetween(birthDate, now.toISOString().slice(0, 10)) : null
  const patient = { sex: sex as 'M' | 'F' | 'O' | null, ageYears }
  return gatesOf({ gates }, patient, { ...policy, safetyGates: 'on' })
}

function withOthers(steps: ScanStep[]): ScanStep[] {
  const owners = numberOwners(steps)
  return steps.map((step) => ({
    ...step,
    sharedNumbers: numbersOf(step).filter((number) => owners.get(`${step.siteId} ${number}`)!.size > 1),
    isSimilar: steps.some(
      (other) =>
        other.roomId === step.roomId && other.patientId !== step.patientId && similarPeople(other, step),
    ),
  }))
}

const numbersOf = ({ identifiers, accession }: ScanStep): string[] => [...identifiers, accession]

/** The patients of a site whom a number could mean, of those who are not done. */
function numberOwners(steps: readonly ScanStep[]): Map<string, Set<string>> {
  const owners = new Map<string, Set<string>>()
  for (const step of steps) {
    for (const number of numbersOf(step)) {
      const key = `${step.siteId} ${number}`
      const known = owners.get(key) ?? new Set<string>()
      if (LIVE.includes(step.status) || step.status === 'planned') known.add(step.patientId)
      owners.set(key, known)
    }
  }
  return owners
}

function roomState(room: RoomRow, steps: readonly ScanStep[], now: Date) {
  const own = steps.filter((step) => step.roomId === room.id)
  const here = own.filter(({ status }) => status === 'arrived' || status === 'ready')
  const slots = here.flatMap(({ plannedStart }) => (plannedStart && plannedStart < now ? [plannedStart] : []))
  return {
    waiting: own.filter(({ status }) => status === 'scheduled').length + here.length,
    isBusy: own.some(({ status }) => status === 'started'),
    isPreparing: here.length > 0,
    lateSince: slots.sort((a, b) => a.getTime() - b.getTime())[0] ?? null,
  }
}

export interface Technologist {
  id: string
  name: string
  sites: string[]
}

/** Who could have an exam in hand at the actor's sites; whoever is at a screen now stands first. */
export async function technologists(sql: AnySql, actor: Actor, machineNow: Date): Promise<Technologist[]> {
  const hereSince = new Date(machineNow.getTime() - HERE_MS)
  return await sql<Technologist[]>`
    select u.id, u.name, u.sites from users u
    where u.enabled and 'technologist' = any(u.roles)
      and (u.sites && ${['*', ...actor.sites]} or '*' = any(${[...actor.sites]}))
    order by exists (select 1 from sessions s where s.user_id = u.id and s.ended_at is null and s.last_seen_at >= ${hereSince}) desc,
      u.family, u.id limit 20`
}

export interface ScannedPerson {
  patientId: string
  name: NameSaid
  sex: string | null
  birthDate: string | null
  identifiers: string[]
  /** What may still be done for this person, soonest first. */
  steps: {
    stepId: string
    orderId: string
    accession: string
    procedure: string
    status: StepStatus
    roomId: string | null
    room: string | null
    plannedStart: Date | null
  }[]
}

/** Whom a wristband or an order form belongs to: a whole patient number, or an accession. Null: nobody's here. */
export async function scannedPerson(sql: AnySql, actor: Actor, text: string): Promise<ScannedPerson | null> {
  const code = text.trim()
  const scope = scopeOf(actor, 'search-patient')
  if (code === '' || scope.scope === 'none' || scope.scope === 'own') return null
  const ours = scope.scope === 'all' ? sql`true` : sql`o.site_id = any(${[...scope.siteIds]})`
  const [person] = await sql<Omit<ScannedPerson, 'steps'>[]>`
    select p.id as "patientId", p.name, p.sex, p.birth_date as "birthDate",
      array(select value from patient_identifiers where patient_id = p.id and retired_at is null
        order by (type = 'MR') desc, issuer, value) as identifiers
    from patients p
    where p.id in (select patient_id from patient_identifiers where value = ${code} and retired_at is null
        union select o.patient_id from orders o where o.accession = ${code} and ${ours})
      and exists (select 1 from orders o where o.patient_id = p.id and ${ours})
    order by p.id limit 1`
  if (!person) return null
  const steps = await sql<ScannedPerson['steps']>`
    select s.id as "stepId", o.id as "orderId", o.accession, coalesce(c.short_name, p.text) as procedure, s.status,
      s.room_id as "roomId", r.name as room, s.planned_start as "plannedStart"
    from steps s join orders o on o.id = s.order_id join procedures p on p.id = s.procedure_id
      left join catalogue c on c.scheme = p.catalogue_scheme and c.code = p.catalogue_code
      left join rooms r on r.id = s.room_id
    where o.patient_id = ${person.patientId} and ${ours}
      and s.status in ('planned', 'scheduled', 'arrived', 'ready', 'started', 'no-show')
    order by s.planned_start nulls last, o.accession, s.id limit 20`
  return { ...person, steps: [...steps] }
}

/**
 * Does a scanned number belong to this step's patient, or a scanned accession to its order? Numbers say nothing of who gave
 * them out: one that somebody else has too, who may as well be here, belongs to nobody.
 */
export async function isScanOfStep(
  sql: AnySql,
  { stepId, scanned }: { stepId: string; scanned: string },
): Promise<boolean> {
  const [row] = await sql`
    select 1 from steps s join orders o on o.id = s.order_id
    where s.id = ${stepId} and not exists (
        select 1 from orders x join steps y on y.order_id = x.id
        where x.site_id = o.site_id and x.patient_id <> o.patient_id
          and y.status in ('planned', 'scheduled', 'arrived', 'ready', 'started')
          and (x.accession = ${scanned.trim()} or x.patient_id in (select i.patient_id from patient_identifiers i
            where i.value = ${scanned.trim()} and i.retired_at is null)))
      and (o.accession = ${scanned.trim()} or exists (select 1 from patient_identifiers i
      where i.patient_id = o.patient_id and i.value = ${scanned.trim()} and i.retired_at is null))`
  return row !== undefined
}
