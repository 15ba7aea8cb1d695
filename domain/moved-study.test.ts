/** What images moved away, or a retake, ask to be done next: from the facts alone. */
import { expect, test } from 'vitest'
import {
  acceptedStudy,
  minute,
  orderFacts,
  performedStep,
  procedure,
  scheduledStep,
} from './facts.fixture.ts'
import type { StudyFact } from './facts.ts'
import { nextWork } from './next-work.ts'
import { POLICY_VERSION_1 } from './policy.ts'

const departed = scheduledStep({ status: 'departed', arrivedAt: minute(55) })

function wanted(study: Partial<StudyFact>) {
  const facts = orderFacts({
    procedures: [procedure({ steps: [departed] })],
    performedSteps: [performedStep()],
    studies: [acceptedStudy(study)],
  })
  return nextWork(facts, minute(200), POLICY_VERSION_1).map(({ kind, cycle, blockedBy }) => [
    kind,
    cycle,
    blockedBy,
  ])
}

test('[MA-12] images that came or went by a move are checked anew, and nobody reads meanwhile', () => {
  const moves = [{ at: minute(90), emptied: false }]
  expect(wanted({ moves })).toEqual([
    ['quality', 2, null],
    ['read', 1, 'move'],
  ])
  const again = { cycle: 2, decision: 'accepted', repeated: false, at: minute(95) } as const
  const qualityDecisions = [...acceptedStudy().qualityDecisions, again]
  expect(wanted({ moves, qualityDecisions })).toEqual([['read', 1, null]])
})

test('[MA-12] a study that was emptied is read only after its own images were let on, as another reading', () => {
  const moves = [{ at: minute(90), emptied: true }]
  expect(wanted({ moves })).toEqual([['quality', 2, null]])
  const own = { cycle: 2, decision: 'accepted', repeated: false, at: minute(120) } as const
  const qualityDecisions = [...acceptedStudy().qualityDecisions, own]
  expect(wanted({ moves, qualityDecisions })).toEqual([['read', 2, null]])
})

test('[MA-12] a step that stands again as before its begin is another piece of work', () => {
  const step = scheduledStep({ status: 'ready', arrivedAt: minute(55), undoneBegins: 1 })
  const facts = orderFacts({ procedures: [procedure({ steps: [step] })] })
  const [item] = nextWork(facts, minute(100), POLICY_VERSION_1)
  expect(item).toMatchObject({ kind: 'perform', cycle: 2 })
})

test('[QA-03] what came of a retake is looked at before anybody reads it', () => {
  const asked = { id: 'r', kind: 'retake', askedAt: minute(80), answeredAt: minute(120) } as const
  expect(wanted({ returns: [asked] })).toEqual([
    ['quality', 2, null],
    ['read', 1, 'retake'],
  ])
})
