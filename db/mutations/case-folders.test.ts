import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '../department.ts'
import { actAs, anEnvelope, anOrder, seededDepartment } from '../order.fixture.ts'
import { folderedOrders, foldersOf } from '../queries/case-folders.ts'
import { findOrders } from '../queries/orders.ts'
import { dutyAct } from './act.ts'
import { putInFolder, retireFolder, takeOutOfFolder } from './case-folders.ts'
import { receiveOrderMessage } from './inbound-messages.ts'
import type { Act } from './mutate.ts'

let department: Department
let reader: Act
let colleague: Act
let orderId: string

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
  reader = await actAs(department, 'radiologist')
  colleague = await actAs(department, 'radiologist2')
  const received = await receiveOrderMessage(department, await dutyAct(department, {}), anEnvelope(), [
    anOrder(),
  ])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  orderId = received.orderIds[0]!
})

afterAll(async () => department.close())

const foldersFor = (act: Act) => foldersOf(department.sql, act.actor.id, { orderId })

describe('[RW-10] a folder of one’s own', () => {
  test('is made with its first case, has it once, and gives it back', async () => {
    const { folderId } = await putInFolder(department, reader, { orderId, name: ' Teaching  neuro ' })
    expect(await putInFolder(department, reader, { orderId, name: 'teaching neuro' })).toEqual({ folderId })
    expect(await foldersFor(reader)).toEqual([{ id: folderId, name: 'Teaching neuro', count: 1, has: true }])
    const ids = await folderedOrders(department.sql, reader.actor.id, folderId)
    expect(ids).toEqual([orderId])
    await takeOutOfFolder(department, reader, { folderId, orderId })
    await takeOutOfFolder(department, reader, { folderId, orderId })
    expect(await foldersFor(reader)).toMatchObject([{ count: 0, has: false }])
    const audited = await department.sql`
      select type from audit_events where chain = ${`order:${orderId}`} and type like 'folder.%'`
    expect(audited.map(({ type }) => type).sort()).toEqual(['folder.put-in', 'folder.taken-out'])
  })

  test('is nobody else’s to see, to fill or to take away', async () => {
    const { folderId } = await putInFolder(department, reader, { orderId, name: 'Follow up' })
    expect(await foldersFor(colleague)).toEqual([])
    expect(await folderedOrders(department.sql, colleague.actor.id, folderId)).toBeNull()
    for (const trying of [putInFolder, takeOutOfFolder, retireFolder])
      await expect(trying(department, colleague, { orderId, folderId })).rejects.toMatchObject({
        code: 'not-found',
      })
    await retireFolder(department, reader, { folderId })
    // Pressed twice, it is taken away once.
    await retireFolder(department, reader, { folderId })
    const retired = await department.sql`
      select 1 from audit_events where type = 'folder.retired' and data->>'folderId' = ${folderId}`
    expect(retired).toHaveLength(1)
    expect((await foldersFor(reader)).map(({ name }) => name)).not.toContain('Follow up')
    await expect(putInFolder(department, reader, { orderId, folderId })).rejects.toMatchObject({
      code: 'not-found',
    })
  })

  test('takes no order that its owner may not see, and shows none that they may see no longer', async () => {
    const elsewhere = { ...reader, actor: { ...reader.actor, sites: ['NORTH'] } }
    await expect(putInFolder(department, elsewhere, { orderId, name: 'Mine' })).rejects.toMatchObject({
      code: 'not-found',
    })
    const { folderId } = await putInFolder(department, reader, { orderId, name: 'Mine' })
    const ids = (await folderedOrders(department.sql, reader.actor.id, folderId))!
    expect(await findOrders(department.sql, reader.actor, { ids, limit: 10 })).toHaveLength(1)
    expect(await findOrders(department.sql, elsewhere.actor, { ids, limit: 10 })).toEqual([])
  })

  test('is full at a thousand: what is in it is put in again without effect, and nothing else goes in', async () => {
    const { sql } = department
    const { folderId } = await putInFolder(department, reader, { orderId, name: 'Full' })
    const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [
      anOrder(),
    ])
    const [otherId] = received.outcome === 'accepted' ? received.orderIds : []
    // Other cases of the same folder, whichever they are.
    await sql`alter table foldered_cases drop constraint foldered_cases_order_id_fkey`
    await sql`
      insert into foldered_cases select ${folderId}, 'case-' || n, now() from generate_series(1, 999) n`
    expect(await putInFolder(department, reader, { orderId, folderId })).toEqual({ folderId })
    await expect(putInFolder(department, reader, { orderId: otherId!, folderId })).rejects.toMatchObject({
      code: 'invalid-message',
      refs: { field: 'folder' },
    })
    await takeOutOfFolder(department, reader, { folderId, orderId })
    expect(await putInFolder(department, reader, { orderId: otherId!, folderId })).toEqual({ folderId })
    await sql`delete from foldered_cases where order_id like 'case-%'`
  })

  test('has a name of its own', async () => {
    for (const name of ['', '  ', 'x'.repeat(41)])
      await expect(putInFolder(department, reader, { orderId, name })).rejects.toMatchObject({
        code: 'invalid-message',
      })
  })
})
