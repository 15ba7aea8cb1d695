/** The placer over real sockets: orders come, wait for their acknowledgement, and survive everybody's restarts. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { connection } from '#interop/v2/connection.ts'
import { parseMessage } from '#interop/v2/message.ts'
import { mapOrders } from '#interop/v2/orm.ts'
import { emrReceiver } from './emr.ts'
import { buildOrm } from './orm.ts'
import { fileOutbox, memoryOutbox, type Outbox } from './outbox.ts'
import { paceOf } from './pace.ts'
import { Placer } from './placer.ts'
import { randomFrom } from './random.ts'
import { simulatedOrder } from './simulated-order.ts'
import { syntheticPatient } from './synthetic-patient.ts'

// A receiver that can be told to misbehave is what a placer meets: the EMR is one, and takes orders as well as reports.
function aPlacer(
  port: number,
  { outbox = memoryOutbox(), speed = 0.001 }: { outbox?: Outbox; speed?: number } = {},
) {
  const closing = new AbortController()
  const placer = new Placer({
    mllp: { host: '127.0.0.1', port },
    outbox,
    pace: paceOf(speed, closing.signal),
    random: randomFrom(1),
    now: () => new Date(),
    zone: 'Europe/Berlin',
    rooms: [
      { aeTitle: 'CT1', modality: 'CT' },
      { aeTitle: 'CT2', modality: 'CT' },
      { aeTitle: 'XR1', modality: 'DX' },
    ],
    answerTimeoutMs: 200,
  })
  const running = placer.run()
  return {
    outbox,
    async stop() {
      closing.abort()
      await running
    },
  }
}

test('the opening orders are sent in order and settled by their acknowledgement', async () => {
  const receiver = await emrReceiver({ port: 0 })
  const { outbox, stop } = aPlacer(receiver.port)
  await vi.waitFor(() => expect(receiver.messages.length).toBeGreaterThanOrEqual(6), 5_000)
  await vi.waitFor(() => expect(outbox.pending).toHaveLength(0), 5_000)
  await stop()
  const orders = receiver.messages.filter((message) => !message.repeat)
  expect(new Set(orders.map(({ placer }) => placer)).size).toBe(6)
  expect(orders.map(({ message }) => message.get('ORC-1'))).toEqual(Array(6).fill('NW'))
  expect(orders[0]?.message.get('TQ1-9')).toBe('S')
  await receiver.close()
})

test('[AD-05] an order goes out again under the same control id until it is acknowledged', async () => {
  const receiver = await emrReceiver({ port: 0, mode: { mode: 'drop-ack' } })
  const { outbox, stop } = aPlacer(receiver.port)
  await vi.waitFor(() => expect(receiver.messages.length).toBeGreaterThanOrEqual(2), 8_000)
  expect(new Set(receiver.messages.map(({ controlId }) => controlId)).size).toBe(1)
  expect(outbox.pending).toHaveLength(6)
  await receiver.setMode('ok')
  await vi.waitFor(() => expect(outbox.pending).toHaveLength(0), 8_000)
  await stop()
  const acknowledged = receiver.messages.filter(({ answered }) => answered === 'AA')
  expect(new Set(acknowledged.map(({ placer }) => placer)).size).toBe(6)
  await receiver.close()
})

test('a placer that restarts sends what was never acknowledged, with the bytes it had', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'isocenter-placer-')), 'outbox.jsonl')
  const receiver = await emrReceiver({ port: 0, mode: { mode: 'hang' } })
  const first = aPlacer(receiver.port, { outbox: fileOutbox(file) })
  await vi.waitFor(() => expect(receiver.messages.length).toBeGreaterThanOrEqual(1), 5_000)
  await first.stop()
  await receiver.setMode('ok')
  const before = receiver.messages[0]!
  const heard = receiver.messages.length
  const second = aPlacer(receiver.port, { outbox: fileOutbox(file) })
  await vi.waitFor(() => expect(receiver.messages.length).toBeGreaterThan(heard), 5_000)
  await second.stop()
  const after = receiver.messages[heard]!
  expect(after.controlId).toBe(before.controlId)
  expect(after.bytes.equals(before.bytes)).toBe(true)
  await receiver.close()
})

test('a cancel is sent once, whatever is answered, since the exam may have begun', async () => {
  const receiver = await emrReceiver({ port: 0, mode: { mode: 'reject', code: 'AE' } })
  const outbox = memoryOutbox()
  const cancel = { ...simulatedOrder(randomFrom(3), 'SYN-X').content, control: 'CA' as const }
  outbox.add({ controlId: 'C1', placer: 'SYN-X', bytes: buildOrm({ ...cancel, controlId: 'C1' }) })
  const { stop } = aPlacer(receiver.port, { outbox })
  await vi.waitFor(() => expect(receiver.messages.map(({ controlId }) => controlId)).toContain('C1'), 5_000)
  await vi.waitFor(() => expect(outbox.pending.map(({ controlId }) => controlId)).not.toContain('C1'), 5_000)
  await stop()
  await receiver.close()
})

test('the department reads from the message what the placer meant by it', () => {
  const { content, entry } = simulatedOrder(randomFrom(9), 'SYN-0001', { code: '24727-0', priority: 'stat' })
  const start = new Date('2026-11-22T09:15:00Z')
  const bytes = buildOrm({ ...content, start, procedures: [{ ...content.procedures[0]!, room: 'CT2' }] })
  const agreed = connection({ zone: 'Europe/Berlin', authority: 'MAIN', authorityFor: ['schedule'] })
  const { orders, errors, warnings } = mapOrders(parseMessage(bytes), agreed)
  expect(errors).toEqual([])
  expect(warnings).toEqual([])
  expect(orders).toHaveLength(1)
  const order = orders[0]!
  expect(order.placer).toEqual({ value: 'SYN-0001', authority: 'EMR' })
  expect(order.priority?.level).toBe('stat')
  expect(order.patient.identifiers[0]).toMatchObject({ value: content.patient.id, issuer: 'SYNTHETIC' })
  expect(order.patient.name).toEqual(content.patient.name)
  expect(order.patient.birthDate?.value).toBe(content.patient.birthDate)
  expect(order.reason?.text).toBe(content.reason)
  expect(order.visit?.patientClass).toBe(content.visit?.patientClass)
  expect(order.procedures[0]).toMatchObject({ code: entry.code, scheme: 'LN', text: entry.name })
  expect(order.procedures[0]?.steps[0]).toMatchObject({ bookedStart: start, room: 'CT2', modality: 'CT' })
})

test('two procedures under one placer number are one order of two procedures', () => {
  const bytes = buildOrm({
    placer: 'SYN-2',
    patient: syntheticPatient(4),
    procedures: [
      { code: '30799-1', text: 'CT head', side: 'left' },
      { code: '29252-4', text: 'CT chest', accession: 'ACC1', studyInstanceUid: '2.25.77' },
    ],
  })
  const agreed = connection({ authorityFor: ['accession', 'study-uid'] })
  const { orders } = mapOrders(parseMessage(bytes), agreed)
  expect(orders).toHaveLength(1)
  expect(orders[0]?.procedures.map(({ code }) => code)).toEqual(['30799-1', '29252-4'])
  expect(orders[0]?.procedures[0]?.side).toBe('left')
  expect(orders[0]?.procedures[1]).toMatchObject({
    accession: { value: 'ACC1' },
    studyInstanceUid: '2.25.77',
  })
})

test('synthetic patients are the same at every start, and their names come in many scripts', () => {
  const people = Array.from({ length: 400 }, (_, index) => syntheticPatient(index + 1))
  expect(syntheticPatient(17)).toEqual(people[16])
  expect(new Set(people.map(({ id }) => id)).size).toBe(400)
  expect(people.every(({ id }) => id.startsWith('SYN-'))).toBe(true)
  const written = people.map(({ name }) => JSON.stringify(name)).join('')
  for (const script of ['Han', 'Hiragana', 'Hangul', 'Arabic', 'Hebrew', 'Cyrillic', 'Greek'])
    expect(written).toMatch(new RegExp(`\\p{Script=${script}}`, 'u'))
  expect(written).toMatch(/[ÀÁÂÄÅÉÍÓÖÜß]/u)
})
