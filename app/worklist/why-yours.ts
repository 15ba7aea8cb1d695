/** Why a case is on this reader's list, in words: the rules of eligibility that it passed, or the one that it did not. */
import { isSpilled, whyYours } from '#domain/eligibility.ts'
import type { Actor } from '#domain/permissions.ts'
import type { Modality, WorkItemKind } from '#domain/words.ts'
import { wordFor } from '../strings/words.ts'
import type { ListedCase } from './listed-case.ts'

/** @param at the department's instant, and the day it is there */
export function yoursInWords(row: ListedCase, reader: Actor, at: { now: Date; today: string }): string[] {
  // Whose report it is, not whose case it would be: the row says for whom it is meant.
  if (row.kind === 'late') return []
  const { siteId, area, isScreening, onShift } = row.rules
  const dueFrom = new Date(row.dueFrom ?? at.now)
  const rules = whyYours(
    reader,
    {
      ...{ siteId, area, priority: row.priority, screening: isScreening, examDate: at.today },
      kind: row.kind as WorkItemKind,
      modality: (row.modality || null) as Modality | null,
      birthDate: row.birthDate?.length === 10 ? row.birthDate : null,
      // A case that waits for somebody else's eyes does not stand on its author's list.
      authorId: null,
      firstReaderId: null,
      spilled: isSpilled({ dueFrom, dueAt: row.dueAt ? new Date(row.dueAt) : null, onShift }, at.now),
      onShift,
    },
    at.today,
  )
  return rules.map((rule) =>
    rule.id === 'yours' ? wordFor('why.yours', rule.by) : wordFor('why.not-yours', rule.because),
  )
}
