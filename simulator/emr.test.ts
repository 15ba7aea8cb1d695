/** The EMR over real sockets: each way to misbehave is what a sender of ours would meet. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { connectMllp, type MllpFailure } from '#interop/v2/mllp-client.ts'
import { type EmrMode, type EmrOptions, type EmrReceiver, emrReceiver } from './emr.ts'
import { emrControl } from './emr-control.ts'
import { fileLedger } from './emr-ledger.ts'
import { buildOrm, newControlId } from './orm.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function anEmr(options: Partial<EmrOptions> = {}): Promise<EmrReceiver> {
  const emr = await emrReceiver({ port: 0, ...options })
  closing.push(() => emr.close())
  return emr
}

function aMessage(controlId: string) {
  return buildOrm({
    controlId,
    placer: 'P-1',
    patient: { id: 'SYN-1', name: { alphabetic: { family: 'Invented', given: 'Nobody' } } },
    procedures: [{ code: '30799-1', text: 'CT head' }],
  })
}

/** What a sender hears: the code of the answer, or why there was none. */
async function hears(emr: EmrReceiver, controlId = newControlId(), timeoutMs = 300): Promise<string> {
  const client = connectMllp({ host: '127.0.0.1', port: emr.port })
  try {
    return (await client.send(aMessage(controlId), { controlId, timeoutMs })).read.code ?? 'none'
  } catch (error) {
    return (error as MllpFailure).outcome
  } finally {
    await client.close()
  }
}

test.each<[EmrMode | EmrMode['mode'], string]>([
  ['ok', 'AA'],
  [{ mode: 'slow', ms: 50 }, 'AA'],
  [{ mode: 'slow', ms: 2_000 }, 'timeout'],
  [{ mode: 'reject', code: 'AE' }, 'AE'],
  [{ mode: 'reject', code: 'AR' }, 'AR'],
  ['hang', 'timeout'],
  ['down', 'refused'],
  ['half-ack', 'lost'],
  ['wrong-id', 'timeout'],
  ['drop-ack', 'lost'],
])('an EMR told %o leaves its sender with: %s', async (mode, heard) => {
  const emr = await anEmr()
  await emr.setMode(mode)
  expect(await hears(emr)).toBe(heard)
})

test('[AD-05] an EMR that was down answers on the same port again', async () => {
  const emr = await anEmr()
  const { port } = emr
  await emr.setMode('down')
  expect(await hears(emr)).toBe('refused')
  await emr.setMode('ok')
  expect(emr.port).toBe(port)
  expect(await hears(emr)).toBe('AA')
})

test('going down cuts the connections that are open', async () => {
  const emr = await anEmr()
  const socket = createConnection(emr.port, '127.0.0.1')
  await new Promise((resolve) => socket.once('connect', resolve))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.on('error', () => {}) // a reset is one way to be cut
  await emr.setMode('down')
  await closed
})

test('the ledger says what came, whether it came before, and what the sender heard', async () => {
  const emr = await anEmr()
  const controlId = newControlId()
  await emr.setMode('drop-ack')
  await hears(emr, controlId)
  await emr.setMode('ok')
  await hears(emr, controlId)
  expect(emr.ledger()).toMatchObject([
    { controlId, placer: 'P-1', messageType: 'ORM^O01', repeat: false, answered: null, mode: 'drop-ack' },
    { controlId, repeat: true, answered: 'AA', mode: 'ok' },
  ])
})

test('the ledger on disk outlives its EMR, and holds no name', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'isocenter-emr-')), 'ledger.jsonl')
  const controlId = newControlId()
  await hears(await anEmr({ ledger: fileLedger(file) }), controlId)
  const again = await anEmr({ ledger: fileLedger(file) })
  await hears(again, controlId)
  expect(again.ledger().map(({ repeat }) => repeat)).toEqual([false, true])
  const written = readFileSync(file, 'utf8')
  expect(written).not.toMatch(/Invented|SYN-1/)
  expect(written.trim().split('\n')).toHaveLength(2)
})

test('the switches are turned and the ledger is read over HTTP', async () => {
  const emr = await anEmr()
  const control = await emrControl(emr, { port: 0 })
  closing.push(() => control.close())
  const url = `http://127.0.0.1:${control.port}`
  const turn = (mode: unknown) => fetch(`${url}/mode`, { method: 'PUT', body: JSON.stringify(mode) })
  expect(await (await turn({ mode: 'reject', code: 'AR' })).json()).toEqual({ mode: 'reject', code: 'AR' })
  expect(await hears(emr)).toBe('AR')
  expect((await turn({ mode: 'sulk' })).status).toBe(422)
  expect((await turn({ mode: 'ok' })).status).toBe(200)
  expect(await hears(emr)).toBe('AA')
  const { items } = (await (await fetch(`${url}/ledger`)).json()) as { items: { answered: string }[] }
  expect(items.map(({ answered }) => answered)).toEqual(['AR', 'AA'])
  expect(await (await fetch(url)).json()).toEqual({ mode: 'ok', messages: 2 })
})
