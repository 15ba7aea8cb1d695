/** One order from its message to a signed report that waits to be delivered, by the mutations that people and devices cause. */
import type { Department } from '#db/department.ts'
import { deviceAct, dutyAct } from '#db/mutations/act.ts'
import { type DeliveryHead, laneHead } from '#db/mutations/deliveries.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { uuidUid } from '#db/mutations/minting.ts'
import { beginPerformedStep, changePerformedStep } from '#db/mutations/performed-steps.ts'
import { acceptQuality } from '#db/mutations/quality.ts'
import { openReport, saveDraft, signReport } from '#db/mutations/reports.ts'
import { bookStep } from '#db/mutations/scheduling.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { arrive } from '#db/mutations/steps.ts'
import { indexInstances } from '#db/mutations/studies.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs, anEnvelope, anOrder, storedImages } from '#db/order.fixture.ts'

export const CONTENT = {
  sections: [
    { key: 'findings', text: 'No bleed.' },
    { key: 'impression', text: 'Normal.' },
  ],
}

/** @param look called after every act, to compare what is seen with what is */
export async function signedOrder(
  department: Department,
  look: (orderId: string) => Promise<void> = async () => {},
): Promise<{ orderId: string; delivery: DeliveryHead }> {
  const { sql } = department
  const message = await dutyAct(department, { source: 'hl7' })
  const received = await receiveOrderMessage(department, message, anEnvelope(), [anOrder()])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  const settle = async () => settleOrder(department, await dutyAct(department), { orderId })
  await settle()
  await look(orderId)

  const [step] = await sql`
    select s.id, s.step_number, p.study_uid, o.accession from steps s join procedures p on p.id = s.procedure_id
      join orders o on o.id = s.order_id where s.order_id = ${orderId}`
  const { id: stepId, step_number: stepNumber, study_uid: studyUid, accession } = step!
  const start = await department.now()
  await bookStep(department, await actAs(department, 'scheduler'), { stepId, roomId: 'ct-1', start })
  await settle()
  await look(orderId)
  await arrive(department, await actAs(department, 'tech'), { stepId })
  await look(orderId)

  const device = await deviceAct(department, 'CT1')
  const sopInstanceUid = uuidUid()
  await beginPerformedStep(department, device, {
    sopInstanceUid,
    stationAe: 'CT1',
    studyUid,
    scheduled: [{ stepNumber, accession, studyUid }],
    startedAt: start,
    dataset: {},
  })
  await look(orderId)
  const images = storedImages(studyUid, 3)
  for (const image of images) await indexInstances(department, device, [image])
  const instances = images.map((image) => image.sopInstanceUid)
  const series = [{ seriesUid: images[0]!.seriesUid, instances }]
  await changePerformedStep(department, device, { sopInstanceUid, status: 'COMPLETED', series, dataset: {} })
  await look(orderId)
  await settle()
  await look(orderId)

  const tech = await actAs(department, 'tech')
  const checked = await claim(department, tech, { itemId: await openItem(department, orderId, 'quality') })
  await acceptQuality(department, tech, checked)
  await settle()
  await look(orderId)

  const reader = await actAs(department, 'radiologist')
  const held = await claim(department, reader, { itemId: await openItem(department, orderId, 'read') })
  await look(orderId)
  const { reportId } = await openReport(department, reader, held)
  await saveDraft(department, reader, { ...held, reportId, content: CONTENT })
  await signReport(department, reader, { ...held, reportId, content: CONTENT, reauthenticated: true })
  await look(orderId)
  const { lanes } = await settle()
  const delivery = await laneHead(department, lanes[0]!)
  if (!delivery) throw new Error('nothing waits to be delivered')
  return { orderId, delivery }
}

async function openItem({ sql }: Department, orderId: string, kind: string): Promise<string> {
  const [row] =
    await sql`select id from work_items where order_id = ${orderId} and kind = ${kind} and state = 'open'`
  if (!row) throw new Error(`no open ${kind}`)
  return row.id
}
