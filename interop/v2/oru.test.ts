import { describe, expect, test } from 'vitest'
import { UnencodableText } from './charset.ts'
import { parseMessage } from './message.ts'
import { buildOru, missingForOru, type OruContent, type OruProcedure, type OruStatus } from './oru.ts'

const chest: OruProcedure = {
  ordered: { code: 'CTCHEST', text: 'CT chest with contrast', scheme: '99MAIN' },
  requestedProcedureId: 'RP-20931',
  stepId: 'SPS-20931',
  modality: 'CT',
  exam: { start: new Date('2026-11-22T08:12:04Z'), end: new Date('2026-11-22T08:18:11Z') },
  studyInstanceUid: '1.2.826.0.1.3680043.10.999.1.20931',
}
const abdomen: OruProcedure = {
  ordered: { code: 'CTABD', text: 'CT abdomen with contrast', scheme: '99MAIN' },
  requestedProcedureId: 'RP-20932',
  stepId: 'SPS-20932',
  modality: 'CT',
  exam: { start: new Date('2026-11-22T08:19:00Z'), end: new Date('2026-11-22T08:25:00Z') },
  studyInstanceUid: '1.2.826.0.1.3680043.10.999.1.20932',
}
const report: OruContent = {
  application: 'ISOCENTER',
  facility: 'MAIN',
  receivingApplication: 'EMR',
  receivingFacility: 'GENERAL',
  controlId: 'IC000000000000A1B2C3',
  at: new Date('2026-11-22T09:15:02Z'),
  zone: 'Europe/Oslo',
  processingId: 'P',
  patient: {
    identifiers: [{ value: 'SYN-000417', issuer: 'MAIN', universalId: '1.2.3.999.1', type: 'MR' }],
    name: { alphabetic: { family: 'TESTPERSON', given: 'VERA', middle: 'M' } },
    birthDate: '1978-02-14',
    sex: 'F',
  },
  visit: {
    patientClass: 'O',
    location: { pointOfCare: 'RAD', room: 'CT 1', facility: 'MAIN' },
    referrer: { id: '1001', name: { family: 'SAMPLE', given: 'OTTO', prefix: 'DR' } },
    number: { value: 'V-88121', authority: 'MAIN' },
  },
  placer: { value: 'PL-7781', authority: 'EMR' },
  filler: { value: 'F-20931', authority: 'ISOCENTER' },
  accession: 'ACC2611220031',
  procedures: [chest],
  priority: 'urgent',
  status: 'final',
  statusAt: new Date('2026-11-22T09:14:55Z'),
  requester: { id: '1001', name: { family: 'SAMPLE', given: 'OTTO', prefix: 'DR' } },
  copiesTo: [{ id: '1002', name: { family: 'PROBE', given: 'INA', prefix: 'DR' } }],
  reason: [{ text: 'Known mass & cough' }],
  signer: { id: '2001', name: { family: 'LUND', given: 'ADA', prefix: 'DR', degree: 'MD' } },
  assistants: [{ id: '2002', name: { family: 'BERG', given: 'NILS', prefix: 'DR', degree: 'MD' } }],
  technologist: { id: '3001', name: { family: 'VOSS', given: 'ERIK' } },
  sections: [
    { kind: 'findings', text: 'Mass 3 ^ 2 cm in the left upper lobe.\nNo effusion.' },
    { kind: 'impression', text: 'Unchanged. Follow-up CT in 6 months.' },
  ],
  pdf: Buffer.from('%PDF-1.4\n'),
}
const text = (changes: Partial<OruContent> = {}) =>
  buildOru({ ...report, ...changes })
    .toString()
    .split('\r')

describe('[EH-01] a report to the EMR', () => {
  test('a final report, segment by segment', () => {
    const observer = '2001^LUND^ADA^^^DR^MD'
    expect(text()).toEqual([
      'MSH|^~\\&|ISOCENTER|MAIN|EMR|GENERAL|20261122101502+0100||ORU^R01^ORU_R01|IC000000000000A1B2C3|P|2.5.1',
      'PID|1||SYN-000417^^^MAIN&1.2.3.999.1&ISO^MR||TESTPERSON^VERA^M^^^^L||19780214|F',
      'PV1|1|O|RAD^CT 1^^MAIN|||||1001^SAMPLE^OTTO^^^DR|||||||||||V-88121^^^MAIN^VN',
      'ORC|RE|PL-7781^EMR|F-20931^ISOCENTER||CM||||20261122101455+0100|||1001^SAMPLE^OTTO^^^DR',
      'OBR|1|PL-7781^EMR|F-20931^ISOCENTER|CTCHEST^CT chest with contrast^99MAIN|||20261122091204+0100|20261122091811+0100||||||||1001^SAMPLE^OTTO^^^DR||ACC2611220031|RP-20931|SPS-20931||20261122101455+0100||CT|F|||1002^PROBE^INA^^^DR|||^Known mass \\T\\ cough|2001&LUND&ADA&&&DR&MD|2002&BERG&NILS&&&DR&MD|3001&VOSS&ERIK||||||||||CTCHEST^CT chest with contrast^99MAIN',
      'TQ1|1||||||||A^ASAP^HL70485',
      'OBX|1|ST|113014^DICOM Study^DCM||1.2.826.0.1.3680043.10.999.1.20931||||||F',
      `OBX|2|FT|18782-3^Findings^LN||Mass 3 \\S\\ 2 cm in the left upper lobe.\\.br\\No effusion.||||||F|||20261122091204+0100||${observer}`,
      `OBX|3|FT|19005-8^Impression^LN||Unchanged. Follow-up CT in 6 months.||||||F|||20261122091204+0100||${observer}`,
      'OBX|4|ED|18748-4^Diagnostic imaging study^LN||ISOCENTER^Application^PDF^Base64^JVBERi0xLjQK||||||F|||20261122091204+0100',
      '',
    ])
  })

  test.each<[OruStatus, string, string, string]>([
    ['preliminary', 'IP', 'P', 'P'],
    ['final', 'CM', 'F', 'F'],
    ['corrected', 'CM', 'C', 'C'],
    ['addendum', 'CM', 'C', 'C'],
    ['withdrawn', 'CM', 'C', 'W'],
    ['cancelled', 'CA', 'X', 'X'],
  ])('%s is ORC-5 %s, OBR-25 %s and OBX-11 %s', (status, order, result, observation) => {
    const message = parseMessage(buildOru({ ...report, status }))
    expect([message.get('ORC-5'), message.get('OBR-25'), message.get('OBX-11')]).toEqual([
      order,
      result,
      observation,
    ])
    expect(message.get('OBX(4)-11')).toBe(observation)
  })

  test('the text itself says that it is preliminary, corrected or added to, by whom and when', () => {
    const first = (status: OruStatus) =>
      parseMessage(buildOru({ ...report, status }))
        .all('OBX')[1]
        ?.text(5)
    expect(first('preliminary')).toMatch(/^PRELIMINARY REPORT\nMass 3 \^ 2/)
    expect(first('corrected')).toMatch(/^CORRECTED REPORT\n/)
    expect(first('final')).toMatch(/^Mass/)
    const at = new Date('2026-11-22T10:00:00Z')
    const author = { id: '2003', name: { family: 'HOLM', given: 'TOR' } }
    const added = { kind: 'addendum', text: 'Called the ward.', author, at } as const
    const addended = parseMessage(
      buildOru({ ...report, status: 'addendum', sections: [...report.sections, added] }),
    )
    const obx = addended.all('OBX')[3]!
    expect(obx.get('3.1')).toBe('55107-7')
    expect(obx.text(5)).toBe('ADDENDUM 1 by TOR HOLM at 2026-11-22 11:00\nCalled the ward.')
    expect(obx.get('16.2')).toBe('HOLM')
    expect(obx.get(14)).toBe('20261122110000+0100')
    expect(addended.all('OBX')[1]?.text(5)).toMatch(/^Mass/)
  })

  test('one report over two procedures of an order is a group for each, whole by itself', () => {
    const message = parseMessage(buildOru({ ...report, pdf: undefined, procedures: [chest, abdomen] }))
    const names = message.segments.map(({ name }) => name)
    const group = ['ORC', 'OBR', 'TQ1', 'OBX', 'OBX', 'OBX']
    expect(names).toEqual(['MSH', 'PID', 'PV1', ...group, ...group])
    expect(message.all('ORC').map((orc) => orc.get(1))).toEqual(['RE', 'RE'])
    const obrs = message.all('OBR')
    expect(obrs.map((obr) => [1, '4.1', 18, 19, 20, '44.1'].map((field) => obr.get(field)))).toEqual([
      ['1', 'CTCHEST', 'ACC2611220031', 'RP-20931', 'SPS-20931', 'CTCHEST'],
      ['2', 'CTABD', 'ACC2611220031', 'RP-20932', 'SPS-20932', 'CTABD'],
    ])
    expect(obrs.map((obr) => obr.get(7))).toEqual(['20261122091204+0100', '20261122091900+0100'])
    const obxs = message.all('OBX')
    expect(obxs.map((obx) => obx.get(1))).toEqual(['1', '2', '3', '4', '5', '6'])
    expect([obxs[0]!.get(5), obxs[3]!.get(5)]).toEqual([chest.studyInstanceUid, abdomen.studyInstanceUid])
    expect(obxs[4]!.text(5)).toBe(obxs[1]!.text(5))
  })

  test('a receiver that knows combined results gets the text once, after the last procedure', () => {
    const combined = { ...report, pdf: undefined, policy: { multiProcedure: 'combined' as const } }
    const message = parseMessage(buildOru({ ...combined, procedures: [chest, abdomen] }))
    expect(message.all('ORC').map((orc) => orc.get(1))).toEqual(['CN', 'RE'])
    expect(message.segments.map(({ name }) => name).slice(3)).toEqual([
      ...['ORC', 'OBR', 'TQ1', 'OBX'],
      ...['ORC', 'OBR', 'TQ1', 'OBX', 'OBX', 'OBX'],
    ])
    expect(parseMessage(buildOru(combined)).get('ORC-1')).toBe('RE')
  })

  test('a receiver of TX gets one observation for each line', () => {
    const sections = [{ kind: 'whole', text: 'one\n\nthree' }] as const
    const message = parseMessage(
      buildOru({ ...report, pdf: undefined, sections: [...sections], policy: { textAs: 'TX' } }),
    )
    expect(message.all('OBX').map((obx) => obx.get(5))).toEqual([chest.studyInstanceUid, 'one', ' ', 'three'])
    expect(message.all('OBX').map((obx) => obx.get(1))).toEqual(['1', '2', '3', '4'])
  })

  test('names in other scripts declare their character set, or stop before sending', () => {
    const patient = {
      ...report.patient,
      name: { alphabetic: { family: 'Yamada' }, ideographic: { family: '山田', given: '太郎' } },
    }
    const message = parseMessage(buildOru({ ...report, patient }))
    expect(message.get('MSH-18')).toBe('UNICODE UTF-8')
    expect(message.get('PID-5[2].1')).toBe('山田')
    expect(message.get('PID-5[2].8')).toBe('I')
    expect(() => buildOru({ ...report, patient, policy: { charset: '8859/1' } })).toThrow(UnencodableText)
    expect(() => buildOru({ ...report, patient, policy: { charset: '8859/1' } })).toThrow(/^(?!.*山).*$/)
  })

  test('the same report gives the same bytes', () => {
    expect(buildOru(report)).toEqual(buildOru(structuredClone(report)))
  })
})

describe('[EH-01] nothing half-right goes out', () => {
  test('a whole report lacks nothing', () => {
    expect(missingForOru(report)).toEqual([])
  })

  test.each<[string, Partial<OruContent>]>([
    ['MSH-10', { controlId: 'x'.repeat(21) }],
    ['PID-3', { patient: { ...report.patient, identifiers: [] } }],
    ['OBR-2 or OBR-3', { placer: undefined, filler: undefined }],
    ['OBR-2, OBR-3', { placer: { value: 'x'.repeat(23), authority: 'EMR' } }],
    ['OBR-16', { requester: undefined }],
    ['OBR-18', { accession: '' }],
    ['OBR-22', { statusAt: new Date(Number.NaN) }],
    ['OBR-32', { signer: undefined }],
    ['OBR-4', { procedures: [] }],
    ['OBX: the Study', { procedures: [chest, { ...abdomen, studyInstanceUid: '' }] }],
    ['OBX: a text', { sections: [{ kind: 'findings', text: ' ' }], pdf: undefined }],
  ])('%s is missed', (place, changes) => {
    expect(missingForOru({ ...report, ...changes })).toEqual([expect.stringContaining(place)])
  })

  test('a preliminary report may lack its signer', () => {
    expect(missingForOru({ ...report, status: 'preliminary', signer: undefined })).toEqual([])
  })
})
