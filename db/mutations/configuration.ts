/** Applying a configuration: the difference is computed, written in one transaction, and kept as a version. */
import { ALWAYS_OPEN, type BusinessCalendar, calendarProblem } from '#domain/calendar.ts'
import { RadiologyError } from '#domain/errors.ts'
import type { AnySql, TransactionSql } from '../client.ts'
import type { Department } from '../department.ts'
import {
  type Configuration,
  configuration,
  type DestinationConfiguration,
  type DeviceConfiguration,
  type ProcedureConfiguration,
} from '../queries/configuration.ts'
import { writeDestinations } from './destinations.ts'
import { type Act, mutate, type Scope } from './mutate.ts'

/** A part that is left out stays as it is; a device or destination that is left out of its list is retired. */
export type ConfigurationChange = Partial<Omit<Configuration, 'procedures'>> & {
  procedures?: ProcedureEntry[]
}

export interface Difference {
  /** `devices/CT1`, `policy/unknownCallingAe`. */
  path: string
  change: 'added' | 'changed' | 'removed'
  before?: unknown
  after?: unknown
}

type Part = Exclude<keyof Configuration, 'policy'>
const keyOf: Record<Part, (entry: never) => string> = {
  sites: (entry: { id: string }) => entry.id,
  rooms: (entry: { id: string }) => entry.id,
  devices: (entry: DeviceConfiguration) => entry.aeTitle,
  destinations: (entry: DestinationConfiguration) => entry.id,
  connections: (entry: { id: string }) => entry.id,
  procedures: (entry: ProcedureConfiguration) => `${entry.scheme} ${entry.code}`,
}
// Sites, rooms and procedures have orders hanging on them: leaving one out of a file removes nothing.
const removable: readonly Part[] = ['devices', 'destinations']

/** What applying would change, without changing it; refused where applying would be. */
export async function compareConfiguration(
  { sql }: Pick<Department, 'sql'>,
  change: ConfigurationChange,
): Promise<Difference[]> {
  await mustBeKnown(sql, change)
  const before = await configuration(sql)
  return differences(before, withHours(before, change))
}

/**
 * Applies a change and keeps the whole as a version with who and when; without a difference nothing is written.
 * What stood before the first change is version 0, so that every change can be rolled back.
 * @throws RadiologyError 'invalid-message' when something names a site or room that is not there
 */
export async function applyConfiguration(
  department: Department,
  act: Act,
  change: ConfigurationChange,
): Promise<{ version: number | null; differences: Difference[] }> {
  return apply(department, act, { change, rolledBackFrom: null })
}

/** A procedure that is not in the catalogue yet, as a version. @throws RadiologyError 'message-conflict' when it is */
export async function addProcedure(department: Department, act: Act, entry: ProcedureEntry) {
  return apply(department, act, { change: { procedures: [entry] }, rolledBackFrom: null, onlyAdds: true })
}

interface Application {
  change: ConfigurationChange
  /** Of a roll-back: the version that comes again, and wholly, so that a policy it doesn't name is dropped. */
  rolledBackFrom: number | null
  onlyAdds?: boolean
}

async function apply(
  department: Department,
  act: Act,
  { change: asked, rolledBackFrom, onlyAdds = false }: Application,
) {
  return mutate(department, act, 'apply-configuration', async (scope) => {
    const { sql } = scope
    const isWhole = rolledBackFrom !== null
    await sql`select pg_advisory_xact_lock(7316302)`
    const before = await configuration(sql)
    const change = withHours(before, asked)
    const found = differences(before, change, { isWhole })
    if (onlyAdds && (found.length === 0 || found.some((one) => one.change !== 'added')))
      throw new RadiologyError('message-conflict', { at: found[0]?.path })
    if (found.length === 0) return { version: null, differences: [] }
    await mustBeKnown(sql, change)
    await sql`
      insert into config_versions (version, body, applied_by, applied_at) overriding system value
      select 0, ${sql.json(before as never)}, 'department', ${act.machineNow} where not exists (select 1 from config_versions)`
    await write(scope, change, { isWhole })
    const [row] = await sql<{ version: number }[]>`
      insert into config_versions (body, applied_by, applied_at, rolled_back_from)
      values (${sql.json((await configuration(sql)) as never)}, ${act.actor.id}, ${act.machineNow}, ${rolledBackFrom})
      returning version`
    scope.audit({
      subject: 'configuration',
      type: 'configuration.applied',
      data: {
        version: row!.version,
        paths: found.map((one) => one.path),
        ...(isWhole && { rolledBackFrom }),
      },
    })
    scope.announce('configuration')
    return { version: row!.version, differences: found }
  })
}

/**
 * A site that says nothing of its hours keeps those it has; a new one is open day and night.
 * @throws RadiologyError 'invalid-message' for hours or a zone that no due date can be counted by
 */
function withHours(before: Configuration, change: ConfigurationChange): ConfigurationChange {
  if (!change.sites) return change
  const sites = change.sites.map((site) => {
    const known = before.sites.find(({ id }) => id === site.id)
    const calendar = (site.calendar ?? known?.calendar ?? ALWAYS_OPEN) as Omit<BusinessCalendar, 'zone'>
    const problem = calendarProblem({ ...ALWAYS_OPEN, ...calendar, zone: site.zone })
    if (problem) throw new RadiologyError('invalid-message', { problem: `site ${site.id}: ${problem}` })
    return { ...site, calendar }
  })
  return { ...change, sites }
}

async function mustBeKnown(sql: AnySql, { sites, rooms, devices, connections }: ConfigurationChange) {
  const known = await sql<
    { id: string }[]
  >`select 'site ' || id as id from sites union all select 'room ' || id from rooms`
  const there = new Set([
    ...known.map(({ id }) => id),
    ...(sites ?? []).map(({ id }) => `site ${id}`),
    ...(rooms ?? []).map(({ id }) => `room ${id}`),
  ])
  const named = [
    ...[...(rooms ?? []), ...(devices ?? []), ...(connections ?? [])].map(({ site }) => `site ${site}`),
    ...(devices ?? []).flatMap(({ room }) => (room ? [`room ${room}`] : [])),
  ]
  const missing = named.find((one) => !there.has(one))
  if (missing) throw new RadiologyError('invalid-message', { problem: `there is no ${missing}` })
}

export interface ConfigurationVersion {
  version: number
  appliedBy: string
  appliedAt: Date
  rolledBackFrom: number | null
}

/** Every version with who and when, newest first. */
export async function configurationVersions({
  sql,
}: Pick<Department, 'sql'>): Promise<ConfigurationVersion[]> {
  return await sql<ConfigurationVersion[]>`
    select version, coalesce(u.name, applied_by) as "appliedBy", applied_at as "appliedAt",
      rolled_back_from as "rolledBackFrom"
    from config_versions left join users u on u.id = applied_by order by version desc`
}

/** Applies an earlier version again; the roll-back is a version of its own. @throws RadiologyError 'not-found' */
export async function rollBackConfiguration(department: Department, act: Act, version: number) {
  const change = await bodyOf(department, version)
  return apply(department, act, { change, rolledBackFrom: version })
}

/**
 * The procedures of an earlier version, and nothing else of it: no device and no policy moves with them. One that has
 * been added since stays. @throws RadiologyError 'not-found'
 */
export async function rollBackCatalogue(department: Department, act: Act, version: number) {
  const { procedures } = await bodyOf(department, version)
  return apply(department, act, { change: { procedures }, rolledBackFrom: version })
}

async function bodyOf({ sql }: Department, version: number): Promise<Configuration> {
  const [row] = await sql<
    { body: Configuration }[]
  >`select body from config_versions where version = ${version}`
  if (!row) throw new RadiologyError('not-found', { version })
  return row.body
}

function differences(
  now: Configuration,
  change: ConfigurationChange,
  { isWhole = false }: { isWhole?: boolean } = {},
): Difference[] {
  const found: Difference[] = []
  for (const part of Object.keys(keyOf) as Part[]) {
    const wanted = change[part]
    if (wanted) found.push(...listDifferences(part, now[part] as never[], wanted as never[]))
  }
  for (const [name, after] of Object.entries(change.policy ?? {})) {
    const before = now.policy[name]
    if (!same(before, after))
      found.push({
        path: `policy/${name}`,
        change: before === undefined ? 'added' : 'changed',
        before,
        after,
      })
  }
  if (isWhole && change.policy)
    for (const [name, before] of Object.entries(now.policy))
      if (!(name in change.policy)) found.push({ path: `policy/${name}`, change: 'removed', before })
  return found
}

function listDifferences(part: Part, now: never[], wanted: never[]): Difference[] {
  const before = new Map(now.map((entry) => [keyOf[part](entry), entry]))
  const after = new Map(wanted.map((entry) => [keyOf[part](entry), entry]))
  const found: Difference[] = []
  for (const [key, entry] of after) {
    const known = before.get(key)
    if (!known) found.push({ path: `${part}/${key}`, change: 'added', after: entry })
    else if (!same(known, { ...(known as object), ...(entry as object) })) {
      found.push({ path: `${part}/${key}`, change: 'changed', before: known, after: entry })
    }
  }
  if (!removable.includes(part)) return found
  for (const [key, entry] of before)
    if (!after.has(key) && (part !== 'devices' || isInUse(entry)))
      found.push({ path: `${part}/${key}`, change: 'removed', before: entry })
  return found
}

// A device that was left out once is switched off and stays listed: leaving it out again changes nothing.
function isInUse(entry: { enabled?: boolean }): boolean {
  return entry.enabled !== false
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  )
}

async function write(
  scope: Scope,
  change: ConfigurationChange,
  { isWhole }: { isWhole: boolean },
): Promise<void> {
  const { sql, act } = scope
  for (const site of change.sites ?? []) {
    await sql`
      insert into sites (id, name, zone, calendar) values (${site.id}, ${site.name}, ${site.zone}, ${sql.json(site.calendar as never)})
      on conflict (id) do update set name = excluded.name, zone = excluded.zone, calendar = excluded.calendar`
  }
  for (const room of change.rooms ?? []) {
    await sql`
      insert into rooms (id, site_id, name, modality, position) values (${room.id}, ${room.site}, ${room.name}, ${room.modality}, ${room.position ?? 0})
      on conflict (id) do update set site_id = excluded.site_id, name = excluded.name, modality = excluded.modality, position = excluded.position`
  }
  if (change.devices) await writeDevices(sql, change.devices)
  if (change.destinations) await writeDestinations(scope, change.destinations)
  for (const one of change.connections ?? []) {
    await sql`
      insert into connections (id, sending_application, sending_facility, site_id, policy)
      values (${one.id}, ${one.sendingApplication}, ${one.sendingFacility}, ${one.site}, ${sql.json((one.policy ?? {}) as never)})
      on conflict (id) do update set sending_application = excluded.sending_application,
        sending_facility = excluded.sending_facility, site_id = excluded.site_id, policy = excluded.policy`
  }
  for (const entry of change.procedures ?? []) await writeProcedure(sql, entry)
  if (change.policy) await writePolicy(sql, change.policy, { act, isWhole })
}

async function writeDevices(sql: TransactionSql, devices: DeviceConfiguration[]): Promise<void> {
  for (const device of devices) {
    await sql`
      insert into devices (id, ae_title, site_id, room_id, kind, modality, profile, host, port, allowed_addresses, policy, enabled)
      values (${device.aeTitle}, ${device.aeTitle}, ${device.site}, ${device.room ?? null}, ${device.kind ?? 'modality'},
        ${device.modality ?? null}, ${device.profile ?? 'unknown'}, ${device.host ?? null}, ${device.port ?? null},
        ${device.allowedAddresses ?? []}, ${sql.json((device.policy ?? {}) as never)}, ${device.enabled ?? true})
      on conflict (ae_title) do update set site_id = excluded.site_id, room_id = excluded.room_id, kind = excluded.kind,
        modality = excluded.modality, profile = excluded.profile, host = excluded.host, port = excluded.port,
        allowed_addresses = excluded.allowed_addresses, policy = excluded.policy, enabled = excluded.enabled`
  }
  // Performed steps point at devices: one that is left out is switched off, and its history stays.
  await sql`update devices set enabled = false where ae_title <> all(${devices.map((device) => device.aeTitle)})`
}

// What an entry leaves out stays as it is.
async function writeProcedure(sql: TransactionSql, given: ProcedureEntry): Promise<void> {
  const [now] = await sql<ProcedureEntry[]>`
    select loinc, rpid, preparation, body_part as "bodyPart", rvu::float as rvu, sla_minutes as "slaMinutes",
      retention_years as "retentionYears" from catalogue where scheme = ${given.scheme} and code = ${given.code}`
  const entry = { ...NOTHING_MORE, ...now, ...given }
  await sql`
    insert into catalogue (code, scheme, short_name, name, modality, area, slot_minutes, prep_minutes, gates, protocolling,
      protocol_code, protocol_name, loinc, rpid, preparation, body_part, rvu, sla_minutes, retention_years)
    values (${entry.code}, ${entry.scheme}, ${entry.shortName}, ${entry.name}, ${entry.modality}, ${entry.area}, ${entry.slotMinutes},
      ${entry.prepMinutes ?? 0}, ${entry.gates ?? []}, ${entry.protocolling ?? 'rule'}, ${entry.code}, ${entry.shortName},
      ${entry.loinc}, ${entry.rpid}, ${entry.preparation}, ${entry.bodyPart}, ${entry.rvu}, ${entry.slaMinutes}, ${entry.retentionYears})
    on conflict (scheme, code) do update set short_name = excluded.short_name, name = excluded.name, modality = excluded.modality,
      area = excluded.area, slot_minutes = excluded.slot_minutes, prep_minutes = excluded.prep_minutes, gates = excluded.gates,
      protocolling = excluded.protocolling, loinc = excluded.loinc, rpid = excluded.rpid, preparation = excluded.preparation,
      body_part = excluded.body_part, rvu = excluded.rvu, sla_minutes = excluded.sla_minutes, retention_years = excluded.retention_years`
}

type Further = 'loinc' | 'rpid' | 'preparation' | 'bodyPart' | 'rvu' | 'slaMinutes' | 'retentionYears'
/** As a file gives it. */
type ProcedureEntry = Omit<ProcedureConfiguration, Further> & Partial<Pick<ProcedureConfiguration, Further>>

const NOTHING_MORE: Pick<ProcedureConfiguration, Further> = {
  loinc: null,
  rpid: null,
  preparation: null,
  bodyPart: null,
  rvu: null,
  slaMinutes: null,
  retentionYears: null,
}

// Orders stay pinned to the version they were received under: a change is a new version, never an edit.
async function writePolicy(
  sql: TransactionSql,
  policy: Record<string, unknown>,
  { act, isWhole }: { act: Act; isWhole: boolean },
): Promise<void> {
  await sql`
    insert into policies (version, body, approved_by, approved_at)
    select max(version) + 1, ${isWhole ? sql`'{}'::jsonb` : sql`(select body from policies order by version desc limit 1)`} || ${sql.json(policy as never)}, ${act.actor.id}, ${act.machineNow}
    from policies`
}
