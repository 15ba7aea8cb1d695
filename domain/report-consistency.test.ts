import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CONSISTENCY_CHECKS, contradictions, type ExamFacts, sidesNamed } from './report-consistency.ts'

const exam = (more: Partial<ExamFacts> = {}): ExamFacts => ({
  sex: null,
  sides: [],
  contrast: 'unknown',
  ...more,
})
const said = (findings: string, impression = '', technique = '') => [
  { key: 'technique', text: technique },
  { key: 'findings', text: findings },
  { key: 'impression', text: impression },
]

describe('[RP-07] a side that contradicts is found', () => {
  test.each([
    ['Fracture of the left wrist.', '', 'findings', 'left', 'exam'],
    ['Fracture of the wrist.', 'LEFT-sided fracture.', 'impression', 'LEFT', 'exam'],
    ['Fracture of the right wrist.', 'Fracture of the left wrist.', 'impression', 'left', 'exam'],
    ['Left ventricle normal. Left lung clear.', '', 'findings', 'Left', 'exam'],
  ])('of the right: %s / %s', (findings, impression, section, word, against) => {
    const found = contradictions(said(findings, impression), exam({ sides: ['R', 'R'] })).laterality
    expect(found).toMatchObject({ section, word, against })
  })

  test('between findings and impression, whatever was examined', () => {
    const sections = said('Stone in the right kidney.', 'Left renal stone.')
    const found = { section: 'impression', word: 'Left', index: 0, against: 'findings' }
    expect(contradictions(sections, exam()).laterality).toEqual(found)
    expect(contradictions(sections, exam({ sides: ['L', 'R'] })).laterality).toEqual(found)
  })

  test('at its own place, behind an organ that is passed over', () => {
    const text = 'The left atrium is normal. Effusion on the left.'
    expect(contradictions(said(text), exam({ sides: ['R'] })).laterality?.index).toBe(
      text.lastIndexOf('left'),
    )
  })

  test.each([
    ['Fracture of the right wrist.', 'Right distal radius fracture.'],
    ['The right knee, compared with the left, is swollen.', 'Effusion on the right.'],
    ['Bilateral effusions, larger on the left.', 'Effusions on both sides.'],
    ['The left ventricle is dilated.', 'Left atrial enlargement; cyst in the left lobe of the liver.'],
    ['Left hepatic lobe normal. Left colon normal. Left lower quadrant normal.', 'Left heart failure.'],
    ['The catheter was left in place. The patient left the department.', 'Drain left in situ.'],
    ['Leftward shift.', ''],
    ['', ''],
  ])('not where there is none: %s / %s', (findings, impression) => {
    expect(contradictions(said(findings, impression), exam({ sides: ['R'] })).laterality).toBeNull()
  })

  test('not on the left for what is only called right', () => {
    const text = 'Right-handed patient. Right ventricular strain. Right away called. Images at right angles.'
    expect(contradictions(said(text), exam({ sides: ['L'] })).laterality).toBeNull()
  })

  test('a text says which sides it is about', () => {
    expect(sidesNamed('XR wrist left')).toEqual(['L'])
    expect(sidesNamed('MG screening bilateral')).toEqual(['L', 'R'])
    expect(sidesNamed('CT head')).toEqual([])
  })
})

describe('[RP-07] a word of the other sex is found', () => {
  test.each([
    ['F', 'The prostate is enlarged.', 'prostate'],
    ['F', 'Seminal vesicles are normal.', 'Seminal vesicles'],
    ['F', 'Testicular mass.', 'Testicular'],
    ['F', 'Both testes are normal.', 'testes'],
    ['F', 'Scrotal oedema.', 'Scrotal'],
    ['F', 'PENILE prosthesis.', 'PENILE'],
    ['M', 'The uterus is normal.', 'uterus'],
    ['M', 'Utero-rectal or uterine mass.', 'uterine'],
    ['M', 'Tubo-ovarian abscess.', 'ovarian'],
    ['M', 'Normal ovaries.', 'ovaries'],
    ['M', 'Endometrial thickening.', 'Endometrial'],
    ['M', 'No adnexal mass.', 'adnexal'],
    ['M', 'Transvaginal ultrasound.', 'Transvaginal'],
  ] as const)('%s: %s', (sex, text, word) => {
    expect(contradictions(said('Normal.', text), exam({ sex })).sex).toEqual({
      ...{ section: 'impression', word, index: text.indexOf(word), against: 'exam' },
    })
  })

  test.each([
    ['M', 'Cervical spine normal. Cervix of the tooth.'],
    ['M', 'Ocular adnexa normal. Prostate normal.'],
    ['F', 'Prostate-specific membrane antigen: none. Uterus normal. Attestation. Protest.'],
    ['O', 'Prostate and uterus.'],
    ['U', 'Prostate and uterus.'],
    [null, 'Prostate and uterus.'],
  ] as const)('not where there is none: %s: %s', (sex, text) => {
    expect(contradictions(said(text, text), exam({ sex })).sex).toBeNull()
  })
})

const GIVEN = [
  ['CT of the chest with intravenous contrast.', 'with intravenous contrast'],
  ['CT with i.v. contrast.', 'with i.v. contrast'],
  ['CT with oral and IV contrast.', 'with oral and IV contrast'],
  ['T1 after gadolinium.', 'after gadolinium'],
  [
    'After administration of 80 ml of iodinated contrast.',
    'After administration of 80 ml of iodinated contrast',
  ],
  ['Contrast-enhanced CT.', 'Contrast-enhanced'],
  ['Post-contrast images are normal.', 'Post-contrast'],
  ['CT chest without and with contrast.', 'without and with contrast'],
  ['MR with and without gadolinium.', 'with and without gadolinium'],
  ['Pre- and post-contrast images.', 'Pre- and post-contrast'],
  ['Contrast medium was administered.', 'Contrast medium was administered'],
] as const
const NONE = [
  ['CT head without contrast.', 'without contrast'],
  ['Without intravenous contrast.', 'Without intravenous contrast'],
  ['Non-contrast CT.', 'Non-contrast'],
  ['Noncontrast CT.', 'Noncontrast'],
  ['Unenhanced CT.', 'Unenhanced'],
  ['Non-contrast-enhanced CT.', 'Non-contrast-enhanced'],
  ['No intravenous contrast was given.', 'No intravenous contrast was given'],
  ['Contrast was not given.', 'Contrast was not given'],
] as const
const SILENT = [
  'CT head.',
  'CT with oral contrast.',
  'Lesion without contrast enhancement.',
  'MR with contrast is recommended.',
  'Consider CT without contrast.',
  'Compared with the prior CT without contrast.',
  'Good grey-white differentiation with contrast between them.',
  'History of contrast allergy, hence without contrast.',
] as const

describe('[RP-07] contrast that contradicts is found', () => {
  test.each(GIVEN)('said to be given: %s', (text, word) => {
    const found = { section: 'technique', word, index: text.indexOf(word), against: 'exam' }
    const sections = said('Normal.', 'Normal.', text)
    expect(contradictions(sections, exam({ contrast: 'not-given' })).contrast).toEqual(found)
    expect(contradictions(sections, exam({ contrast: 'given' })).contrast).toBeNull()
  })

  test.each(NONE)('said not to be given: %s', (text, word) => {
    const found = { section: 'technique', word, index: text.indexOf(word), against: 'exam' }
    const sections = said('Normal.', 'Normal.', text)
    expect(contradictions(sections, exam({ contrast: 'given' })).contrast).toEqual(found)
    expect(contradictions(sections, exam({ contrast: 'not-given' })).contrast).toBeNull()
  })

  test.each(SILENT)('not where nothing is said of this exam: %s', (text) => {
    for (const contrast of ['given', 'not-given'] as const)
      expect(contradictions(said(text), exam({ contrast })).contrast).toBeNull()
  })

  test('not in phases before the contrast, where it is spoken of too', () => {
    const sections = said('On the unenhanced images no bleed. On post-contrast images no mass.')
    expect(contradictions(sections, exam({ contrast: 'given' })).contrast).toBeNull()
  })
})

const phrases = fc.constantFrom(
  ...['Left knee.', 'right', 'both', 'left ventricle', 'the prostate', 'Ovarian', 'cervical', 'no bleed'],
  ...['with contrast', 'unenhanced', 'i.v. contrast', 'recommended', '\n', 'left in place', '18.5 mm'],
)
const texts = fc.array(phrases, { maxLength: 8 }).map((parts) => parts.join(' '))
const exams = fc.record({
  sex: fc.constantFrom('M', 'F', 'O', 'U', null),
  sides: fc.subarray(['L', 'R'] as const),
  contrast: fc.constantFrom('given', 'not-given', 'unknown'),
}) as fc.Arbitrary<ExamFacts>

test('[RP-07] what contradicts stands word for word where it is said to stand', () => {
  fc.assert(
    fc.property(texts, texts, texts, exams, (findings, impression, technique, facts) => {
      const sections = said(findings, impression, technique)
      const found = contradictions(sections, facts)
      for (const check of CONSISTENCY_CHECKS) {
        const at = found[check]
        if (!at) continue
        const { text } = sections.find(({ key }) => key === at.section)!
        expect(text.slice(at.index, at.index + at.word.length)).toBe(at.word)
        expect(at.word).not.toBe('')
      }
    }),
  )
})

test('[RP-07] of an exam that nothing is known of, only findings and impression can contradict each other', () => {
  fc.assert(
    fc.property(texts, texts, (findings, impression) => {
      const { laterality, sex, contrast } = contradictions(said(findings, impression), exam())
      expect([sex, contrast]).toEqual([null, null])
      if (laterality) expect(laterality).toMatchObject({ section: 'impression', against: 'findings' })
    }),
  )
})

test('[RP-07] a report in which both sides are named everywhere contradicts no side', () => {
  fc.assert(
    fc.property(texts, texts, exams, (findings, impression, facts) => {
      const sections = said(`${findings} on both sides`, `${impression} bilaterally`)
      expect(contradictions(sections, facts).laterality).toBeNull()
    }),
  )
})
