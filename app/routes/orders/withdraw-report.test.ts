import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { issueWetRead, openReport } from '#db/mutations/reports.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs, seededDepartment } from '#db/order.fixture.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import { type AtTheScreen, sitDown } from '../technologist/screen.fixture.ts'
import { action, loader } from './order-timeline.tsx'

let department: Department
let me: AtTheScreen
let second: AtTheScreen
let lead: AtTheScreen
let technologist: AtTheScreen

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  const at = (user: string) => sitDown(department, { databaseUrl, user })
  me = await at('radiologist')
  second = await at('radiologist2')
  lead = await at('lead')
  technologist = await at('tech')
}, 30_000)

afterAll(() => department.close())

test('[RW-07] on the page of its order a radiologist withdraws a word that is out, with a password and a colleague’s', async () => {
  const { orderId, itemId } = await readableStudy(department, 'stat')
  const reader = await actAs(department, 'radiologist')
  const held = await claim(department, reader, { itemId })
  const { reportId } = await openReport(department, reader, held)
  const page = (screen: AtTheScreen, fields?: Record<string, string>) =>
    ({ ...screen.args(`/orders/${orderId}`, fields), params: { orderId } }) as never
  const offered = async (screen: AtTheScreen) => (await loader(page(screen))).retractable
  expect(await offered(me)).toEqual([])
  const content = { sections: [{ key: 'impression', text: 'Bleed.' }] }
  await issueWetRead(department, reader, { ...held, reportId, content })
  expect(await offered(me)).toEqual([{ id: reportId, version: 1 }])
  expect(await offered(lead)).toEqual([])

  const asked = {
    ...{ intent: 'retract', reportId, version: '1', reason: 'wrong-patient', password: me.password },
    ...{ secondUser: 'radiologist2', secondPassword: second.password },
  }
  for (const [fields, code] of [
    [{ password: 'not it' }, 'reauthentication-required'],
    [{ secondPassword: 'not it' }, 'second-person-required'],
    [{ secondUser: 'lead', secondPassword: lead.password }, 'second-person-required'],
    [{ reason: 'because' }, 'reason-required'],
  ] as const)
    expect(await action(page(me, { ...asked, ...fields }))).toMatchObject({ ok: false, code })
  expect(await action(page(lead, { ...asked, password: lead.password }))).toMatchObject({ code: 'forbidden' })
  await expect(action(page(technologist, asked))).rejects.toBeDefined()
  expect(await offered(me)).toHaveLength(1)
  expect(await action(page(me, asked))).toMatchObject({ ok: true })
  expect(await offered(me)).toEqual([])
  const { versions } = await loader(page(me))
  expect(versions.map(({ kind }) => kind)).toEqual(['withdrawal', 'wet-read'])
})
