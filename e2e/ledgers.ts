/** After the day: what senders and receivers were told, beside what the department says, and nothing may differ. */
import { expect } from 'vitest'
import type { EmrReceiver } from '#simulator/emr.ts'
import type { RunningDepartment } from './department.ts'
import type { Walked } from './journey.ts'
import {
  deliveriesOf,
  hashStored,
  instancesListed,
  type OrderJson,
  orderOf,
  type TimelineJson,
  timelineOf,
} from './order-json.ts'

/** Every acknowledged thing is there once, with one effect, and the receiver has one report under one control id. */
export async function expectNothingLostOrDoubled(
  department: RunningDepartment,
  emr: EmrReceiver,
  walked: readonly Walked[],
): Promise<void> {
  const placers = walked.map(({ sent }) => sent.placer).sort()
  const { items } = await department.ask<{ items: OrderJson[] }>('/api/orders?limit=500')
  expect(items.map(({ placer }) => placer).sort()).toEqual(placers)
  const { items: exceptions } = await department.ask<{ items: { kind: string }[] }>('/api/exceptions')
  expect(exceptions).toEqual([])
  for (const one of walked) await expectWhole(department, emr, one)
  // Each control id belongs to one order, and nothing came that nobody was walked for.
  const reports = emr.messages.filter(({ messageType }) => messageType.startsWith('ORU'))
  expect(new Set(reports.map(({ placer }) => placer))).toEqual(new Set(placers))
  expect(new Set(reports.map(({ controlId }) => controlId)).size).toBe(placers.length)
}

async function expectWhole(department: RunningDepartment, emr: EmrReceiver, { sent, scan, words }: Walked) {
  const order = await orderOf(department, sent.placer)
  expect(order.phase).toBe('delivered')
  expect(order.workItems).toEqual([])
  const timeline = await timelineOf(department, order.id)
  expectDense(timeline, order.rev)
  expectOneEffectEach(timeline)

  const { studyInstanceUid } = order
  const sentUids = scan.images.map(({ sopInstanceUid }) => sopInstanceUid).sort()
  expect(scan.images.every((image) => image.studyInstanceUid === studyInstanceUid)).toBe(true)
  // The report comes into its study within seconds of its release, as a document and as a PDF, each once.
  const listed = () => instancesListed(department, studyInstanceUid)
  await expect.poll(async () => (await listed()).reports.length, { timeout: 60_000 }).toBe(2)
  expect((await listed()).images.sort()).toEqual(sentUids)
  for (const image of scan.images) expect(await hashStored(department, image)).toBe(image.sha256)

  const [delivery, ...more] = await deliveriesOf(department, order.id)
  expect(more).toEqual([])
  expect(delivery).toMatchObject({ state: 'acknowledged', reportVersion: 1 })
  const received = emr.messages.filter(({ placer }) => placer === sent.placer)
  expect(new Set(received.map(({ controlId }) => controlId))).toEqual(new Set([delivery?.controlId]))
  expect(new Set(received.map(({ bytes }) => bytes.toString('hex'))).size).toBe(1)
  // Sent again only where an answer was lost.
  expect(received.length).toBeLessThanOrEqual(delivery?.attempts ?? 0)
  const text = received[0]?.bytes.toString('utf8') ?? ''
  for (const said of [words.findings, words.impression, studyInstanceUid, order.accession])
    expect(text).toContain(said)
}

/** `rev` counts from 1 without a gap, and every event's hash is the next one's previous hash. */
export function expectDense(timeline: readonly TimelineJson[], rev: number): void {
  expect(timeline.map((event) => event.rev)).toEqual(Array.from({ length: rev }, (_, index) => index + 1))
  expect(timeline.slice(1).map(({ previousHash }) => previousHash)).toEqual(
    timeline.slice(0, -1).map(({ hash }) => hash),
  )
}

const ONCE = [
  'order.received',
  'procedure.added',
  'step.scheduled',
  'step.arrived',
  'step.started',
  'step.departed',
  'performed-step.begun',
  'performed-step.ended',
  'study.linked',
  'quality.accepted',
  'report.signed',
  'report.released',
  'delivery.queued',
  'delivery.acknowledged',
]

function expectOneEffectEach(timeline: readonly TimelineJson[]): void {
  const times = Object.fromEntries(
    ONCE.map((type) => [type, timeline.filter((event) => event.type === type).length]),
  )
  expect(times).toEqual(Object.fromEntries(ONCE.map((type) => [type, 1])))
  const opened = timeline
    .filter(({ type }) => type === 'work-item.opened')
    .map(({ data }) => `${data.kind} ${data.cycle}`)
  expect(opened).toEqual([...new Set(opened)])
}
