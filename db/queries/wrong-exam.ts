/** "Wrong patient or exam": the exam that was made, and the orders it may have been made for in truth. */
import type { NameSaid } from '#domain/order-message.ts'
import { type Actor, scopeOf } from '#domain/permissions.ts'
import type { Phase, StepStatus } from '#domain/words.ts'
import type { AnySql } from '../client.ts'

export interface ExamIdentity {
  stepId: string
  orderId: string
  accession: string
  name: NameSaid
  sex: string | null
  birthDate: string | null
  identifiers: string[]
  procedure: string
}

export interface MoveChoice extends ExamIdentity {
  status: StepStatus
  phase: Phase
  room: string | null
  plannedStart: Date | null
  /** Their wristband or form was scanned. */
  isScanned: boolean
  isSamePatient: boolean
}

export interface WrongExam {
  performedStepId: string
  made: ExamIdentity & { images: number; isRunning: boolean; at: Date }
  /** The scanned person's first, then this room's of today, then others of that day; those reported are left out. */
  choices: MoveChoice[]
}

const HOURS_16_MS = 16 * 3_600_000
const MOST_CHOICES = 40

/** Null when there is no such exam at the actor's sites. */
export async function wrongExam(
  sql: AnySql,
  actor: Actor,
  { performedStepId, scanned, now }: { performedStepId: string; scanned: string; now: Date },
): Promise<WrongExam | null> {
  const scope = scopeOf(actor, 'move-images')
  if (scope.scope === 'none' || scope.scope === 'own') return null
  const ours = scope.scope === 'all' ? sql`true` : sql`o.site_id = any(${[...scope.siteIds]})`
  const [made] = await sql<MadeRow[]>`
    select ${identity(sql)}, ps.status = 'IN PROGRESS' as "isRunning", ps.started_at as at, o.site_id as "siteId",
      pt.id as "patientId", s.modality, coalesce(d.room_id, s.room_id) as "roomId",
      coalesce((select st.stored_count from studies st where st.study_uid = ps.study_uid), 0) as images
    from performed_steps ps join performed_step_links l on l.performed_step_id = ps.id join steps s on s.id = l.step_id
      ${joined(sql)} left join devices d on d.id = ps.device_id
    where ps.id = ${performedStepId} and ${ours} order by s.id limit 1`
  if (!made) return null
  const [from, to] = [-HOURS_16_MS, HOURS_16_MS].map((ms) => new Date(now.getTime() + ms))
  const choices = await sql<MoveChoice[]>`
    select ${identity(sql)}, s.status, o.phase, r.name as room, s.planned_start as "plannedStart",
      ${isOf(sql, scanned)} as "isScanned", pt.id = ${made.patientId} as "isSamePatient"
    from steps s ${joined(sql)} left join rooms r on r.id = s.room_id
    where o.site_id = ${made.siteId} and ${ours} and p.end_kind is null and o.closed_at is null
      and s.status <> 'cancelled' and not s.voided and s.modality = any(${sameRoom(made.modality)})
      and not exists (select 1 from performed_step_links own where own.step_id = s.id and own.performed_step_id = ${performedStepId})
      and p.phase not in ('final', 'delivered')
      and (${isOf(sql, scanned)} or pt.id = ${made.patientId} or s.planned_start between ${from!} and ${to!}
        or s.arrived_at > ${from!} or (s.planned_start is null and s.status <> 'departed' and s.planned_since > ${from!}))
    order by ${isOf(sql, scanned)} desc, (s.room_id is not distinct from ${made.roomId}) desc, pt.id = ${made.patientId} desc,
      s.planned_start nulls last, s.id
    limit ${MOST_CHOICES}`
  const { siteId: _, patientId: __, modality: ___, roomId: ____, ...exam } = made
  return { performedStepId, made: exam, choices: [...choices] }
}

interface MadeRow extends ExamIdentity {
  images: number
  isRunning: boolean
  at: Date
  siteId: string
  patientId: string
  modality: string
  roomId: string | null
}

const identity = (sql: AnySql) => sql`
  s.id as "stepId", o.id as "orderId", o.accession, pt.name, pt.sex, pt.birth_date as "birthDate",
  array(select value from patient_identifiers where patient_id = pt.id and retired_at is null
    order by (type = 'MR') desc, issuer, value) as identifiers,
  coalesce(c.short_name, p.text) as procedure`

const joined = (sql: AnySql) => sql`
  join orders o on o.id = s.order_id join patients pt on pt.id = o.patient_id join procedures p on p.id = s.procedure_id
  left join catalogue c on c.scheme = p.catalogue_scheme and c.code = p.catalogue_code`

const isOf = (sql: AnySql, scanned: string) => sql`
  (${scanned !== ''} and (o.accession = ${scanned} or exists (select 1 from patient_identifiers i
    where i.patient_id = pt.id and i.value = ${scanned} and i.retired_at is null)))`

// Projection radiography is ordered as DX or CR and done in the same rooms.
function sameRoom(modality: string): string[] {
  return ['DX', 'CR', 'XR'].includes(modality) ? ['DX', 'CR', 'XR'] : [modality]
}

export interface MoveSeen {
  moveId: string
  /** The other order's accession. */
  accession: string
  /** Taken back only until a report is final. */
  isOpen: boolean
}
