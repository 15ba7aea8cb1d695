import { describe, expect, test } from 'vitest'
import type { OrderMessage } from '#domain/order-message.ts'
import { type Connection, connection } from './connection.ts'
import { parseMessage } from './message.ts'
import { mapOrders } from './orm.ts'

const header = 'MSH|^~\\&|RIS|SITE|ISOCENTER|MAIN|20261122083000||ORM^O01^ORM_O01|1|P|2.5.1'
const pid = 'PID|1||SYN-1^^^MAIN&1.2.3&ISO^MR~NAT-9^^^NATIONAL^NI||TESTPERSON^VERA^M^^DR||19780214|F'
const agreed = connection({ zone: 'Europe/Oslo', authority: 'RIS', localScheme: '99MAIN' })

function map(segments: string[], changes: Partial<Connection> = {}) {
  const bytes = Buffer.from(`${[header, ...segments].join('\r')}\r`)
  return mapOrders(parseMessage(bytes), { ...agreed, ...changes })
}

function one(segments: string[], changes: Partial<Connection> = {}): OrderMessage {
  const { orders, errors } = map(segments, changes)
  expect(errors).toEqual([])
  expect(orders.length).toBe(1)
  return orders[0]!
}

const orc = 'ORC|NW|PL-1^EMR'
const obr = 'OBR|1|PL-1^EMR||CTCHEST^CT chest^99EMR'

describe('an order from a placer', () => {
  const full = one([
    pid,
    'NTE|1||Hard of hearing',
    'PV1|1|O|RAD^CT 1^^MAIN|||||1001^SAMPLE^OTTO^^^DR|||||||B6|VIP|||V-1^^^MAIN^VN',
    'ORC|NW|PL-1^EMR|||SC||^^^20261122090000^^S||20261122083000|7^CLERK^IDA|||1001^SAMPLE^OTTO^^^DR|||||5551234^^^^^^^^^^^5551234||||||||||||||||',
    'TQ1|1||||||20261123090000||R',
    'OBR|1|PL-1^EMR||CTCHEST^CT chest^99EMR^CC^Chest^99X||||||||danger^Infectious|pacemaker|||1001^SAMPLE^OTTO^^^DR|5559999|ACC1||||||CT|||^^^^^A|2001^COPY^ADA~2002^COPY^NILS||WALK|^cough \\T\\ fever~R05^Cough^I10',
    'NTE|1||line one\\.br\\line two',
    'DG1|1||C34^Lung cancer^I10',
    'OBX|1|NM|2160-0^Creatinine^LN||88|umol/L|||||F|||20261120',
    'AL1|1|DA|IOD^Iodine^99X|SV|rash',
  ])

  test('[OS-01] the order, its numbers, its urgency and the people it names', () => {
    expect(full).toMatchObject({
      control: 'NW',
      placer: { value: 'PL-1', authority: 'EMR' },
      externalStatus: 'SC',
      priority: { level: 'stat', word: 'S' },
      requester: { id: '1001', name: { family: 'SAMPLE', given: 'OTTO', prefix: 'DR' } },
      enteredBy: { id: '7' },
      copiesTo: [{ id: '2001' }, { id: '2002' }],
      reason: { text: 'cough & fever\nCough', codes: [{ code: 'R05', scheme: 'I10' }] },
      dangerCode: 'Infectious',
      medicalAlerts: 'pacemaker',
      callBack: '5559999',
      orderedAt: new Date('2026-11-22T07:30:00Z'),
      notes: ['line one\nline two'],
      indications: [{ code: 'C34' }],
      observations: [{ code: { code: '2160-0' }, value: '88', units: 'umol/L' }],
      allergies: [{ agent: { code: 'IOD' }, severity: 'SV', reaction: 'rash' }],
    })
    expect(full.warnings).toContainEqual({ code: 'priority-disagrees', location: 'ORC-7' })
  })

  test('[OS-01] the patient with every identifier and its issuer, and the visit', () => {
    expect(full.patient).toMatchObject({
      identifiers: [
        { value: 'SYN-1', issuer: 'MAIN', type: 'MR' },
        { value: 'NAT-9', issuer: 'NATIONAL', type: 'NI' },
      ],
      name: { alphabetic: { family: 'TESTPERSON', given: 'VERA', middle: 'M', prefix: 'DR' } },
      birthDate: { value: '1978-02-14', precision: 'day' },
      sex: 'F',
      temporaryIdentity: false,
      comments: ['Hard of hearing'],
    })
    expect(full.visit).toMatchObject({
      number: { value: 'V-1', authority: 'MAIN' },
      patientClass: 'O',
      location: { pointOfCare: 'RAD', room: 'CT 1', facility: 'MAIN' },
      pregnant: true,
      vip: 'VIP',
    })
  })

  test('[OS-03] a placer wishes a time and keeps its accession number; we mint ours', () => {
    expect(full.procedures).toEqual([
      {
        code: 'CTCHEST',
        scheme: '99EMR',
        text: 'CT chest',
        alternate: { code: 'CC', text: 'Chest', scheme: '99X' },
        modifiers: [],
        otherIds: [{ kind: 'accession', value: 'ACC1' }],
        steps: [{ modality: 'CT', aeTitles: [], wishedStart: new Date('2026-11-23T08:00:00Z') }],
        transport: 'WALK',
        notes: [],
      },
    ])
  })
})

describe('numbers and authorities', () => {
  test('a number without its authority belongs to the connection', () => {
    expect(one([pid, 'ORC|NW|PL-1', 'OBR|1|||X^Y^Z']).placer).toEqual({ value: 'PL-1', authority: 'RIS' })
    expect(one([pid, 'ORC|NW|PL-1^^1.2.3^ISO', 'OBR|1|||X^Y^Z']).placer).toEqual({
      value: 'PL-1',
      authority: '1.2.3',
    })
  })

  test('ORC-2 wins over OBR-2, which stands in for an empty one', () => {
    const differing = one([pid, 'ORC|NW|A^EMR', 'OBR|1|B^EMR||X^Y^Z'])
    expect(differing.placer?.value).toBe('A')
    expect(differing.warnings).toContainEqual({ code: 'order-number-disagrees', location: 'OBR-2' })
    expect(one([pid, 'ORC|NW', 'OBR|1|B^EMR||X^Y^Z']).placer?.value).toBe('B')
  })

  test('[OS-03] an authority for accession numbers and study UIDs is believed, if what it sends is usable', () => {
    const authorityFor: Connection['authorityFor'] = ['accession', 'study-uid']
    const ordered = (accession: string, uid: string) =>
      one([pid, orc, `${obr}||||||||||||||${accession}`, `ZDS|${uid}^100^Application^DICOM`], {
        authorityFor,
      })
    const adopted = ordered('ACC1', '1.2.840.99').procedures[0]
    expect(adopted).toMatchObject({
      accession: { value: 'ACC1', issuer: 'RIS' },
      studyInstanceUid: '1.2.840.99',
      otherIds: [],
    })
    const refused = ordered('A'.repeat(17), '1.02.3')
    expect(refused.procedures[0]).not.toHaveProperty('accession')
    expect(refused.procedures[0]?.otherIds).toEqual([
      { kind: 'accession', value: 'A'.repeat(17) },
      { kind: 'study-uid', value: '1.02.3' },
    ])
    expect(refused.warnings.map(({ code }) => code)).toEqual(['accession-unusable', 'study-uid-unusable'])
  })

  test('the accession number is looked for where this sender puts it', () => {
    const segments = [pid, orc, `${obr}||||||||||||||||ACC20`]
    const fromStep = one(segments, { authorityFor: ['accession'], accessionFrom: ['OBR-18', 'OBR-20'] })
    expect(fromStep.procedures[0]?.accession?.value).toBe('ACC20')
    expect(one(segments, { authorityFor: ['accession'] }).procedures[0]?.accession).toBeUndefined()
  })

  test('old patient numbers follow with an unknown issuer', () => {
    expect(one(['PID|1|OLD-2|NEW-3^^^MAIN|OLD-4', orc, obr]).patient.identifiers).toEqual([
      { value: 'NEW-3', issuer: 'MAIN' },
      { value: 'OLD-2', issuer: 'unknown' },
      { value: 'OLD-4', issuer: 'unknown' },
    ])
  })
})

describe('several orders and procedures in one message', () => {
  test('[OS-01] groups with one placer number are one order with several procedures', () => {
    const order = one([
      pid,
      orc,
      obr,
      'OBR|2|PL-1^EMR||CTABD^CT abdomen^99EMR',
      orc,
      'OBR|3|PL-1^EMR||CTHEAD^CT head^99EMR',
    ])
    expect(order.procedures.map(({ code }) => code)).toEqual(['CTCHEST', 'CTABD', 'CTHEAD'])
  })

  test('[OS-01] different placer numbers are different orders, and the patient is the same', () => {
    const { orders } = map([pid, orc, obr, 'ORC|NW|PL-2^EMR', 'OBR|1|PL-2^EMR||XRHAND^Hand^99EMR'])
    expect(orders.map(({ placer }) => placer?.value)).toEqual(['PL-1', 'PL-2'])
    expect(orders[1]?.patient.identifiers[0]?.value).toBe('SYN-1')
  })

  test('the same number of two authorities is two orders', () => {
    expect(map([pid, orc, obr, 'ORC|NW|PL-1^OTHER', 'OBR|1|||X^Y^Z']).orders.length).toBe(2)
  })

  test('one bad group refuses the whole message and is named by its occurrence', () => {
    const { orders, errors } = map([pid, orc, obr, 'ORC|QQ|PL-2^EMR', 'OBR|1|||X^Y^Z'])
    expect(orders).toEqual([])
    expect(errors).toMatchObject([{ code0357: '103', location: { segment: 'ORC', occurrence: 2, field: 1 } }])
  })
})

describe('schedulers and imaging orders', () => {
  test('a scheduler books, names the protocol first and the requested procedure in OBR-44', () => {
    const segments = [
      pid,
      'ORC|NW|PL-1^EMR|F-1^RIS|||||^^^20261122090000',
      `OBR|1|||P5^Protocol 5^99P^CTP^CT protocol^99P||||||||||||||ACC1|RP1|SPS1|CT ROOM 1|||CT${'|'.repeat(12)}20261122101500${'|'.repeat(8)}RPC^Requested^99R`,
    ]
    const order = one(segments, { role: 'scheduler', authorityFor: ['schedule', 'accession'] })
    expect(order.procedures[0]).toMatchObject({
      code: 'RPC',
      requestedProcedureId: 'RP1',
      accession: { value: 'ACC1' },
      steps: [
        {
          stepId: 'SPS1',
          modality: 'CT',
          room: 'CT ROOM 1',
          protocol: { code: 'CTP' },
          bookedStart: new Date('2026-11-22T09:15:00Z'),
        },
      ],
    })
  })

  test('several IPC of one requested procedure are steps of one study', () => {
    const ipc = (rp: string, sps: string, uid: string) =>
      `IPC|ACC1^RIS|${rp}|${uid}|${sps}|MR|PR1^Protocol^99P|ST1|MR 1|MR1~MR2`
    const authorityFor: Connection['authorityFor'] = ['accession', 'study-uid']
    const order = one(
      [pid, orc, obr, ipc('RP1', 'S1', '1.2.3'), ipc('RP1', 'S2', '1.2.3'), ipc('RP2', 'S3', '1.2.4')],
      { authorityFor },
    )
    expect(order.procedures).toMatchObject([
      {
        requestedProcedureId: 'RP1',
        studyInstanceUid: '1.2.3',
        steps: [{ stepId: 'S1', aeTitles: ['MR1', 'MR2'] }, { stepId: 'S2' }],
      },
      {
        requestedProcedureId: 'RP2',
        studyInstanceUid: '1.2.4',
        steps: [{ stepId: 'S3', room: 'MR 1', modality: 'MR' }],
      },
    ])
    expect(
      map([pid, orc, obr, ipc('RP1', 'S1', '1.2.3'), ipc('RP1', 'S2', '1.2.9')]).errors[0]?.code0357,
    ).toBe('102')
  })
})

describe('what a message says, unsays and leaves out', () => {
  test('[OS-04] null deletes, empty and absent say nothing', () => {
    const order = one(['PID|1||S1^^^MAIN||""||""|""', 'ORC|XO|PL-1^EMR', `OBR|1|||${'|'.repeat(27)}""`])
    expect(order.patient).toMatchObject({ name: null, birthDate: null, sex: null })
    expect(order.reason).toBeNull()
    const silent = one(['PID|1||S1^^^MAIN', 'ORC|XO|PL-1^EMR', 'OBR|1'])
    expect(silent.patient.name).toBeUndefined()
    expect(silent.reason).toBeUndefined()
    expect(silent).not.toHaveProperty('priority')
    expect(silent.procedures[0]).not.toHaveProperty('code')
  })

  test('names keep their scripts apart, by code or by the script itself', () => {
    const name = (xpn: string) => one([`PID|1||S1^^^MAIN||${xpn}`, orc, obr]).patient.name
    expect(name('Yamada^Tarou^^^^^L^A~山田^太郎^^^^^L^I~やまだ^たろう^^^^^L^P')).toEqual({
      alphabetic: { family: 'Yamada', given: 'Tarou' },
      ideographic: { family: '山田', given: '太郎' },
      phonetic: { family: 'やまだ', given: 'たろう' },
    })
    expect(name('Zörb^Renée^^^^^L~山田^太郎^^^^^L')).toMatchObject({
      alphabetic: { given: 'Renée' },
      ideographic: { family: '山田' },
    })
  })

  test('a maiden name is another name, and a year of birth stays a year', () => {
    const { patient } = one(['PID|1||S1^^^MAIN||NEW^VERA^^^^^L~OLD^VERA^^^^^M||1963|A', orc, obr])
    expect(patient.name?.alphabetic?.family).toBe('NEW')
    expect(patient.otherNames).toEqual([{ alphabetic: { family: 'OLD', given: 'VERA' } }])
    expect(patient.birthDate).toEqual({ value: '1963', precision: 'year' })
    expect(patient).toMatchObject({ sex: 'O', sexAsSent: 'A' })
  })

  test('an unmapped priority counts as urgent until somebody maps it', () => {
    const said = (changes: Partial<Connection> = {}) => one([pid, orc, `${obr}|Soonish`], changes)
    expect(said().priority).toEqual({ level: 'urgent', word: 'Soonish' })
    expect(said().warnings).toContainEqual({ code: 'priority-unmapped', location: 'OBR-5' })
    expect(said({ priorityWords: { Soonish: 'routine' } }).priority?.level).toBe('routine')
  })

  test('a repeat pattern is one order, flagged', () => {
    expect(one([pid, orc, 'TQ1|1|1|BID', obr]).warnings).toContainEqual({
      code: 'repeat-pattern',
      location: 'TQ1-3',
    })
  })

  test('a code without scheme is local, and text without a code is flagged', () => {
    expect(one([pid, orc, 'OBR|1|||X^Y']).procedures[0]?.scheme).toBe('99MAIN')
    const texted = one([pid, orc, 'OBR|1|||^CT of something'])
    expect(texted.procedures[0]).toMatchObject({ text: 'CT of something' })
    expect(texted.warnings).toContainEqual({ code: 'procedure-without-code', location: 'OBR-4' })
  })

  test('the side comes from the modifier or the body site, and two sides stop the order', () => {
    const sided = (site: string, modifier: string) =>
      map([pid, orc, `${obr}${'|'.repeat(11)}${site}${'|'.repeat(30)}${modifier}`])
    expect(sided('', 'LT').orders[0]?.procedures[0]?.side).toBe('left')
    expect(sided('^^^^RIGHT', '').orders[0]?.procedures[0]?.side).toBe('right')
    expect(sided('', '').orders[0]?.procedures[0]?.side).toBeUndefined()
    expect(sided('^^^^RIGHT', 'LT').errors).toMatchObject([{ code0357: '207', ourCode: 'invalid-message' }])
  })
})

describe('[OS-04] what cannot be carried out', () => {
  test.each([
    ['no patient', [orc, obr], '100', 'PID'],
    ['no patient identifier', ['PID|1||||X^Y', orc, obr], '101', 'PID'],
    ['no order', [pid, obr], '100', 'ORC'],
    ['no segment of an order at all', [pid], '100', 'ORC'],
    ['no imaging detail', [pid, orc], '100', 'OBR'],
    ['a pharmacy order', [pid, orc, 'RXO|1'], '100', 'OBR'],
    ['no control code', [pid, 'ORC||PL-1^EMR', obr], '101', 'ORC'],
    ['an unknown control code', [pid, 'ORC|RE|PL-1^EMR', obr], '103', 'ORC'],
    ['no placer number', [pid, 'ORC|NW', 'OBR|1|||X^Y'], '101', 'ORC'],
    ['no procedure', [pid, orc, 'OBR|1|PL-1^EMR'], '101', 'OBR'],
    ['a birth date that is none', ['PID|1||S1^^^MAIN||X^Y||yesterday', orc, obr], '102', 'PID'],
    ['a start that is no time', [pid, 'ORC|NW|PL-1^EMR|||||^^^20261122240000', obr], '102', 'ORC'],
  ])('%s is refused', (_, segments, code0357, segment) => {
    const { orders, errors } = map(segments)
    expect(orders).toEqual([])
    expect(errors[0]).toMatchObject({ code0357, location: { segment } })
  })

  test('a control code in lower case with spaces is understood', () => {
    expect(one([pid, 'ORC| ca |PL-1^EMR', obr]).control).toBe('CA')
  })

  test('a cancel needs no more than its number', () => {
    expect(one([pid, 'ORC|CA|PL-1^EMR']).procedures).toEqual([])
  })

  test('nothing a refusal says holds what the message held', () => {
    const { errors } = map([
      'PID|1||SECRET-7^^^MAIN||SECRETNAME^X||SECRETDATE',
      'ORC|SECRETCODE|PL-1^EMR',
      obr,
    ])
    expect(errors.length).toBe(2)
    expect(JSON.stringify(errors)).not.toContain('SECRET')
  })
})
