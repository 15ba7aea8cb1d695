/** The procedure catalogue as people look it up: each entry with its default protocol and the template of its reports. */
import type { AnySql } from '../client.ts'
import { configuration, type ProcedureConfiguration } from './configuration.ts'
import { type Protocol, protocolLibrary } from './protocols.ts'

export interface CatalogueProcedure extends ProcedureConfiguration {
  /** `LN 30799-1`. */
  key: string
  protocols: Protocol[]
  /** Title of the template that its reports are written from. */
  template: string | null
}

/** By modality, then by short name. */
export async function catalogue(sql: AnySql): Promise<CatalogueProcedure[]> {
  const [{ procedures }, library, templates] = await Promise.all([
    configuration(sql),
    protocolLibrary(sql),
    templatesOf(sql),
  ])
  const protocols = Map.groupBy(library, ({ scheme, code }) => `${scheme} ${code}`)
  return procedures
    .map((entry) => ({ ...entry, key: `${entry.scheme} ${entry.code}` }))
    .map((entry) => ({
      ...entry,
      protocols: protocols.get(entry.key) ?? [],
      template: templates.get(entry.key) ?? null,
    }))
    .sort((a, b) => compare(a.modality, b.modality) || compare(a.shortName, b.shortName))
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

async function templatesOf(sql: AnySql): Promise<Map<string, string>> {
  const rows = await sql<{ key: string; title: string }[]>`
    select distinct on (g.scheme, g.code) g.scheme || ' ' || g.code as key, t.title
    from procedure_templates g join report_templates t on t.identifier = g.identifier
    order by g.scheme, g.code, t.version desc`
  return new Map(rows.map(({ key, title }) => [key, title]))
}
