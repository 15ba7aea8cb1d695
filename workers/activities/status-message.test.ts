/** A receiver hears of both orders when images were moved from one to the other. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { laneHead } from '#db/mutations/deliveries.ts'
import { moveImages } from '#db/mutations/moved-images.ts'
import { actAs, seededDepartment } from '#db/order.fixture.ts'
import { arrived, type Ordered, scanned } from '#db/scanned.fixture.ts'
import { parseMessage } from '#interop/v2/message.ts'
import { messageFor } from './report-message.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

afterAll(() => department.close())

async function firstTold({ orderId }: Ordered) {
  const [lane] = await department.sql<{ destinationId: string; patientId: string }[]>`
    select destination_id as "destinationId", patient_id as "patientId" from deliveries where order_id = ${orderId}`
  const rendered = await messageFor(department, (await laneHead(department, lane!))!)
  if ('missing' in rendered) throw new Error(rendered.missing.join())
  const message = parseMessage(rendered.bytes)
  const [orc, obr, pid] = [message.first('ORC')!, message.first('OBR')!, message.first('PID')!]
  return {
    type: message.first('MSH')!.get('9.1'),
    patient: pid.get('3.1'),
    control: orc.get(1),
    order: orc.get(5),
    event: orc.get('25.1'),
    accession: obr.get(18),
    result: obr.get(25),
  }
}

test('[MA-12] the EMR hears that the wrong patient only waits, and that the right one was scanned', async () => {
  const [wrong, right] = [await arrived(department), await arrived(department)]
  const { performedStepId } = await scanned(department, wrong)
  const tech = await actAs(department, 'tech')
  await moveImages(department, tech, { performedStepId, toStepId: right.stepId, reason: 'wrong-patient' })
  expect(await firstTold(wrong)).toEqual({
    type: 'ORM',
    patient: wrong.mrn,
    control: 'SC',
    order: 'IP',
    event: 'ARRIVED',
    accession: wrong.accession,
    result: 'S',
  })
  expect(await firstTold(right)).toMatchObject({
    patient: right.mrn,
    order: 'CM',
    accession: right.accession,
    result: 'I',
  })
})
