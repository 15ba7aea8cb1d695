import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { seededDepartment } from '#db/order.fixture.ts'
import { type AtTheScreen, sitDown } from '../technologist/screen.fixture.ts'
import { action, loader } from './report-templates.tsx'

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

const PATH = '/report-templates'
const act = (fields: Record<string, string>, screen = admin) => action(screen.args(PATH, fields) as never)
const listed = async () => (await loader(admin.args(PATH) as never)).templates
const file = (words: string) =>
  `<html><head><meta name="dcterms.identifier" content="7.7"><meta name="dcterms.title" content="CT head"></head><body>
  <section data-section-name="Clinical information"><textarea></textarea></section>
  <section data-section-name="Findings"><header>Findings</header><p>${words} <input id="a"></p></section></body></html>`

test('[RP-01] an administrator brings a template in, sees what was left out, and gives it to a procedure', async () => {
  const brought = { intent: 'import', file: file('Ventricles'), password: admin.password }
  expect(await act(brought)).toMatchObject({
    ok: true,
    made: { identifier: '7.7', version: 1, title: 'CT head', leftOut: ['Clinical information'] },
  })
  expect(await act({ ...brought, file: file('Cisterns') })).toMatchObject({ made: { version: 2 } })
  const { procedures } = await loader(admin.args(PATH) as never)
  const { scheme, code } = procedures[0]!
  const given = {
    intent: 'give',
    procedure: `${scheme} ${code}`,
    identifier: '7.7',
    password: admin.password,
  }
  expect(await act(given)).toMatchObject({ ok: true })
  expect(await listed()).toMatchObject([{ version: 2, procedures: [`${scheme} ${code}`] }])
  expect(await act({ ...given, identifier: '' })).toMatchObject({ ok: true })
  expect(await listed()).toMatchObject([{ procedures: [] }])
  const trail = await department.sql`select type from audit_events where chain = 'templates' order by id`
  expect(trail.map(({ type }) => type)).toEqual([
    'template.imported',
    'template.imported',
    'template.given',
    'template.given',
  ])
})

test('[RP-01] without the right password, or of what is no template, nothing comes in', async () => {
  const before = await listed()
  const brought = { intent: 'import', file: file('Ventricles'), password: admin.password }
  expect(await act({ ...brought, password: 'wrong' })).toMatchObject({ code: 'reauthentication-required' })
  expect(await act({ ...brought, file: '<p>words</p>' })).toMatchObject({ code: 'invalid-message' })
  await expect(act({ ...brought, file: 'x'.repeat(1_000_001) })).rejects.toMatchObject({
    init: { status: 413 },
  })
  expect(await listed()).toEqual(before)
})

test('[RP-01] the page is the administrator’s alone', async () => {
  const missing = { init: { status: 404 } }
  await expect(loader(head.args(PATH) as never)).rejects.toMatchObject(missing)
  const brought = { intent: 'import', file: file('Ventricles'), password: head.password }
  await expect(act(brought, head)).rejects.toMatchObject(missing)
})
