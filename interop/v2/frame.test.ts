import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FrameEvent, type FrameLimits, FrameParser, frame } from './frame.ts'

const message = (id: string) => Buffer.from(`MSH|^~\\&|A|B|C|D|20261122||ORM^O01|${id}|P|2.5.1\rPID|1\r`)

function read(bytes: Buffer, cuts: number[] = [], limits?: Partial<FrameLimits>): FrameEvent[] {
  const parser = new FrameParser(limits)
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  const events = at.slice(1).flatMap((end, i) => parser.push(bytes.subarray(at[i], end)))
  return [...events, ...parser.end()]
}

const framesOf = (events: FrameEvent[]) =>
  events.flatMap((event) => (event.type === 'frame' ? [event.bytes.toString()] : []))
const typesOf = (events: FrameEvent[]) =>
  events.map((event) => (event.type === 'warning' ? event.code : event.type))

describe('MLLP frames', () => {
  test('any messages, cut anywhere, with noise between them, come out whole and in order', () => {
    const text = fc
      .uint8Array({ min: 0x20, max: 0xff, minLength: 1, maxLength: 60 })
      .map((bytes) => `x${Buffer.from(bytes).toString('latin1')}`)
    const noise = fc.constantFrom('', '\r', '\n', '\0\0', '\r\nlog: all well\r\n')
    fc.assert(
      fc.property(
        fc.array(fc.tuple(noise, text), { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        (sent, cuts) => {
          const wire = Buffer.concat(
            sent.flatMap(([before, body]) => [Buffer.from(before), frame(Buffer.from(body, 'latin1'))]),
          )
          const got = read(wire, cuts).flatMap((event) =>
            event.type === 'frame' ? [event.bytes.toString('latin1')] : [],
          )
          expect(got).toEqual(sent.map(([, body]) => body))
        },
      ),
    )
  })

  test('random bytes give the same events however they are cut, and never throw', () => {
    const byte = fc.oneof(fc.constantFrom(0x0b, 0x1c, 0x0d, 0x0a, 0x4d, 0x53, 0x48), fc.nat(255))
    fc.assert(
      fc.property(
        fc.array(byte, { maxLength: 200 }),
        fc.array(fc.nat(), { maxLength: 40 }),
        (bytes, cuts) => {
          const wire = Buffer.from(bytes)
          expect(read(wire, cuts)).toEqual(read(wire))
        },
      ),
      { numRuns: 500 },
    )
  })

  test('a frame sent byte by byte is one frame', () => {
    const wire = frame(message('1'))
    expect(framesOf(read(wire, [...wire.keys()]))).toEqual([message('1').toString()])
  })

  test('pipelined frames with a line feed after each are all read', () => {
    const wire = Buffer.concat([
      frame(message('1')),
      Buffer.from('\n'),
      frame(message('2')),
      Buffer.from('\n'),
    ])
    expect(framesOf(read(wire))).toEqual([message('1').toString(), message('2').toString()])
  })

  test('an empty frame only asks whether we are there', () => {
    expect(typesOf(read(frame(Buffer.from('\r\n '))))).toEqual(['keep-alive'])
  })

  test('a frame that lost its last carriage return ends at the next start, at a line feed or at the end', () => {
    const open = Buffer.concat([Buffer.of(0x0b), message('1'), Buffer.of(0x1c)])
    for (const after of [frame(message('2')), Buffer.concat([Buffer.of(0x0a), frame(message('2'))])]) {
      const events = read(Buffer.concat([open, after]))
      expect(framesOf(events)).toEqual([message('1').toString(), message('2').toString()])
      expect(typesOf(events)).toContain('missing-carriage-return')
    }
    expect(framesOf(read(open))).toEqual([message('1').toString()])
    const parser = new FrameParser()
    parser.push(open)
    expect(parser.awaitsCarriageReturn).toBe(true)
    expect(framesOf(parser.expireCarriageReturn())).toEqual([message('1').toString()])
  })

  test('a stray 1C in the text does not end the message', () => {
    const events = read(Buffer.from('\x0bMSH|half\x1cother half\x1c\r', 'latin1'))
    expect(typesOf(events)).toEqual(['stray-control', 'frame'])
    expect(framesOf(events)).toEqual(['MSH|halfother half'])
  })

  test('a message cut by the start of the next is kept apart and never processed', () => {
    const wire = Buffer.concat([Buffer.of(0x0b), Buffer.from('MSH|cut'), frame(message('2'))])
    for (const cuts of [[], [...wire.keys()]]) {
      const events = read(wire, cuts)
      expect(typesOf(events)).toEqual(['cut', 'frame'])
      expect(framesOf(events)).toEqual([message('2').toString()])
    }
  })

  test('a stray 0B that begins no message is dropped', () => {
    expect(framesOf(read(Buffer.from('\x0bMSH|a\x0bb\x1c\r', 'latin1')))).toEqual(['MSH|ab'])
  })

  test('a frame whose peer goes away is incomplete', () => {
    const events = read(Buffer.from('\x0bMSH|a', 'latin1'))
    expect(events).toEqual([{ type: 'incomplete', bytes: Buffer.from('MSH|a') }])
  })

  test('a message without any frame is told apart from noise', () => {
    expect(typesOf(read(message('1')))).toEqual(['bytes-outside', 'unframed'])
    expect(typesOf(read(Buffer.from('hello')))).toEqual(['bytes-outside'])
  })

  test('a frame over the limit keeps only its head, and the next frame is read', () => {
    const long = Buffer.concat([message('1'), Buffer.alloc(1500, 'x')])
    const wire = Buffer.concat([frame(long), frame(message('2'))])
    const limits = { maxFrameBytes: 1000, keptHeadBytes: 100 }
    for (const cuts of [[], [...wire.keys()]]) {
      const events = read(wire, cuts, limits)
      expect(typesOf(events)).toEqual(['too-long', 'frame'])
      expect(events[0]).toMatchObject({ head: long.subarray(0, 100), bytes: long.length })
    }
  })

  test('twice the limit, or endless noise, ends the conversation', () => {
    const limits = { maxFrameBytes: 1000, maxOutsideBytes: 500 }
    expect(typesOf(read(frame(Buffer.alloc(2001, 'x')), [], limits))).toEqual(['flood'])
    expect(typesOf(read(Buffer.alloc(501, 'x'), [], limits))).toEqual(['bytes-outside', 'flood'])
  })
})
