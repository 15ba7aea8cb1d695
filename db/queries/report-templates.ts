/** What a report can be written from: its procedure's template, the reader's macros and those of everybody. */
import type { TemplateSection } from '#domain/report-template.ts'
import type { AnySql } from '../client.ts'

export interface CaseTemplate {
  identifier: string
  version: number
  title: string
  sections: TemplateSection[]
}

/** The newest version of the template of an order's procedures, the first procedure's first; null where none has one. */
export async function templateOfOrder(sql: AnySql, orderId: string): Promise<CaseTemplate | null> {
  const [row] = await sql<CaseTemplate[]>`
    select t.identifier, t.version, t.title, t.sections
    from procedures p join procedure_templates g on g.scheme = p.catalogue_scheme and g.code = p.catalogue_code
      join report_templates t on t.identifier = g.identifier
    where p.order_id = ${orderId} and p.end_kind is null
    order by p.position, t.version desc limit 1`
  return row ?? null
}

export interface Macro {
  id: string
  name: string
  text: string
  shared: boolean
  isOwn: boolean
  /** Whose it is, for a shared one of somebody else. */
  owner: string
}

/** Own ones, and shared ones of others, by name. */
export async function macrosOf(sql: AnySql, userId: string): Promise<Macro[]> {
  return await sql<Macro[]>`
    select m.id, m.name, m.text, m.shared, m.owner = ${userId} as "isOwn", u.name as owner
    from report_macros m join users u on u.id = m.owner
    where m.retired_at is null and (m.owner = ${userId} or m.shared) order by lower(m.name), m.id`
}

export interface ListedTemplate {
  identifier: string
  version: number
  title: string
  language: string
  publisher: string
  rights: string
  importedAt: Date
  importedBy: string
  sections: TemplateSection[]
  /** `scheme code` of the procedures that have it. */
  procedures: string[]
}

/** The newest version of each. */
export async function templates(sql: AnySql): Promise<ListedTemplate[]> {
  return await sql<ListedTemplate[]>`
    select distinct on (t.identifier) t.identifier, t.version, t.title, t.language, t.publisher, t.rights,
      t.imported_at as "importedAt", u.name as "importedBy", t.sections,
      coalesce((select array_agg(g.scheme || ' ' || g.code order by g.code) from procedure_templates g
        where g.identifier = t.identifier), '{}') as procedures
    from report_templates t join users u on u.id = t.imported_by order by t.identifier, t.version desc`
}

export interface CatalogueProcedure {
  scheme: string
  code: string
  shortName: string
}

export async function catalogueProcedures(sql: AnySql): Promise<CatalogueProcedure[]> {
  return await sql<CatalogueProcedure[]>`
    select scheme, code, short_name as "shortName" from catalogue order by modality, short_name`
}
