/** Receivers that come and go: what is owed to each, whatever the configuration says meanwhile. */
import { expect, test } from 'vitest'
import { actAs } from '../order.fixture.ts'
import { configuration, type DestinationConfiguration } from '../queries/configuration.ts'
import { timeline } from '../queries/orders.ts'
import { readableStudy } from '../reading.fixture.ts'
import { soundDepartment } from '../sound-department.fixture.ts'
import { dutyAct } from './act.ts'
import { openAmendment, signAmendment } from './amendments.ts'
import { applyConfiguration } from './configuration.ts'
import { beginAttempt, laneHead, recordAnswer } from './deliveries.ts'
import { openReport, signReport } from './reports.ts'
import { settleOrder } from './settle.ts'
import { claim } from './work-items.ts'

const department = await soundDepartment()

const WORDS = {
  sections: [
    { key: 'findings', text: 'None.' },
    { key: 'impression', text: 'Normal.' },
  ],
}

async function signed(): Promise<{ orderId: string; reportId: string }> {
  const { orderId, itemId } = await readableStudy(department, 'stat')
  const reader = await actAs(department, 'radiologist')
  const held = await claim(department, reader, { itemId })
  const { reportId } = await openReport(department, reader, held)
  await signReport(department, reader, { ...held, reportId, content: WORDS, reauthenticated: true })
  return { orderId, reportId }
}

async function addended(reportId: string): Promise<void> {
  const reader = await actAs(department, 'radiologist')
  const kind = 'addendum' as const
  const { fence } = await openAmendment(department, reader, { reportId, kind })
  const content = { sections: [{ key: 'addendum', text: 'Seen again.' }] }
  await signAmendment(department, reader, { reportId, fence, kind, content, reauthenticated: true })
}

interface Row {
  id: string
  version: number
  destinationId: string
  patientId: string
  state: string
}

const deliveries = (orderId: string) => department.sql<Row[]>`
  select id, version, destination_id as "destinationId", patient_id as "patientId", state from deliveries
  where order_id = ${orderId} order by lane_position`

async function acknowledge({ id }: Row): Promise<void> {
  const duty = await dutyAct(department)
  await beginAttempt(department, duty, { deliveryId: id, bytes: Buffer.from('x') })
  await recordAnswer(department, duty, { deliveryId: id, answer: 'acknowledged' })
}

const phaseOf = async (orderId: string) =>
  (await department.sql<{ phase: string }[]>`select phase from orders where id = ${orderId}`)[0]!.phase

async function receivers(change: (now: DestinationConfiguration[]) => Partial<DestinationConfiguration>[]) {
  const { destinations } = await configuration(department.sql)
  const admin = await actAs(department, 'admin')
  await applyConfiguration(department, admin, { destinations: change(destinations) as never })
}

const clinic = { id: 'clinic', name: 'Clinic', kind: 'hl7-oru', host: '127.0.0.1', port: 2599, enabled: true }
const withClinic = (now: DestinationConfiguration[], more = {}) =>
  [...now.filter(({ id }) => id !== 'clinic'), { ...clinic, ...more }] as Partial<DestinationConfiguration>[]
const without = (now: DestinationConfiguration[]) => now.filter(({ id }) => id !== 'clinic')

test('[RP-06] a retired receiver is sent nothing and waited for no longer, its timeline says so, and back again it gets what it lacks', async () => {
  await receivers((now) => withClinic(now))
  const { orderId } = await signed()
  const [toClinic, toEmr] = await deliveries(orderId)
  await acknowledge(toEmr!)
  expect([toClinic!.destinationId, await phaseOf(orderId)]).toEqual(['clinic', 'final'])
  expect((await laneHead(department, toClinic!))?.dueInMs).toBe(0)

  await receivers(without)
  expect(await phaseOf(orderId)).toBe('delivered')
  expect((await laneHead(department, toClinic!))?.dueInMs).toBeNull()
  expect((await deliveries(orderId)).map(({ state }) => state)).toEqual(['waiting', 'acknowledged'])

  await receivers((now) => withClinic(now))
  expect(await phaseOf(orderId)).toBe('final')
  expect((await laneHead(department, toClinic!))?.dueInMs).toBe(0)
  await acknowledge(toClinic!)
  expect(await phaseOf(orderId)).toBe('delivered')

  const events = await timeline(department.sql, orderId)
  expect(events.map(({ type }) => type).filter((type) => type.includes('destination'))).toEqual([
    'delivery.destination-retired',
    'delivery.destination-back',
  ])
})

test('[RP-06] what a retired receiver had refused is nobody’s to mend, until it is back', async () => {
  await receivers((now) => withClinic(now))
  const { orderId } = await signed()
  const [toClinic, toEmr] = await deliveries(orderId)
  await acknowledge(toEmr!)
  const duty = await dutyAct(department)
  await beginAttempt(department, duty, { deliveryId: toClinic!.id, bytes: Buffer.from('x') })
  await recordAnswer(department, duty, { deliveryId: toClinic!.id, answer: 'rejected' })
  const toMend = async () => {
    await settleOrder(department, await dutyAct(department), { orderId })
    const [row] = await department.sql`
      select (select count(*)::int from exceptions where order_id = ${orderId} and state = 'open') as exceptions,
        (select count(*)::int from work_items where order_id = ${orderId} and kind = 'mend' and state in ('open', 'claimed')) as items`
    return [row!.exceptions, row!.items]
  }
  expect(await toMend()).toEqual([1, 1])
  await receivers(without)
  expect([await toMend(), await phaseOf(orderId)]).toEqual([[0, 0], 'delivered'])
  await receivers((now) => withClinic(now))
  expect([await toMend(), await phaseOf(orderId)]).toEqual([[1, 1], 'final'])
  await receivers(without)
})

test('[RP-06] a receiver that is switched off misses no version: it gets each in its order when it is on again', async () => {
  await receivers((now) => withClinic(now))
  const { orderId, reportId } = await signed()
  for (const delivery of await deliveries(orderId)) await acknowledge(delivery)
  await receivers((now) => withClinic(now, { enabled: false }))
  await addended(reportId)
  const [, , toClinic, toEmr] = await deliveries(orderId)
  await acknowledge(toEmr!)
  expect([toClinic!.destinationId, toClinic!.version, toClinic!.state]).toEqual(['clinic', 2, 'waiting'])
  expect((await laneHead(department, toClinic!))?.dueInMs).toBeNull()
  // It has the first version and lacks the second: whoever looks is not told that all have it.
  expect(await phaseOf(orderId)).toBe('final')

  const before = (await timeline(department.sql, orderId)).length
  await receivers((now) => withClinic(now))
  expect((await timeline(department.sql, orderId)).slice(before).map(({ type }) => type)).toEqual([
    'delivery.destination-back',
  ])
  expect((await laneHead(department, toClinic!))?.dueInMs).toBe(0)

  // Switched off it can be retired too.
  await receivers((now) => withClinic(now, { enabled: false }))
  await receivers(without)
  expect((await configuration(department.sql)).destinations.map(({ id }) => id)).not.toContain('clinic')
  expect(await phaseOf(orderId)).toBe('delivered')
})
