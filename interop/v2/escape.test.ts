import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyDelimiters, anyText } from './arbitraries.ts'
import { utf8 } from './charset.ts'
import { usualDelimiters } from './delimiters.ts'
import { escapeText, unescapeText } from './escape.ts'

const read = (text: string, d = usualDelimiters) => unescapeText(text, d, utf8.decode)

describe('escape sequences', () => {
  test('whatever is written is read back, over all of Unicode and any delimiters', () => {
    fc.assert(
      fc.property(anyText, anyDelimiters, (text, d) => {
        expect(unescapeText(escapeText(text, d), d, utf8.decode)).toBe(text)
      }),
      { numRuns: 1000 },
    )
  })

  test('reading never throws and keeps its time linear', () => {
    const odd = fc.string({
      unit: fc.constantFrom('\\', 'X', 'F', '0', 'D', '.', 'b', 'r', ' ', '^', 's', 'p', 'é'),
    })
    fc.assert(fc.property(odd, (text) => void read(text)))
    const started = performance.now()
    read('\\'.repeat(200_001))
    read(`${'\\X0'.repeat(70_000)}`)
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  test('the delimiters in force are what F, S, T, R and E stand for', () => {
    expect(read('a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f')).toBe('a|b^c&d~e\\f')
    const d = { field: '@', component: '~', repetition: '&', escape: '#', subcomponent: '\\' }
    expect(read('a#F#b#S#c#T#d#R#e#E#', d)).toBe('a@b~c\\d&e#')
  })

  test('adjacent hexadecimal sequences are one run of bytes in the set of the message', () => {
    expect(read('OPERA\\XC387\\\\XC383\\O')).toBe('OPERAÇÃO')
    expect(read('\\XC3\\\\X87\\')).toBe('Ç')
  })

  test('hexadecimal line ends are one break, odd counts lose their leading zero, other controls go', () => {
    expect(read('a\\X0D\\b\\X0A\\c\\X0D0A\\d\\X000d\\e\\X00D\\f\\X07\\g')).toBe('a\nb\nc\nd\ne\nfg')
  })

  test('line breaks and layout become plain text', () => {
    expect(read('a\\.br\\b\\.sp\\c\\.sp2\\d\\.in+3\\e\\H\\f\\N\\g\\.ce\\h')).toBe('a\nb\nc\n\nd   efg\nh')
    expect(read('old^\\.sp\\line')).toBe('old\nline')
  })

  test('a path, a vendor sequence and a lone escape character stay as they are', () => {
    for (const text of ['C:\\temp\\new', 'with \\Z99\\ inside', 'lone \\ here', 'end\\'])
      expect(read(text)).toBe(text)
  })

  test('a message without an escape character is read as it stands and cannot hold a delimiter', () => {
    const d = { field: '|', component: '^', repetition: '~' }
    expect(read('a\\F\\b', d)).toBe('a\\F\\b')
    expect(() => escapeText('a|b', d)).toThrow()
  })
})
