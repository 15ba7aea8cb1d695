import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test, vi } from 'vitest'
import { Dataset } from '../dimse/dataset.ts'
import { type Listener, type ListenOptions, listenDimse } from '../dimse/listener.ts'
import { readPart10 } from '../dimse/part10.ts'
import type { Services, SubOperations } from '../dimse/services.ts'
import { isStandardStorage } from '../dimse/sop-class.ts'
import { STATUS } from '../dimse/status.ts'
import { shelf } from '../dimse/store-sink.fixture.ts'
import { EXPLICIT_LITTLE, IMPLICIT_LITTLE } from '../dimse/transfer-syntax.ts'
import { echo } from './echo.ts'
import { storableFile, store, storeOn } from './store.ts'

const run = promisify(execFile)
const corpus = resolve(import.meta.dirname, '../../corpus')
const listeners: Listener[] = []

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close()))
})

async function archive(services: Services, more: Partial<ListenOptions> = {}) {
  const storage = { transferSyntaxes: [], anyTransferSyntax: true, requestorMayBeScp: true }
  const others = { transferSyntaxes: [EXPLICIT_LITTLE, IMPLICIT_LITTLE] }
  const supports = (uid: string) => (isStandardStorage(uid) ? storage : others)
  const authorise = () => ({ accept: true as const, supports, services })
  const listener = await listenDimse({ host: '127.0.0.1', port: 0, authorise, ...more })
  listeners.push(listener)
  return { host: '127.0.0.1', port: listener.port, callingAe: 'CT1', calledAe: 'ISOCENTER' }
}

const datasetOf = (path: string) => {
  const file = readFileSync(path)
  return file.subarray(readPart10(file).datasetOffset)
}

const paths = (folder: string) => readdirSync(join(corpus, folder)).map((name) => join(corpus, folder, name))

test('[AR-01] every image comes to the archive as the very bytes it was sent, whatever its transfer syntax', async () => {
  const { kept, services } = shelf()
  const peer = await archive(services)
  const files = ['transfer-syntax', 'charset', 'tests', 'mr-head']
    .flatMap(paths)
    .filter((path) => !path.endsWith('priors'))
  const storables = await Promise.all(files.map(storableFile))
  const results = await store(peer, storables)
  expect(results.filter(({ status }) => status !== STATUS.success)).toEqual([])
  expect(kept.map(({ transferSyntaxUid }) => transferSyntaxUid)).toEqual(
    storables.map(({ transferSyntaxUid }) => transferSyntaxUid),
  )
  expect(files.filter((path, index) => !kept[index]!.bytes.equals(datasetOf(path)))).toEqual([])
})

test('getscu retrieves a series on its own association, with the counts and the very pixels', async () => {
  const files = paths('ct-head').slice(0, 4)
  const storables = await Promise.all(files.map(storableFile))
  const peer = await archive({
    async *cGet({ association }) {
      const counts = {
        remaining: storables.length,
        completed: 0,
        failed: 0,
        warning: 0,
      } satisfies SubOperations
      for (const storable of storables) {
        const status = await storeOn(association, storable)
        counts.remaining--
        if (status === STATUS.success) counts.completed++
        else counts.failed++
        yield { ...counts }
      }
      return { status: STATUS.success, subOperations: counts }
    },
  })
  const folder = mkdtempSync(join(tmpdir(), 'getscu-'))
  const keys = ['-k', 'QueryRetrieveLevel=STUDY', '-k', 'StudyInstanceUID=1.2.3']
  const { stdout, stderr } = await run('getscu', [
    '-v',
    '-S',
    '+B',
    '-od',
    folder,
    ...keys,
    peer.host,
    String(peer.port),
  ])
  expect(stdout + stderr).toContain('Number of Completed Suboperations : 4')
  const got = readdirSync(folder).map((name) => datasetOf(join(folder, name)))
  expect(got).toHaveLength(4)
  for (const path of files) expect(got.some((bytes) => bytes.equals(datasetOf(path)))).toBe(true)
})

test('movescu is told how far a move has come, and which instances failed', async () => {
  const peer = await archive({
    async *cMove({ dataset, command }) {
      expect(dataset.text('StudyInstanceUID')).toBe('1.2.3')
      expect(command.set.text('MoveDestination')).toBe('STORESCP')
      yield { remaining: 2, completed: 1, failed: 0, warning: 0 }
      yield { remaining: 1, completed: 1, failed: 1, warning: 0 }
      const subOperations = { remaining: 0, completed: 2, failed: 1, warning: 0 }
      return { status: STATUS.subOperationsFailed, subOperations, failedSopInstanceUids: ['1.2.3.9'] }
    },
  })
  const keys = ['-k', 'QueryRetrieveLevel=STUDY', '-k', 'StudyInstanceUID=1.2.3']
  const args = ['-d', '-S', '-aem', 'STORESCP', ...keys, peer.host, String(peer.port)]
  const { stdout, stderr } = await run('movescu', args).catch((error) => error)
  const said = stdout + stderr
  expect(said.match(/Received Move Response \d/g)).toHaveLength(2)
  expect(said).toMatch(/Completed Suboperations +: 2/)
  expect(said).toContain('FailedSOPInstanceUIDList')
  expect(said).toContain('1.2.3.9')
})

test('DCMTK and we both verify over TLS with client certificates, and a peer without one is turned away', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tls-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    key,
    '-out',
    cert,
    ...subject,
  ])
  const pair = { key: readFileSync(key), cert: readFileSync(cert), ca: readFileSync(cert) }
  const refused: string[] = []
  const shown: unknown[] = []
  const supports = () => ({ transferSyntaxes: [IMPLICIT_LITTLE] })
  const peer = await archive(
    {},
    {
      tls: pair,
      onRefusal: ({ why }) => refused.push(why),
      authorise: ({ certificate }) => {
        shown.push(certificate)
        return { accept: true, supports, services: {} }
      },
    },
  )
  const port = String(peer.port)
  expect(await echo({ ...peer, tls: pair })).toBe(STATUS.success)
  await run('echoscu', ['+tls', key, cert, '+cf', cert, '127.0.0.1', port])
  const { fingerprint256: fingerprint } = new X509Certificate(pair.cert)
  const expected = { commonName: 'localhost', fingerprint, isVerified: true }
  expect(shown).toEqual([expected, expected])
  await expect(echo({ ...peer, tls: { ca: pair.ca } })).rejects.toMatchObject({ code: 'connection-lost' })
  await expect(echo(peer)).rejects.toMatchObject({ code: 'connection-lost' })
  await vi.waitFor(() => expect(refused).toHaveLength(2))
  expect(refused[0]).toBe('It showed no certificate')
  expect(refused[1]).toContain('What it sent on the TLS port is not TLS')
})

test('another toolkit, dcmjs-dimse, reports a performed step to us', async () => {
  const steps: [string, string | undefined, string | undefined][] = []
  const keep =
    (name: string): Services['nCreate'] =>
    (request) => {
      const { dataset } = request
      const step = dataset.item('ScheduledStepAttributesSequence')
      steps.push([name, dataset.text('PerformedProcedureStepStatus'), step?.text('AccessionNumber')])
      return { status: STATUS.success, dataset: Dataset.of({ PerformedProcedureStepStatus: 'IN PROGRESS' }) }
    }
  const peer = await archive({ nCreate: keep('N-CREATE'), nSet: keep('N-SET') })
  const script = join(mkdtempSync(join(tmpdir(), 'mpps-')), 'mpps.cjs')
  const library = resolve(import.meta.dirname, '../../node_modules/dcmjs-dimse')
  writeFileSync(
    script,
    `const { Client, Dataset, requests: { NCreateRequest, NSetRequest }, constants: { SopClass } } = require(${JSON.stringify(library)})
    const log = require(require.resolve('loglevel', { paths: [${JSON.stringify(library)}] })); log.setLevel('silent')
    const uid = '1.2.3.4.5', sop = SopClass.ModalityPerformedProcedureStep, statuses = []
    const create = new NCreateRequest(sop, uid)
    create.setDataset(new Dataset({ PerformedProcedureStepStatus: 'IN PROGRESS', ScheduledStepAttributesSequence: [{ AccessionNumber: 'A1' }] }))
    const set = new NSetRequest(sop, uid)
    set.setDataset(new Dataset({ PerformedProcedureStepStatus: 'COMPLETED' }))
    const client = new Client()
    for (const request of [create, set]) {
      request.on('response', (response) => statuses.push(response.getStatus()))
      client.addRequest(request)
    }
    client.on('closed', () => { process.stdout.write(JSON.stringify(statuses)); process.exit(0) })
    client.on('networkError', (error) => { console.error(error); process.exit(1) })
    client.send('127.0.0.1', ${peer.port}, 'CT1', 'ISOCENTER')`,
  )
  const { stdout } = await run(process.execPath, [script])
  expect(stdout).toMatch(/\[0,0\]$/)
  expect(steps).toEqual([
    ['N-CREATE', 'IN PROGRESS', 'A1'],
    ['N-SET', 'COMPLETED', undefined],
  ])
})
