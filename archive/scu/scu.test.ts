import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test, vi } from 'vitest'
import { freePort } from '#bin/testing/free-port.ts'
import { Dataset } from '../dimse/dataset.ts'
import { encodeDataset } from '../dimse/encode.ts'
import { type Listener, listenDimse } from '../dimse/listener.ts'
import { encodeFileMeta, readPart10 } from '../dimse/part10.ts'
import type { Services } from '../dimse/services.ts'
import { CT_IMAGE_STORAGE, VERIFICATION } from '../dimse/sop-class.ts'
import { STATUS, StatusError } from '../dimse/status.ts'
import {
  EXPLICIT_BIG,
  EXPLICIT_LITTLE,
  IMPLICIT_LITTLE,
  JPEG_2000_LOSSLESS,
} from '../dimse/transfer-syntax.ts'
import { newUid } from '../dimse/uid.ts'
import { openAssociation } from './association.ts'
import { ECHO_CONTEXT, echo, echoOn } from './echo.ts'
import { find, findContext, findOn } from './find.ts'
import { mppsCreate, mppsSet } from './mpps.ts'
import { storableDataset, storableFile, store } from './store.ts'

const run = promisify(execFile)
const children: ChildProcess[] = []
const listeners: Listener[] = []

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await Promise.all(listeners.splice(0).map((listener) => listener.close()))
})

async function storescp(...more: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'storescp-'))
  const port = await freePort()
  children.push(spawn('storescp', ['-od', folder, '+B', '+xa', ...more, String(port)], { stdio: 'ignore' }))
  await vi.waitFor(() => answers(port), { timeout: 20_000, interval: 50 })
  return { folder, peer: { host: '127.0.0.1', port, callingAe: 'CT1', calledAe: 'STORESCP' } }
}

function answers(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })
}

async function serving(services: Services) {
  const listener = await listenDimse({
    host: '127.0.0.1',
    port: 0,
    authorise: () => ({
      accept: true,
      supports: () => ({ transferSyntaxes: [EXPLICIT_LITTLE, IMPLICIT_LITTLE] }),
      services,
    }),
  })
  listeners.push(listener)
  return { host: '127.0.0.1', port: listener.port, callingAe: 'CT1', calledAe: 'ISOCENTER' }
}

const slice = (n: number, syntax: string) => {
  const dataset = Dataset.of({
    SOPClassUID: CT_IMAGE_STORAGE,
    SOPInstanceUID: newUid(),
    StudyInstanceUID: '1.2.3',
    PatientName: 'Doe^Jane',
    InstanceNumber: n,
  }).set(0x00091001, Buffer.from('vendor'), 'UN')
  if (syntax !== JPEG_2000_LOSSLESS) return dataset.set('PixelData', Buffer.alloc(300_001 + n, n), 'OW')
  const fragments = [
    Buffer.alloc(0),
    Buffer.alloc(70_000, n),
    Buffer.alloc(4, n + 1),
    Buffer.alloc(200_000, n),
  ]
  return dataset.put({ kind: 'fragments', tag: 0x7fe00010, vr: 'OB', fragments })
}

test('DCMTK storescp keeps the very bytes we send, in four transfer syntaxes, from memory and from file', async () => {
  const { folder, peer } = await storescp()
  const syntaxes = [EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG, JPEG_2000_LOSSLESS]
  const datasets = syntaxes.map((syntax, n) => ({ syntax, dataset: slice(n, syntax) }))
  const inMemory = datasets.map(({ dataset, syntax }) => storableDataset(dataset, syntax))
  const path = join(mkdtempSync(join(tmpdir(), 'scu-')), 'a.dcm')
  const last = slice(9, EXPLICIT_LITTLE)
  const sopInstanceUid = last.text('SOPInstanceUID')!
  const meta = encodeFileMeta({
    sopClassUid: CT_IMAGE_STORAGE,
    sopInstanceUid,
    transferSyntaxUid: EXPLICIT_LITTLE,
  })
  writeFileSync(path, Buffer.concat([meta, encodeDataset(last, EXPLICIT_LITTLE)]))

  const results = await store(peer, [...inMemory, await storableFile(path)])

  expect(results.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0])
  const kept = readdirSync(folder).map((name) => readFileSync(join(folder, name)))
  const sent = [...datasets, { dataset: last, syntax: EXPLICIT_LITTLE }]
  for (const { dataset, syntax } of sent) {
    const bytes = encodeDataset(dataset, syntax)
    expect(kept.some((file) => file.subarray(readPart10(file).datasetOffset).equals(bytes))).toBe(true)
  }
})

test('an object whose class the peer does not take is reported and does not stop the others', async () => {
  const { peer } = await storescp()
  const alien = storableDataset(slice(1, EXPLICIT_LITTLE).set('SOPClassUID', '1.2.3.4.5'))
  const results = await store(peer, [alien, storableDataset(slice(2, EXPLICIT_LITTLE))])
  expect(results.map(({ status }) => status)).toEqual([undefined, 0])
  expect(results[0]?.error).toMatchObject({ code: 'no-presentation-context' })
})

test('a rejection says why: result, source and reason', async () => {
  const { peer } = await storescp('--refuse')
  await expect(echo(peer)).rejects.toMatchObject({
    code: 'association-rejected',
    refs: { result: 1, source: 1, reason: 1 },
  })
})

test('nobody listening is a lost connection, not a hang', async () => {
  const peer = { host: '127.0.0.1', port: await freePort(), callingAe: 'CT1', calledAe: 'X' }
  await expect(echo(peer)).rejects.toMatchObject({ code: 'connection-lost', refs: { how: 'ECONNREFUSED' } })
})

test('a modality queries its worklist, cancels a long answer, and goes on with the association', async () => {
  let cancelled = false
  const peer = await serving({
    async *cFind({ signal, dataset }) {
      if (dataset.text('PatientID') === 'ONE') return yield Dataset.of({ PatientName: 'Οδυσσεύς' })
      while (!signal.aborted) {
        yield Dataset.of({ PatientName: 'Doe^Jane' })
        await new Promise((resolve) => setImmediate(resolve))
      }
      cancelled = true
    },
  })
  const one = await find(peer, 'worklist', Dataset.of({ PatientID: 'ONE', PatientName: '' }))
  expect(one.map((match) => match.text('PatientName'))).toEqual(['Οδυσσεύς'])

  const association = await openAssociation(peer, { contexts: [findContext('worklist'), ECHO_CONTEXT] })
  let seen = 0
  for await (const match of findOn(association, 'worklist', Dataset.of({ PatientID: 'ALL' }))) {
    expect(match.text('PatientName')).toBe('Doe^Jane')
    if (++seen === 5) break
  }
  expect(cancelled).toBe(true)
  expect((await echoOn(association)).status).toBe(STATUS.success)
  await association.release()
  expect(await association.ended).toEqual({ released: true })
})

test('a performed step is created and set, and a refusal comes back as its status', async () => {
  const steps = new Map<string, string>()
  const peer = await serving({
    nCreate({ sopInstanceUid, dataset }) {
      if (steps.has(sopInstanceUid)) throw new StatusError({ status: STATUS.duplicateSopInstance })
      steps.set(sopInstanceUid, dataset.text('PerformedProcedureStepStatus')!)
      return { status: STATUS.success }
    },
    nSet({ sopInstanceUid, dataset }) {
      if (steps.get(sopInstanceUid) !== 'IN PROGRESS') throw new Error('no translation for this one')
      steps.set(sopInstanceUid, dataset.text('PerformedProcedureStepStatus')!)
      return { status: STATUS.success }
    },
  })
  const sopInstanceUid = newUid()
  const begun = { sopInstanceUid, attributes: Dataset.of({ PerformedProcedureStepStatus: 'IN PROGRESS' }) }
  const done = { sopInstanceUid, attributes: Dataset.of({ PerformedProcedureStepStatus: 'COMPLETED' }) }
  expect(await mppsCreate(peer, begun)).toBe(0x0000)
  expect(await mppsCreate(peer, begun)).toBe(0x0111)
  expect(await mppsSet(peer, done)).toBe(0x0000)
  expect(steps.get(sopInstanceUid)).toBe('COMPLETED')
  // A handler that fails without a status answers a processing failure; the listener lives on.
  expect(await mppsSet(peer, done)).toBe(0x0110)
  expect(await echo(peer)).toBe(0x0000)
})

test('a peer that never answers is given up, and the association with it', async () => {
  const peer = await serving({ cEcho: () => new Promise(() => undefined) })
  const association = await openAssociation(peer, { contexts: [ECHO_CONTEXT], timers: { responseMs: 50 } })
  await expect(echoOn(association)).rejects.toMatchObject({ code: 'peer-too-slow' })
  association.abort('gave up')
  expect(await association.ended).toMatchObject({ released: false })
  await expect(echoOn(association)).rejects.toMatchObject({ code: 'association-aborted' })
})

test('a request without an accepted context is refused before anything is sent', async () => {
  const peer = await serving({})
  const association = await openAssociation(peer, { contexts: [ECHO_CONTEXT] })
  expect(association.context(VERIFICATION)?.transferSyntax).toBe(IMPLICIT_LITTLE)
  await expect(findOn(association, 'study', new Dataset()).next()).rejects.toMatchObject({
    code: 'no-presentation-context',
  })
  await association.release()
})

test('echo reaches DCMTK too', async () => {
  const { peer } = await storescp()
  expect(await echo(peer)).toBe(0)
  await run('echoscu', ['127.0.0.1', String(peer.port)])
})
