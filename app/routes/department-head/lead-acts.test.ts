import { afterAll, beforeAll, expect, test } from 'vitest'
import { claimNext } from '#app/server/claim-next.ts'
import { lateCases } from '#app/server/late-cases.ts'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { actOf, dutyAct } from '#db/mutations/act.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { bookStep } from '#db/mutations/scheduling.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { arrive, beginStep } from '#db/mutations/steps.ts'
import { release } from '#db/mutations/work-items.ts'
import { actAs, anEnvelope, anOrder, aProcedure, seededDepartment } from '#db/order.fixture.ts'
import { invariantViolations } from '#db/queries/invariants.ts'
import { modalityWorklist } from '#db/queries/modality-worklist.ts'
import { timeline } from '#db/queries/orders.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import { HOUR_MS, MINUTE_MS } from '#domain/calendar.ts'
import { action as answerAction, loader as callsLoader } from '../called-in.ts'
import { type AtTheScreen, sitDown } from '../technologist/screen.fixture.ts'
import { action, loader } from './late.tsx'
import { loader as choicesLoader } from './late-choices.ts'

let department: Department
const at: Record<string, AtTheScreen> = {}

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  for (const user of ['lead', 'head', 'tech', 'radiologist', 'radiologist2'])
    at[user] = await sitDown(department, { databaseUrl, user })
})

afterAll(() => department.close())

const press = (user: string, fields: Record<string, string>) =>
  action(at[user]!.args('/late', fields)) as Promise<Record<string, unknown>>
const choices = (query: string, user = 'lead') => choicesLoader(at[user]!.args(`/late/choices?${query}`))
const idOf = async (user: string) => (await actAs(department, user)).actor.id

async function nextCaseOf(user: string): Promise<string | null> {
  const { actor } = await actAs(department, user)
  const signedIn = {
    person: { id: actor.id, actor },
    server: { department },
    act: () => actOf(department, actor, 'app'),
  }
  return claimNext(signedIn as never)
}

async function giveBack(user: string, itemId: string): Promise<void> {
  const [row] = await department.sql<{ fence: number }[]>`select fence from work_items where id = ${itemId}`
  await release(department, await actAs(department, user), { itemId, fence: row!.fence })
}

const told = async (orderId: string, type: string) =>
  (await timeline(department.sql, orderId)).filter((event) => event.type === type).map(({ data }) => data)

test('[DB-08] a lead gives a case to a reader from its row: it is their next one and nobody else’s, until it is taken back', async () => {
  const older = await readableStudy(department, 'urgent')
  const { orderId, itemId } = await readableStudy(department, 'urgent')
  const [reader, other] = [await idOf('radiologist'), await idOf('radiologist2')]
  const people = (await choices(`item=${itemId}`)).people
  expect(people.map(({ id }) => id)).toEqual(expect.arrayContaining([reader, other]))
  expect(people.map(({ id }) => id)).not.toContain(await idOf('tech'))
  expect(people.find(({ id }) => id === reader)).toMatchObject({ isHere: true, isAssigned: false })

  const given = await press('lead', { intent: 'reassign', itemId, userId: reader })
  expect(given).toMatchObject({ ok: true, done: { undo: { intent: 'reassign', itemId, userId: '' } } })
  expect(await told(orderId, 'work-item.reassigned')).toMatchObject([
    { itemId, from: null, to: reader, reason: 'at-risk' },
  ])
  expect(await nextCaseOf('radiologist')).toBe(itemId)
  await giveBack('radiologist', itemId)
  expect(await nextCaseOf('radiologist2')).toBe(older.itemId)
  expect(await nextCaseOf('radiologist2')).not.toBe(itemId)
  await giveBack('radiologist2', older.itemId)

  await press('lead', (given.done as { undo: Record<string, string> }).undo)
  expect(await nextCaseOf('radiologist2')).toBe(older.itemId)
  expect(await told(orderId, 'work-item.reassigned')).toMatchObject([
    { to: reader },
    { from: reader, to: null },
  ])
  await giveBack('radiologist2', older.itemId)
})

test('[DB-08] who only looks on may not reassign, and a case is given to nobody who may not take it', async () => {
  const { orderId, itemId } = await readableStudy(department, 'urgent')
  const userId = await idOf('radiologist')
  expect(await press('head', { intent: 'reassign', itemId, userId })).toMatchObject({
    ok: false,
    code: 'forbidden',
  })
  await expect(press('tech', { intent: 'reassign', itemId, userId })).rejects.toMatchObject({
    init: { status: 404 },
  })
  await expect(choices(`item=${itemId}`, 'head')).rejects.toMatchObject({ init: { status: 404 } })
  const toTech = { intent: 'reassign', itemId, userId: await idOf('tech') }
  expect(await press('lead', toTech)).toMatchObject({ ok: false, code: 'forbidden' })
  expect(await press('lead', { ...toTech, intent: 'call-in' })).toMatchObject({
    ok: false,
    code: 'forbidden',
  })
  const [step] = await department.sql<{ id: string }[]>`select id from steps where order_id = ${orderId}`
  const acts: Record<string, string>[] = [
    { intent: 'reassign', itemId, userId },
    { intent: 'call-in', itemId, userId },
    { intent: 're-room', stepId: step!.id, roomId: 'ct-2', start: (await department.now()).toISOString() },
  ]
  const refused = async (user: string) => {
    for (const asked of acts)
      expect([asked.intent, await press(user, asked)]).toMatchObject([
        asked.intent,
        { ok: false, code: 'forbidden' },
      ])
  }
  await refused('head')
  // Nor does a lead at a site that is not theirs.
  await department.sql`update users set sites = '{WEST}' where user_name = 'lead'`
  await refused('lead')
  await department.sql`update users set sites = '{MAIN}' where user_name = 'lead'`
  expect(await told(orderId, 'work-item.reassigned')).toEqual([])
  expect(await told(orderId, 'work-item.called-in')).toEqual([])
  expect((await loader(at.head!.args('/late'))).mayAct).toBe(false)
})

test('[DB-08] a colleague called in is asked on whatever screen they are at, and their answer stands in the row', async () => {
  const { orderId, itemId } = await readableStudy(department, 'stat')
  const userId = await idOf('radiologist2')
  const calls = async (user: string) => (await callsLoader(at[user]!.args('/called-in'))).json()
  const { done } = (await press('lead', { intent: 'call-in', itemId, userId })) as never as {
    done: { undo: Record<string, string> }
  }
  await press('lead', { intent: 'call-in', itemId, userId })
  expect(await calls('radiologist2')).toMatchObject([{ itemId, orderId, kind: 'read' }])
  expect(await calls('radiologist')).toEqual([])

  const { callId } = done.undo
  const say = async (user: string, answer: string) =>
    (await answerAction(at[user]!.args('/called-in', { callId: callId!, answer }))).json()
  expect(await say('radiologist', 'coming')).toMatchObject({ code: 'not-found' })
  expect(await say('radiologist2', 'coming')).toMatchObject({ ok: true })
  expect(await calls('radiologist2')).toEqual([])
  const { actor } = await actAs(department, 'lead')
  const signedIn = { person: { id: actor.id, actor }, server: { department } }
  const { cases: rows } = await lateCases(signedIn as never, { withinMs: 24 * HOUR_MS })
  expect(rows.find(({ id }) => id === itemId)?.call).toMatchObject({ callId, answer: 'coming' })
  expect(await press('lead', done.undo)).toMatchObject({ ok: false, code: 'illegal-transition' })
  const types = (await timeline(department.sql, orderId)).map(({ type }) => type)
  expect(types.filter((type) => type.startsWith('work-item.call'))).toEqual([
    'work-item.called-in',
    'work-item.call-answered',
  ])
})

test('a call that nobody has answered is taken back, and asks nobody any more', async () => {
  const { orderId, itemId } = await readableStudy(department, 'stat')
  const userId = await idOf('radiologist2')
  const { done } = (await press('lead', { intent: 'call-in', itemId, userId })) as never as {
    done: { undo: Record<string, string> }
  }
  expect(await press('lead', done.undo)).toMatchObject({ ok: true })
  expect(await (await callsLoader(at.radiologist2!.args('/called-in'))).json()).toEqual([])
  expect(await told(orderId, 'work-item.call-withdrawn')).toMatchObject([{ itemId }])
})

async function patientHere(start: Date): Promise<{ orderId: string; stepId: string; accession: string }> {
  const order = anOrder({ procedures: [aProcedure({ steps: [] })] })
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [order])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  const [step] = await department.sql<{ id: string; accession: string }[]>`
    select s.id, o.accession from steps s join orders o on o.id = s.order_id where o.id = ${orderId}`
  const stepId = step!.id
  await bookStep(department, await actAs(department, 'scheduler'), {
    stepId,
    roomId: 'ct-1',
    start,
    minutes: 10,
  })
  await arrive(department, await actAs(department, 'tech'), { stepId })
  await settleOrder(department, await dutyAct(department), { orderId })
  return { orderId, stepId, accession: step!.accession }
}

async function onWorklistOf(aeTitle: string, roomId: string): Promise<string[]> {
  const none = { stationAes: [], modalities: [], patientIds: [], accessions: [], requestedProcedureIds: [] }
  const steps = await modalityWorklist(department.sql, {
    caller: { aeTitle, siteId: 'MAIN', roomId, modality: 'CT' },
    now: await department.now(),
    ...none,
    ...{ stepNumbers: [], studyUids: [], from: null, to: null, timeFrom: null, timeTo: null },
  })
  return steps.map(({ accession }) => accession)
}

test('[DB-08] a lead moves a patient who is here to the other scanner: they stay arrived, its worklist has them, undo brings them back', async () => {
  const start = new Date((await department.now()).getTime() + 10 * MINUTE_MS)
  const { orderId, stepId, accession } = await patientHere(start)
  const state = async () =>
    (
      await department.sql`
      select s.status, s.room_id, s.planned_start, o.phase, w.room_id as work_room from steps s join orders o on o.id = s.order_id
        join work_items w on w.subject_id = s.id and w.kind = 'perform' and w.state = 'open' where s.id = ${stepId}`
    )[0]
  const before = await state()
  expect(before).toMatchObject({ status: 'ready', room_id: 'ct-1', phase: 'arrived' })
  const { rooms } = await choices(`step=${stepId}`)
  expect(rooms.map(({ roomId }) => roomId)).toEqual(['ct-2'])

  const moved = await press('lead', { intent: 're-room', stepId, roomId: 'ct-2', start: rooms[0]!.start })
  await settleOrder(department, await dutyAct(department), { orderId })
  expect(await state()).toMatchObject({
    status: 'ready',
    room_id: 'ct-2',
    phase: 'arrived',
    work_room: 'ct-2',
  })
  expect(await onWorklistOf('CT2', 'ct-2')).toContain(accession)
  expect(await onWorklistOf('CT1', 'ct-1')).not.toContain(accession)

  // While it was away somebody else got the slot: the way back is refused, and nothing is moved.
  const taker = await patientHere(start)
  const { undo } = moved.done as { undo: Record<string, string> }
  expect(await press('lead', undo)).toMatchObject({ ok: false, code: 'slot-taken' })
  await beginStep(department, await actAs(department, 'tech'), { stepId: taker.stepId })
  expect(await press('lead', { ...undo, stepId: taker.stepId, roomId: 'ct-2' })).toMatchObject({
    ok: false,
    code: 'procedure-begun',
  })
  expect(await press('lead', { ...undo, roomId: 'mr-1' })).toMatchObject({ ok: false, code: 'not-found' })
  expect(await press('lead', undo)).toMatchObject({ ok: true })
  await settleOrder(department, await dutyAct(department), { orderId })
  expect(await state()).toEqual(before)
  expect(await invariantViolations(department.sql)).toEqual([])
})
