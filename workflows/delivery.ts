/** One lane: the reports of one patient to one receiver, strictly in the order of their release. */
import {
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import { integration, type LaneHead, records } from './activities.ts'
import { type LaneStart, type LaneStatus, queryNames, signalNames } from './contract.ts'

export const laneChanged = defineSignal(signalNames.laneChanged)
export const laneStatus = defineQuery<LaneStatus>(queryNames.laneStatus)

const HISTORY_LIMIT = 1_500

/**
 * Sends the oldest report until its receiver has acknowledged it, then the next; ends when none is left. There is no
 * "give up": what must be mended by a person waits for that person, and holds this lane only.
 */
export async function deliveryWorkflow({ historyLimit = HISTORY_LIMIT, ...lane }: LaneStart): Promise<void> {
  let changed = false
  let head: LaneHead | null = null
  let waitsFor: LaneStatus['waitsFor'] = null
  setHandler(laneChanged, () => {
    changed = true
  })
  setHandler(laneStatus, () => ({ ...lane, deliveryId: head?.deliveryId ?? null, waitsFor }))

  for (;;) {
    if (workflowInfo().historyLength >= historyLimit)
      await continueAsNew<typeof deliveryWorkflow>({ ...lane, historyLimit })
    changed = false
    head = await records.lookAtLane(lane)
    // Whoever rang while the lane was looked at may have put something in it.
    if (head === null && !changed) return
    if (head === null) continue
    if (head.held) {
      waitsFor = 'mending'
      await condition(() => changed)
    } else if (head.retryInMs > 0) {
      waitsFor = 'next-attempt'
      await condition(() => changed, head.retryInMs)
    } else {
      waitsFor = 'answer'
      await integration.attemptDelivery({ deliveryId: head.deliveryId })
    }
    waitsFor = null
  }
}
