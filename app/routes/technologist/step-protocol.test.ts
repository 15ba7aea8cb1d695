import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { keepProtocol, retireProtocol, setDefaultProtocol } from '#db/mutations/protocols.ts'
import { bookStep } from '#db/mutations/scheduling.ts'
import { beginStep } from '#db/mutations/steps.ts'
import { actAs, anEnvelope, anOrder, aProcedure, seededDepartment } from '#db/order.fixture.ts'
import { timeline } from '#db/queries/orders.ts'
import { protocolLibrary } from '#db/queries/protocols.ts'
import { openItem, studyAtTheGate } from '#db/reading.fixture.ts'
import { loader as checkLoader } from './quality-check.tsx'
import { action, loader } from './scan-queue.tsx'
import { type AtTheScreen, sitDown } from './screen.fixture.ts'

let department: Department
let tech: AtTheScreen
let scheduler: AtTheScreen

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  tech = await sitDown(department, { databaseUrl, user: 'tech' })
  scheduler = await sitDown(department, { databaseUrl, user: 'scheduler' })
})

afterAll(() => department.close())

const HEAD = { scheme: 'LN', code: '30799-1' }
const press = (fields: Record<string, string>, who = tech) => action(who.args('/scan-queue', fields))
const library = () => protocolLibrary(department.sql, [`${HEAD.scheme} ${HEAD.code}`])

let minutesOn = 0
async function waiting(more: Parameters<typeof aProcedure>[0] = {}) {
  const order = anOrder({ procedures: [aProcedure({ steps: [], ...more })] })
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [order])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  const [step] = await department.sql<{ id: string }[]>`select id from steps where order_id = ${orderId}`
  minutesOn += 5
  const start = new Date((await department.now()).getTime() + minutesOn * 60_000)
  await bookStep(department, await dutyAct(department), {
    stepId: step!.id,
    roomId: 'ct-1',
    start,
    minutes: 5,
  })
  return { orderId, stepId: step!.id }
}

async function onScreen(stepId: string) {
  const { steps, protocols } = await loader(tech.args('/scan-queue'))
  const step = steps.find((each) => each.stepId === stepId)!
  return { ...step, library: protocols.filter(({ code }) => `LN ${code}` === step.libraryOf) }
}

test('[MA-09] a step comes planned with its procedure’s default; another one is one press, and so is the way back', async () => {
  const { orderId, stepId } = await waiting()
  const before = await onScreen(stepId)
  const [standard, other] = before.library
  expect([standard!.isDefault, before.protocol, before.protocolId]).toEqual([
    true,
    standard!.name,
    standard!.id,
  ])

  expect(await press({ intent: 'protocol', stepId, protocolId: other!.id })).toMatchObject({ ok: true })
  expect(await onScreen(stepId)).toMatchObject({ protocol: other!.name, protocolId: other!.id })
  expect(await press({ intent: 'protocol', stepId, protocolId: '' })).toMatchObject({ ok: true })
  await press({ intent: 'protocol', stepId, protocolId: '' })
  expect(await onScreen(stepId)).toMatchObject({ protocol: standard!.name })
  const told = (await timeline(department.sql, orderId)).filter(({ type }) => type === 'step.protocol-chosen')
  expect(told.map(({ data }) => data.protocolId)).toEqual([other!.id, standard!.id])
})

test('[MA-09] an order that names a protocol of the library is planned with that one', async () => {
  const [, other] = await library()
  const named = await waiting({
    steps: [{ aeTitles: [], protocol: { code: other!.protocolCode, text: other!.name } } as never],
  })
  expect(await onScreen(named.stepId)).toMatchObject({ protocolId: other!.id, protocol: other!.name })
  const unknown = await waiting({
    steps: [{ aeTitles: [], protocol: { code: 'X9', text: 'As the ward says' } } as never],
  })
  expect(await onScreen(unknown.stepId)).toMatchObject({ protocolId: null, protocol: 'As the ward says' })
})

test('[MA-09] a protocol changes in versions: what was planned keeps its own, and a new default is for new orders', async () => {
  const lead = await actAs(department, 'lead')
  const planned = await waiting()
  const [standard, other] = await library()
  const { id, protocolCode, name, aliases } = standard!
  const parameters = [{ name: 'tube voltage', value: '110', unit: 'kV' }]
  const text = { ...HEAD, id, protocolCode, name, aliases, parameters }
  expect(await keepProtocol(department, lead, text)).toEqual({ id, version: 2 })
  expect(await keepProtocol(department, lead, text)).toEqual({ id, version: 2 })
  const versions = await department.sql`select version from protocols where id = ${id} order by version desc`
  expect(versions.map(({ version }) => version)).toEqual([2, 1])
  const versionOf = async (stepId: string) =>
    (await department.sql`select protocol_version from steps where id = ${stepId}`)[0]!.protocol_version
  expect([await versionOf(planned.stepId), await versionOf((await waiting()).stepId)]).toEqual([1, 2])

  await setDefaultProtocol(department, lead, { id: other!.id })
  expect(await onScreen((await waiting()).stepId)).toMatchObject({ protocolId: other!.id })
  expect(await onScreen(planned.stepId)).toMatchObject({ protocolId: id })
  await setDefaultProtocol(department, lead, { id })
  await retireProtocol(department, lead, { id: other!.id })
  expect((await library()).map((each) => each.id)).toEqual([id])
  expect(await press({ intent: 'protocol', stepId: planned.stepId, protocolId: other!.id })).toMatchObject({
    code: 'not-found',
  })
})

test('[MA-09] a protocol is not chosen once the exam has begun, nor by who may not, nor from another procedure', async () => {
  const { stepId } = await waiting()
  const [ofMr] = await protocolLibrary(department.sql, ['LN 30657-1'])
  expect(await press({ intent: 'protocol', stepId, protocolId: ofMr!.id })).toMatchObject({
    code: 'not-found',
  })
  await expect(press({ intent: 'protocol', stepId, protocolId: '' }, scheduler)).rejects.toMatchObject({
    init: { status: 404 },
  })
  await expect(
    keepProtocol(department, await actAs(department, 'tech'), {
      ...HEAD,
      id: null,
      protocolCode: 'A',
      name: 'A',
      parameters: [],
      aliases: [],
    }),
  ).rejects.toMatchObject({ code: 'forbidden' })
  await beginStep(department, await actAs(department, 'tech'), { stepId })
  expect(await press({ intent: 'protocol', stepId, protocolId: '' })).toMatchObject({
    code: 'procedure-begun',
  })
})

test('[MA-09] the quality check says when the scanner did another protocol than planned', async () => {
  const { orderId } = await studyAtTheGate(department, 'urgent')
  const itemId = await openItem(department, orderId, 'quality')
  const check = () => checkLoader(tech.args(`/quality-check/${itemId}`))
  expect((await check()).protocols).toEqual({ verdict: 'not-said' })
  const said = (meaning: string) => ({
    '00400260': { vr: 'SQ', Value: [{ '00080104': { vr: 'LO', Value: [meaning] } }] },
  })
  const scannerSays = (meaning: string) => department.sql`
    update performed_steps set dataset = ${department.sql.json(said(meaning))}
    where study_uid = (select study_uid from procedures where order_id = ${orderId})`
  await scannerSays('CT HEAD W/O')
  expect((await check()).protocols).toEqual({ verdict: 'as-planned' })
  await scannerSays('CTA neck')
  expect((await check()).protocols).toMatchObject({
    verdict: 'differs',
    missing: true,
    done: [{ meaning: 'CTA neck' }],
  })
})
