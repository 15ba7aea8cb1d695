import { beforeAll, describe, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { OrderMessage } from '#domain/order-message.ts'
import type { Department } from '../department.ts'
import { anEnvelope, anOrder, aProcedure, seededDepartment, storedImages } from '../order.fixture.ts'
import { invariantViolations } from '../queries/invariants.ts'
import { deviceAct, dutyAct } from './act.ts'
import { type InboundMessage, receiveOrderMessage } from './inbound-messages.ts'
import { uuidUid } from './minting.ts'
import { beginPerformedStep } from './performed-steps.ts'
import { settleOrder } from './settle.ts'
import { indexInstances } from './studies.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

async function receive(message: InboundMessage, ...orders: OrderMessage[]) {
  return receiveOrderMessage(department, await dutyAct(department, { source: 'hl7' }), message, orders)
}

async function accept(...orders: OrderMessage[]): Promise<string[]> {
  const received = await receive(anEnvelope(), ...orders)
  if (received.outcome !== 'accepted') throw new Error(JSON.stringify(received))
  return received.orderIds
}

async function exceptionsOf(kind: string): Promise<number> {
  const [row] = await department.sql<
    { n: number }[]
  >`select count(*) as n from exceptions where kind = ${kind}`
  return row!.n
}

describe('identity of messages and orders', () => {
  test('[OS-01] the same message twice has one effect', async () => {
    const message = anEnvelope()
    const order = anOrder()
    await receive(message, order)
    expect(await receive(message, order)).toMatchObject({ outcome: 'repeat' })
    const rows = await department.sql`select 1 from orders where placer_number = ${order.placer!.value}`
    expect(rows).toHaveLength(1)
  })

  test('[OS-01] the same control id with other content is an exception and changes nothing', async () => {
    const message = anEnvelope()
    await receive(message, anOrder())
    const before = await exceptionsOf('message')
    const other = anOrder()
    expect(await receive({ ...message, hash: 'other' }, other)).toMatchObject({
      outcome: 'refused',
      error: { code: 'message-conflict' },
    })
    expect(await exceptionsOf('message')).toBe(before + 1)
    expect(
      await department.sql`select 1 from orders where placer_number = ${other.placer!.value}`,
    ).toHaveLength(0)
  })

  test('[OS-01] a placer number with its authority is one order, whatever control id brings it', async () => {
    const order = anOrder()
    const results = await Promise.all(Array.from({ length: 20 }, () => receive(anEnvelope(), order)))
    expect(results.every((result) => result.outcome === 'accepted')).toBe(true)
    expect(
      await department.sql`select 1 from orders where placer_number = ${order.placer!.value}`,
    ).toHaveLength(1)
  })

  test('[OS-03] a hundred concurrent orders have a hundred accessions and Study Instance UIDs', async () => {
    const ids = (await Promise.all(Array.from({ length: 100 }, () => accept(anOrder())))).flat()
    const [row] = await department.sql`
      select count(distinct o.accession) as accessions, count(distinct p.study_uid) as studies
      from orders o join procedures p on p.order_id = o.id where o.id = any(${ids})`
    expect(row).toMatchObject({ accessions: 100, studies: 100 })
  })

  test('[OS-03] an accession and a Study Instance UID of their authority are adopted, and belong to one order', async () => {
    const studyInstanceUid = uuidUid()
    const adopted = { accession: { value: 'EXT-1', issuer: 'EMR' }, studyInstanceUid }
    const [orderId] = await accept(anOrder({ procedures: [aProcedure(adopted)] }))
    const [row] = await department.sql`select accession, accession_issuer from orders where id = ${orderId!}`
    expect(row).toEqual({ accession: 'EXT-1', accession_issuer: 'EMR' })
    expect(
      await receive(anEnvelope(), anOrder({ procedures: [aProcedure({ studyInstanceUid })] })),
    ).toMatchObject({
      error: { code: 'message-conflict' },
    })
  })

  test('a message is all or nothing: one bad order of two leaves no trace of the other', async () => {
    const good = anOrder()
    const unknown = anOrder({ control: 'CA' })
    expect(await receive(anEnvelope(), good, unknown)).toMatchObject({ error: { code: 'unknown-order' } })
    expect(
      await department.sql`select 1 from orders where placer_number = ${good.placer!.value}`,
    ).toHaveLength(0)
  })
})

describe('the model of the real world', () => {
  test('two procedures in one order have a study each, and the order keeps one accession', async () => {
    const [orderId] = await accept(
      anOrder({ procedures: [aProcedure(), aProcedure({ code: '30657-1', text: 'MR brain' })] }),
    )
    const procedures =
      await department.sql`select study_uid, modality from procedures where order_id = ${orderId!} order by position`
    expect(procedures.map((row) => row.modality)).toEqual(['CT', 'MR'])
    expect(new Set(procedures.map((row) => row.study_uid)).size).toBe(2)
  })

  test('two steps of one procedure share its study', async () => {
    const [orderId] = await accept(
      anOrder({ procedures: [aProcedure({ steps: [{ aeTitles: ['CT1'] }, { aeTitles: ['CT2'] }] })] }),
    )
    const steps = await department.sql`
      select p.study_uid from steps s join procedures p on p.id = s.procedure_id where s.order_id = ${orderId!}`
    expect(steps).toHaveLength(2)
    expect(new Set(steps.map((row) => row.study_uid)).size).toBe(1)
  })

  test('one report covers two accessions whose exam was one study', async () => {
    const studyUid = uuidUid()
    const [first] = await accept(anOrder({ procedures: [aProcedure({ studyInstanceUid: studyUid })] }))
    const [second] = await accept(anOrder())
    await department.sql`update procedures set study_uid = ${studyUid} where order_id = ${second!}`
    await indexInstances(department, await deviceAct(department, 'CT1'), storedImages(studyUid, 2))
    const links = await department.sql`
      select distinct order_id from study_links l join studies s on s.id = l.study_id where s.study_uid = ${studyUid}`
    expect(links.map((row) => row.order_id).sort()).toEqual([first!, second!].sort())
  })

  test('an extra series that nobody scheduled joins its study', async () => {
    const [orderId] = await accept(anOrder())
    const [procedure] = await department.sql`select study_uid from procedures where order_id = ${orderId!}`
    const device = await deviceAct(department, 'CT1')
    await indexInstances(department, device, storedImages(procedure!.study_uid, 2))
    await indexInstances(department, device, storedImages(procedure!.study_uid, 1))
    const [study] =
      await department.sql`select series_count, instance_count from studies where study_uid = ${procedure!.study_uid}`
    expect(study).toMatchObject({ series_count: 2, instance_count: 3 })
  })

  test('the same object again is one instance, and other content under its UID is kept aside and raised', async () => {
    const images = storedImages(uuidUid(), 1)
    const device = await deviceAct(department, 'CT1')
    await indexInstances(department, device, images)
    expect(await indexInstances(department, device, [{ ...images[0]!, blob: 'again' }])).toMatchObject([
      { outcome: 'repeat' },
    ])
    expect(
      await indexInstances(department, device, [{ ...images[0]!, blob: 'other', sha256: 'other' }]),
    ).toMatchObject([{ outcome: 'conflict' }])
    const aside = await department.sql`select reason from quarantine where blob = 'other'`
    expect(aside).toEqual([{ reason: 'duplicate-instance' }])
  })
})

describe('cancel', () => {
  test('[OS-05] CA before acquisition frees the slot, closes the work and ends the order once', async () => {
    const start = new Date(Date.now() + 86_400_000)
    const order = anOrder({
      procedures: [aProcedure({ steps: [{ aeTitles: ['MR1'], bookedStart: start, modality: 'MR' }] })],
    })
    const [orderId] = await accept(order)
    await settleOrder(department, await dutyAct(department), { orderId: orderId! })
    await accept({ ...order, control: 'CA' })
    const again = await accept({ ...order, control: 'CA' })
    expect(again).toEqual([orderId])
    const [row] = await department.sql`select phase, end_kind from orders where id = ${orderId!}`
    expect(row).toEqual({ phase: 'cancelled', end_kind: 'cancelled' })
    const events =
      await department.sql`select type from order_events where order_id = ${orderId!} and type = 'order.ended'`
    expect(events).toHaveLength(1)
    const settled = await settleOrder(department, await dutyAct(department), { orderId: orderId! })
    expect(settled).toMatchObject({ phase: 'cancelled', ended: true })
  })

  test('CA after the exam has begun is refused and somebody must look', async () => {
    const order = anOrder()
    const [orderId] = await accept(order)
    const [procedure] = await department.sql`select study_uid from procedures where order_id = ${orderId!}`
    const device = await deviceAct(department, 'CT1')
    await beginPerformedStep(department, device, {
      sopInstanceUid: uuidUid(),
      stationAe: 'CT1',
      studyUid: procedure!.study_uid,
      scheduled: [],
      startedAt: new Date(),
      dataset: {},
    })
    expect(await receive(anEnvelope(), { ...order, control: 'CA' })).toMatchObject({
      error: { code: 'procedure-begun' },
    })
    const [row] = await department.sql`select phase from orders where id = ${orderId!}`
    expect(row!.phase).toBe('acquiring')
  })

  test('an MPPS for a cancelled order is kept and raised as a conflict; the order stays cancelled', async () => {
    const order = anOrder()
    const [orderId] = await accept(order)
    await accept({ ...order, control: 'CA' })
    const [procedure] = await department.sql`select study_uid from procedures where order_id = ${orderId!}`
    await beginPerformedStep(department, await deviceAct(department, 'CT1'), {
      sopInstanceUid: uuidUid(),
      stationAe: 'CT1',
      studyUid: procedure!.study_uid,
      scheduled: [],
      startedAt: new Date(),
      dataset: {},
    })
    const [row] = await department.sql`select phase from orders where id = ${orderId!}`
    expect(row!.phase).toBe('cancelled')
    expect(await department.sql`select kind from exceptions where order_id = ${orderId!}`).toEqual([
      { kind: 'conflict' },
    ])
  })
})

test('the department is sound after all of this', async () => {
  expect(await invariantViolations(department.sql)).toEqual([])
})
