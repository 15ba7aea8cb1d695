/** The ledger of deliveries: what an answer that comes too late may still change. */
import { expect, test } from 'vitest'
import { actAs } from '../order.fixture.ts'
import { readableStudy } from '../reading.fixture.ts'
import { soundDepartment } from '../sound-department.fixture.ts'
import { dutyAct } from './act.ts'
import { type Answer, beginAttempt, recordAnswer, replayDelivery } from './deliveries.ts'
import { issueWetRead, openReport } from './reports.ts'
import { claim } from './work-items.ts'

const department = await soundDepartment()

test('[EH-01] a parked delivery waits for a person whatever comes late of an attempt before, but for its acknowledgement', async () => {
  const { itemId } = await readableStudy(department, 'stat')
  const reader = await actAs(department, 'radiologist')
  const held = await claim(department, reader, { itemId })
  const { reportId } = await openReport(department, reader, held)
  const content = { sections: [{ key: 'impression', text: 'No bleed.' }] }
  await issueWetRead(department, reader, { ...held, reportId, content })
  const [delivery] = await department.sql<{ id: string }[]>`
    select id from deliveries where report_id = ${reportId}`
  const deliveryId = delivery!.id
  const duty = await dutyAct(department)
  const answered = async (answer: Answer) =>
    (await recordAnswer(department, duty, { deliveryId, answer })).state
  const events = async () =>
    (await department.sql`select 1 from order_events where data->>'deliveryId' = ${deliveryId}`).length

  await beginAttempt(department, duty, { deliveryId, bytes: Buffer.from('x') })
  expect(await answered('rejected')).toBe('parked')
  const before = await events()
  for (const late of ['timeout', 'lost', 'error', 'rejected', 'refused'] as const)
    expect(await answered(late)).toBe('parked')
  expect(await events()).toBe(before)
  expect(await beginAttempt(department, duty, { deliveryId, bytes: Buffer.from('y') })).toBeNull()
  expect(await answered('acknowledged')).toBe('acknowledged')
  await replayDelivery(department, duty, { deliveryId })
  expect(await answered('timeout')).toBe('acknowledged')
})
