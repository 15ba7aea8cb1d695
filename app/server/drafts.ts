/** A draft as a form brings it: whose tenure it is written under, and the sections as JSON. */
import { data } from 'react-router'
import { saveAmendment } from '#db/mutations/amendments.ts'
import type { ReportContent } from '#db/mutations/report-versions.ts'
import { saveDraft, type UnderFence } from '#db/mutations/reports.ts'
import type { SignedIn } from './guard.ts'

/** Fields `itemId`, `fence`, `reportId`, `sections`. */
export function tenureOf(form: FormData): UnderFence {
  const text = (name: string) => String(form.get(name) ?? '')
  return { itemId: text('itemId'), fence: Number(text('fence')), reportId: text('reportId') }
}

/** @throws 400 for what no screen of ours sends */
export function contentOf(form: FormData): ReportContent {
  const parsed = parse(String(form.get('sections') ?? '') || '[]')
  if (!Array.isArray(parsed)) throw data(null, { status: 400 })
  return {
    sections: parsed.map((section: { key?: unknown; text?: unknown } | null) => {
      if (typeof section?.key !== 'string' || typeof section.text !== 'string')
        throw data(null, { status: 400 })
      return { key: section.key, text: section.text }
    }),
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw data(null, { status: 400 })
  }
}

/** When it was saved, by the server's own clock. */
export async function keepDraft(
  { server, act }: SignedIn,
  form: FormData,
  tenure: UnderFence = tenureOf(form),
): Promise<{ savedAt: string }> {
  const written = { ...tenure, content: contentOf(form) }
  // No work item asks for an addendum or a correction: it is held by its report alone.
  const save = tenure.itemId === '' ? saveAmendment : saveDraft
  const { savedAt } = await save(server.department, await act(), written)
  return { savedAt: savedAt.toISOString() }
}
