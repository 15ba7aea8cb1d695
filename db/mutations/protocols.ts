/** The protocol library in versions, its defaults, and the protocol planned for one step at the console. */
import { RadiologyError } from '#domain/errors.ts'
import { mustBeAble } from '#domain/permissions.ts'
import type { Department } from '../department.ts'
import type { ProtocolParameter } from '../queries/protocols.ts'
import { ulid } from '../ulid.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { mustBeAbleOnOrder } from './permission.ts'
import { lockStep } from './scheduling.ts'

/** Live topic of the library. */
export const PROTOCOLS = 'protocols'

export interface ProtocolText {
  scheme: string
  code: string
  protocolCode: string
  name: string
  parameters: ProtocolParameter[]
  aliases: string[]
}

/**
 * A new protocol, or a new version of one; without a change nothing is written. The first of a procedure is its default.
 * @throws RadiologyError 'not-found', 'invalid-message'
 */
export async function keepProtocol(
  department: Department,
  act: Act,
  { id, ...text }: ProtocolText & { id: string | null },
): Promise<{ id: string; version: number }> {
  if (!text.name || text.name.length > 64 || !text.protocolCode || text.protocolCode.length > 16)
    throw new RadiologyError('invalid-message', { field: 'protocol' })
  return mutate(department, act, 'keep-protocol', async (scope) => {
    mustBeAble(act.actor, 'keep-protocols')
    await lockProcedure(scope, text)
    const now = id ? await current(scope, id) : await sameNamed(scope, text)
    if (id && !now) throw new RadiologyError('not-found', { protocolId: id })
    if (now && isSame(now, text)) return { id: now.id, version: now.version }
    const made = { id: now?.id ?? ulid(), version: (now?.version ?? 0) + 1 }
    await insert(scope, { ...text, ...made, isRetired: false })
    if (!(await hasDefault(scope, text))) await makeDefault(scope, { ...text, id: made.id })
    note(scope, text, 'protocol.kept', made)
    return made
  })
}

/**
 * Takes a protocol out of the library; what was planned with it stays. So already: no effect.
 * @throws RadiologyError 'illegal-transition' for a procedure's default: another one is made it first
 */
export async function retireProtocol(
  department: Department,
  act: Act,
  { id }: { id: string },
): Promise<void> {
  await mutate(department, act, 'retire-protocol', async (scope) => {
    mustBeAble(act.actor, 'keep-protocols')
    const now = await current(scope, id)
    if (!now) throw new RadiologyError('not-found', { protocolId: id })
    if (now.retired) return
    await lockProcedure(scope, now)
    if (await isDefault(scope, id))
      throw new RadiologyError('illegal-transition', { protocolId: id, event: 'retire' })
    await insert(scope, { ...now, version: now.version + 1, isRetired: true })
    note(scope, now, 'protocol.retired', { id, version: now.version + 1 })
  })
}

/** Makes a protocol the one that its procedure is planned with unless somebody says otherwise. */
export async function setDefaultProtocol(
  department: Department,
  act: Act,
  { id }: { id: string },
): Promise<void> {
  await mutate(department, act, 'set-default-protocol', async (scope) => {
    mustBeAble(act.actor, 'keep-protocols')
    const now = await current(scope, id)
    if (!now || now.retired) throw new RadiologyError('not-found', { protocolId: id })
    await lockProcedure(scope, now)
    if (await isDefault(scope, id)) return
    await makeDefault(scope, now)
    note(scope, now, 'protocol.default-set', { id })
  })
}

/**
 * Plans a step with a protocol of its procedure; the scanner's worklist has it from then on (0040,0008).
 * @param protocolId null: the procedure's default
 * @throws RadiologyError 'procedure-begun'; 'not-found' for a protocol of another procedure
 */
export async function chooseStepProtocol(
  department: Department,
  act: Act,
  { stepId, protocolId }: { stepId: string; protocolId: string | null },
): Promise<void> {
  await mutate(department, act, 'choose-step-protocol', async (scope) => {
    const step = await lockStep(scope, stepId)
    await mustBeAbleOnOrder(scope, 'choose-console-protocol', step.order_id)
    if (step.status === 'started') throw new RadiologyError('procedure-begun', { stepId })
    if (!['planned', 'scheduled', 'arrived', 'ready', 'no-show'].includes(step.status))
      throw new RadiologyError('illegal-transition', { stepId, from: step.status, event: 'choose-protocol' })
    const [chosen] = await scope.sql<{ id: string; version: number; protocol_code: string; name: string }[]>`
      select c.id, c.version, c.protocol_code, c.name from current_protocols c
        join procedures p on p.catalogue_scheme = c.scheme and p.catalogue_code = c.code
      where p.id = ${step.procedure_id} and ${protocolId === null ? scope.sql`c.is_default` : scope.sql`c.id = ${protocolId}`}`
    if (!chosen) throw new RadiologyError('not-found', { stepId, protocolId: protocolId ?? undefined })
    const changed = await scope.sql`
      update steps set protocol_id = ${chosen.id}, protocol_version = ${chosen.version},
        protocol_code = ${chosen.protocol_code}, protocol_name = ${chosen.name}
      where id = ${stepId} and (protocol_id, protocol_version) is distinct from (${chosen.id}, ${chosen.version}::integer)
      returning id`
    if (changed.length === 0) return
    scope.append(step.order_id, {
      type: 'step.protocol-chosen',
      data: { stepId, protocolId: chosen.id, version: chosen.version, by: 'person' },
    })
  })
}

interface ProtocolRow extends ProtocolText {
  id: string
  version: number
  retired: boolean
}

type Procedure = Pick<ProtocolText, 'scheme' | 'code'>

// Two hands on one procedure's library wait for each other.
async function lockProcedure({ sql }: Scope, { scheme, code }: Procedure): Promise<void> {
  const [entry] = await sql`select 1 from catalogue where scheme = ${scheme} and code = ${code} for update`
  if (!entry) throw new RadiologyError('not-found', { scheme, code })
}

async function current({ sql }: Scope, id: string): Promise<ProtocolRow | null> {
  const [row] = await sql<ProtocolRow[]>`
    select id, version, retired, scheme, code, protocol_code as "protocolCode", name, parameters, aliases
    from protocols where id = ${id} order by version desc limit 1`
  return row ?? null
}

/** The same name twice in one procedure's library is the same protocol. */
async function sameNamed({ sql }: Scope, { scheme, code, name }: ProtocolText): Promise<ProtocolRow | null> {
  const [row] = await sql<ProtocolRow[]>`
    select id, version, retired, scheme, code, protocol_code as "protocolCode", name, parameters, aliases
    from current_protocols where scheme = ${scheme} and code = ${code} and name = ${name} limit 1`
  return row ?? null
}

function isSame(now: ProtocolRow, text: ProtocolText): boolean {
  const said = ({ protocolCode, name, parameters, aliases }: ProtocolText) =>
    JSON.stringify([
      protocolCode,
      name,
      parameters.map(({ name, value, unit }) => [name, value, unit]),
      aliases,
    ])
  return !now.retired && said(now) === said(text)
}

async function insert(
  { sql, act }: Scope,
  made: ProtocolText & { id: string; version: number; isRetired: boolean },
): Promise<void> {
  await sql`
    insert into protocols (id, version, scheme, code, protocol_code, name, parameters, aliases, retired, made_by, made_at)
    values (${made.id}, ${made.version}, ${made.scheme}, ${made.code}, ${made.protocolCode}, ${made.name},
      ${sql.json(made.parameters as never)}, ${made.aliases}, ${made.isRetired}, ${act.actor.id}, ${act.now})`
}

async function hasDefault({ sql }: Scope, { scheme, code }: Procedure): Promise<boolean> {
  const [row] =
    await sql`select 1 from current_protocols where scheme = ${scheme} and code = ${code} and is_default`
  return row !== undefined
}

async function isDefault({ sql }: Scope, id: string): Promise<boolean> {
  const [row] = await sql`select 1 from current_protocols where id = ${id} and is_default`
  return row !== undefined
}

async function makeDefault(
  { sql, act }: Scope,
  { scheme, code, id }: Procedure & { id: string },
): Promise<void> {
  await sql`
    insert into protocol_defaults (scheme, code, protocol_id, set_by, set_at)
    values (${scheme}, ${code}, ${id}, ${act.actor.id}, ${act.now})`
}

function note(scope: Scope, { scheme, code }: Procedure, type: string, data: Record<string, unknown>): void {
  scope.audit({ subject: 'configuration', type, data: { procedure: `${scheme} ${code}`, ...data } })
  scope.announce(PROTOCOLS)
}
