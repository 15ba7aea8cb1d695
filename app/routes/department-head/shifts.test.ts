import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { actAs, seededDepartment } from '#db/order.fixture.ts'
import { type AtTheScreen, sitDown } from '../technologist/screen.fixture.ts'
import { action as viewsAction } from '../views.ts'
import { action, loader } from './shifts.tsx'

let department: Department
const at: Record<string, AtTheScreen> = {}

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  for (const user of ['lead', 'radiologist', 'resident'])
    at[user] = await sitDown(department, { databaseUrl, user })
})

afterAll(() => department.close())

const press = (user: string, fields: Record<string, string>) =>
  action(at[user]!.args('/shifts', fields) as never)
const planned = async () => (await loader(at.lead!.args('/shifts') as never)).shifts

test('[RW-03] a lead plans a shift in the site’s own time, sees it, and takes it off again; a reader has no such page', async () => {
  const { actor } = await actAs(department, 'radiologist')
  const { begin, end, readers } = await loader(at.lead!.args('/shifts') as never)
  expect(readers.map(({ id }) => id)).toContain(actor.id)
  const fields = { intent: 'set', siteId: 'MAIN', area: 'neuro', userId: actor.id, from: begin, to: end }
  const set = await press('lead', fields)
  if (!set.ok) throw new Error('the shift was refused')
  const [shift] = await planned()
  expect(shift).toMatchObject({ id: set.shiftId, area: 'neuro', reader: { id: actor.id } })
  expect(shift!.to.getTime() - shift!.from.getTime()).toBe(8 * 3_600_000)
  expect(await press('lead', { ...fields, to: begin })).toMatchObject({ ok: false, code: 'invalid-message' })
  expect(await press('lead', { ...fields, to: 'tomorrow' })).toMatchObject({
    ok: false,
    code: 'invalid-message',
  })
  await expect(press('radiologist', { intent: 'drop', shiftId: shift!.id })).rejects.toMatchObject({
    init: { status: 404 },
  })
  expect(await press('lead', { intent: 'drop', shiftId: shift!.id })).toMatchObject({ ok: true })
  expect(await planned()).toEqual([])
})

test('[RW-10] a view is kept by who has the list, and shared by who may share', async () => {
  const keep = (user: string, fields: Record<string, string>) =>
    viewsAction(at[user]!.args('/views', fields) as never)
  const view = { intent: 'save', list: 'reading', name: 'Night', filter: 'priority:stat', shared: 'true' }
  expect(await keep('resident', view)).toMatchObject({ ok: false, code: 'forbidden' })
  const saved = await keep('radiologist', view)
  if (!saved.ok) throw new Error('the view was refused')
  const { viewId } = saved
  expect(await keep('resident', { intent: 'change', viewId, filter: '' })).toMatchObject({
    code: 'forbidden',
  })
  expect(
    await keep('radiologist', { intent: 'layout', list: 'reading', view: viewId, layout: '{' }),
  ).toMatchObject({
    code: 'invalid-message',
  })
  await expect(keep('resident', { ...view, list: 'late' })).rejects.toMatchObject({ init: { status: 404 } })
  expect(await keep('radiologist', { intent: 'retire', viewId })).toMatchObject({ ok: true })
})
