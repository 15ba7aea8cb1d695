import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { deviceAct } from '#db/mutations/act.ts'
import { rejectInstances } from '#db/mutations/rejections.ts'
import { indexInstances } from '#db/mutations/studies.ts'
import { actAs, seededDepartment, storedImages } from '#db/order.fixture.ts'
import { signedOrder } from '../../timeline/signed-order.fixture.ts'
import { action as healthAction, loader as healthLoader } from '../administrator/health.tsx'
import { type AtTheScreen, sitDown } from '../technologist/screen.fixture.ts'
import { action, loader } from './order-timeline.tsx'

let department: Department
let lead: AtTheScreen
let admin: AtTheScreen
let technologist: AtTheScreen
let orderId: string
let studyUid: string

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  lead = await sitDown(department, { databaseUrl, user: 'lead' })
  admin = await sitDown(department, { databaseUrl, user: 'admin' })
  technologist = await sitDown(department, { databaseUrl, user: 'tech' })
  ;({ orderId } = await signedOrder(department))
  const [study] = await department.sql<{ uid: string }[]>`
    select s.study_uid as uid from study_links l join studies s on s.id = l.study_id where l.order_id = ${orderId}`
  studyUid = study!.uid
}, 30_000)

afterAll(() => department.close())

const of = (screen: AtTheScreen, fields?: Record<string, string>) =>
  ({ ...screen.args(`/orders/${orderId}`, fields), params: { orderId } }) as never

const seen = async () =>
  (await department.sql`select instance_count as n from studies where study_uid = ${studyUid}`)[0]!
    .n as number

test('[AR-07] a lead sees on the order what was withdrawn, and brings it back with a reason; for safety with a second person', async () => {
  const before = await seen()
  const reason = 'wrong side'
  await rejectInstances(department, await actAs(department, 'lead'), { studyUid, code: '113037', reason })
  expect(await seen()).toBe(0)
  const { withdrawn, mayRevoke } = await loader(of(lead))
  expect([mayRevoke, (await loader(of(technologist))).mayRevoke]).toEqual([true, false])
  expect(withdrawn).toMatchObject([{ code: '113037', instances: before, words: reason }])
  const asked = { intent: 'bring-back', rejectionId: withdrawn[0]!.id, reason: 'read again' }
  expect(await action(of(lead, { ...asked, reason: '' }))).toMatchObject({ code: 'reason-required' })
  expect(await action(of(lead, asked))).toMatchObject({ code: 'second-person-required' })
  const wrong = { ...asked, secondUser: 'admin', secondPassword: 'not it' }
  expect(await action(of(lead, wrong))).toMatchObject({ code: 'second-person-required' })
  expect(await seen()).toBe(0)
  const withSecond = { ...asked, secondUser: 'admin', secondPassword: admin.password }
  expect(await action(of(lead, withSecond))).toMatchObject({ ok: true })
  expect(await seen()).toBe(before)
  expect((await loader(of(lead))).withdrawn).toEqual([])
})

test('[AR-06] an administrator settles two objects under one UID where everything to be mended stands', async () => {
  const [image] = storedImages(studyUid, 1)
  const act = await deviceAct(department, 'CT1')
  await indexInstances(department, act, [image!])
  const header = { ...image!.header, '00100010': { vr: 'PN', Value: [{ Alphabetic: 'OTHER^NAME' }] } }
  await indexInstances(department, act, [{ ...image!, header, blob: 'other', sha256: 'other' }])
  const health = (fields?: Record<string, string>) => admin.args('/department-health', fields) as never
  const { open, duplicates } = await healthLoader(health())
  const exception = open.find(({ reasonCode }) => reasonCode === 'duplicate-instance')!
  const [duplicate] = duplicates.filter(({ exceptionId }) => exceptionId === exception.id)
  expect(duplicate!.differsIn).toEqual(['patient'])
  expect(duplicate!.orderId).toBe(orderId)
  const closing = { intent: 'close-exception', id: exception.id, reason: 'put-right' }
  expect(await healthAction(health(closing))).toMatchObject({ ok: false, code: 'illegal-transition' })
  expect(await healthAction(health({ intent: 'take-other', id: exception.id }))).toMatchObject({ ok: true })
  const [row] = await department.sql`
    select sha256 from instances where sop_instance_uid = ${image!.sopInstanceUid}`
  expect(row!.sha256).toBe('other')
  expect((await healthLoader(health())).open.some(({ id }) => id === exception.id)).toBe(false)
})
