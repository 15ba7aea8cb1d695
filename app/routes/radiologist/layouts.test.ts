import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { keepViewerKeys } from '#db/mutations/viewer-settings.ts'
import { actAs, seededDepartment } from '#db/order.fixture.ts'
import { type AtTheScreen, sitDown } from '../technologist/screen.fixture.ts'
import { action, loader } from './layouts.tsx'

let department: Department
let reader: AtTheScreen
let other: AtTheScreen
let technologist: AtTheScreen

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  reader = await sitDown(department, { databaseUrl, user: 'radiologist' })
  other = await sitDown(department, { databaseUrl, user: 'radiologist2' })
  technologist = await sitDown(department, { databaseUrl, user: 'tech' })
})

afterAll(() => department.close())

const PATH = '/layouts'
const act = (fields: Record<string, string>, screen = reader) => action(screen.args(PATH, fields) as never)
const kept = async (screen = reader) => (await loader(screen.args(PATH) as never)).kept
const viewport = { study: 'current', series: '', nth: 0, plane: 'stack' }
const asked = {
  ...{ intent: 'keep', modality: 'CT', scheme: '', code: '', place: 'beside' },
  layout: JSON.stringify({ rows: 1, columns: 1, viewports: [viewport] }),
}

test('[VW-02] a layout is its reader’s own: kept once for the same, seen by nobody else, dropped by nobody else', async () => {
  expect(await act(asked)).toMatchObject({ ok: true })
  expect(await act(asked)).toMatchObject({ ok: true })
  const [one, ...more] = await kept()
  expect([one!.modality, one!.procedure, more]).toEqual(['CT', null, []])
  expect(await kept(other)).toEqual([])
  const drop = { intent: 'drop', id: one!.id }
  expect(await act(drop, other)).toMatchObject({ ok: false, code: 'not-found' })
  expect(await act({ ...asked, layout: '{"rows":1}' })).toMatchObject({ ok: false, code: 'invalid-message' })
  expect(await act(drop)).toMatchObject({ ok: true })
  expect(await kept()).toEqual([])
})

test('[VW-02] who reads no images keeps no layouts: the page does not exist for them, and the trail says so', async () => {
  await expect(act(asked, technologist)).rejects.toMatchObject({ init: { status: 404 } })
  const [denied] = await department.sql`select data from audit_events where type = 'page.denied'`
  expect(denied!.data).toEqual({ page: 'layouts' })
})

test('what are no keys of the viewer are not kept', async () => {
  const reading = await actAs(department, 'radiologist')
  await keepViewerKeys(department, reading, { ['0'.repeat(40)]: ['x'] })
  for (const keys of [null, 'x', { zoom: ['x'] }, { ['0'.repeat(40)]: ['<script src=a.test></script>'] }])
    await expect(keepViewerKeys(department, reading, keys)).rejects.toMatchObject({ code: 'invalid-message' })
  const [row] =
    await department.sql`select settings->'viewerKeys' as keys from users where id = ${reading.actor.id}`
  expect(row!.keys).toEqual({ ['0'.repeat(40)]: ['x'] })
})
