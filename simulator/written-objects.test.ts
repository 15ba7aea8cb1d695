/** Every image that the simulated modalities send, judged by dciodvfy. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dciodvfy } from '#archive/dciodvfy.fixture.ts'
import { encodeDataset } from '#archive/dimse/encode.ts'
import { encodeFileMeta } from '#archive/dimse/part10.ts'
import { bookedOrder, openArchive, type TestArchive } from '#archive/scp/archive.fixture.ts'
import { testDatabase } from '#bin/testing/database.ts'
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
