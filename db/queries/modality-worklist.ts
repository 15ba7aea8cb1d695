/** Scheduled steps that a modality may still perform, with all that its worklist shows of them (PS3.4 K.6). */
import type { NameSaid } from '#domain/order-message.ts'
import type { Priority, StepStatus } from '#domain/words.ts'
import type { AnySql } from '../client.ts'

/** Who asks: a device of ours, or null values for one we do not know. */
export interface WorklistCaller {
  aeTitle: string
  siteId: string | null
  /** Set for a scanner; a tool without a room sees every room. */
  roomId: string | null
  modality: string | null
}

/** Text keys take the wildcards * and ?; an empty list matches all. */
export interface WorklistAsked {
  caller: WorklistCaller
  /** Department clock. */
  now: Date
  stationAes: readonly string[]
  modalities: readonly string[]
  /** Start of the slot, local to its site, as YYYYMMDDHHMMSS; null: open. Neither given: see `withoutWindow`. */
  from: string | null
  to: string | null
  /** Time of day, HHMMSS, when it was asked for apart from the date. */
  timeFrom: string | null
  timeTo: string | null
  patientIds: readonly string[]
  accessions: readonly string[]
  requestedProcedureIds: readonly string[]
  stepNumbers: readonly string[]
  studyUids: readonly string[]
}

export interface WorklistStep {
  stepNumber: string
  status: StepStatus
  modality: string
  /** Local to the site: YYYYMMDD and HHMMSS. */
  startDate: string
  startTime: string
  endDate: string | null
  endTime: string | null
  stationAes: string[]
  roomName: string | null
  protocolCode: string | null
  protocolName: string | null
  requestedProcedureId: string
  procedureCode: string
  procedureScheme: string
  procedureText: string
  studyUid: string
  accession: string
  accessionIssuer: string
  placerNumber: string | null
  fillerNumber: string
  priority: Priority
  reason: string | null
  requester: { family?: string; given?: string; prefix?: string; degree?: string } | null
  visitNumber: string | null
  location: string | null
  orderedDate: string
  orderedTime: string
  patientId: string | null
  patientIssuer: string | null
  patientName: NameSaid
  /** YYYY, YYYY-MM or YYYY-MM-DD. */
  birthDate: string | null
  sex: string | null
}

/**
 * Earliest first. Without a station key a scanner sees its own room, and steps that wait for any room of its modality.
 * Without a date key the slot lies between yesterday and the day after tomorrow, at its site.
 */
export async function modalityWorklist(sql: AnySql, asked: WorklistAsked): Promise<WorklistStep[]> {
  return await sql<WorklistStep[]>`
    select * from (${candidates(sql, asked)}) w
    where ${dueWhen(sql, asked)} and ${shownTo(sql, asked)}
      and ${matchesAny(sql, 'w."stepNumber"', asked.stepNumbers)}
      and ${matchesAny(sql, 'w."patientId"', asked.patientIds)}
    order by w."startDate", w."startTime", w."stepNumber" limit ${MOST_STEPS}`
}

// More than any room does in the days a worklist spans; a console would not show them anyway.
const MOST_STEPS = 5_000

function candidates(sql: AnySql, { caller, ...asked }: WorklistAsked) {
  return sql`
    select s.step_number as "stepNumber", s.status, s.modality, s.room_id, o.site_id,
      to_char(local.start, 'YYYYMMDD') as "startDate", to_char(local.start, 'HH24MISS') as "startTime",
      to_char(local.stop, 'YYYYMMDD') as "endDate", to_char(local.stop, 'HH24MISS') as "endTime",
      to_char(local.now, 'YYYYMMDD') as today, to_char(local.start, 'YYYYMMDDHH24MISS') as start_key,
      coalesce(stations.titles, '{}') as "stationAes", r.name as "roomName", s.protocol_code as "protocolCode",
      s.protocol_name as "protocolName", p.requested_procedure_id as "requestedProcedureId", p.code as "procedureCode",
      p.scheme as "procedureScheme", p.text as "procedureText", p.study_uid as "studyUid", o.accession,
      o.accession_issuer as "accessionIssuer", o.placer_number as "placerNumber", o.filler_number as "fillerNumber",
      o.priority, o.reason, o.requester, o.visit_number as "visitNumber", o.location,
      to_char(local.ordered, 'YYYYMMDD') as "orderedDate", to_char(local.ordered, 'HH24MISS') as "orderedTime",
      i.value as "patientId", i.issuer as "patientIssuer", pt.name as "patientName", pt.birth_date as "birthDate", pt.sex,
      exists (select 1 from performed_step_links l join performed_steps ps on ps.id = l.performed_step_id
        where l.step_id = s.id and ps.station_ae = ${caller.aeTitle}) as begun_by_caller
    from steps s join procedures p on p.id = s.procedure_id join orders o on o.id = s.order_id
      join sites site on site.id = o.site_id left join rooms r on r.id = s.room_id
      cross join lateral (select
        coalesce(s.planned_start, s.arrived_at, s.planned_since) at time zone site.zone as start,
        s.planned_end at time zone site.zone as stop, o.received_at at time zone site.zone as ordered,
        ${asked.now}::timestamptz at time zone site.zone as now) local
      left join lateral (select array_agg(d.ae_title order by (d.ae_title = ${caller.aeTitle}) desc, d.ae_title) as titles
        from devices d where d.kind = 'modality' and d.enabled and d.site_id = o.site_id
          and (d.room_id = s.room_id or (s.room_id is null and ${sameKind(sql, 'd.modality', 's.modality')}))) stations on true
      join lateral (${survivor(sql)}) patient on true join patients pt on pt.id = patient.id
      left join lateral (select value, issuer from patient_identifiers where patient_id = patient.id and retired_at is null
        order by (type = 'MR') desc, value limit 1) i on true
    where s.status in ('scheduled', 'arrived', 'ready', 'started') and p.end_kind is null and o.end_kind is null
      and ${matchesAny(sql, 's.modality', asked.modalities)}
      and ${matchesAny(sql, 'o.accession', asked.accessions)}
      and ${matchesAny(sql, 'p.requested_procedure_id', asked.requestedProcedureIds)}
      and ${asked.studyUids.length === 0 ? sql`true` : sql`p.study_uid = any(${asked.studyUids as string[]})`}`
}

// Along active merge links: a merged patient is scanned under the survivor's name and number.
function survivor(sql: AnySql) {
  return sql`
    with recursive chain as (
      select o.patient_id as id, 0 as hops
      union all select l.to_patient, c.hops + 1 from merge_links l join chain c on l.from_patient = c.id
        where l.undone_at is null and c.hops < 32)
    select id from chain order by hops desc limit 1`
}

// Projection radiography is ordered as DX or CR and done in the same rooms.
function sameKind(sql: AnySql, one: string, other: string) {
  const kind = (column: string) =>
    sql.unsafe(`case when ${column} in ('DX', 'CR', 'XR') then 'DX' else ${column} end`)
  return sql`${kind(one)} = ${kind(other)}`
}

function dueWhen(sql: AnySql, asked: WorklistAsked) {
  const { from, to, timeFrom, timeTo } = asked
  const ofDay = sql`${timeFrom ? sql`w."startTime" >= ${timeFrom}` : sql`true`}
    and ${timeTo ? sql`w."startTime" <= ${timeTo}` : sql`true`}`
  if (from || to) {
    return sql`${ofDay} and ${from ? sql`w.start_key >= ${from}` : sql`true`} and ${to ? sql`w.start_key <= ${to}` : sql`true`}`
  }
  if (withoutWindow(asked)) return ofDay
  return sql`${ofDay} and to_date(w."startDate", 'YYYYMMDD')
    between to_date(w.today, 'YYYYMMDD') - 1 and to_date(w.today, 'YYYYMMDD') + 2`
}

// Who names one patient or one order means it whenever it is due.
function withoutWindow(asked: WorklistAsked): boolean {
  const { patientIds, accessions, requestedProcedureIds, stepNumbers, studyUids } = asked
  return [patientIds, accessions, requestedProcedureIds, stepNumbers, studyUids].some(
    (keys) => keys.length > 0,
  )
}

function shownTo(sql: AnySql, { caller, stationAes }: WorklistAsked) {
  const started = sql`(w.status <> 'started' or w.begun_by_caller or ${caller.aeTitle} = any(w."stationAes"))`
  const ownSite = caller.roomId === null ? sql`true` : sql`w.site_id = ${caller.siteId}`
  if (stationAes.length > 0) {
    return sql`${started} and ${ownSite}
      and exists (select 1 from unnest(w."stationAes") a where a like any(${stationAes.map(likePattern)}))`
  }
  if (caller.roomId === null) return started
  return sql`${started} and ${ownSite}
    and (w.room_id = ${caller.roomId} or (w.room_id is null and ${caller.aeTitle} = any(w."stationAes")))`
}

function matchesAny(sql: AnySql, column: string, keys: readonly string[]) {
  return keys.length === 0 ? sql`true` : sql`${sql.unsafe(column)} like any(${keys.map(likePattern)})`
}

function likePattern(key: string): string {
  return key
    .replace(/[\\%_]/g, '\\$&')
    .replaceAll('*', '%')
    .replaceAll('?', '_')
}
