import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { tokenActor } from '#db/mutations/sessions.ts'
import { seededDepartment } from '#db/order.fixture.ts'
import { type AtTheScreen, sitDown } from '../technologist/screen.fixture.ts'
import { action, loader } from './api-tokens.tsx'

let department: Department
let admin: AtTheScreen
let head: AtTheScreen

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  admin = await sitDown(department, { databaseUrl, user: 'admin' })
  head = await sitDown(department, { databaseUrl, user: 'head' })
})

afterAll(() => department.close())

const PATH = '/api-tokens'
const act = (fields: Record<string, string>, screen = admin) => action(screen.args(PATH, fields) as never)
const listed = async () => (await loader(admin.args(PATH) as never)).tokens
const asked = () => ({
  intent: 'create',
  name: 'PACS bridge',
  role: 'integration',
  site: 'MAIN',
  password: admin.password,
})

test('an administrator makes a token, sees it once, and revokes it at once and for good', async () => {
  const answered = await act(asked())
  if (!answered.ok || !answered.made) throw new Error('no token was made')
  const { id, token } = answered.made
  expect(await tokenActor(department, token)).toMatchObject({ id, roles: ['integration'], sites: ['MAIN'] })
  const shown = await listed()
  expect(shown.find((one) => one.id === id)).toMatchObject({
    name: 'PACS bridge',
    createdBy: 'P. Novak',
    revokedAt: null,
  })
  expect(JSON.stringify(shown)).not.toContain(token)

  const revoke = { intent: 'revoke', id, password: admin.password }
  expect(await act(revoke)).toMatchObject({ ok: true })
  expect(await tokenActor(department, token)).toBeNull()
  expect((await listed()).find((one) => one.id === id)?.revokedAt).toBeInstanceOf(Date)
  expect(await act(revoke)).toMatchObject({ ok: false, code: 'not-found' })
  const trail = await department.sql`select type, data from audit_events where chain = 'tokens' order by id`
  expect(trail.map(({ type }) => type)).toEqual(['token.created', 'token.revoked'])
  expect(JSON.stringify(trail)).not.toContain(token)
})

test('without the right password, for a site that is not there or a role that no program has, none is made', async () => {
  const before = await listed()
  expect(await act({ ...asked(), password: 'wrong' })).toMatchObject({ code: 'reauthentication-required' })
  expect(await act({ ...asked(), site: 'NOWHERE' })).toMatchObject({ code: 'invalid-message' })
  expect(await act({ ...asked(), site: '*' })).toMatchObject({ code: 'forbidden' })
  expect(await act({ ...asked(), role: 'department' })).toMatchObject({ code: 'invalid-message' })
  expect(await listed()).toEqual(before)
})

test('when a token was made stands there by the department’s clock, also while that is turned', async () => {
  const databaseUrl = await testDatabase()
  const turned = await seededDepartment(databaseUrl)
  // Read once and kept for a second: it is turned before anybody has looked.
  await turned.sql`update department_clock set base_machine = now(), base_department = now() + interval '3 days', rate = 1`
  const screen = await sitDown(turned, { databaseUrl, user: 'admin' })
  await act(asked(), screen)
  const { tokens } = await loader(screen.args(PATH) as never)
  const made = tokens.find(({ name }) => name === 'PACS bridge')!.createdAt.getTime()
  const [row] = await turned.sql<
    { at: Date }[]
  >`select created_at as at from api_tokens where name = 'PACS bridge'`
  expect(made - row!.at.getTime()).toBeCloseTo(3 * 86_400_000, -2)
  await turned.close()
})

test('the page is the administrator’s alone', async () => {
  const missing = { init: { status: 404 } }
  await expect(loader(head.args(PATH) as never)).rejects.toMatchObject(missing)
  await expect(act(asked(), head)).rejects.toMatchObject(missing)
})
