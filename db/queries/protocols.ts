/** The protocol library as it stands: of a procedure, the protocols that a scanner may be given, the default first. */
import { type PerformedProtocol, type PlannedProtocol, performedProtocols } from '#domain/protocol.ts'
import type { AnySql } from '../client.ts'

export interface ProtocolParameter {
  name: string
  value: string
  unit: string
}

export interface Protocol {
  id: string
  version: number
  scheme: string
  code: string
  protocolCode: string
  name: string
  parameters: ProtocolParameter[]
  aliases: string[]
  isDefault: boolean
  madeBy: string
  madeAt: Date
}

/** @param procedures `LN 30799-1`; left out: the whole library */
export async function protocolLibrary(sql: AnySql, procedures?: readonly string[]): Promise<Protocol[]> {
  return await sql<Protocol[]>`
    select p.id, p.version, p.scheme, p.code, p.protocol_code as "protocolCode", p.name, p.parameters, p.aliases,
      p.is_default as "isDefault", coalesce(u.name, p.made_by) as "madeBy", p.made_at as "madeAt"
    from current_protocols p left join users u on u.id = p.made_by
    where ${procedures ? sql`p.scheme || ' ' || p.code = any(${[...procedures]})` : sql`true`}
    order by p.scheme, p.code, p.is_default desc, p.name, p.id`
}

/** What a new step is planned with: what the order names, when the library knows it, else the procedure's default. */
export async function protocolFor(
  sql: AnySql,
  { scheme, code, named }: { scheme: string; code: string; named: string | null },
): Promise<Pick<Protocol, 'id' | 'version' | 'protocolCode' | 'name'> | null> {
  const [found] = await sql<Pick<Protocol, 'id' | 'version' | 'protocolCode' | 'name'>[]>`
    select id, version, protocol_code as "protocolCode", name from current_protocols
    where scheme = ${scheme} and code = ${code} and ${named === null ? sql`is_default` : sql`protocol_code = ${named}`}
    order by name, id limit 1`
  return found ?? null
}

/** What was planned for a study's steps, and what its scanners said they did. */
export async function protocolsOfStudy(
  sql: AnySql,
  studyUid: string,
): Promise<{ planned: PlannedProtocol | null; performed: PerformedProtocol[] }> {
  const [planned] = await sql<PlannedProtocol[]>`
    select s.protocol_code as code, s.protocol_name as name, coalesce(p.aliases, '{}') as aliases
    from steps s join procedures r on r.id = s.procedure_id
      left join protocols p on p.id = s.protocol_id and p.version = s.protocol_version
    where r.study_uid = ${studyUid} and s.protocol_name is not null
    order by exists (select 1 from performed_step_links l where l.step_id = s.id) desc, s.id desc limit 1`
  const sent = await sql<{ said: unknown }[]>`
    select jsonb_build_object('00400260', dataset->'00400260') as said from performed_steps
    where study_uid = ${studyUid} and dataset ? '00400260' order by started_at`
  return { planned: planned ?? null, performed: sent.flatMap(({ said }) => performedProtocols(said)) }
}
