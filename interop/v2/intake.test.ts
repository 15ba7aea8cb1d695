import { describe, expect, test } from 'vitest'
import type { AckContext } from './ack.ts'
import { connection } from './connection.ts'
import { answerFor, outcomeOfError, readInbound, refuseTooLong } from './intake.ts'
import { parseMessage } from './message.ts'

const agreed = connection({ processingIds: ['P'] })
const context: AckContext = {
  connection: agreed,
  newControlId: () => 'IC1',
  now: new Date('2026-11-22T09:00:00Z'),
}
const body = '\rPID|1||S1^^^MAIN||TEST^A\rORC|NW|P1^RIS\rOBR|1|||CT1^CT^99M\r'
const inbound = (msh: string, rest = body) => readInbound(Buffer.from(msh + rest), agreed)
const msh = (type: string, { id = '1', processing = 'P', version = '2.5.1', charset = '' } = {}) =>
  `MSH|^~\\&|RIS|SITE|ISO|MAIN|20261122||${type}|${id}|${processing}|${version}||||||${charset}`

describe('[OS-01] intake', () => {
  test.each(['ORM^O01', 'ORM^O01^ORM_O01', 'OMG^O19^OMG_O19', 'orm^o01'])('%s brings an order', (type) => {
    const read = inbound(msh(type))
    expect(read).toMatchObject({ kind: 'order', key: { controlId: '1' } })
    expect(read.kind === 'order' && read.orders[0]?.placer?.value).toBe('P1')
    expect(parseMessage(answerFor(read, { code: 'AA' }, context)[0]!).get('MSA-1')).toBe('AA')
  })

  test.each([
    ['VXU^V04', {}, 'AR', '200'],
    ['ORM^O02', {}, 'AR', '201'],
    ['ORM^O01', { processing: 'T' }, 'AR', '202'],
    ['ORM^O01', { version: '3.0' }, 'AR', '203'],
    ['ORM^O01', { id: '' }, 'AE', '101'],
    ['', {}, 'AE', '101'],
    ['OMI^O23', {}, 'AE', '100'],
    ['ORM^O01', { charset: 'UNICODE UTF-16' }, 'AE', '102'],
  ])('%j with %j is answered %s %s', (type, header, code, error) => {
    const read = inbound(msh(type, header))
    expect(read).toMatchObject({ kind: 'refusal', outcome: { code, errors: [{ code0357: error }] } })
    expect(read.kind === 'refusal' && read.exception).toBe(code === 'AE')
  })

  test('what is no message is rejected, and somebody must look at it', () => {
    expect(inbound('hello', '')).toMatchObject({
      kind: 'refusal',
      exception: true,
      outcome: { code: 'AR', errors: [{ code0357: '100' }] },
      key: { controlId: '' },
    })
  })

  test('a missing version is read as an old one, with a warning', () => {
    const read = inbound(msh('ORM^O01', { version: '' }))
    expect(read.kind).toBe('order')
    expect(read.warnings).toContainEqual({ code: 'version-missing', location: 'MSH-12' })
  })

  test('an acknowledgement is never acknowledged', () => {
    const read = inbound(msh('ACK^O01'), '\rMSA|AA|X1\r')
    expect(read.kind).toBe('acknowledgement')
    expect(answerFor(read, { code: 'AA' }, context)).toEqual([])
  })

  test('random bytes behind a header never throw', () => {
    for (let seed = 1; seed < 300; seed++) {
      const noise = Buffer.from(
        Array.from({ length: 80 }, (_, i) => (seed * 31 + i * i * 17 + (seed >> 2) * i) % 256),
      )
      readInbound(Buffer.concat([Buffer.from(msh('ORM^O01')), Buffer.from('\rPID|'), noise]), agreed)
    }
  })
})

describe('[OS-04] the answer of the department on the wire', () => {
  test.each([
    ['unknown-order', '204'],
    ['duplicate-order', '205'],
    ['message-conflict', '205'],
    ['illegal-transition', '207'],
    ['order-ended', '207'],
    ['procedure-begun', '207'],
    ['identity-mismatch', '207'],
  ])('%s is AE %s and says so in ERR-5', (code, error) => {
    expect(outcomeOfError({ code })).toMatchObject({
      code: 'AE',
      errors: [{ code0357: error, ourCode: code }],
    })
  })

  test('a new order for an ended one is a duplicate key', () => {
    expect(outcomeOfError({ code: 'order-ended' }, undefined, 'NW').errors?.[0]?.code0357).toBe('205')
  })

  test('a fault of ours asks to be sent again and tells nothing of it', () => {
    expect(outcomeOfError(new Error('password=x'))).toEqual({
      code: 'AE',
      errors: [
        { code0357: '207', location: undefined, ourCode: 'internal-error', sentence: 'Try again later.' },
      ],
    })
  })

  test('a frame that was too long is answered by its head', () => {
    const [ack] = refuseTooLong(Buffer.from(msh('ORM^O01', { id: 'LONG' })), context)
    expect(parseMessage(ack!).get('MSA-2')).toBe('LONG')
    expect(parseMessage(ack!).get('ERR-3')).toBe('207')
  })
})
