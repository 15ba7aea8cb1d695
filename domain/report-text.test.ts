import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bySystem, joined, macroText, OPEN_FIELD, openField, plainSections } from './report-text.ts'

const marked = ({ text, marks }: ReturnType<typeof macroText>) =>
  marks.map((mark) => ({ kind: mark.kind, text: text.slice(mark.from, mark.to) }))

test('[RP-02] a macro says which of its words are fields: filled, to choose in, and open', () => {
  const macro = macroText('Effusion on the [left|right], [moderate], [] mm deep.')
  expect(macro.text).toBe(`Effusion on the ${OPEN_FIELD}, moderate, ${OPEN_FIELD} mm deep.`)
  expect(marked(macro).map(({ text }) => text)).toEqual([OPEN_FIELD, 'moderate', OPEN_FIELD])
  expect(macro.marks[0]).toMatchObject({ options: ['left', 'right'], label: 'left / right' })
})

test('[RP-02] a bracket without its partner, and one that spans lines, are words', () => {
  for (const words of ['a [b', 'a b]', 'a [b\nc] d'])
    expect(macroText(words)).toEqual({ text: words, marks: [] })
})

test('[RP-02] joined texts keep every mark on its own words', () => {
  const macros = fc.array(fc.stringMatching(/^[a-z \n]{0,6}(\[[a-z]{1,4}\][a-z ]{0,4}){0,3}$/), {
    maxLength: 5,
  })
  fc.assert(
    fc.property(macros, (words) => {
      const parts = words.map(macroText)
      const whole = joined(parts, '\n')
      expect(marked(whole)).toEqual(parts.flatMap(marked))
    }),
  )
})

test('[RP-02] what the department wrote is marked as a whole, and what is signed has words only', () => {
  const text = bySystem(macroText('Lungs [clear].'))
  expect(marked(text)).toEqual([
    { kind: 'system', text: 'Lungs clear.' },
    { kind: 'field', text: 'clear' },
  ])
  expect(plainSections([{ key: 'findings', ...text }])).toEqual([{ key: 'findings', text: 'Lungs clear.' }])
})

test('[RP-01] a coded field that nobody filled is no answer in what goes out, and one that was is', () => {
  const coding = { codes: [{ scheme: 'RADLEX', value: 'RID58', meaning: 'liver' }], options: {} }
  const text = `Liver ${OPEN_FIELD}, spleen normal,  .`
  const field = (word: string) => {
    const from = text.indexOf(word)
    return { kind: 'field', from, to: from + word.length, label: 'Organ', options: [], coding } as const
  }
  const [section] = plainSections([
    { key: 'findings', text, marks: [field(OPEN_FIELD), field('normal'), field('  ')] },
  ])
  expect(section!.fields!.map(({ from, to }) => text.slice(from, to))).toEqual(['normal'])
  expect(plainSections([{ key: 'findings', text, marks: [field(OPEN_FIELD)] }])).toEqual([
    { key: 'findings', text },
  ])
})

test('[RP-02] the first field that nobody filled is found where it stands', () => {
  const sections = [
    { key: 'technique', text: 'CT.' },
    { key: 'findings', text: `Aorta ${OPEN_FIELD} mm.` },
  ]
  expect(openField(sections)).toEqual({ section: 'findings', word: OPEN_FIELD, index: 6 })
  expect(openField(sections.slice(0, 1))).toBeNull()
})
