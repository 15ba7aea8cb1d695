import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Dataset } from '../dimse/dataset.ts'
import { decodeDataset } from '../dimse/decode.ts'
import { type Listener, listenDimse } from '../dimse/listener.ts'
import { isStandardStorage } from '../dimse/sop-class.ts'
import { STATUS } from '../dimse/status.ts'
import { shelf } from '../dimse/store-sink.fixture.ts'
import { EXPLICIT_LITTLE } from '../dimse/transfer-syntax.ts'
import { Modality } from './modality.ts'
import { sourceImage } from './reidentified.ts'

const listeners: Listener[] = []

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close()))
})

const entry = () =>
  Dataset.of({
    PatientName: '山田^太郎',
    PatientID: 'MRN-7',
    PatientBirthDate: '19700101',
    PatientSex: 'M',
    AccessionNumber: 'ACC7',
    StudyInstanceUID: '1.2.840.7',
    RequestedProcedureID: 'RP7',
    RequestedProcedureDescription: 'MR Head',
    ScheduledProcedureStepSequence: [
      Dataset.of({
        Modality: 'MR',
        ScheduledProcedureStepID: 'SPS7',
        ScheduledProcedureStepDescription: 'T2 axial',
      }),
    ],
  })

async function department() {
  const { kept, services } = shelf()
  const steps: [string, string, Dataset][] = []
  const listener = await listenDimse({
    host: '127.0.0.1',
    port: 0,
    authorise: () => ({
      accept: true,
      supports: (uid) => ({ transferSyntaxes: [EXPLICIT_LITTLE], anyTransferSyntax: isStandardStorage(uid) }),
      services: {
        ...services,
        async *cFind({ dataset }) {
          expect(dataset.item('ScheduledProcedureStepSequence')?.text('Modality')).toBe('MR')
          yield entry()
        },
        nCreate({ sopInstanceUid, dataset }) {
          steps.push(['create', sopInstanceUid, dataset])
          return { status: STATUS.success }
        },
        nSet({ sopInstanceUid, dataset }) {
          steps.push(['set', sopInstanceUid, dataset])
          return { status: STATUS.success }
        },
      },
    }),
  })
  listeners.push(listener)
  const peer = { host: '127.0.0.1', port: listener.port, callingAe: 'MR1', calledAe: 'ISOCENTER' }
  return { kept, steps, modality: new Modality({ peer, modality: 'MR', timeZone: 'Asia/Tokyo' }) }
}

test('a modality takes an entry from its worklist through its performed step, with images of that patient', async () => {
  const { kept, steps, modality } = await department()
  const sources = ['mr-head/01.dcm', 'mr-head/02.dcm', 'transfer-syntax/mr-small-jp2klossless.dcm'].map(
    (name) => sourceImage(readFileSync(resolve(import.meta.dirname, '../../corpus', name))),
  )
  const [chosen] = await modality.worklist()
  const step = await modality.begin(chosen!, new Date('2026-03-01T23:30:00Z'))
  await modality.send(step, sources)
  await modality.complete(step, new Date('2026-03-02T00:10:05Z'))

  expect(steps.map(([what, uid]) => [what, uid])).toEqual([
    ['create', step.sopInstanceUid],
    ['set', step.sopInstanceUid],
  ])
  const [begun, done] = steps.map(([, , dataset]) => dataset)
  expect(begun!.text('PerformedProcedureStepStartDate')).toBe('20260302')
  expect(begun!.text('PerformedProcedureStepStartTime')).toBe('083000')
  expect(begun!.text('PatientName')).toBe('山田^太郎')
  expect(begun!.item('ScheduledStepAttributesSequence')?.text('AccessionNumber')).toBe('ACC7')
  expect(begun!.item('ScheduledStepAttributesSequence')?.text('ScheduledProcedureStepID')).toBe('SPS7')
  expect(done!.text('PerformedProcedureStepStatus')).toBe('COMPLETED')

  const images = kept.map(({ bytes, transferSyntaxUid }) => decodeDataset(bytes, transferSyntaxUid))
  const named = done!
    .items('PerformedSeriesSequence')
    .flatMap((series) =>
      series.items('ReferencedImageSequence').map((image) => image.text('ReferencedSOPInstanceUID')),
    )
  expect(named).toEqual(images.map((image) => image.text('SOPInstanceUID')))
  for (const [index, image] of images.entries()) {
    const source = sources[index]!.dataset
    expect(image.text('PatientName')).toBe('山田^太郎')
    expect(image.text('StudyInstanceUID')).toBe('1.2.840.7')
    expect(image.text('AccessionNumber')).toBe('ACC7')
    expect(image.text('SOPInstanceUID')).not.toBe(source.text('SOPInstanceUID'))
    expect(image.element('PixelData')).toEqual(source.element('PixelData'))
  }
  expect(images[0]!.text('SeriesInstanceUID')).toBe(images[1]!.text('SeriesInstanceUID'))
  expect(images[0]!.text('FrameOfReferenceUID')).toBe(images[1]!.text('FrameOfReferenceUID'))
})

test('a step begun on the wrong entry is discontinued with its code', async () => {
  const { steps, modality } = await department()
  const step = await modality.begin(entry(), new Date())
  await modality.discontinue(step, new Date(), {
    code: '110514',
    meaning: 'Incorrect worklist entry selected',
  })
  const reason = steps[1]![2].item('PerformedProcedureStepDiscontinuationReasonCodeSequence')
  expect(reason?.text('CodeValue')).toBe('110514')
})
