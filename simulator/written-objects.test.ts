/** Every image that the simulated modalities send, judged by dciodvfy, and the performed steps beside them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dciodvfy } from '#archive/dciodvfy.fixture.ts'
import type { Dataset } from '#archive/dimse/dataset.ts'
import { encodeDataset } from '#archive/dimse/encode.ts'
import { encodeFileMeta } from '#archive/dimse/part10.ts'
import { bookedOrder, openArchive, type TestArchive } from '#archive/scp/archive.fixture.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { begunStep, completedStep, discontinuedStep } from './performed-step.ts'
import { newUidMap, type Rewriting, reIdentify } from './re-identify.ts'
import { corpusSeries } from './scan.ts'
import { scheduledExams } from './scheduled-exam.ts'

let archive: TestArchive
let rewriting: Omit<Rewriting, 'uids'>

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
  const { accession } = await bookedOrder(archive.department)
  const peer = { host: '127.0.0.1', port: archive.port, calledAe: 'ISOCENTER', callingAe: 'CT1' }
  const [exam] = await scheduledExams(peer, { accession })
  rewriting = {
    exam: exam!,
    performedStepUid: '2.25.1',
    performedStepId: 'PPS1',
    stationName: 'CT1',
    startedOn: { date: '20261122', time: '091500' },
  }
})

afterAll(() => archive.close())

const IODS = {
  'ct-head': 'CTImage',
  'ct-chest': 'CTImage',
  'mr-head': 'MRImage',
  'dx-chest': 'DXImageForPresentation',
  'us-abdomen': 'USImage',
  'us-cine': 'USMultiFrameImage',
  'pt-breast': 'PETImage',
}

test.each(Object.entries(IODS))(
  'every image of %s that is sent under an order is a valid %s',
  async (folder, iod) => {
    await allValid(folder, iod, rewriting)
  },
)

test('so is that of a patient of whom little is known, from a device without performed steps', async () => {
  const { exam } = rewriting
  const unknown = {
    ...exam,
    birthDate: '',
    sex: '',
    patientIssuer: '',
    item: exam.item.inCharacterSets(['ISO_IR 192']),
  }
  unknown.item.delete('RequestedProcedureCodeSequence').delete('IssuerOfAccessionNumberSequence')
  await allValid('dx-chest', 'DXImageForPresentation', {
    ...rewriting,
    exam: unknown,
    performedStepUid: undefined,
  })
})

test('a performed step says everything that PS3.4 table F.7.2-1 asks of its modality, when it begins and when it ends', () => {
  const { exam, startedOn } = rewriting
  const begun = begunStep({ id: 'PPS1', stationAe: 'CT1', modality: 'CT', startedOn, exams: [exam] })
  for (const keyword of TYPE_1_OF_BEGUN) expect([keyword, hasValue(begun, keyword)]).toEqual([keyword, true])
  for (const keyword of TYPE_2_OF_BEGUN) expect([keyword, begun.has(keyword)]).toEqual([keyword, true])
  const scheduled = begun.item('ScheduledStepAttributesSequence')!
  expect(scheduled.text('StudyInstanceUID')).toBe(exam.studyInstanceUid)
  for (const keyword of TYPE_2_OF_SCHEDULED)
    expect([keyword, scheduled.has(keyword)]).toEqual([keyword, true])
  const images = corpusSeries('ct-head').map(({ dataset }) => dataset)
  const reason = { code: '110514', meaning: 'Incorrect worklist entry selected' }
  const ended = [completedStep(images, startedOn), discontinuedStep(images, { endedOn: startedOn, reason })]
  for (const step of ended) {
    for (const keyword of TYPE_1_OF_ENDED) expect([keyword, hasValue(step, keyword)]).toEqual([keyword, true])
    const [series] = step.items('PerformedSeriesSequence')
    for (const keyword of ['ProtocolName', 'SeriesInstanceUID', 'ReferencedImageSequence'])
      expect([keyword, hasValue(series!, keyword)]).toEqual([keyword, true])
    for (const keyword of TYPE_2_OF_SERIES) expect([keyword, series!.has(keyword)]).toEqual([keyword, true])
  }
})

const hasValue = (dataset: Dataset, keyword: string) =>
  dataset.text(keyword) !== undefined || dataset.items(keyword).length > 0

const TYPE_1_OF_BEGUN = [
  'SpecificCharacterSet',
  'ScheduledStepAttributesSequence',
  'PerformedProcedureStepID',
  'PerformedStationAETitle',
  'PerformedProcedureStepStartDate',
  'PerformedProcedureStepStartTime',
  'PerformedProcedureStepStatus',
  'Modality',
]
const TYPE_2_OF_BEGUN = [
  'PatientName',
  'PatientID',
  'PatientBirthDate',
  'PatientSex',
  'ReferencedPatientSequence',
  'PerformedStationName',
  'PerformedLocation',
  'PerformedProcedureStepDescription',
  'PerformedProcedureTypeDescription',
  'ProcedureCodeSequence',
  'PerformedProcedureStepEndDate',
  'PerformedProcedureStepEndTime',
  'StudyID',
  'PerformedProtocolCodeSequence',
  'PerformedSeriesSequence',
]
const TYPE_2_OF_SCHEDULED = [
  'ReferencedStudySequence',
  'AccessionNumber',
  'RequestedProcedureID',
  'RequestedProcedureDescription',
  'ScheduledProcedureStepID',
  'ScheduledProcedureStepDescription',
  'ScheduledProtocolCodeSequence',
]
const TYPE_1_OF_ENDED = [
  'PerformedProcedureStepStatus',
  'PerformedProcedureStepEndDate',
  'PerformedProcedureStepEndTime',
  'PerformedSeriesSequence',
]
const TYPE_2_OF_SERIES = [
  'PerformingPhysicianName',
  'OperatorsName',
  'SeriesDescription',
  'RetrieveAETitle',
  'ReferencedNonImageCompositeSOPInstanceSequence',
]

async function allValid(folder: string, iod: string, how: Omit<Rewriting, 'uids'>): Promise<void> {
  const uids = newUidMap()
  const files = corpusSeries(folder).map(({ dataset, transferSyntaxUid }, number) => {
    const image = reIdentify(dataset, { ...how, uids }, number)
    const meta = encodeFileMeta({
      sopClassUid: image.text('SOPClassUID')!,
      sopInstanceUid: image.text('SOPInstanceUID')!,
      transferSyntaxUid,
    })
    return Buffer.concat([meta, encodeDataset(image, transferSyntaxUid)])
  })
  for (const file of files) expect(await dciodvfy(file)).toMatchObject({ iod, errors: [] })
}
