/** What was told to whom about a report's critical results, as paragraphs of the report. */
import {
  COMMUNICATION_SECTION,
  type CriticalLevel,
  type CriticalMethod,
  communicationText,
} from '#domain/critical-result.ts'
import type { WrittenSection } from '#domain/report-text.ts'
import type { AnySql } from '../client.ts'
import { criticalsOf } from './standing-criticals.ts'

export interface CommunicationParagraph {
  criticalId: string
  text: string
  /** A signed version that stands says it. */
  isSigned: boolean
}

/** In the order in which they were told. */
export async function communicationsOf(sql: AnySql, reportId: string): Promise<CommunicationParagraph[]> {
  const rows = await sql<ToldRow[]>`
    select c.id, c.finding, c.level, c.found_at as "foundAt", c.recipient, c.told_at as "toldAt", c.method,
      u.name as communicator, s.zone,
      exists (select 1 from report_versions v where v.report_id = ${reportId} and v.recalled_at is null
        and v.kind in ('final', 'addendum', 'correction') and v.content->'criticalResults' ? c.id) as "isSigned"
    from (select c.* from ${criticalsOf(sql, reportId)} and c.state = 'closed') c
      join users u on u.id = c.communicator_id join sites s on s.id = c.site_id
    order by c.told_at, c.id`
  return rows.map(({ id, isSigned, zone, ...told }) => ({
    criticalId: id,
    isSigned,
    text: communicationText(told, zone),
  }))
}

interface ToldRow {
  id: string
  finding: string
  level: CriticalLevel
  foundAt: Date
  recipient: string
  toldAt: Date
  method: CriticalMethod
  communicator: string
  zone: string
  isSigned: boolean
}

/** Sections as an author writes them: what the department adds by itself is not theirs to edit. */
export function authored<T extends { key: string }>(sections: readonly T[]): T[] {
  return sections.filter(({ key }) => key !== COMMUNICATION_SECTION)
}

interface Words {
  kind: string
  sections: readonly WrittenSection[]
}

/**
 * The sections of a version to be: the author's, and what was told to whom as the last of them. An addendum has it in its
 * own text, and only what no signed version says yet. `criticalIds` names what the added words are about.
 */
export async function withCommunications(
  sql: AnySql,
  reportId: string,
  { kind, sections }: Words,
): Promise<{ sections: WrittenSection[]; criticalIds: string[] }> {
  const all = await communicationsOf(sql, reportId)
  const said = kind === 'addendum' ? all.filter(({ isSigned }) => !isSigned) : all
  const criticalIds = said.map(({ criticalId }) => criticalId)
  if (said.length === 0) return { sections: authored(sections), criticalIds }
  const added = kind === 'addendum' ? appended(sections, said) : withSection(sections, said)
  return { sections: added, criticalIds }
}

function withSection(sections: Words['sections'], said: readonly CommunicationParagraph[]) {
  const text = said.map((paragraph) => paragraph.text).join('\n\n')
  return [...authored(sections), { key: COMMUNICATION_SECTION, text }]
}

/** Opened with the words in it, or recalled with them, an addendum has them already. */
function appended(sections: Words['sections'], said: readonly CommunicationParagraph[]) {
  const [first = { key: 'addendum', text: '' }, ...rest] = authored(sections)
  const missing = said.map((paragraph) => paragraph.text).filter((words) => !first.text.includes(words))
  return [{ ...first, text: [first.text.trimEnd(), ...missing].filter(Boolean).join('\n\n') }, ...rest]
}
