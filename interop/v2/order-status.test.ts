import { describe, expect, test } from 'vitest'
import { parseMessage } from './message.ts'
import { buildOrderStatus, type OrderStatusContent, type StatusToTell } from './order-status.ts'

const content: OrderStatusContent = {
  application: 'ISOCENTER',
  facility: 'MAIN',
  receivingApplication: 'EMR',
  receivingFacility: 'GENERAL',
  controlId: 'IC000000000000A1B2B9',
  at: new Date('2026-11-22T07:40:11Z'),
  zone: 'Europe/Oslo',
  processingId: 'P',
  patient: {
    identifiers: [{ value: 'SYN-000417', issuer: 'MAIN', universalId: '1.2.3.999.1', type: 'MR' }],
    name: { alphabetic: { family: 'TESTPERSON', given: 'VERA', middle: 'M' } },
    birthDate: '1978-02-14',
    sex: 'F',
  },
  placer: { value: 'PL-7781', authority: 'EMR' },
  filler: { value: 'F-20931', authority: 'ISOCENTER' },
  procedure: { code: 'CTCHEST', text: 'CT chest with contrast', scheme: '99MAIN' },
  accession: 'ACC2611220031',
  requestedProcedureId: 'RP-20931',
  stepId: 'SPS-20931',
  modality: 'CT',
  priority: 'urgent',
  status: 'arrived',
  statusAt: new Date('2026-11-22T07:40:10Z'),
  scheduledStart: new Date('2026-11-22T08:00:00Z'),
  requester: { id: '1001', name: { family: 'SAMPLE', given: 'OTTO', prefix: 'DR' } },
}

describe('order status to a placer', () => {
  test('arrived, segment by segment', () => {
    expect(buildOrderStatus(content).toString().split('\r').slice(2)).toEqual([
      'ORC|SC|PL-7781^EMR|F-20931^ISOCENTER||IP||^^^20261122090000+0100^^A||20261122084010+0100|||1001^SAMPLE^OTTO^^^DR|||||||||||||ARRIVED^Patient arrived^99ISOC',
      'OBR|1|PL-7781^EMR|F-20931^ISOCENTER|CTCHEST^CT chest with contrast^99MAIN||||||||||||1001^SAMPLE^OTTO^^^DR||ACC2611220031|RP-20931|SPS-20931||20261122084010+0100||CT|S||^^^20261122090000+0100^^A|||||||||20261122090000+0100',
      '',
    ])
  })

  test.each<[StatusToTell, string, string, string]>([
    ['accepted', 'SC', 'IP', 'O'],
    ['scheduled', 'SC', 'SC', 'S'],
    ['acquiring', 'SC', 'IP', 'I'],
    ['acquired', 'SC', 'CM', 'I'],
    ['cancelled-for-placer', 'CR', 'CA', 'X'],
    ['cancelled-by-us', 'OC', 'CA', 'X'],
    ['discontinued', 'OD', 'DC', 'X'],
  ])('%s is ORC-1 %s, ORC-5 %s and OBR-25 %s', (status, control, order, result) => {
    const message = parseMessage(buildOrderStatus({ ...content, status }))
    expect([message.get('ORC-1'), message.get('ORC-5'), message.get('OBR-25')]).toEqual([
      control,
      order,
      result,
    ])
    expect(message.get('ORC-25')).toBeUndefined()
  })
})
