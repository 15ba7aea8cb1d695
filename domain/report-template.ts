/** A structured report template as a report is written from it: its sections, their words and their fields. */
import { bySystem, type FieldSaid, fieldText, joined, type MarkedText } from './report-text.ts'

/** The sections that a report of ours has; a template's own are sorted into them. */
export const TEMPLATE_SECTIONS = ['technique', 'comparison', 'findings', 'impression'] as const
export type TemplateSectionKey = (typeof TEMPLATE_SECTIONS)[number]

export interface TemplateField extends FieldSaid {
  id: string
  kind: 'text' | 'number' | 'date' | 'choice' | 'choices'
}

export type TemplatePart = { text: string } | { field: TemplateField }

export interface TemplateSection {
  key: TemplateSectionKey
  parts: readonly TemplatePart[]
}

export interface ReportTemplate {
  /** `dcterms.identifier`: the same one again is a new version of the same template. */
  identifier: string
  title: string
  language: string
  publisher: string
  /** Who holds what right in it, in its own words; empty where it says nothing. */
  rights: string
  sections: readonly TemplateSection[]
}

/** What a report says that is written from it and nobody has changed yet. */
export function templateText(template: Pick<ReportTemplate, 'sections'>, key: string): MarkedText | null {
  const parts = template.sections.filter((section) => section.key === key).map(sectionText)
  return parts.length === 0 ? null : bySystem(joined(parts, '\n'))
}

function sectionText({ parts }: TemplateSection): MarkedText {
  return joined(
    parts.map((part) => ('text' in part ? { text: part.text, marks: [] } : fieldText(part.field))),
  )
}

export function fieldsOf({ sections }: Pick<ReportTemplate, 'sections'>): TemplateField[] {
  return sections.flatMap(({ parts }) => parts.flatMap((part) => ('field' in part ? [part.field] : [])))
}
