/** Each series of a study has one exam that made it. */
import { expect, test } from 'vitest'
import { minute } from './facts.fixture.ts'
import { seriesOfStep } from './series-of-step.ts'

const first = { id: 'first', sopInstanceUid: '1.1', startedAt: minute(0), named: ['named'] }
const second = { id: 'second', sopInstanceUid: '1.2', startedAt: minute(30), named: [] }
const stored = (seriesUid: string, at: number, refersTo: string[] = []) => ({
  seriesUid,
  firstAt: minute(at),
  refersTo,
})

test('[MA-12] a series is its namer’s, else that of the exam it refers to, else of the exam then on the table', () => {
  const series = [
    stored('named', 40),
    stored('referring', 5, ['1.2']),
    stored('early', 10),
    stored('late', 35),
    stored('before-all', -5),
  ]
  expect(seriesOfStep('first', [second, first], series)).toEqual(['named', 'early', 'before-all'])
  expect(seriesOfStep('second', [second, first], series)).toEqual(['referring', 'late'])
})

test('[MA-12] the only exam of a study made all of it', () => {
  const series = [stored('a', -60), stored('b', 90, ['9.9'])]
  expect(seriesOfStep('second', [second], series)).toEqual(['a', 'b'])
})
