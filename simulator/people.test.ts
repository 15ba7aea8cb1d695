/** People at the real screens' own forms: the web process, the archive and a database, and nobody pushes any row along. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bookedOrder, openArchive, type TestArchive, until } from '#archive/scp/archive.fixture.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { DEMONSTRATION } from '#bin/testing/demonstration.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { seedDemo } from '#db/seed/demo.ts'
import { type RunningApp, startApp } from '#e2e/app.fixture.ts'
import { clockOnTheWall } from './department-clock.ts'
import { runModality } from './modality.ts'
import { paceOf } from './pace.ts'
import type { PersonEvent, PersonOptions } from './person.ts'
import { nextCase, runRadiologist } from './radiologist.ts'
import { randomFrom } from './random.ts'
import { runScheduler } from './scheduler.ts'
import { runTechnologist } from './technologist.ts'
import { type WebRefusal, webSession } from './web-session.ts'

let archive: TestArchive
let app: RunningApp
let passwords: Map<string, string>

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  archive = await openArchive(databaseUrl)
  const { accounts } = await seedDemo(databaseUrl, DEMONSTRATION)
  passwords = new Map(accounts.map(({ user, password }) => [user, password]))
  app = await startApp(databaseUrl)
}, 120_000)

afterAll(async () => {
  await app?.stop()
  await archive?.close()
})

const session = (user: string) => webSession(app.url, user, passwords.get(user) ?? '')

function someone(user: string, closing: AbortSignal) {
  const said: PersonEvent[] = []
  const options: PersonOptions = {
    app: app.url,
    account: { user, password: passwords.get(user) ?? '' },
    pace: paceOf(1_000, closing),
    random: randomFrom(7),
    now: () => new Date(),
    say: (event) => said.push(event),
  }
  return { options, said }
}

const AN_XRAY = {
  code: '36643-5',
  scheme: 'LN',
  text: 'X-ray chest, 2 views',
  modifiers: [],
  otherIds: [],
  steps: [],
  notes: [],
}

test('[AD-05] from arrival to signature, each by the person whose work it is, on the screens they have', async () => {
  const { department } = archive
  const { sql } = department
  const { orderId } = await bookedOrder(department, {
    roomId: 'xr-1',
    start: new Date(Date.now() - 60_000),
    procedures: [AN_XRAY],
  })
  const closing = new AbortController()
  const technologist = someone('tech2', closing.signal)
  const radiologist = someone('radiologist2', closing.signal)
  const { pace, random, now } = technologist.options
  const working = [
    runTechnologist(technologist.options),
    runRadiologist(radiologist.options),
    runModality({
      archive: { host: '127.0.0.1', port: archive.port, aeTitle: 'ISOCENTER' },
      device: { aeTitle: 'XR1', modality: 'DX', profile: 'mpps', zone: 'Europe/Berlin' },
      pace,
      random,
      now,
    }),
  ]
  const phaseOf = async () => (await sql`select phase from orders where id = ${orderId}`)[0]?.phase
  await until(
    'the signed report',
    async () => {
      // What comes next is the relay's and the workflow's to open; neither runs here.
      await settleOrder(department, await dutyAct(department), { orderId })
      return (await phaseOf()) === 'final'
    },
    25_000,
  )
  closing.abort()
  await Promise.all(working)
  const acts = (said: PersonEvent[]) => said.flatMap((event) => (event.event === 'did' ? [event.what] : []))
  expect(acts(technologist.said)).toEqual(['arrive', 'accept'])
  expect(acts(radiologist.said)).toEqual(['save', 'sign'])
  const events = await sql<{ type: string; actor: string }[]>`
    select type, actor_id as actor from order_events where order_id = ${orderId} and type in ('step.arrived', 'quality.accepted', 'report.signed')`
  const people = await sql<{ id: string; user_name: string }[]>`select id, user_name from users`
  const by = new Map(people.map(({ id, user_name }) => [id, user_name]))
  expect(Object.fromEntries(events.map(({ type, actor }) => [type, by.get(actor)]))).toEqual({
    'step.arrived': 'tech2',
    'quality.accepted': 'tech2',
    'report.signed': 'radiologist2',
  })
}, 60_000)

test('the scheduler finds a time for an order that came without one', async () => {
  const { department } = archive
  const { orderId, stepId } = await bookedOrder(department, { start: null })
  await settleOrder(department, await dutyAct(department), { orderId })
  const closing = new AbortController()
  const scheduler = someone('scheduler', closing.signal)
  const working = runScheduler(scheduler.options)
  await until(
    'a slot',
    async () => {
      const [step] = await department.sql`select status, room_id from steps where id = ${stepId}`
      return step?.status === 'scheduled' && step.room_id !== null
    },
    15_000,
  )
  closing.abort()
  await working
})

test('a wrong password opens nothing, and what a role may not see is not there', async () => {
  const refused = await webSession(app.url, 'tech2', 'wrong').catch((error: WebRefusal) => error)
  expect(refused).toMatchObject({ name: 'WebRefusal', status: 200 })
  const technologist = await session('tech2')
  expect(await technologist.page('/reading').catch(({ status }: WebRefusal) => status)).toBe(404)
})

test('a session that was ended sends its person to the sign-in page', async () => {
  const radiologist = await session('radiologist2')
  expect(await nextCase(radiologist)).toBeUndefined()
  await radiologist.signOut()
  const refusal = await nextCase(radiologist).catch((error: WebRefusal) => error)
  expect(refusal).toMatchObject({ name: 'WebRefusal' })
  expect((refusal as WebRefusal).redirect).toMatch(/^\/sign-in/)
})

test('the clock on the wall is the department’s, wherever it was turned', async () => {
  const { sql } = archive.department
  await sql`update department_clock set base_machine = now(), base_department = '2031-05-06T07:08:09Z', rate = 60`
  const clock = clockOnTheWall()
  const closing = new AbortController()
  await new Promise((resolve) => setTimeout(resolve, 1_100)) // the web process looks at the row once a second
  const listening = clock.listen(await session('scheduler'), closing.signal).catch(() => {})
  await clock.seen
  expect(clock.now().toISOString()).toMatch(/^2031-05-06T07:(09|1\d)/)
  closing.abort()
  await listening
})
