/** Where the time went: the anchors of an order's way, and what lies between them. */
import type { TimelineEvent } from '#db/queries/orders.ts'

export interface Segment {
  name: SegmentName
  fromMs: number
  toMs: number
}

const ANCHORS = [
  ['order', (event: TimelineEvent) => event.type === 'order.received'],
  ['arrival', (event: TimelineEvent) => event.type === 'step.arrived'],
  ['scan', (event: TimelineEvent) => event.type === 'step.started' || event.type === 'performed-step.begun'],
  [
    'complete',
    (event: TimelineEvent) => event.type === 'completeness.decided' && event.data.verdict !== 'waiting',
  ],
  ['waiting', (event: TimelineEvent) => event.type === 'quality.accepted'],
  ['reading', (event: TimelineEvent) => event.type === 'work-item.claimed' && event.data.kind === 'read'],
  ['delivery', (event: TimelineEvent) => event.type === 'report.signed'],
  // Of a report: a receiver may have been told before where the order stood.
  ['done', (event: TimelineEvent) => event.type === 'delivery.acknowledged' && event.data.version !== null],
] as const

/** Named after the anchor it begins with: `order` is from the order to the arrival. */
export type SegmentName = (typeof ANCHORS)[number][0]

/** Up to now for what has not ended; an anchor that never came is passed over. */
export function segments(events: readonly TimelineEvent[], nowMs: number): Segment[] {
  const found = ANCHORS.flatMap(([name, isIt]) => {
    const event = name === 'done' ? events.findLast(isIt) : events.find(isIt)
    return event ? [{ name, ms: event.at.getTime() }] : []
  })
  const ended = found.at(-1)?.name === 'done' || events.some(({ type }) => type === 'order.ended')
  const endMs = ended ? (events.at(-1)?.at.getTime() ?? nowMs) : nowMs
  return found
    .filter(({ name }) => name !== 'done')
    .map(({ name, ms }, index, all) => {
      const next = found[found.findIndex((each) => each.name === all[index]?.name) + 1]
      return { name, fromMs: ms, toMs: Math.max(ms, next?.ms ?? endMs) }
    })
}
