/** A draft as a form brings it: whose tenure it is written under, and the sections as JSON. */
import { data } from 'react-router'
import { z } from 'zod'
import { saveAmendment } from '#db/mutations/amendments.ts'
import type { ReportContent } from '#db/mutations/report-versions.ts'
import { saveDraft, type UnderFence } from '#db/mutations/reports.ts'
import type { WrittenIn } from '#db/mutations/written-in.ts'
import { RadiologyError } from '#domain/errors.ts'
import { type DraftSection, LONGEST_CODE, MOST_CODES, plainSections } from '#domain/report-text.ts'
import type { SignedIn } from './guard.ts'
import { type Refused, refusedOf } from './refusal.ts'

/**
 * Fields `itemId`, `fence`, `reportId`, `sections`; `beside` as JSON where exams are read together; `window` and `revision`
 * where a window writes them.
 */
export function tenureOf(form: FormData): UnderFence {
  const text = (name: string) => String(form.get(name) ?? '')
  const beside = z.array(heldItem).safeParse(parse(text('beside') || '[]'))
  if (!beside.success) throw data(null, { status: 400 })
  return {
    ...{ itemId: text('itemId'), fence: Number(text('fence')), reportId: text('reportId') },
    beside: beside.data,
    writtenIn: text('window') === '' ? undefined : writtenIn(text('window'), Number(text('revision'))),
  }
}

function writtenIn(window: string, revision: number): WrittenIn {
  if (window.length > LONGEST_WINDOW || !Number.isInteger(revision)) throw data(null, { status: 400 })
  return { window, revision }
}

const LONGEST_WINDOW = 40

const heldItem = z.object({ itemId: z.string(), fence: z.number().int() })

const offset = z.number().int().min(0)
const code = z.object({
  scheme: z.string().max(LONGEST_CODE.scheme),
  value: z.string().max(LONGEST_CODE.value),
  meaning: z.string().max(LONGEST_CODE.meaning),
})
const coding = z.object({ codes: z.array(code).max(MOST_CODES), options: z.record(z.string(), code) })
const mark = z.discriminatedUnion('kind', [
  z.object({
    ...{ kind: z.literal('field'), from: offset, to: offset },
    ...{ label: z.string(), options: z.array(z.string()), coding: coding.optional() },
  }),
  z.object({ kind: z.literal('system'), from: offset, to: offset }),
  z.object({
    ...{ kind: z.literal('measurement'), from: offset, to: offset },
    image: z.object({
      ...{ studyUid: z.string(), seriesUid: z.string(), sopInstanceUid: z.string() },
      ...{ frame: z.number().int().min(1), measurementId: z.string() },
    }),
  }),
])
const section = z.object({ key: z.string(), text: z.string(), marks: z.array(mark).optional() })

/** The words as they are signed and sent, and what the coded ones mean. @throws 400 for what no screen of ours sends */
export function contentOf(form: FormData): ReportContent {
  return { sections: plainSections(writtenOf(form)) }
}

/** The words and what their stretches are for, as they are kept while somebody writes. */
function writtenOf(form: FormData): DraftSection[] {
  const read = z.array(section).safeParse(parse(String(form.get('sections') ?? '') || '[]'))
  if (!read.success) throw data(null, { status: 400 })
  return read.data.map(({ key, text, marks }) => (marks ? { key, text, marks } : { key, text }))
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw data(null, { status: 400 })
  }
}

export type DraftAnswer =
  | { ok: true; savedAt: string; revision: number }
  /** `isElsewhere`: nobody took it over; the same person writes it in another window. */
  | (Refused & { isElsewhere?: boolean })

/** Kept, with when by the department's clock; or why not. What is refused is kept aside under its writer's name. */
export async function keepDraft(
  { server, act }: SignedIn,
  form: FormData,
  tenure: UnderFence = tenureOf(form),
): Promise<DraftAnswer> {
  const written = { ...tenure, content: { sections: writtenOf(form) } }
  // No work item asks for an addendum or a correction: it is held by its report alone.
  const save = tenure.itemId === '' ? saveAmendment : saveDraft
  try {
    const { savedAt, revision } = await save(server.department, await act(), written)
    return { ok: true, savedAt: savedAt.toISOString(), revision }
  } catch (error) {
    const isElsewhere = error instanceof RadiologyError && error.refs.by === 'window'
    return { ...refusedOf(error), isElsewhere }
  }
}
