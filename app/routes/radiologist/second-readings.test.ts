import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { openReport } from '#db/mutations/reports.ts'
import { saveView } from '#db/mutations/saved-views.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs, seededDepartment } from '#db/order.fixture.ts'
import { openItem, readableStudy } from '#db/reading.fixture.ts'
import { type AtTheScreen, sitDown } from '../technologist/screen.fixture.ts'
import { loader as mine } from './my-preliminaries.tsx'
import { action } from './reading-room.tsx'
import { loader } from './second-readings.tsx'

let department: Department
const at: Record<string, AtTheScreen> = {}

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  for (const user of ['radiologist', 'resident', 'tech'])
    at[user] = await sitDown(department, { databaseUrl, user })
})

afterAll(() => department.close())

async function listed(user: string, list: 'over-read' | 'sent-back'): Promise<string[]> {
  const { rows } = await loader(at[user]!.args(`/${list}`) as never)
  return rows.map(({ orderId }) => orderId)
}

const followed = async () => (await mine(at.resident!.args('/my-preliminaries') as never)).reports

interface Held {
  orderId: string
  itemId: string
  fence: string
  reportId: string
}

async function taken(user: string, orderId: string, kind: string): Promise<Held> {
  await settleOrder(department, await dutyAct(department), { orderId })
  const act = await actAs(department, user)
  const { itemId, fence } = await claim(department, act, {
    itemId: await openItem(department, orderId, kind),
  })
  const { reportId } = await openReport(department, act, { itemId })
  return { orderId, itemId, fence: String(fence), reportId }
}

/** The answer as a screen sees it: a refusal, or where it is sent on to. */
async function press(user: string, held: Held, fields: Record<string, string>) {
  const { itemId, fence, reportId } = held
  const sections = JSON.stringify([
    { key: 'findings', text: 'No bleed.' },
    { key: 'impression', text: fields.impression ?? 'Normal.' },
  ])
  const args = at[user]!.args(`/reading/${itemId}`, { fence, reportId, sections, ...fields })
  const answered = await action({ ...args, params: { itemId } } as never)
  return answered instanceof Response ? { to: answered.headers.get('location') } : answered
}

test('[RW-07] what is handed on stands on the lists of those it waits for, and on nobody else’s', async () => {
  const { orderId } = await readableStudy(department, 'stat')
  const reading = await taken('resident', orderId, 'read')
  expect(await press('resident', reading, { intent: 'wet-read' })).toMatchObject({ ok: true, version: 1 })
  expect(await press('resident', reading, { intent: 'submit' })).toHaveProperty('to')
  const second = await taken('radiologist', orderId, 'over-read')
  expect(await listed('radiologist', 'over-read')).toEqual([orderId])
  expect(await followed()).toMatchObject([{ orderId, state: 'PENDING_SIGN', signed: null }])

  const back = { intent: 'send-back', reason: 'missed', words: 'The sinuses.' }
  expect(await press('radiologist', second, { ...back, password: 'wrong' })).toMatchObject({
    code: 'reauthentication-required',
  })
  const { password } = at.radiologist!
  expect(await press('radiologist', second, { ...back, reason: '', password })).toMatchObject({
    code: 'reason-required',
  })
  expect(await press('radiologist', second, { ...back, password })).toHaveProperty('to')
  await settleOrder(department, await dutyAct(department), { orderId })
  expect(await listed('resident', 'sent-back')).toEqual([orderId])
  expect(await listed('radiologist', 'over-read')).toEqual([])
  expect(await followed()).toMatchObject([{ state: 'SIGN_REJECTED', sentBackReason: 'missed' }])

  const mended = await taken('resident', orderId, 'sent-back')
  await press('resident', mended, { intent: 'preliminary' })
  const last = await taken('radiologist', orderId, 'over-read')
  const sign = { intent: 'sign', impression: 'Sinusitis.', password }
  expect(await press('radiologist', last, sign)).toMatchObject({ code: 'check-failed' })
  expect(await press('radiologist', last, { ...sign, agreement: 'minor' })).toHaveProperty('to')
  const [report] = await followed()
  expect(report).toMatchObject({ state: 'FINAL', agreement: 'minor', sentBackReason: null })
  expect(report?.own.at(-1)?.text).toBe('Normal.')
  expect(report?.signed?.at(-1)?.text).toBe('Sinusitis.')
})

test('[RW-07] who over-reads nothing has no such list, and who reads nothing gives no word', async () => {
  const notFound = { init: { status: 404 } }
  const open = (user: string, list: string) => loader(at[user]!.args(`/${list}`) as never)
  await expect(open('resident', 'over-read')).rejects.toMatchObject(notFound)
  await expect(open('radiologist', 'sent-back')).rejects.toMatchObject(notFound)
  await expect(open('tech', 'over-read')).rejects.toMatchObject(notFound)
  await expect(mine(at.tech!.args('/my-preliminaries') as never)).rejects.toMatchObject(notFound)
  const { orderId } = await readableStudy(department, 'routine')
  const held = await taken('resident', orderId, 'read')
  for (const intent of ['wet-read', 'submit', 'send-back'])
    await expect(press('tech', held, { intent })).rejects.toMatchObject(notFound)
  expect(await press('radiologist', held, { intent: 'wet-read' })).toMatchObject({ code: 'stale-fence' })
})

test('[RW-10] what another wrote is narrowed and kept as a view, as every list is', async () => {
  const { orderId } = await readableStudy(department, 'stat')
  const reading = await taken('resident', orderId, 'read')
  expect(await press('resident', reading, { intent: 'submit' })).toHaveProperty('to')
  await settleOrder(department, await dutyAct(department), { orderId })
  const { viewId } = await saveView(department, await actAs(department, 'radiologist'), {
    ...{ list: 'over-read', name: 'STAT', filter: 'priority:stat', shared: false },
  })
  const asked = async (search: string) => loader(at.radiologist!.args(`/over-read?${search}`) as never)
  const stat = await asked(`view=${viewId}`)
  expect(stat.rows.map((row) => row.orderId)).toContain(orderId)
  expect(stat.bar.tabs.find(({ id }) => id === viewId)?.count?.count).toBe(stat.rows.length)
  expect((await asked('filter=priority:routine')).rows.map((row) => row.orderId)).not.toContain(orderId)
  expect((await asked('view=mine')).rows).toEqual([])
})
