/** The versions of the configuration in which the procedures were others, and what each would bring back. */
import type { AnySql } from '../client.ts'
import { configuration, type ProcedureConfiguration } from './configuration.ts'

export interface CatalogueVersion {
  version: number
  appliedBy: string
  appliedAt: Date
  rolledBackFrom: number | null
  /** What going back to it would change now. */
  changes: { key: string; shortName: string; fields: ChangedField[] }[]
  /** Short names of what it did not know: orders may hang on it, so it stays. */
  stays: string[]
}

export interface ChangedField {
  name: string
  now: unknown
  back: unknown
}

/** Newest first; as it was installed, the first of them, is version 0. */
export async function catalogueVersions(sql: AnySql, limit = 12): Promise<CatalogueVersion[]> {
  const [{ procedures: now }, rows] = await Promise.all([
    configuration(sql),
    sql<(Omit<CatalogueVersion, 'changes' | 'stays'> & { procedures: ProcedureConfiguration[] })[]>`
      select v.version, coalesce(u.name, v.applied_by) as "appliedBy", v.applied_at as "appliedAt",
        v.rolled_back_from as "rolledBackFrom", v.body->'procedures' as procedures
      from (select *, lag(body->'procedures') over (order by version) as before from config_versions) v
        left join users u on u.id = v.applied_by
      where v.before is distinct from v.body->'procedures' order by v.version desc limit ${limit}`,
  ])
  return rows.map(({ procedures, ...version }) => ({ ...version, ...backTo(procedures, now) }))
}

function backTo(
  then: readonly ProcedureConfiguration[],
  now: readonly ProcedureConfiguration[],
): Pick<CatalogueVersion, 'changes' | 'stays'> {
  const before = new Map(then.map((entry) => [keyOf(entry), entry]))
  const changes = now.flatMap((entry) => {
    const fields = changedFields(entry, before.get(keyOf(entry)) ?? entry)
    return fields.length > 0 ? [{ key: keyOf(entry), shortName: entry.shortName, fields }] : []
  })
  const stays = now.filter((entry) => !before.has(keyOf(entry))).map(({ shortName }) => shortName)
  return { changes, stays }
}

const keyOf = ({ scheme, code }: ProcedureConfiguration) => `${scheme} ${code}`

// What a version of before did not know stays as it is.
function changedFields(now: ProcedureConfiguration, then: ProcedureConfiguration): ChangedField[] {
  const names = Object.keys(then) as (keyof ProcedureConfiguration)[]
  return names
    .filter((name) => JSON.stringify(now[name]) !== JSON.stringify(then[name]))
    .map((name) => ({ name, now: now[name], back: then[name] }))
}
