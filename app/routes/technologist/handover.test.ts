import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import { type Department, openDepartment } from '#db/department.ts'
import { deviceAct, dutyAct } from '#db/mutations/act.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { uuidUid } from '#db/mutations/minting.ts'
import { beginPerformedStep, changePerformedStep } from '#db/mutations/performed-steps.ts'
import { bookStep } from '#db/mutations/scheduling.ts'
import { arrive, beginStep, endExam } from '#db/mutations/steps.ts'
import { actAs, anEnvelope, anOrder, aProcedure, seededDepartment } from '#db/order.fixture.ts'
import type { HandoverLine } from '#db/queries/handover.ts'
import { MINUTE_MS } from '#domain/calendar.ts'
import { action, loader } from './handover.tsx'
import { whatItIs } from './handover-words.ts'
import { type AtTheScreen, sitDown } from './screen.fixture.ts'

let databaseUrl: string
let department: Department
const at: Record<string, AtTheScreen> = {}

beforeAll(async () => {
  databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  // Nine in the morning at MAIN: three hours into the early shift.
  await turnClockTo(new Date('2026-03-12T09:00:00+01:00'))
  for (const user of ['tech', 'tech2', 'lead', 'radiologist'])
    at[user] = await sitDown(department, { databaseUrl, user })
})

afterAll(() => department.close())

async function turnClockTo(now: Date): Promise<void> {
  await department.sql`
    insert into department_clock (base_machine, base_department, rate) values (${new Date()}, ${now}, 1)
    on conflict ("only") do update set base_machine = excluded.base_machine, base_department = excluded.base_department`
  await department.close()
  department = openDepartment(databaseUrl, { name: 'test', max: 4 })
  for (const user of Object.keys(at)) at[user] = await sitDown(department, { databaseUrl, user })
}

const press = (user: string, fields: Record<string, string>) => action(at[user]!.args('/handover', fields))
const seen = async (user = 'tech') => (await loader(at[user]!.args('/handover'))).lines
const lineOf = async (orderId: string, kind: string, user = 'tech'): Promise<HandoverLine | undefined> =>
  (await seen(user)).find((line) => line.orderId === orderId && line.kind === kind)

async function booked(
  roomId: string,
  { minutes, code = '30799-1', visit = 'O' }: { minutes: number; code?: string; visit?: string },
) {
  const order = anOrder({
    procedures: [aProcedure({ code, steps: [] })],
    priority: { level: 'urgent', word: 'A' },
    visit: { patientClass: visit } as never,
  })
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [order])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  const [step] = await department.sql<
    { id: string; study_uid: string; step_number: string; accession: string }[]
  >`
    select s.id, s.step_number, p.study_uid, o.accession from steps s join procedures p on p.id = s.procedure_id
      join orders o on o.id = s.order_id where o.id = ${orderId}`
  const start = new Date((await department.now()).getTime() + minutes * MINUTE_MS)
  await bookStep(department, await dutyAct(department), { stepId: step!.id, roomId, start, minutes: 5 })
  return { orderId, stepId: step!.id, ...step! }
}

test('[MA-13] the facts fill the four groups: on the table, promised, waiting for, broken', async () => {
  const onTable = await booked('us-1', { minutes: 5, code: '24558-9' })
  await arrive(department, await actAs(department, 'tech'), onTable)
  await beginStep(department, await actAs(department, 'tech'), onTable)
  expect(await lineOf(onTable.orderId, 'table')).toMatchObject({
    what: 'on-table',
    room: 'US 1',
    state: 'new',
  })

  const here = await booked('ct-1', { minutes: 10 })
  await arrive(department, await actAs(department, 'tech'), here)
  expect(await lineOf(here.orderId, 'promised')).toMatchObject({ what: 'here', room: 'CT 1' })

  const ward = await booked('ct-2', { minutes: -5, visit: 'I' })
  const home = await booked('ct-1', { minutes: -5 })
  expect(await lineOf(ward.orderId, 'waiting')).toMatchObject({ what: 'not-here', waitingFor: 'transport' })
  expect(await lineOf(home.orderId, 'waiting')).toMatchObject({ waitingFor: 'patient' })

  const stopped = await booked('mr-1', { minutes: 5, code: '30657-1' })
  const device = await deviceAct(department, 'MR1')
  const sopInstanceUid = uuidUid()
  await beginPerformedStep(department, device, {
    ...{ sopInstanceUid, stationAe: 'MR1', studyUid: stopped.study_uid, dataset: {} },
    scheduled: [
      { stepNumber: stopped.step_number, accession: stopped.accession, studyUid: stopped.study_uid } as never,
    ],
    startedAt: await department.now(),
  })
  await changePerformedStep(department, device, {
    ...{ sopInstanceUid, status: 'DISCONTINUED', reasonCode: '110501', series: [], dataset: {} },
  } as never)
  await department.sql`update devices set enabled = false where ae_title = 'MR2'`
  const broken = (await seen()).filter(({ kind }) => kind === 'broken')
  expect(broken.map(({ what, words }) => [what, words]).sort()).toEqual([
    ['equipment', 'MR1'],
    ['switched-off', 'MR2'],
  ])

  await endExam(department, await actAs(department, 'tech'), onTable)
  expect(await lineOf(onTable.orderId, 'table')).toBeUndefined()
})

test('[MA-13] a line is taken over by name; the next shift finds it amber until somebody of it does', async () => {
  const { orderId } = await booked('ct-1', { minutes: 30 })
  const [step] = await department.sql`select id from steps where order_id = ${orderId}`
  await arrive(department, await actAs(department, 'tech'), { stepId: step!.id })
  const key = (await lineOf(orderId, 'promised'))!.key
  expect((await lineOf(orderId, 'promised'))!.state).toBe('new')

  await turnClockTo(new Date('2026-03-12T14:10:00+01:00'))
  expect((await lineOf(orderId, 'promised'))!.state).toBe('wanted')
  expect(await press('tech2', { intent: 'take', key })).toMatchObject({ ok: true })
  await press('tech2', { intent: 'take', key })
  const taken = (await lineOf(orderId, 'promised', 'lead'))!
  expect([taken.state, taken.acknowledged.map(({ by }) => by)]).toEqual(['acknowledged', ['E. Voss']])

  // A quarter to ten: the night has come early and takes over for itself.
  await turnClockTo(new Date('2026-03-12T21:45:00+01:00'))
  await press('lead', { intent: 'take', key })
  await turnClockTo(new Date('2026-03-12T22:10:00+01:00'))
  const atNight = (await lineOf(orderId, 'promised'))!
  expect([
    atNight.state,
    atNight.acknowledged.map(({ by }) => by),
    atNight.before.map(({ by }) => by),
  ]).toEqual(['acknowledged', ['J. Moreau'], ['E. Voss']])
  await turnClockTo(new Date('2026-03-13T06:01:00+01:00'))
  expect((await lineOf(orderId, 'promised'))!.state).toBe('wanted')
})

test('[MA-13] what somebody writes down stands in its group, is taken over by another, settled, and stands again', async () => {
  const { accession, orderId } = await booked('ct-1', { minutes: 90 })
  const words = 'Potassium asked for at the ward'
  const line = {
    intent: 'add',
    siteId: 'MAIN',
    kind: 'waiting',
    waitingFor: 'lab',
    words,
    accession,
    roomId: 'ct-1',
  }
  expect(await press('tech', line)).toMatchObject({ ok: true })
  // Pressed once more by the same hand it is the same line.
  expect(await press('tech', line)).toMatchObject({ ok: true })
  const [added, ...more] = (await seen()).filter((each) => each.words === words)
  if (!added) throw new Error('no line')
  expect(more).toEqual([])
  expect(added).toMatchObject({ kind: 'waiting', waitingFor: 'lab', orderId, room: 'CT 1', state: 'wanted' })
  expect(whatItIs(added)).toBe(`laboratory · ${words}`)

  expect(await press('tech', { intent: 'take', key: added.key })).toMatchObject({
    code: 'second-person-required',
  })
  expect(await press('tech2', { intent: 'take', key: added.key })).toMatchObject({ ok: true })
  expect((await seen()).find(({ key }) => key === added.key)).toMatchObject({ state: 'acknowledged' })

  const lineId = added.added!.id
  expect(await press('tech', { intent: 'settle', lineId })).toMatchObject({ ok: true })
  expect((await seen()).some(({ key }) => key === added.key)).toBe(false)
  expect(await press('tech2', { intent: 'take', key: added.key })).toMatchObject({ code: 'not-found' })
  expect(await press('tech', { intent: 'reopen', lineId })).toMatchObject({ ok: true })
  expect((await seen()).find(({ key }) => key === added.key)).toMatchObject({ state: 'acknowledged' })

  const events = await department.sql<{ type: string; data: Record<string, unknown> }[]>`
    select type, data from audit_events where chain = 'site:MAIN' and data->>'lineId' = ${lineId} order by chain_rev`
  expect(events.map(({ type }) => type)).toEqual(['handover.added', 'handover.settled', 'handover.reopened'])
  expect(JSON.stringify(events)).not.toContain('Potassium')
})

test('[MA-13] a line without words, of no group or of an unknown order is refused, and nobody else has the page', async () => {
  const line = { intent: 'add', siteId: 'MAIN', kind: 'broken', words: 'Injector leaks' }
  const before = (await seen()).length
  expect(await press('tech', { ...line, words: ' ' })).toMatchObject({ code: 'invalid-message' })
  expect(await press('tech', { ...line, kind: 'waiting' })).toMatchObject({ code: 'invalid-message' })
  expect(await press('tech', { ...line, kind: 'elsewhere' })).toMatchObject({ code: 'invalid-message' })
  expect(await press('tech', { ...line, accession: 'NONE' })).toMatchObject({ code: 'unknown-order' })
  expect(await press('tech', { ...line, roomId: 'ct-w' })).toMatchObject({ code: 'not-found' })
  await department.sql`update users set sites = '{WEST}' where user_name = 'tech2'`
  expect(await press('tech2', line)).toMatchObject({ code: 'forbidden' })
  expect((await seen('tech2')).filter(({ siteId }) => siteId !== 'WEST')).toEqual([])
  await department.sql`update users set sites = '{*}' where user_name = 'tech2'`
  await expect(loader(at.radiologist!.args('/handover'))).rejects.toMatchObject({ init: { status: 404 } })
  expect(await seen()).toHaveLength(before)
})
