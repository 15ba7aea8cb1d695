import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyDelimiters, anyText } from './arbitraries.ts'
import { Message, parseMessage, type Value } from './message.ts'

const lines = (...segments: string[]) => Buffer.from(`${segments.join('\r')}\r`)
const header = 'MSH|^~\\&|RIS|SITE|ISOCENTER|MAIN|20261122||ORM^O01|1|P|2.5.1'

describe('the tree of a message', () => {
  const message = parseMessage(
    lines(
      header,
      'PID|1||SYN-1^^^MAIN&1.2.3&ISO^MR~X^^^OTHER||TESTPERSON&VON^VERA\\T\\ANN|""|',
      'OBX|1|FT|a',
      'OBX|2|TX|b~c & d',
    ),
  )

  test('a path names segment, occurrence, field, repetition, component and subcomponent', () => {
    expect(message.get('PID-3')).toBe('SYN-1')
    expect(message.get('PID-3.4.2')).toBe('1.2.3')
    expect(message.get('PID-3[2].4')).toBe('OTHER')
    expect(message.get('PID-5.2')).toBe('VERA&ANN')
    expect(message.get('OBX(2)-2')).toBe('TX')
    expect(message.get('MSH-1')).toBe('|')
    expect(message.get('MSH-2')).toBe('^~\\&')
    expect(message.get('MSH-9.2')).toBe('O01')
  })

  test('absent, null and empty are three things', () => {
    expect(message.get('PID-6')).toBeNull()
    expect(message.get('PID-6.3')).toBeNull()
    expect(message.get('PID-2')).toBe('')
    expect(message.get('PID-40')).toBeUndefined()
    expect(message.get('PV1-2')).toBeUndefined()
  })

  test('running text keeps what follows a delimiter nobody escaped, and its paragraphs', () => {
    expect(message.all('OBX')[1]?.text(3)).toBe('b\nc & d')
  })

  test('delimiters are what MSH says they are', () => {
    const odd = parseMessage(
      lines('MSH@~&#\\@A@B@C@D@20261122@@ADT~A01@1@P@2.5', 'PID@1@@M1~~~H~MR@@Doe#T#x~John'),
    )
    expect(odd.get('PID-3.4')).toBe('H')
    expect(odd.get('PID-5')).toBe('Doe\\x')
    const short = parseMessage(lines('MSH|^~|A|B|C|D|20261122||ADT^A01|1|P|2.5'))
    expect(short.fault).toBeUndefined()
    expect(short.warnings).toContainEqual({ code: 'encoding-characters', location: 'MSH-2' })
  })

  test.each(['', 'MSH', 'MSH|^~', 'MSH|AB|x', 'MSH|^^|x', 'PID|1', 'hello', '\0\0'])(
    '%j has no readable header',
    (text) => {
      expect(parseMessage(Buffer.from(text)).fault).toMatchObject({
        code0357: '100',
        ourCode: 'invalid-message',
      })
    },
  )

  test('a byte-order mark, line feeds, blank lines and a lost line are all read', () => {
    const bytes = Buffer.from(
      `\ufeff\r\n${header}\r\nPID|1||Å1\r\n\r\nOBX|1|FT|first\nsecond half\nOBX|2|FT|third\n`,
    )
    const message = parseMessage(bytes)
    expect(message.segments.map(({ name }) => name)).toEqual(['MSH', 'PID', 'OBX', 'OBX'])
    expect(message.get('PID-3')).toBe('Å1')
    expect(message.get('OBX-3')).toBe('first\nsecond half')
    expect(message.warnings).toContainEqual({ code: 'line-continued', location: 'OBX' })
    expect(message.toBytes()).toEqual(bytes)
  })

  test('random bytes never throw, and come out again untouched once MSH is found', () => {
    const byte = fc.oneof(fc.constantFrom(...Buffer.from('MSHPID|^~\\&\r\n"')), fc.nat(255))
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 300 }), (tail) => {
        const bytes = Buffer.concat([Buffer.from(`${header}\r`), Buffer.from(tail)])
        const message = parseMessage(bytes)
        for (const segment of message.segments) for (let field = 0; field < 5; field++) segment.text(field)
        expect(message.toBytes()).toEqual(bytes)
      }),
      { numRuns: 500 },
    )
  })

  test('any tree of any text goes to bytes and back under any delimiters', () => {
    const leaf: fc.Arbitrary<Value> = anyText
    const tree = fc.array(
      fc.array(fc.array(leaf, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
      { minLength: 1, maxLength: 3 },
    )
    fc.assert(
      fc.property(tree, anyDelimiters, (repetitions, delimiters) => {
        const message = Message.create(delimiters)
        message.set('MSH-18', 'UNICODE UTF-8')
        const segment = message.add('ZZZ')
        const places = repetitions.flatMap((components, r) =>
          components.flatMap((subcomponents, c) =>
            subcomponents.map((value, s) => ({ at: `4[${r + 1}].${c + 1}.${s + 1}`, value })),
          ),
        )
        for (const { at, value } of places) segment.set(at, value)
        const back = parseMessage(message.toBytes())
        for (const { at, value } of places) {
          // Two quote marks are null on the wire; no text can say them otherwise.
          expect(back.get(`ZZZ-${at}`)).toBe(value === '""' ? null : value)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('setting one place leaves every other byte alone', () => {
    const source = lines(header, 'PID|1||A^^^B||X\\Z1\\^Y|""||', 'ZZ1|keep\\.br\\|')
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 20 }), anyText, (field, value) => {
        const message = parseMessage(source)
        message.set(`PID-${field}.2`, value)
        expect(message.get(`PID-${field}.2`)).toBe(value === '""' ? null : value)
        const [before, after] = [source.toString().split('\r'), message.toBytes().toString().split('\r')]
        expect(after[0]).toBe(before[0])
        expect(after[2]).toBe(before[2])
        expect(after[1]?.split('|').slice(0, 9)).toEqual(before[1]?.split('|').slice(0, 9))
      }),
    )
  })

  test('a message declares its character set only when ASCII does not suffice', () => {
    const plain = Message.create()
    plain.set('MSH-3', 'ISOCENTER')
    expect(plain.encodeAs('UNICODE UTF-8').toString()).toBe('MSH|^~\\&|ISOCENTER\r')
    plain.set('MSH-4', 'Ålesund')
    expect(parseMessage(plain.encodeAs('8859/1')).get('MSH-4')).toBe('Ålesund')
    expect(plain.get('MSH-18')).toBe('8859/1')
  })

  test('reading is linear in the length of a message', () => {
    const time = (count: number) => {
      const bytes = lines(
        header,
        ...Array.from({ length: count }, (_, i) => `OBX|${i}|FT|x^y&z~${'w'.repeat(50)}`),
      )
      const started = performance.now()
      expect(parseMessage(bytes).all('OBX').length).toBe(count)
      return performance.now() - started
    }
    time(1_000)
    expect(time(20_000)).toBeLessThan(3_000)
  })
})
