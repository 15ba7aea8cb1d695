/** Structured report templates: imported as versions that never change, and given to procedures. */
import { createHash } from 'node:crypto'
import { RadiologyError } from '#domain/errors.ts'
import { mustBeAble } from '#domain/permissions.ts'
import type { ReportTemplate } from '#domain/report-template.ts'
import type { Department } from '../department.ts'
import { ulid } from '../ulid.ts'
import { type Act, mutate, type Scope } from './mutate.ts'

export interface NewTemplate {
  template: ReportTemplate
  /** The HTML as it came. */
  source: string
  reauthenticated: boolean
}

/** The next version of its identifier; the newest one's very bytes again, read as they were then, are that one. */
export async function importTemplate(
  department: Department,
  act: Act,
  { template, source, reauthenticated }: NewTemplate,
): Promise<{ identifier: string; version: number }> {
  mustBeAble(act.actor, 'configure-catalogue', { reauthenticated })
  return mutate(department, act, 'import-template', async (scope) => {
    const { sql } = scope
    const { identifier, title, language, publisher, rights, sections } = template
    const hash = createHash('sha256').update(source).digest('hex')
    await sql`select pg_advisory_xact_lock(hashtextextended(${identifier}, 23))`
    const read = sql.json(sections as never)
    const [newest] = await sql<{ version: number; isSame: boolean }[]>`
      select version, source_hash = ${hash} and sections = ${read}::jsonb as "isSame" from report_templates where identifier = ${identifier} order by version desc limit 1`
    if (newest?.isSame) return { identifier, version: newest.version }
    const version = (newest?.version ?? 0) + 1
    const id = ulid()
    await sql`
      insert into report_templates (id, identifier, version, title, language, publisher, rights, source, source_hash,
        sections, imported_by, imported_at)
      values (${id}, ${identifier}, ${version}, ${title}, ${language}, ${publisher}, ${rights}, ${source}, ${hash},
        ${read}, ${act.actor.id}, ${act.now})`
    scope.audit({ subject: 'templates', type: 'template.imported', data: { templateId: id, version } })
    scope.announce('configuration')
    return { identifier, version }
  })
}

interface Giving {
  scheme: string
  code: string
  /** Null takes the procedure's template away; what is written from it stays as it is. */
  identifier: string | null
  reauthenticated: boolean
}

/** @throws RadiologyError 'not-found' for a procedure or a template that isn't there */
export async function giveTemplate(
  department: Department,
  act: Act,
  { scheme, code, identifier, reauthenticated }: Giving,
): Promise<void> {
  mustBeAble(act.actor, 'configure-catalogue', { reauthenticated })
  await mutate(department, act, 'give-template', async (scope) => {
    const { sql } = scope
    const [known] = await sql`select 1 from catalogue where scheme = ${scheme} and code = ${code}`
    if (!known) throw new RadiologyError('not-found', { code })
    if (!(await isChanged(scope, { scheme, code, identifier }))) return
    scope.audit({
      subject: 'templates',
      type: 'template.given',
      data: { scheme, code, template: identifier },
    })
    scope.announce('configuration')
  })
}

async function isChanged(
  { sql, act }: Scope,
  { scheme, code, identifier }: Omit<Giving, 'reauthenticated'>,
): Promise<boolean> {
  if (identifier === null) {
    const gone =
      await sql`delete from procedure_templates where scheme = ${scheme} and code = ${code} returning code`
    return gone.length > 0
  }
  const [template] = await sql`select 1 from report_templates where identifier = ${identifier} limit 1`
  if (!template) throw new RadiologyError('not-found', { template: identifier.slice(0, 64) })
  const given = await sql`
    insert into procedure_templates (scheme, code, identifier, set_by, set_at)
    values (${scheme}, ${code}, ${identifier}, ${act.actor.id}, ${act.now})
    on conflict (scheme, code) do update set identifier = excluded.identifier, set_by = excluded.set_by, set_at = excluded.set_at
    where procedure_templates.identifier <> excluded.identifier returning code`
  return given.length > 0
}
