/** Names and identifiers: what is the same person's, and what only looks so. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatPersonName, nameKey, nameKeyOfDicom, parsePersonName } from './identity.ts'

describe('a person name', () => {
  test('in three component groups comes back as it was sent', () => {
    const text = 'Yamada^Tarou=山田^太郎=やまだ^たろう'
    expect(parsePersonName(text)).toEqual({
      alphabetic: { family: 'Yamada', given: 'Tarou' },
      ideographic: { family: '山田', given: '太郎' },
      phonetic: { family: 'やまだ', given: 'たろう' },
    })
    expect(formatPersonName(parsePersonName(text))).toBe(text)
  })

  test('with only an ideographic group keeps its place', () => {
    expect(formatPersonName(parsePersonName('=山田^太郎'))).toBe('=山田^太郎')
  })

  test('loses empty components at its end and nothing else', () => {
    expect(formatPersonName(parsePersonName('Morrison-Jones^Susan^^^Ph.D.^'))).toBe(
      'Morrison-Jones^Susan^^^Ph.D.',
    )
  })

  test('with a degree carries it in the suffix, as DICOM knows no degree', () => {
    expect(formatPersonName({ alphabetic: { family: 'Gray', suffix: 'III', degree: 'MD' } })).toBe(
      'Gray^^^^III MD',
    )
  })

  test('survives parsing and formatting whatever its components are', () => {
    const component = fc.stringMatching(/^[A-Za-zäöü山 -]{0,6}$/)
    fc.assert(
      fc.property(fc.array(component, { minLength: 1, maxLength: 5 }), (parts) => {
        const text = formatPersonName(parsePersonName(parts.join('^')))
        expect(formatPersonName(parsePersonName(text))).toBe(text)
      }),
    )
  })
})

describe('a name key', () => {
  test.each([
    ['DOE^JOHN', 'Doe^John^^^Jr'],
    ['Müller^Jörg', 'MULLER^JORG'],
    ["O'Neil^Pat", 'ONEIL^PAT'],
    ['Morrison-Jones^Susan', 'MORRISON JONES^SUSAN^^DR'],
    ['Groß^Anna', 'GROSS^ANNA'],
  ])('of %s is that of %s', (one, other) => {
    expect(nameKeyOfDicom(one)).toBe(nameKeyOfDicom(other))
  })

  test('tells a middle name apart, and family from given', () => {
    expect(nameKeyOfDicom('DOE^JOHN')).not.toBe(nameKeyOfDicom('DOE^JOHN^Q'))
    expect(nameKeyOfDicom('DOE^JOHN')).not.toBe(nameKeyOfDicom('JOHN^DOE'))
  })

  test('is the same from HL7 components and from DICOM', () => {
    const name = { alphabetic: { family: 'Doe', given: 'John', prefix: 'Dr' } }
    expect(nameKey(name)).toBe(nameKeyOfDicom('DOE^JOHN'))
  })

  test('keeps the voicing that makes another kana', () => {
    expect(nameKeyOfDicom('やまた^たろう')).not.toBe(nameKeyOfDicom('やまだ^たろう'))
  })

  test('of nobody is empty', () => {
    expect(nameKey({})).toBe('')
    expect(nameKeyOfDicom(null)).toBe('')
  })
})
