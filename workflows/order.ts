/** The life of one order: what the department owes it, from the request to the shelf. */
import { records } from './activities.ts'
import type { OrderEnd, OrderStart } from './contract.ts'
import { type FollowedOrder, followOrder } from './followed-order.ts'

/**
 * An order usually passes these rooms from top to bottom. A repeated exam, a recalled signature or a late addendum
 * sends it back, so the round is walked until the order has ended; a room it is not in lets it pass at once.
 */
export async function orderWorkflow(start: OrderStart): Promise<OrderEnd> {
  const order = await followOrder(start)
  while (!order.isOver()) {
    await protocolling(order)
    await scheduling(order)
    await acquisition(order)
    await qualityCheck(order)
    await reading(order)
    await signOff(order)
    await delivery(order)
    await retention(order)
    await order.lastWords()
  }
  return order.end()
}

/** The request is here; its procedures are recognised and somebody decides how each is to be done. */
async function protocolling(order: FollowedOrder): Promise<void> {
  while (order.isIn('ordered')) await order.news()
}

/** A room and a time are found, and found again when the patient did not come. */
async function scheduling(order: FollowedOrder): Promise<void> {
  while (order.isIn('protocolled', 'scheduled', 'no-show')) await order.news()
}

/** The patient is here, images are made, and the evidence says whether all of them have arrived. */
async function acquisition(order: FollowedOrder): Promise<void> {
  while (order.isIn('arrived', 'acquiring', 'acquired')) await order.news()
}

/** A technologist looks at the images before a reader sees them. */
async function qualityCheck(order: FollowedOrder): Promise<void> {
  while (order.isIn('quality-check')) await order.news()
}

/** Somebody reads within the time allowed, or more and more people hear of it; a first word goes out at once. */
async function reading(order: FollowedOrder): Promise<void> {
  while (order.isIn('reading', 'preliminary')) {
    await escalateWhatIsLate(order)
    await sendWhatIsReleased(order)
    await order.news()
  }
}

/** The report is signed. For a moment its signer may still take it back; then it is released. */
async function signOff(order: FollowedOrder): Promise<void> {
  // Steps of the ladder that fell due after the signature are written down as overtaken, not fired.
  if (order.isIn('final')) await escalateWhatIsLate(order)
  while (order.isIn('final') && !order.hasReportsUnderWay()) await order.news()
}

/** Every receiver gets the report and says so. */
async function delivery(order: FollowedOrder): Promise<void> {
  while (order.isIn('final')) {
    await sendWhatIsReleased(order)
    await order.news()
  }
}

/** The images get their place and their date; after days of grace nothing is left to do. */
async function retention(order: FollowedOrder): Promise<void> {
  if (!order.isIn('delivered')) return
  await records.assignRetention({ orderId: order.id })
  while (order.isIn('delivered')) {
    await sendWhatIsReleased(order)
    const { closed } = order.graceIsOver()
      ? await records.closeOrder({ orderId: order.id })
      : { closed: false }
    if (closed) await order.lookAgain()
    else await order.news()
  }
}

async function escalateWhatIsLate(order: FollowedOrder): Promise<void> {
  await records.escalateDue({ orderId: order.id })
}

async function sendWhatIsReleased(order: FollowedOrder): Promise<void> {
  for (const lane of order.lanes()) await records.ringLane(lane)
}
