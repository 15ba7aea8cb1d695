import { afterAll, beforeAll, expect, test } from 'vitest'
import { Dataset } from '#archive/dimse/dataset.ts'
import { newUid } from '#archive/dimse/uid.ts'
import { mppsCreate, mppsSet } from '#archive/scu/mpps.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { chooseStepProtocol, keepProtocol } from '#db/mutations/protocols.ts'
import { actAs } from '#db/order.fixture.ts'
import { protocolLibrary, protocolsOfStudy } from '#db/queries/protocols.ts'
import { compareProtocols } from '#domain/protocol.ts'
import { type BookedOrder, bookedOrder, findscu, openArchive, type TestArchive } from './archive.fixture.ts'

let archive: TestArchive

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
})

afterAll(() => archive.close())

const STEP = '(0040,0100)[0]'

async function plannedOnScanner({
  accession,
}: BookedOrder): Promise<[string | undefined, string | undefined]> {
  const [item] = await findscu(archive.port, { keys: [`0008,0050=${accession}`, `${STEP}.0040,0008`] })
  const code = item!.item('ScheduledProcedureStepSequence')!.item('ScheduledProtocolCodeSequence')
  return [code?.text('CodeValue'), code?.text('CodeMeaning')]
}

async function scanned(order: BookedOrder, codes: Dataset[]): Promise<void> {
  const peer = { host: '127.0.0.1', port: archive.port, callingAe: 'CT1', calledAe: 'ISOCENTER' }
  const sopInstanceUid = newUid()
  const created = await mppsCreate(peer, {
    sopInstanceUid,
    attributes: Dataset.of({
      ScheduledStepAttributesSequence: [
        Dataset.of({
          ...{
            StudyInstanceUID: order.studyUid,
            ReferencedStudySequence: [],
            AccessionNumber: order.accession,
          },
          ...{ RequestedProcedureID: order.requestedProcedureId, RequestedProcedureDescription: null },
          ...{ ScheduledProcedureStepID: order.stepNumber, ScheduledProcedureStepDescription: null },
          ScheduledProtocolCodeSequence: [],
        }),
      ],
      ...{ PatientName: 'TESTPERSON^VERA', PatientID: order.patientId, PerformedProcedureStepID: 'PPS1' },
      ...{ PerformedStationAETitle: 'CT1', PerformedStationName: null, StudyID: null, Modality: 'CT' },
      ...{ PerformedProcedureStepStartDate: '20310701', PerformedProcedureStepStartTime: '103000' },
      ...{ PerformedProcedureStepStatus: 'IN PROGRESS', PerformedSeriesSequence: [] },
      PerformedProtocolCodeSequence: [],
    }),
  })
  const set = await mppsSet(peer, {
    sopInstanceUid,
    attributes: Dataset.of({
      ...{ PerformedProcedureStepStatus: 'COMPLETED', PerformedSeriesSequence: [] },
      ...{ PerformedProcedureStepEndDate: '20310701', PerformedProcedureStepEndTime: '104500' },
      PerformedProtocolCodeSequence: codes,
    }),
  })
  expect([created, set]).toEqual([0, 0])
}

const code = (value: string, meaning: string) =>
  Dataset.of({ CodeValue: value, CodingSchemeDesignator: '99SCANNER', CodeMeaning: meaning })

async function atTheCheck({ studyUid }: BookedOrder) {
  const { planned, performed } = await protocolsOfStudy(archive.department.sql, studyUid)
  return compareProtocols(planned, performed)
}

test('[MA-09] the scanner’s worklist has the default protocol, then the one chosen at the console; what it did stands beside it', async () => {
  const { department } = archive
  const order = await bookedOrder(department)
  expect((await plannedOnScanner(order))[1]).toBe('CT head w/o')
  const trauma = (await protocolLibrary(department.sql, ['LN 30799-1'])).find(({ isDefault }) => !isDefault)!
  const { id, scheme, code: procedure, protocolCode, name, parameters } = trauma
  const lead = await actAs(department, 'lead')
  const text = { id, scheme, code: procedure, protocolCode, name, parameters, aliases: ['6.2 HeadTrauma'] }
  expect(await keepProtocol(department, lead, text)).toEqual({ id, version: 2 })

  await chooseStepProtocol(department, await actAs(department, 'tech'), {
    stepId: order.stepId,
    protocolId: id,
  })
  expect(await plannedOnScanner(order)).toEqual([protocolCode, name])

  expect(await atTheCheck(order)).toEqual({ verdict: 'not-said' })
  await scanned(order, [code('77', '6.2 HeadTrauma')])
  expect(await atTheCheck(order)).toEqual({ verdict: 'as-planned' })

  const other = await bookedOrder(department)
  await scanned(other, [code('12', 'CTA circle of Willis')])
  expect(await atTheCheck(other)).toMatchObject({
    ...{ verdict: 'differs', missing: true },
    done: [{ code: '12', scheme: '99SCANNER', meaning: 'CTA circle of Willis' }],
  })
})
