import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { ReportTemplate } from '#domain/report-template.ts'
import type { Department } from '../department.ts'
import { actAs, seededDepartment } from '../order.fixture.ts'
import { macrosOf, templateOfOrder, templates } from '../queries/report-templates.ts'
import { readableStudy } from '../reading.fixture.ts'
import { dropMacro, keepMacro } from './report-macros.ts'
import { giveTemplate, importTemplate } from './report-templates.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

afterAll(() => department.close())

const template = (text: string): ReportTemplate => ({
  identifier: '1.2.3',
  title: 'CT head',
  language: 'en',
  publisher: 'A society',
  rights: 'CC BY 4.0',
  sections: [{ key: 'findings', parts: [{ text }] }],
})

test('[RP-01] a template is kept as it came, version by version, and its procedure’s reports are written from the newest', async () => {
  const admin = await actAs(department, 'admin')
  const proven = { reauthenticated: true }
  const first = { template: template('No bleed.'), source: '<html>1</html>', ...proven }
  expect(await importTemplate(department, admin, first)).toEqual({ identifier: '1.2.3', version: 1 })
  expect(await importTemplate(department, admin, first)).toEqual({ identifier: '1.2.3', version: 1 })
  const { orderId } = await readableStudy(department, 'routine')
  expect(await templateOfOrder(department.sql, orderId)).toBeNull()

  const [procedure] = await department.sql<{ scheme: string; code: string }[]>`
    select catalogue_scheme as scheme, catalogue_code as code from procedures where order_id = ${orderId}`
  const given = { ...procedure!, identifier: '1.2.3', ...proven }
  await giveTemplate(department, admin, given)
  expect(await templateOfOrder(department.sql, orderId)).toMatchObject({ version: 1, title: 'CT head' })

  const second = { template: template('No haemorrhage.'), source: '<html>2</html>', ...proven }
  await importTemplate(department, admin, second)
  expect(await templateOfOrder(department.sql, orderId)).toMatchObject({
    version: 2,
    sections: [{ key: 'findings', parts: [{ text: 'No haemorrhage.' }] }],
  })
  expect(await templates(department.sql)).toMatchObject([
    { identifier: '1.2.3', version: 2, procedures: [`${procedure!.scheme} ${procedure!.code}`] },
  ])
  await giveTemplate(department, admin, { ...given, identifier: null })
  expect(await templateOfOrder(department.sql, orderId)).toBeNull()
  await expect(giveTemplate(department, admin, { ...given, identifier: 'unknown' })).rejects.toMatchObject({
    code: 'not-found',
  })
})

test('[RP-01] templates are the administrator’s to bring in, and only with the password given again', async () => {
  const asked = { template: template('No bleed.'), source: '<html>3</html>' }
  const [admin, reader] = [await actAs(department, 'admin'), await actAs(department, 'radiologist')]
  await expect(importTemplate(department, admin, { ...asked, reauthenticated: false })).rejects.toMatchObject(
    { code: 'reauthentication-required' },
  )
  await expect(importTemplate(department, reader, { ...asked, reauthenticated: true })).rejects.toMatchObject(
    { code: 'forbidden' },
  )
})

test('[RP-02] a macro is its owner’s until it is shared, and its owner’s alone to change and to drop', async () => {
  const [one, other] = [await actAs(department, 'radiologist'), await actAs(department, 'resident')]
  const namesOf = async (act: typeof one) =>
    (await macrosOf(department.sql, act.actor.id)).map(({ name, isOwn }) => [name, isOwn])
  const { macroId } = await keepMacro(department, one, {
    name: 'Effusion',
    text: 'On the [left|right].',
    shared: false,
  })
  expect(await namesOf(one)).toEqual([['Effusion', true]])
  expect(await namesOf(other)).toEqual([])
  const again = await keepMacro(department, one, {
    name: 'effusion',
    text: 'Small, [left|right].',
    shared: true,
  })
  expect(again).toEqual({ macroId })
  expect(await namesOf(other)).toEqual([['effusion', false]])
  await keepMacro(department, other, { name: 'Effusion', text: 'Mine.', shared: false })
  expect(await macrosOf(department.sql, one.actor.id)).toMatchObject([{ text: 'Small, [left|right].' }])
  await expect(dropMacro(department, other, { macroId })).rejects.toMatchObject({ code: 'not-found' })
  await dropMacro(department, one, { macroId })
  expect(await namesOf(one)).toEqual([])
})

test('[RP-02] a macro without words or a name is none, and who writes no reports keeps none', async () => {
  const reader = await actAs(department, 'radiologist')
  for (const macro of [
    { name: ' ', text: 'words', shared: false },
    { name: 'name', text: ' \n', shared: false },
    { name: 'n'.repeat(41), text: 'words', shared: false },
  ])
    await expect(keepMacro(department, reader, macro)).rejects.toMatchObject({ code: 'invalid-message' })
  const clerk = await actAs(department, 'scheduler')
  await expect(keepMacro(department, clerk, { name: 'a', text: 'b', shared: true })).rejects.toMatchObject({
    code: 'forbidden',
  })
})
