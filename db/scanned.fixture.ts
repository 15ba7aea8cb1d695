/** Exams in the X-ray room, as its scanner and the people beside it bring them in: whose entry was chosen is the test's to say. */
import type { OrderMessage } from '#domain/order-message.ts'
import type { Department } from './department.ts'
import { deviceAct, dutyAct } from './mutations/act.ts'
import { receiveOrderMessage } from './mutations/inbound-messages.ts'
import { uuidUid } from './mutations/minting.ts'
import { beginPerformedStep, changePerformedStep } from './mutations/performed-steps.ts'
import { acceptQuality } from './mutations/quality.ts'
import { bookStep } from './mutations/scheduling.ts'
import { settleOrder } from './mutations/settle.ts'
import { arrive } from './mutations/steps.ts'
import { indexInstances, type StoredInstance } from './mutations/studies.ts'
import { claim } from './mutations/work-items.ts'
import { actAs, anEnvelope, anOrder, aProcedure, storedImages } from './order.fixture.ts'
import { openItem } from './reading.fixture.ts'

export interface Ordered {
  orderId: string
  stepId: string
  studyUid: string
  accession: string
  mrn: string
}

/** A patient of their own with an order for the X-ray room, whose devices say what they make and promise no more. */
export async function ordered(department: Department, more: Partial<OrderMessage> = {}): Promise<Ordered> {
  const order = anOrder({ procedures: [aProcedure({ code: '36643-5', steps: [] })], ...more })
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [order])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const [row] = await department.sql<Ordered[]>`
    select o.id as "orderId", s.id as "stepId", p.study_uid as "studyUid", o.accession, ${order.patient.identifiers[0]!.value} as mrn
    from orders o join steps s on s.order_id = o.id join procedures p on p.id = s.procedure_id where o.id = ${received.orderIds[0]!}`
  return row!
}

let slots = 0

/** Booked and here. */
export async function arrived(department: Department, more: Partial<OrderMessage> = {}): Promise<Ordered> {
  const made = await ordered(department, more)
  slots += 1
  const start = new Date((await department.now()).getTime() + slots * 20 * 60_000)
  await bookStep(department, await actAs(department, 'scheduler'), {
    stepId: made.stepId,
    roomId: 'xr-1',
    start,
    minutes: 10,
  })
  await arrive(department, await actAs(department, 'tech'), { stepId: made.stepId })
  return made
}

export interface Exam {
  performedStepId: string
  mpps: string
  images: StoredInstance[]
}

/** What the X-ray room makes under the worklist entry of an order. */
export async function scanned(
  department: Department,
  under: Ordered,
  { count = 2, seriesUid = uuidUid() } = {},
): Promise<Exam> {
  const act = await deviceAct(department, 'XR1')
  const mpps = uuidUid()
  const [step] = await department.sql<{ step_number: string }[]>`
    select step_number from steps where id = ${under.stepId}`
  await beginPerformedStep(department, act, {
    sopInstanceUid: mpps,
    stationAe: 'XR1',
    studyUid: under.studyUid,
    scheduled: [{ stepNumber: step!.step_number, accession: under.accession, studyUid: under.studyUid }],
    startedAt: act.now,
    dataset: {},
  })
  const images = storedImages(under.studyUid, count, { sourceAe: 'XR1', seriesUid })
  for (const { header } of images) {
    header['0020000E'] = { vr: 'UI', Value: [seriesUid] }
    header['00100020'] = { vr: 'LO', Value: [under.mrn] }
    header['00080050'] = { vr: 'SH', Value: [under.accession] }
  }
  await indexInstances(department, act, images)
  await ended(department, mpps, [{ seriesUid, images }])
  await settle(department, under)
  const [row] = await department.sql<{ id: string }[]>`
    select id from performed_steps where sop_instance_uid = ${mpps}`
  return { performedStepId: row!.id, mpps, images }
}

async function ended(
  department: Department,
  mpps: string,
  series: { seriesUid: string; images: StoredInstance[] }[],
): Promise<void> {
  await changePerformedStep(department, await deviceAct(department, 'XR1'), {
    sopInstanceUid: mpps,
    status: 'COMPLETED',
    series: series.map(({ seriesUid, images }) => ({
      seriesUid,
      instances: images.map(({ sopInstanceUid }) => sopInstanceUid),
    })),
    dataset: {},
  })
}

export async function settle(department: Department, ...orders: Ordered[]): Promise<void> {
  for (const { orderId } of orders) await settleOrder(department, await dutyAct(department), { orderId })
}

/** The technologist's yes to its images. */
export async function accepted(department: Department, order: Ordered): Promise<void> {
  await settle(department, order)
  const itemId = await openItem(department, order.orderId, 'quality')
  const act = await actAs(department, 'tech')
  const { fence } = await claim(department, act, { itemId })
  await acceptQuality(department, act, { itemId, fence })
  await settle(department, order)
}
