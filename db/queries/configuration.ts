/** What a department changes while it runs, as one document: read by `config export`, compared by `config apply`. */
import type { AnySql } from '../client.ts'

export interface Configuration {
  sites: { id: string; name: string; zone: string; calendar: unknown }[]
  rooms: { id: string; site: string; name: string; modality: string; position: number }[]
  devices: DeviceConfiguration[]
  destinations: DestinationConfiguration[]
  connections: {
    id: string
    sendingApplication: string | null
    sendingFacility: string | null
    site: string
    policy: unknown
  }[]
  procedures: ProcedureConfiguration[]
  policy: Record<string, unknown>
}

export interface DeviceConfiguration {
  aeTitle: string
  site: string
  room: string | null
  kind: 'modality' | 'tool' | 'archive'
  modality: string | null
  profile: 'full' | 'mpps' | 'store' | 'unknown'
  host: string | null
  port: number | null
  allowedAddresses: string[]
  policy: Record<string, unknown>
  enabled: boolean
}

export interface DestinationConfiguration {
  id: string
  name: string
  kind: 'hl7-oru' | 'dicom-sr'
  host: string
  port: number
  receivingApplication: string
  receivingFacility: string
  required: boolean
  policy: Record<string, unknown>
  enabled: boolean
}

export interface ProcedureConfiguration {
  code: string
  scheme: string
  shortName: string
  name: string
  modality: string
  area: string
  slotMinutes: number
  prepMinutes: number
  gates: string[]
  protocolling: 'rule' | 'reader'
  loinc: string | null
  /** RadLex Playbook id. */
  rpid: string | null
  preparation: string | null
  bodyPart: string | null
  rvu: number | null
  /** Available to final for routine work; null: the policy's. */
  slaMinutes: number | null
  /** Kept at least so long; null: only the rules of retention. */
  retentionYears: number | null
}

/** Everything in a stable order, so that two exports of the same department are the same text. */
export async function configuration(sql: AnySql): Promise<Configuration> {
  const [sites, rooms, devices, destinations, connections, procedures, policy] = await Promise.all([
    sql<Configuration['sites']>`select id, name, zone, calendar from sites order by id`,
    sql<
      Configuration['rooms']
    >`select id, site_id as site, name, modality, position from rooms order by position, id`,
    sql<
      DeviceConfiguration[]
    >`select ae_title as "aeTitle", site_id as site, room_id as room, kind, modality, profile, host, port,
      allowed_addresses as "allowedAddresses", policy, enabled from devices order by ae_title`,
    sql<
      DestinationConfiguration[]
    >`select id, name, kind, host, port, receiving_application as "receivingApplication",
      receiving_facility as "receivingFacility", required, policy, enabled from destinations where retired_at is null order by id`,
    sql<
      Configuration['connections']
    >`select id, sending_application as "sendingApplication", sending_facility as "sendingFacility",
      site_id as site, policy from connections order by id`,
    sql<
      ProcedureConfiguration[]
    >`select code, scheme, short_name as "shortName", name, modality, area, slot_minutes as "slotMinutes",
      prep_minutes as "prepMinutes", gates, protocolling, loinc, rpid, preparation, body_part as "bodyPart",
      rvu::float as rvu, sla_minutes as "slaMinutes", retention_years as "retentionYears" from catalogue order by scheme, code`,
    sql<{ body: Record<string, unknown> }[]>`select body from policies order by version desc limit 1`,
  ])
  return {
    sites: [...sites],
    rooms: [...rooms],
    devices: [...devices],
    destinations: [...destinations],
    connections: [...connections],
    procedures: [...procedures],
    policy: policy[0]?.body ?? {},
  }
}
