import { expect, test } from 'vitest'
import type { Dataset } from '#archive/dimse/dataset.ts'
import { basicTextSr } from './basic-text-sr.ts'
import { aReportObject } from './report-object.fixture.ts'

/** Of the findings, what stands beside their words. */
function answersOf(text: string): Dataset[] {
  const code = { scheme: 'RADLEX', value: 'RID28454', meaning: 'none' }
  const field = {
    ...{ from: 0, to: text.length, label: 'Bleeding', options: ['none'] },
    coding: {
      codes: [{ scheme: 'RADLEX', value: 'RID4700', meaning: 'hemorrhage' }],
      options: { none: code },
    },
  }
  const object = aReportObject({ sections: [{ key: 'findings', text, fields: [field], addendum: null }] })
  const named = (item: Dataset) => item.item('ConceptNameCodeSequence')!.text('CodeMeaning')
  const findings = basicTextSr(object)
    .items('ContentSequence')
    .find((item) => named(item) === 'Findings')!
  return findings.items('ContentSequence').filter((item) => named(item) === 'hemorrhage')
}

test('[RP-05] an answer is a code where its template has one, and its own words where it has none, whatever they are', () => {
  const [none] = answersOf('none')
  expect(none!.item('ConceptCodeSequence')!.text('CodeValue')).toBe('RID28454')
  // Words that every object of the language answers to, and no template coded.
  for (const said of ['constructor', 'toString', 'none, constructor', '__proto__']) {
    const answers = answersOf(said)
    expect(answers.map((answer) => answer.text('TextValue'))).toEqual([said])
    expect(answers[0]!.item('ConceptCodeSequence')).toBeUndefined()
  }
})
