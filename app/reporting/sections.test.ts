import { expect, test } from 'vitest'
import type { TextMark } from '#domain/report-text.ts'
import { normalText } from './normal-text.ts'
import { filled, wholeReport } from './sections.ts'

test('a report has every section once, and nothing that somebody wrote is lost', () => {
  expect(
    wholeReport([
      { key: 'impression', text: 'Normal.' },
      { key: 'old-section', text: 'kept' },
    ]),
  ).toEqual([
    { key: 'technique', text: '' },
    { key: 'comparison', text: '' },
    { key: 'findings', text: '' },
    { key: 'impression', text: 'Normal.' },
    { key: 'old-section', text: 'kept' },
  ])
})

test('the normal report fills what is empty and never writes over a word', () => {
  const before = wholeReport([{ key: 'findings', text: 'Haemorrhage.' }])
  const after = filled(before, normalText({ modality: 'CT', area: 'neuro' }))
  expect(after.find(({ key }) => key === 'findings')?.text).toBe('Haemorrhage.')
  expect(after.find(({ key }) => key === 'impression')?.text).toBe('Normal CT of the head.')
})

const written = (text: string, ...marks: TextMark[]) => wholeReport([{ key: 'findings', text, marks }])
const measured = (from: number, to: number): TextMark => ({
  kind: 'measurement',
  ...{ from, to },
  image: { studyUid: '1', seriesUid: '2', sopInstanceUid: '3', frame: 1, measurementId: '4' },
})

test('[RP-02] what was measured and nothing else stays behind the normal report, with its way back to the image', () => {
  const normal = { findings: { text: 'The lungs are clear.', marks: [] } }
  const [, , findings] = filled(written('12 mm', measured(0, 5)), normal)
  expect(findings).toEqual({
    key: 'findings',
    text: 'The lungs are clear.\n12 mm',
    marks: [measured(21, 26)],
  })
  const [, , more] = filled(written('Nodule of 12 mm', measured(10, 15)), normal)
  expect(more?.text).toBe('Nodule of 12 mm')
})

test('an examination without a normal text stays empty', () => {
  expect(normalText({ modality: 'PT', area: 'nuclear' })).toEqual({})
})
