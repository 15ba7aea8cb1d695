import { expect, test } from 'vitest'
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
  const written = wholeReport([{ key: 'findings', text: 'Haemorrhage.' }])
  const after = filled(written, normalText({ modality: 'CT', area: 'neuro' }))
  expect(after.find(({ key }) => key === 'findings')?.text).toBe('Haemorrhage.')
  expect(after.find(({ key }) => key === 'impression')?.text).toBe('Normal CT of the head.')
})

test('an examination without a normal text stays empty', () => {
  expect(normalText({ modality: 'PT', area: 'nuclear' })).toEqual({})
})
