import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { seededDepartment } from '#db/order.fixture.ts'
import type { CaseFolder } from '#db/queries/case-folders.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import { action, loader } from './folders.ts'
import { loader as orders } from './orders/orders.tsx'
import { type AtTheScreen, sitDown } from './technologist/screen.fixture.ts'

let department: Department
let orderId: string
const at: Record<string, AtTheScreen> = {}

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  for (const user of ['radiologist', 'resident', 'referrer'])
    at[user] = await sitDown(department, { databaseUrl, user })
  ;({ orderId } = await readableStudy(department, 'routine'))
})

afterAll(() => department.close())

type Answer = { ok?: boolean; code?: string; folders: CaseFolder[] }
const press = async (user: string, fields: Record<string, string>) =>
  (await (await action(at[user]!.args('/folders', { orderId, ...fields }) as never)).json()) as Answer
const seen = async (user: string) =>
  (await (await loader(at[user]!.args(`/folders?order=${orderId}`) as never)).json()) as Answer
const listed = async (user: string, folder: string) =>
  orders(at[user]!.args(`/orders?folder=${folder}`) as never)

describe('[RW-10] folders of cases on the screens', () => {
  test('a reader puts a case in one, has it as a list, and takes it out', async () => {
    const { folders } = await press('radiologist', { intent: 'put', name: 'Teaching' })
    const [folder] = folders
    expect(folder).toMatchObject({ name: 'Teaching', count: 1, has: true })
    const list = await listed('radiologist', folder!.id)
    expect(list.orders.map(({ id }) => id)).toEqual([orderId])
    expect(list.mine).toMatchObject({ shown: folder!.id, all: [{ name: 'Teaching', count: 1 }] })
    await press('radiologist', { intent: 'take', folderId: folder!.id })
    expect((await listed('radiologist', folder!.id)).orders).toEqual([])
    expect((await listed('radiologist', 'no-such')).orders.map(({ id }) => id)).toContain(orderId)
  })

  test('nobody else sees it or puts a case into it, and nobody puts a case in that is not theirs to see', async () => {
    const { folders } = await press('radiologist', { intent: 'put', name: 'Follow up' })
    const { id } = folders.find(({ name }) => name === 'Follow up')!
    expect((await seen('resident')).folders).toEqual([])
    expect((await listed('resident', id)).mine.shown).toBeNull()
    for (const intent of ['put', 'take', 'retire'])
      expect(await press('resident', { intent, folderId: id })).toMatchObject({
        ok: false,
        code: 'not-found',
      })
    // The order is nobody's whom the referrer stands for.
    expect(await press('referrer', { intent: 'put', name: 'Mine' })).toMatchObject({ ok: false })
    expect((await seen('referrer')).folders).toEqual([])
  })
})
