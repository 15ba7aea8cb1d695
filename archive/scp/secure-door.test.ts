import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Dataset } from '#archive/dimse/dataset.ts'
import { CT_IMAGE_STORAGE } from '#archive/dimse/sop-class.ts'
import { STATUS } from '#archive/dimse/status.ts'
import { EXPLICIT_LITTLE } from '#archive/dimse/transfer-syntax.ts'
import { openAssociation } from '#archive/scu/association.ts'
import { ECHO_CONTEXT, echo as sendEcho } from '#archive/scu/echo.ts'
import { mppsSet } from '#archive/scu/mpps.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { dcmtk, openArchive, type TestArchive, until } from './archive.fixture.ts'

interface Pair {
  cert: string
  key: string
}

const folder = mkdtempSync(join(tmpdir(), 'isocenter-secure-'))
let own: Pair
let device: Pair
let stranger: Pair
let expired: Pair
let open: TestArchive
let guarded: TestArchive

/** A key with its certificate, as files; signed by `by` or, without, by itself. */
async function pair(name: string, by?: Pair, until?: Date): Promise<Pair> {
  const ca = by && { key: readFileSync(by.key, 'utf8'), cert: readFileSync(by.cert, 'utf8') }
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ...(until ? { notBeforeDate: new Date(until.getTime() - 86_400_000), notAfterDate: until } : {}),
    extensions: [
      { name: 'basicConstraints', cA: !by, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
    ...(ca ? { ca } : {}),
  })
  const files = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) }
  writeFileSync(files.cert, cert)
  writeFileSync(files.key, key)
  return files
}

beforeAll(async () => {
  const authority = await pair('authority')
  own = await pair('archive')
  device = await pair('mr1.example', authority)
  stranger = await pair('stranger')
  expired = await pair('mr1.yesterday', authority, new Date('2020-01-02'))
  const tls = { cert: readFileSync(own.cert), key: readFileSync(own.key), port: 0 }
  const database = await testDatabase()
  open = await openArchive(database, { door: { tls } })
  const ca = readFileSync(authority.cert)
  guarded = await openArchive(database, { door: { tls: { ...tls, ca } } })
  // Before the first association, so that nobody has read the register yet.
  const { fingerprint256 } = new X509Certificate(readFileSync(stranger.cert))
  await setPolicy('CT1', { tls: 'required' })
  await setPolicy('CT2', {
    certificate: { fingerprint: fingerprint256.replaceAll(':', '').toLowerCase() },
  })
  await setPolicy('MR2', { certificate: { commonName: 'mr1.example' } })
  await setPolicy('MG1', { certificate: { commonName: 'us9.example' } })
  await setPolicy('US1', { maxAssociations: 1 })
  await setPolicy('XR1', { sopClasses: ['1.2.840.10008.5.1.4.1.1.1.1'] })
})

afterAll(async () => {
  await open.close()
  await guarded.close()
})

const anonymous = () => ['+tla', '+cf', own.cert]
const showing = ({ cert, key }: Pair) => ['+tls', key, cert, '+cf', own.cert]

const echo = (archive: TestArchive, calling: string, tls: string[] | 'plain') =>
  dcmtk('echoscu', [
    ...(tls === 'plain' ? [] : tls),
    ...['-v', '-aet', calling, '-aec', 'ISOCENTER', '127.0.0.1'],
    String(tls === 'plain' ? archive.port : archive.listener.tlsPort),
  ])

async function setPolicy(aeTitle: string, policy: object) {
  const { sql } = open.department
  const { count } = await sql`
    update devices set policy = ${sql.json(policy as never)} where ae_title = ${aeTitle}`
  expect(count).toBe(1)
}

/** Refusals on the list, by what they say. */
async function listed(words: string): Promise<{ setting: unknown }[]> {
  const { sql } = open.department
  return sql<{ setting: unknown }[]>`
    select refs->>'setting' as setting from exceptions
    where kind = 'refused-association' and reason like ${`%${words}%`}`
}

test('[AR-01] the TLS port serves DCMTK with and without a certificate of its own, in TLS 1.2 and 1.3', async () => {
  expect((await echo(open, 'MR1', anonymous())).said).toContain('Received Echo Response (Success)')
  expect((await echo(open, 'MR1', showing(stranger))).code).toBe(0)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = connect({
      host: '127.0.0.1',
      port: open.listener.tlsPort!,
      ca: readFileSync(own.cert),
      minVersion: version,
      maxVersion: version,
    })
    await once(socket, 'secureConnect')
    expect(socket.getProtocol()).toBe(version)
    expect(socket.getCipher().standardName).toMatch(/GCM|CHACHA20/)
    socket.destroy()
  }
})

test('[AR-01] what is not TLS, or too old, is turned away from the TLS port, and TLS from the port without it', async () => {
  const plain = await dcmtk('echoscu', ['127.0.0.1', String(open.listener.tlsPort)])
  expect(plain.code).not.toBe(0)
  await until('the words', async () => (await listed('is not TLS')).length === 1)
  const old = connect({
    host: '127.0.0.1',
    port: open.listener.tlsPort!,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'ALL:@SECLEVEL=0',
  })
  await once(old, 'error')
  await until('the words', async () => (await listed('no TLS version that is safe')).length === 1)
  const secure = await dcmtk('echoscu', [...anonymous(), '127.0.0.1', String(open.port)])
  expect(secure.code).not.toBe(0)
  await until('the words', async () => (await listed('TLS on the port that has none')).length === 1)
  expect((await listed('TLS on the port that has none'))[0]!.setting).toContain('ISOCENTER_DICOM_TLS_PORT')
  expect((await echo(open, 'MR1', anonymous())).code).toBe(0)
})

test('[AR-01] with an authority of ours, only peers that it signed a certificate for get in', async () => {
  expect((await echo(guarded, 'MR1', showing(device))).code).toBe(0)
  expect((await echo(guarded, 'MR1', showing(stranger))).code).not.toBe(0)
  expect((await echo(guarded, 'MR1', anonymous())).code).not.toBe(0)
  expect((await echo(guarded, 'MR1', showing(expired))).code).not.toBe(0)
  const settings = {
    'It showed no certificate that our authority signed': 'DICOM_TLS_CA_FILE',
    'It showed no certificate.': 'its own configuration, or DICOM_TLS_CA_FILE',
    'Its certificate is not valid today (CERT_HAS_EXPIRED)': 'its own configuration: its certificate',
  }
  for (const [words, setting] of Object.entries(settings)) {
    await until(words, async () => (await listed(words)).length === 1)
    expect(await listed(words)).toEqual([{ setting }])
  }
})

test('as requestor we speak TLS too, and hang up on a peer whose certificate nobody vouches for', async () => {
  const at = { host: '127.0.0.1', port: open.listener.tlsPort!, callingAe: 'MR1', calledAe: 'ISOCENTER' }
  expect(await sendEcho({ ...at, tls: { ca: readFileSync(own.cert) } })).toBe(STATUS.success)
  for (const ca of [readFileSync(stranger.cert), undefined])
    await expect(sendEcho({ ...at, tls: ca ? { ca } : {} })).rejects.toMatchObject({
      code: 'connection-lost',
      refs: { how: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    })
})

test('[AR-01] a device that must come over TLS is refused without it, and with a certificate of another', async () => {
  expect((await echo(open, 'CT1', 'plain')).said).toContain('Reason: No Reason')
  expect((await echo(open, 'CT1', anonymous())).code).toBe(0)
  expect((await echo(open, 'CT2', anonymous())).code).not.toBe(0)
  expect((await echo(open, 'CT2', showing(device))).code).not.toBe(0)
  expect((await echo(open, 'CT2', showing(stranger))).code).toBe(0)
  // A name is proof only where an authority of ours vouches for it.
  expect((await echo(open, 'MR2', showing(device))).code).not.toBe(0)
  expect((await echo(guarded, 'MR2', showing(device))).code).toBe(0)
  expect((await echo(guarded, 'MG1', showing(device))).code).not.toBe(0)
  await until('the rows', async () => (await listed('This device')).length === 5)
  const settings = (await listed('This device')).map(({ setting }) => setting)
  expect(settings.sort()).toEqual([
    'devices.CT1.policy.tls',
    'devices.CT2.policy.certificate',
    'devices.CT2.policy.certificate',
    'devices.MG1.policy.certificate',
    'devices.MR2.policy.certificate',
  ])
})

test('[AR-01] a device has as many associations at once as its row allows, and the next is told to come back', async () => {
  const peer = { host: '127.0.0.1', port: open.port, callingAe: 'US1', calledAe: 'ISOCENTER' }
  const contexts = [ECHO_CONTEXT]
  const first = await openAssociation(peer, { contexts })
  const tooMany = { result: 2, source: 3, reason: 2 }
  await expect(openAssociation(peer, { contexts })).rejects.toMatchObject({ refs: tooMany })
  await first.release()
  await until('the seat', async () => (await echo(open, 'US1', 'plain')).code === 0)
  await until('the row', async () => (await listed('has 1 association open')).length === 1)
  const [row] = await listed('has 1 association open')
  expect(row!.setting).toBe('devices.US1.policy.maxAssociations')
})

test('[AR-01] a SOP class kept out by its device and a performed step that is refused are both on the list', async () => {
  const peer = { host: '127.0.0.1', port: open.port, callingAe: 'XR1', calledAe: 'ISOCENTER' }
  const contexts = [{ abstractSyntax: CT_IMAGE_STORAGE, transferSyntaxes: [EXPLICIT_LITTLE] }]
  await (await openAssociation(peer, { contexts })).release()
  const attributes = Dataset.of({ PerformedProcedureStepStatus: 'COMPLETED' })
  expect(await mppsSet(peer, { sopInstanceUid: '1.2.3.4.5', attributes })).toBe(STATUS.noSuchSopInstance)
  await until('the class', async () => (await listed('A SOP class that it proposed')).length === 1)
  expect(await listed(`is not accepted: ${CT_IMAGE_STORAGE}.`)).toEqual([
    { setting: 'devices.XR1.policy.sopClasses' },
  ])
  await until('the request', async () => (await listed('N-SET was answered 0112H')).length === 1)
})

test('a peer that is left because the archive stops is no work for anybody', async () => {
  const peer = { host: '127.0.0.1', port: guarded.port, callingAe: 'CTW', calledAe: 'ISOCENTER' }
  const association = await openAssociation(peer, { contexts: [ECHO_CONTEXT] })
  await guarded.reopen()
  await association.ended
  await until('the end in the audit trail', async () => {
    const { sql } = open.department
    const ends = await sql`
      select 1 from audit_events where chain = 'device:CTW' and type = 'association.broken-off'`
    return ends.length === 1
  })
  expect(await listed('CTW from')).toEqual([])
})
