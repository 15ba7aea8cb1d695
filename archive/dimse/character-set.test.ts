import { expect, test } from 'vitest'
import { decodeText, encodeText, isRepresentable, statedSets } from './character-set.ts'

const bytes = (hex: string) => Buffer.from(hex, 'hex')

// The names of PS3.5 annexes H, I and J, byte for byte.
const NAMES: [string, string[], string, string][] = [
  [
    'H.3.1',
    ['', 'ISO 2022 IR 87'],
    '59616d6164615e5461726f753d1b24423b3345441b28425e1b244242404f3a1b28423d1b24422464245e24401b28425e1b2442243f246d24261b2842',
    'Yamada^Tarou=山田^太郎=やまだ^たろう',
  ],
  [
    'H.3.2',
    ['ISO 2022 IR 13', 'ISO 2022 IR 87'],
    'd4cfc0de5ec0dbb33d1b24423b3345441b284a5e1b244242404f3a1b284a3d1b24422464245e24401b284a5e1b2442243f246d24261b284a',
    'ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう',
  ],
  [
    'I.2',
    ['', 'ISO 2022 IR 149'],
    '486f6e675e47696c646f6e673d1b242943fbf35e1b242943d1ced4d73d1b242943c8ab5e1b242943b1e6b5bf',
    'Hong^Gildong=洪^吉洞=홍^길동',
  ],
  ['J.1', ['ISO_IR 192'], '57616e675e5869616f446f6e673de78e8b5ee5b08fe69db13d', 'Wang^XiaoDong=王^小東='],
  ['J.3', ['GB18030'], '57616e675e5869616f446f6e673dcdf55ed0a1b6ab3d', 'Wang^XiaoDong=王^小东='],
  [
    'K.2',
    ['', 'ISO 2022 IR 58'],
    '5a68616e675e5869616f446f6e673d1b242941d5c55e1b242941d0a1b6ab3d',
    'Zhang^XiaoDong=张^小东=',
  ],
]

test.each(NAMES)(
  'the name of example %s is read and written as the standard prints it',
  (_, sets, hex, name) => {
    expect(decodeText(bytes(hex), sets, 'person-name')).toBe(name)
    expect(encodeText(name, sets).toString('hex')).toBe(hex)
  },
)

test.each([
  ['ISO_IR 100', 'Äneas^Rüdiger'],
  ['ISO_IR 101', 'Łukasiewicz^Józef'],
  ['ISO_IR 109', 'Ċensu^Ġorġ'],
  ['ISO_IR 110', 'Bērziņš^Jānis'],
  ['ISO_IR 126', 'Διονυσιος'],
  ['ISO_IR 127', 'قباني^لنزار'],
  ['ISO_IR 138', 'שרון^דבורה'],
  ['ISO_IR 144', 'Люксембург'],
  ['ISO_IR 148', 'Çavuşoğlu^İsmail'],
  ['ISO_IR 166', 'สมชาย^ใจดี'],
  ['ISO_IR 13', 'ﾔﾏﾀﾞ^ﾀﾛｳ'],
  ['GBK', '王^小东'],
  ['GB18030', '𠮷野^〇㐀'],
  ['ISO_IR 192', '𠮷野^花子'],
])('a name in %s comes back as it was written', (set, name) => {
  expect(decodeText(encodeText(name, [set]), [set], 'person-name')).toBe(name)
})

test('a name with characters of three sets is written by code extension and read back', () => {
  const sets = ['ISO 2022 IR 6', 'ISO 2022 IR 100', 'ISO 2022 IR 144', 'ISO 2022 IR 87']
  const name = 'Müller^Жанна=山田^太郎'
  expect(decodeText(encodeText(name, sets), sets, 'person-name')).toBe(name)
})

test('a backslash that is half of a Japanese character does not split the value', () => {
  const sets = ['', 'ISO 2022 IR 87']
  // JIS X 0208 3D5C is 旬, whose second byte is a backslash in ASCII.
  const value = bytes('1b24423d5c1b28425c41')
  expect(decodeText(value, sets)).toBe('旬\\A')
})

test('of the character sets that a header states no more are read than a text could need', () => {
  expect(statedSets(Buffer.from('\\ISO 2022 IR 87 \\ISO 2022 IR 149\0'))).toEqual([
    '',
    'ISO 2022 IR 87',
    'ISO 2022 IR 149',
  ])
  const sixteen = Array.from({ length: 16 }, (_, n) => `ISO 2022 IR ${100 + n} `.padEnd(16))
  const endless = Buffer.from(`${sixteen.join('\\')}\\${'ISO_IR 192\\'.repeat(100_000)}`)
  expect(statedSets(endless).slice(0, 16)).toEqual(sixteen.map((term) => term.trim()))
  expect(statedSets(endless).length).toBeLessThanOrEqual(17)
})

test('the default repertoire refuses what it cannot hold, and Latin-1 refuses Greek', () => {
  expect(isRepresentable('Muller', [])).toBe(true)
  expect(isRepresentable('Müller', [])).toBe(false)
  expect(isRepresentable('Διονυσιος', ['ISO_IR 100'])).toBe(false)
  expect(() => encodeText('Müller', [''])).toThrow('not-representable')
  expect(isRepresentable('𠮷野', ['GBK'])).toBe(false)
})

test('undeclared upper-half bytes are read as Latin-1, and an unknown escape does not stop the reading', () => {
  expect(decodeText(bytes('4dfc6c6c6572'), [])).toBe('Müller')
  expect(decodeText(bytes('411b2d7a42'), ['', 'ISO 2022 IR 100'])).toBe('AB')
})

test('every byte sequence of two decodes to some text in every set', () => {
  for (const set of [
    '',
    'ISO_IR 13',
    'ISO 2022 IR 87',
    'ISO 2022 IR 149',
    'ISO_IR 166',
    'GB18030',
    'NONSENSE',
  ])
    for (let i = 0; i < 65_536; i += 7)
      expect(typeof decodeText(Buffer.of(i >> 8, i & 255), [set, set])).toBe('string')
})
