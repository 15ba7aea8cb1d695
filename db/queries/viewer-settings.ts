/** What somebody kept of the viewer: the layout for a launch, and all of them for the page where they are edited. */
import type { Item } from '#domain/dicom-hanging-protocol.ts'
import type { HangingLayout, ViewerPlace } from '#domain/hanging-layout.ts'
import type { AnySql } from '../client.ts'

export interface LaunchedProcedure {
  modality: string
  scheme: string
  code: string
  text: string
  siteId: string
  /** Whose session it is, as what they keep says it of them. */
  reader: string
}

/** What a launch of this session is of; null for another session's, or one that has ended. */
export async function launchedProcedure(
  sql: AnySql,
  { launchId, sessionId }: { launchId: string; sessionId: string },
): Promise<LaunchedProcedure | null> {
  const [row] = await sql<LaunchedProcedure[]>`
    select p.modality, coalesce(p.catalogue_scheme, p.scheme) as scheme, coalesce(p.catalogue_code, p.code) as code, p.text, o.site_id as "siteId",
      concat_ws('^', nullif(u.family, ''), nullif(u.given, '')) as reader
    from launches l join users u on u.id = l.user_id join orders o on o.id = l.order_id join procedures p on p.order_id = o.id
    where l.id = ${launchId} and l.session_id = ${sessionId} and l.ended_at is null order by p.position limit 1`
  return row ?? null
}

/** The nearest that somebody kept: for the procedure before the modality, for the place before the other place. */
export async function hangingFor(
  sql: AnySql,
  asked: { userId: string; procedure: LaunchedProcedure; place: ViewerPlace },
): Promise<{ id: string; layout: HangingLayout } | null> {
  const { userId, procedure, place } = asked
  const [row] = await sql<{ id: string; layout: HangingLayout }[]>`
    select id, layout from hanging_layouts
    where user_id = ${userId} and modality = ${procedure.modality}
      and (procedure_code is null or (procedure_scheme = ${procedure.scheme} and procedure_code = ${procedure.code}))
    order by procedure_code is null, place <> ${place}, id limit 1`
  return row ?? null
}

export interface KeptHanging {
  id: string
  modality: string
  /** Null: for every procedure of the modality. */
  procedure: { scheme: string; code: string; text: string } | null
  place: ViewerPlace
  layout: HangingLayout
  /** Empty for one that came from no Hanging Protocol. */
  name: string
  description: string
  savedAt: Date
}

export async function keptHangings(sql: AnySql, userId: string): Promise<KeptHanging[]> {
  return await sql<KeptHanging[]>`
    select h.id, h.modality, h.place, h.layout, h.name, h.description, h.saved_at as "savedAt",
      case when h.procedure_code is not null then jsonb_build_object('scheme', h.procedure_scheme,
        'code', h.procedure_code, 'text', coalesce(c.name, h.procedure_code)) end as procedure
    from hanging_layouts h left join catalogue c on c.scheme = h.procedure_scheme and c.code = h.procedure_code
    where h.user_id = ${userId} order by h.modality, h.procedure_code nulls first, h.place`
}

export interface ReceivedProtocol {
  id: string
  /** AE title of the device that sent it, or STOW-RS. */
  sourceAe: string
  receivedAt: Date
  /** Its values by keyword (PS3.3 section C.23). */
  values: Item
}

const MOST_RECEIVED = 50

/** Hanging Protocols that were sent to the department, newest first. */
export async function receivedProtocols(sql: AnySql): Promise<ReceivedProtocol[]> {
  return await sql<ReceivedProtocol[]>`
    select id, source_ae as "sourceAe", received_at as "receivedAt", object as values from quarantine
    where reason = 'hanging-protocol' and decision = 'taken' order by received_at desc, id desc limit ${MOST_RECEIVED}`
}

/** Procedures that a layout can be kept for, by modality. */
export async function hangableProcedures(
  sql: AnySql,
): Promise<{ modality: string; scheme: string; code: string; text: string }[]> {
  return await sql<{ modality: string; scheme: string; code: string; text: string }[]>`
    select modality, scheme, code, name as text from catalogue order by modality, name, code`
}
