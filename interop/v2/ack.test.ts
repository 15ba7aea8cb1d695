import { describe, expect, test } from 'vitest'
import { type AckContext, acknowledge, type Outcome } from './ack.ts'
import { readAnswer } from './answer.ts'
import { connection } from './connection.ts'
import type { Finding } from './finding.ts'
import { parseMessage } from './message.ts'

const context: AckContext = {
  connection: connection({ zone: 'Europe/Oslo' }),
  newControlId: () => 'IC1',
  now: new Date('2026-11-22T09:15:02Z'),
}
const request = ({ version = '2.5.1', accept = '', application = '', msh2 = '^~\\&', id = 'MSG1' } = {}) =>
  parseMessage(
    Buffer.from(
      `MSH|${msh2}|RIS|SITE|ISO&x|MAIN|20261122||ORM^O01|${id}|T|${version}|||${accept}|${application}\r`,
    ),
  )
const missing: Finding = {
  code0357: '101',
  location: { segment: 'PID', occurrence: 1, field: 3, repetition: 1, component: 4 },
  ourCode: 'invalid-message',
  sentence: 'The patient has no identifier (PID-3).',
}
const answers = (message: ReturnType<typeof request>, outcome: Outcome) =>
  acknowledge(message, outcome, context).map((bytes) => bytes.toString())
const codes = (message: ReturnType<typeof request>, outcome: Outcome) =>
  acknowledge(message, outcome, context).map((bytes) => parseMessage(bytes).get('MSA-1'))

describe('acknowledgements', () => {
  test('[OS-01] AA changes places and echoes control id, processing id and version', () => {
    expect(answers(request(), { code: 'AA' })).toEqual([
      'MSH|^~\\&|ISO&x|MAIN|RIS|SITE|20261122101502+0100||ACK^O01^ACK|IC1|T|2.5.1\rMSA|AA|MSG1\r',
    ])
  })

  test('[OS-01] AE says where, what and why, without values', () => {
    expect(
      answers(request(), { code: 'AE', errors: [missing] })[0]
        ?.split('\r')
        .slice(1, 3),
    ).toEqual([
      'MSA|AE|MSG1|The patient has no identifier (PID-3).',
      'ERR||PID^1^3^1^4|101^Required field missing^HL70357|E|invalid-message^^ISOCENTER|||The patient has no identifier (PID-3).',
    ])
  })

  test('before 2.5 the error stands in ERR-1', () => {
    const [, , err] = answers(request({ version: '2.3' }), {
      code: 'AE',
      errors: [missing, missing],
    })[0]!.split('\r')
    expect(err).toBe('ERR|PID^1^3^101~PID^1^3^101')
  })

  test('a control id longer than the standard allows comes back whole', () => {
    const id = 'x'.repeat(48)
    expect(parseMessage(acknowledge(request({ id }), { code: 'AA' }, context)[0]!).get('MSA-2')).toBe(id)
  })

  test('the delimiters of the sender are mirrored when they can say everything, else ours are used', () => {
    expect(
      answers(parseMessage(Buffer.from('MSH@~&#\\@A@B@C@D@20261122@@ORM~O01@1@P@2.5\r')), { code: 'AA' })[0],
    ).toMatch(/^MSH@~&#\\@C@D@A@B@/)
    expect(answers(request({ msh2: '^~' }), { code: 'AA' })[0]).toMatch(/^MSH\|\^~\\&\|ISO\\T\\x\|/)
  })

  test('a message without MSH is rejected under an empty control id', () => {
    const broken = parseMessage(Buffer.from('MSH|^~'))
    const [ack] = acknowledge(broken, { code: 'AR', errors: [broken.fault!] }, context)
    expect(parseMessage(ack!).get('MSA-1')).toBe('AR')
    expect(parseMessage(ack!).get('MSA-2')).toBe('')
    expect(parseMessage(ack!).get('ERR-3')).toBe('100')
  })

  test.each([
    ['', '', ['AA'], ['AE'], ['AR']],
    ['AL', 'NE', ['CA'], ['CA'], ['CR']],
    ['AL', 'AL', ['CA', 'AA'], ['CA', 'AE'], ['CR']],
    ['NE', 'AL', ['AA'], ['AE'], ['AR']],
    ['NE', 'NE', [], [], []],
    ['ER', 'NE', [], [], ['CR']],
    ['SU', 'ER', ['CA'], ['CA', 'AE'], []],
    ['AL', '', ['CA'], ['CA'], ['CR']],
  ])('MSH-15 %j and MSH-16 %j are answered as asked', (accept, application, success, error, reject) => {
    const message = request({ accept, application })
    expect(codes(message, { code: 'AA' })).toEqual(success)
    expect(codes(message, { code: 'AE', errors: [missing] })).toEqual(error)
    expect(codes(message, { code: 'AR', errors: [{ ...missing, code0357: '200' }] })).toEqual(reject)
  })

  test('what could not be stored is CE', () => {
    const lost = { ...missing, code0357: '207', ourCode: 'not-stored' } as const
    expect(codes(request({ accept: 'AL', application: 'AL' }), { code: 'AE', errors: [lost] })).toEqual([
      'CE',
    ])
  })
})

describe('answers to us', () => {
  const ack = (msa: string, more = '') =>
    Buffer.from(`MSH|^~\\&|EMR|G|ISO|M|20261122||ACK|9|P|2.5.1\r${msa}\r${more}`)

  test.each([
    ['MSA|AA|IC1', 'acknowledged', 'application'],
    ['MSA|CA|IC1', 'acknowledged', 'accept'],
    ['MSA|AE|IC1', 'error', 'application'],
    ['MSA|CE|IC1', 'error', 'accept'],
    ['MSA|AR|IC1', 'rejected', 'application'],
    ['MSA|CR|IC1', 'rejected', 'accept'],
    ['MSA|AA|IC0', 'foreign', undefined],
    ['MSA|AA', 'foreign', undefined],
    ['MSA|OK|IC1', 'malformed', undefined],
    ['NTE|1', 'malformed', undefined],
  ])('[EH-02] %s is read as %s', (msa, kind, level) => {
    expect(readAnswer(ack(msa), 'IC1')).toMatchObject({ kind, ...(level ? { level } : {}) })
  })

  test('[EH-02] a receiver that already has the message says 205', () => {
    expect(readAnswer(ack('MSA|AE|IC1', 'ERR||MSH^1^10|205^Duplicate^HL70357|E\r'), 'IC1')).toMatchObject({
      duplicate: true,
      errors: [{ code: '205', location: 'MSH-10' }],
    })
    expect(readAnswer(ack('MSA|AE|IC1', 'ERR|MSH^1^10^205\r'), 'IC1').duplicate).toBe(true)
  })

  test('[EH-02] noise is not an answer', () => {
    expect(readAnswer(Buffer.from('thank you'), 'IC1').kind).toBe('malformed')
    expect(readAnswer(Buffer.alloc(0), 'IC1').kind).toBe('malformed')
  })

  test('[EH-02] our own acknowledgements are understood by our own reader', () => {
    const [bytes] = acknowledge(request(), { code: 'AE', errors: [missing] }, context)
    expect(readAnswer(bytes!, 'MSG1')).toEqual({
      kind: 'error',
      level: 'application',
      code: 'AE',
      controlId: 'MSG1',
      errors: [{ code: '101', location: 'PID-3' }],
      duplicate: false,
    })
  })
})
