import { expect, test } from 'vitest'
import type { ReportState } from '#domain/words.ts'
import { possibleActs } from './possible-acts.ts'

const offered = (kind: string, state: ReportState | null) =>
  Object.entries(possibleActs({ kind, state }))
    .filter(([, isPossible]) => isPossible)
    .map(([name]) => name)
    .join(' ')

test.each<[string, ReportState | null, string]>([
  ['read', null, 'wetRead preliminary submit'],
  ['read', 'DRAFT', 'wetRead preliminary submit'],
  ['read', 'WET_READ', 'wetRead preliminary submit'],
  ['read', 'PRELIM', 'preliminary submit'],
  ['sent-back', 'SIGN_REJECTED', 'preliminary submit'],
  ['sign', 'PENDING_SIGN', 'sendBack'],
  ['over-read', 'PENDING_SIGN', 'sendBack'],
  ['over-read', 'PRELIM', ''],
  ['read', 'FINAL', ''],
])('[RW-07][RP-03] whoever holds a %s of a report in %s is offered “%s”', (kind, state, acts) => {
  expect(offered(kind, state)).toBe(acts)
})
