/** Studies for a reading list, brought in as the department's own listeners and people would, through its mutations. */
import type { OrderMessage } from '#domain/order-message.ts'
import type { Priority } from '#domain/words.ts'
import type { Department } from './department.ts'
import { deviceAct, dutyAct } from './mutations/act.ts'
import { receiveOrderMessage } from './mutations/inbound-messages.ts'
import { acceptQuality } from './mutations/quality.ts'
import { settleOrder } from './mutations/settle.ts'
import { endExam } from './mutations/steps.ts'
import { indexInstances } from './mutations/studies.ts'
import { claim } from './mutations/work-items.ts'
import { actAs, anEnvelope, anOrder, storedImages } from './order.fixture.ts'

const WORDS: Record<Priority, string> = { stat: 'S', urgent: 'A', routine: 'R' }

/** A technologist holds its quality check: one press from the reading list. */
export interface CheckedStudy {
  orderId: string
  accept(): Promise<void>
}

/** An order with two stored images, in the technologist's hands. */
export async function studyAtTheGate(
  department: Department,
  priority: Priority,
  more: Partial<OrderMessage> = {},
): Promise<CheckedStudy> {
  const { sql } = department
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [
    anOrder({ priority: { level: priority, word: WORDS[priority] }, ...more }),
  ])
  if (received.outcome !== 'accepted') throw new Error(`the order was ${received.outcome}`)
  const orderId = received.orderIds[0]!
  const [step] = await sql<{ id: string; study_uid: string }[]>`
    select s.id, p.study_uid from steps s join procedures p on p.id = s.procedure_id where s.order_id = ${orderId}`
  const images = storedImages(step!.study_uid, 2, { sourceAe: 'US1' })
  await indexInstances(department, await deviceAct(department, 'US1'), images)
  await endExam(department, await actAs(department, 'tech'), { stepId: step!.id })
  await settle(department, orderId)
  const technologist = await actAs(department, 'tech')
  const { itemId, fence } = await claim(department, technologist, {
    itemId: await openItem(department, orderId, 'quality'),
  })
  return { orderId, accept: () => acceptQuality(department, technologist, { itemId, fence }) }
}

/** An accepted study and its reading item. */
export async function readableStudy(
  department: Department,
  priority: Priority,
  more: Partial<OrderMessage> = {},
): Promise<{ orderId: string; itemId: string }> {
  const { orderId, accept } = await studyAtTheGate(department, priority, more)
  await accept()
  await settle(department, orderId)
  return { orderId, itemId: await openItem(department, orderId, 'read') }
}

export async function openItem(department: Department, orderId: string, kind: string): Promise<string> {
  const [row] = await department.sql<{ id: string }[]>`
    select id from work_items where order_id = ${orderId} and kind = ${kind} and state in ('open', 'claimed')`
  if (!row) throw new Error(`no ${kind} item`)
  return row.id
}

async function settle(department: Department, orderId: string): Promise<void> {
  await settleOrder(department, await dutyAct(department), { orderId })
}
