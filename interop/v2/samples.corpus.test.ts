import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { AckContext } from './ack.ts'
import { splitBatch } from './batch.ts'
import { connection } from './connection.ts'
import { answerFor, type Inbound, readInbound } from './intake.ts'
import { parseMessage } from './message.ts'

const corpus = process.env.ISOCENTER_CORPUS ?? resolve(import.meta.dirname, '../../../shared/data')
const folder = join(corpus, 'hl7')
if (!existsSync(join(folder, 'MANIFEST.tsv')))
  throw new Error(`no HL7 corpus at ${folder}: set ISOCENTER_CORPUS`)

const files = readFileSync(join(folder, 'MANIFEST.tsv'), 'utf8')
  .split('\n')
  .slice(1)
  .map((line) => line.split('\t')[0] ?? '')
  .filter((file) => /\.(hl7|txt)$/.test(file))

const demonstration = connection({ zone: 'Europe/Oslo', processingIds: ['P', 'T', 'D'] })
const context: AckContext = { connection: demonstration, newControlId: () => 'IC1', now: new Date() }
const bytesOf = (file: string) => readFileSync(join(folder, file))
const read = (file: string) => readInbound(bytesOf(file), demonstration)
const outcomeOf = (inbound: Inbound) =>
  inbound.kind === 'refusal'
    ? `${inbound.outcome.code} ${inbound.outcome.errors?.[0]?.code0357}`
    : inbound.kind
const answersTo = (inbound: Inbound) => {
  const outcome = inbound.kind === 'refusal' ? inbound.outcome : ({ code: 'AA' } as const)
  return answerFor(inbound, outcome, context).map((bytes) => parseMessage(bytes).get('MSA-1'))
}

describe('public sample messages', () => {
  test('there are as many as the manifest was counted to hold', () => {
    expect(files.length).toBeGreaterThan(70)
  })

  test.each(files)('%s comes out byte for byte as it went in', (file) => {
    for (const bytes of splitBatch(bytesOf(file)).messages) {
      const message = parseMessage(bytes)
      if (!message.fault) expect(message.toBytes()).toEqual(bytes)
    }
  })

  test.each(files)('%s is read without an exception and answered by its own control id', (file) => {
    for (const bytes of splitBatch(bytesOf(file)).messages) {
      const inbound = readInbound(bytes, demonstration)
      const outcome = inbound.kind === 'refusal' ? inbound.outcome : ({ code: 'AA' } as const)
      for (const answer of answerFor(inbound, outcome, context))
        expect(parseMessage(answer).get('MSA-2') ?? '').toBe(inbound.key.controlId)
    }
  })

  test.each([
    ['dcm4che/ORM_O01-GeneralOrder.hl7', 'AE 100'],
    ['dcm4che/SIU_S12-NewAppointmentBooking.hl7', 'AR 200'],
    ['aidbox-orm/base-rxo.hl7', 'AE 100'],
    ['aidbox-orm/multi-rxo.hl7', 'AE 100'],
    ['aidbox-orm/base-obr.hl7', 'order'],
    ['aidbox-orm/no-pv1.hl7', 'order'],
    ['aidbox-orm/non-standard-orc5.hl7', 'order'],
    ['cosyte-canonical/orm-o01.hl7', 'order'],
    ['cosyte-canonical/tq1-bid.hl7', 'order'],
    ['cosyte-canonical/orc7-legacy-tq.hl7', 'order'],
    ['cosyte-nte/obr-order-notes.hl7', 'order'],
    ['dcm4che/OMI_O23-ImagingOrder.hl7', 'order'],
    ['dcm4che/OMG_O19-GeneralClinicalOrder-Eyecare.hl7', 'order'],
    ['fhir-converter/ORM-O01-01.hl7', 'order'],
    ['fhir-converter/ORM-O01-02.hl7', 'order'],
    ['fhir-converter/OMG-O19-01.hl7', 'AE 101'],
    ['cosyte-malformed/no-msh-segment.hl7', 'AR 100'],
    ['cosyte-malformed/msh-too-short.hl7', 'AR 100'],
    ['cosyte-canonical/vxu-v04.hl7', 'AR 200'],
  ])('%s is read as %s', (file, expected) => {
    expect(outcomeOf(read(file))).toBe(expected)
  })

  test('a sender that wants no answer gets none, and one that wants a commit gets only that', () => {
    expect(answersTo(read('fhir-converter/ADT-A40-01.hl7'))).toEqual([])
    expect(parseMessage(bytesOf('fhir-converter/ORU-R01-01.hl7')).get('MSH-15')).toBe('AL')
  })

  test('two orders of one message stay two', () => {
    const inbound = read('aidbox-orm/multi-obr.hl7')
    expect(inbound.kind === 'order' && inbound.orders.map(({ placer }) => placer?.value)).toEqual([
      'ORD-2001',
      'ORD-2002',
    ])
  })

  test('an imaging order brings accession, study, step and both AE titles', () => {
    const trusted = { ...demonstration, authorityFor: ['accession', 'study-uid', 'schedule'] as const }
    const inbound = readInbound(bytesOf('dcm4che/OMI_O23-ImagingOrder.hl7'), {
      ...trusted,
      authorityFor: [...trusted.authorityFor],
    })
    expect(inbound.kind === 'order' && inbound.orders[0]).toMatchObject({
      patient: { identifiers: [{ value: 'PID_1', issuer: 'ADT1' }], comments: ['PatientComments'] },
      visit: { pregnant: true },
      priority: { level: 'urgent', word: 'RequestedProcedurePriority' },
      procedures: [
        {
          studyInstanceUid: '1.2.392.200036.9125.0.198811291108.7',
          accession: { value: 'AccessionNumber' },
          steps: [{ modality: 'CT', aeTitles: ['ScheduledStationAET1', 'ScheduledStationAET2'] }],
        },
      ],
    })
    expect(inbound.warnings).toContainEqual({ code: 'charset-mismatch', location: 'MSH-18' })
    expect(inbound.kind === 'order' && inbound.orders[0]?.reason?.text).toContain('12 –35')
  })

  test('a repeat pattern is one order, flagged', () => {
    for (const file of ['cosyte-canonical/tq1-bid.hl7', 'cosyte-canonical/orc7-legacy-tq.hl7'])
      expect(read(file).warnings.map(({ code }) => code)).toContain('repeat-pattern')
  })

  test('a batch with a broken message in the middle costs nothing', () => {
    const batch = splitBatch(bytesOf('cosyte-batch/malformed-mid-batch.hl7'))
    const faults = batch.messages.map((bytes) => parseMessage(bytes).fault?.code0357)
    expect(faults).toEqual([undefined, '100', undefined])
    expect(splitBatch(bytesOf('cosyte-batch/count-mismatch.hl7')).countsDisagree).toBe(true)
    expect(splitBatch(bytesOf('cosyte-batch/multi-batch-file.hl7'))).toMatchObject({ countsDisagree: false })
  })

  test('escapes over several bytes, and names in several scripts, are read as meant', () => {
    const name = parseMessage(bytesOf('cosyte-charset/utf8-name.hl7'))
    expect([name.get('PID-5'), name.get('PID-5[2].2')]).toEqual(['Zörb', '太郎'])
    const appointment = parseMessage(bytesOf('dcm4che/SIU_S12-NewAppointmentBooking.hl7'))
    const texts = appointment.segments.flatMap((segment) =>
      segment.fields.map((_, field) => segment.text(field)),
    )
    expect(texts.join(' ')).toContain('OPERAÇÃO')
  })
})
