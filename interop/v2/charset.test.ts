import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { charsetNamed, chooseCharset, UnencodableText, utf8 } from './charset.ts'

const name = (bytes: Uint8Array, declared: string[], policy = {}) => {
  const choice = chooseCharset(bytes, declared, policy)
  return { set: choice.charset.name, text: choice.charset.decode(bytes), warnings: choice.warnings }
}

const bytes = (text: string) => Buffer.from(text, 'latin1')

describe('character sets (table 0211)', () => {
  test.each([
    ['8859/1', 'J\xf6rg\x92', 'Jörg’'],
    ['8859/2', '\xa3\xf3d\xbc', 'Łódź'],
    ['8859/5', '\xb8\xd2\xd0\xdd', 'Иван'],
    ['8859/7', '\xc3\xe9\xfe\xf1\xe3\xef\xf2', 'Γιώργος'],
    ['8859/9', '\xde\xfd\xf0', 'Şığ'],
    ['8859/15', '\xa4', '€'],
    ['GB 18030-2000', '\xcd\xf5\x81\x7c', '王亅'],
    ['BIG-5', '\xa4\xfd\xa8\x7c', '王育'],
    ['KS X 1001', '\xb1\xe8', '김'],
  ])('%s is read and written', (set, wire, text) => {
    const choice = chooseCharset(bytes(wire), [set])
    expect(choice.charset.decode(bytes(wire))).toBe(text)
    expect(Buffer.from(charsetNamed(set)!.encode(text))).toEqual(bytes(wire))
  })

  test.each([
    'UNICODE UTF-8',
    '8859/1',
    '8859/2',
    '8859/5',
    '8859/9',
    '8859/15',
    'BIG-5',
    'KS X 1001',
    'GB 18030-2000',
  ])('what %s can write it reads back, and what it lacks it refuses', (set) => {
    const charset = charsetNamed(set)!
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 8 }), (text) => {
        let wire: Uint8Array
        try {
          wire = charset.encode(text)
        } catch (error) {
          expect(error).toBeInstanceOf(UnencodableText)
          return
        }
        expect(charset.decode(wire)).toBe(text)
      }),
    )
  })

  test('Japanese by code extension: JIS X 0208, JIS X 0212 and half-width katakana', () => {
    const kanji = bytes('Yamada\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(J|\xd4\xcf\xc0\xde')
    expect(name(kanji, ['ISO IR14', 'ISO IR87'])).toMatchObject({
      set: 'ISO IR87',
      text: 'Yamada山田^太郎|ﾔﾏﾀﾞ',
    })
    // JIS X 0212 row 16 cell 2.
    expect(name(bytes('\x1b$(D0"\x1b(B'), ['', 'ISO IR159']).text).toBe('丄')
  })

  test('the second byte of a Japanese character may be a delimiter and cuts nothing', () => {
    // JIS X 0208 3 row 24 hex 25 7C is the katakana ゼ's neighbour: byte 7C inside a character.
    expect(name(bytes('\x1b$B%|\x1b(B|x'), ['ISO IR87', 'ISO IR87']).text.endsWith('|x')).toBe(true)
  })

  test('silence: UTF-8 when the bytes are, else what the connection says, else Western', () => {
    expect(name(Buffer.from('Zörb'), [])).toEqual({
      set: 'UNICODE UTF-8',
      text: 'Zörb',
      warnings: ['charset-undeclared'],
    })
    expect(name(bytes('Z\xf6rb'), [])).toEqual({
      set: '8859/1',
      text: 'Zörb',
      warnings: ['charset-undeclared'],
    })
    expect(name(bytes('\xb8\xd2'), [], { defaultCharset: '8859/5' }).text).toBe('Ив')
    expect(name(bytes('plain'), [])).toEqual({ set: utf8.name, text: 'plain', warnings: [] })
  })

  test('a declared single-byte set over UTF-8 bytes is not believed, unless the connection says so', () => {
    const wire = Buffer.from('12 –35')
    expect(name(wire, ['8859/1'])).toEqual({
      set: 'UNICODE UTF-8',
      text: '12 –35',
      warnings: ['charset-mismatch'],
    })
    expect(name(wire, ['8859/1'], { charsetTrust: 'declared' }).text).toBe('12 â€“35')
  })

  test('declared UTF-8 with a bad byte falls back and never shows a replacement character', () => {
    const got = name(bytes('Z\xf6rb'), ['UNICODE UTF-8'])
    expect(got).toEqual({ set: '8859/1', text: 'Zörb', warnings: ['charset-fallback'] })
  })

  test('wide sets cannot travel on this wire', () => {
    expect(chooseCharset(bytes('x'), ['UNICODE UTF-16']).unusable).toBe('UNICODE UTF-16')
    expect(chooseCharset(bytes('\xa1'), ['CNS 11643-1992']).unusable).toBe('CNS 11643-1992')
  })
})
