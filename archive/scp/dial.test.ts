import { X509Certificate } from 'node:crypto'
import { generate } from 'selfsigned'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { type Listener, listenDimse } from '#archive/dimse/listener.ts'
import { STATUS } from '#archive/dimse/status.ts'
import { IMPLICIT_LITTLE } from '#archive/dimse/transfer-syntax.ts'
import { ECHO_CONTEXT, echoOn } from '#archive/scu/echo.ts'
import type { PeerAddress } from '#db/queries/dimse-query.ts'
import { dial } from './dial.ts'

interface Pair {
  cert: string
  key: string
}

let authority: Pair
let ours: Pair
let device: Pair
const listeners: Listener[] = []

async function pair(name: string, altName: string, ca?: Pair): Promise<Pair> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: !ca, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: altName }] },
    ],
    ...(ca ? { ca } : {}),
  })
  return { cert, key }
}

beforeAll(async () => {
  authority = await pair('authority', 'authority.example')
  ours = await pair('archive', 'archive.example', authority)
  device = await pair('mr1.example', 'mr1.example', authority)
})

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close()))
})

/** A device that asks for a certificate of the authority, and what it was called by. */
async function secureDevice(): Promise<{ address: PeerAddress; callers: string[] }> {
  const callers: string[] = []
  const listener = await listenDimse({
    host: '127.0.0.1',
    port: 0,
    tls: { ...device, ca: authority.cert },
    authorise({ callingAe }) {
      callers.push(callingAe)
      return { accept: true, supports: () => ({ transferSyntaxes: [IMPLICIT_LITTLE] }), services: {} }
    },
  })
  listeners.push(listener)
  const address = {
    aeTitle: 'MR1',
    host: '127.0.0.1',
    port: listener.port,
    isSecure: true,
    certificate: null,
  }
  return { address, callers }
}

const ourselves = () => ({ aeTitle: 'ISOCENTER', tls: { ...ours, ca: authority.cert } })
const options = { contexts: [ECHO_CONTEXT] }

test('[AR-01] a device that talks over TLS only is called over TLS, both sides showing who they are', async () => {
  const { address, callers } = await secureDevice()
  const { fingerprint256 } = new X509Certificate(device.cert)
  for (const certificate of [
    { commonName: 'mr1.example' },
    { fingerprint: fingerprint256.replaceAll(':', '').toLowerCase() },
  ]) {
    const association = await dial(ourselves(), { ...address, certificate }, options)
    expect((await echoOn(association)).status).toBe(STATUS.success)
    await association.release()
  }
  expect(callers).toEqual(['ISOCENTER', 'ISOCENTER'])
})

test('[AR-01] a device that is not who its row says, or that no authority of ours signed, is told nothing', async () => {
  const { address, callers } = await secureDevice()
  const refused = { code: 'connection-lost' }
  const other = { ...address, certificate: { commonName: 'us9.example' } }
  await expect(dial(ourselves(), other, options)).rejects.toMatchObject(refused)
  // Without a name in its row it has to be called what its certificate says, and 127.0.0.1 is not in it.
  await expect(dial(ourselves(), address, options)).rejects.toMatchObject(refused)
  const trusting = { aeTitle: 'ISOCENTER', tls: { ...ours, ca: ours.cert } }
  const named = { ...address, certificate: { commonName: 'mr1.example' } }
  await expect(dial(trusting, named, options)).rejects.toMatchObject(refused)
  await expect(dial({ aeTitle: 'ISOCENTER' }, named, options)).rejects.toMatchObject(refused)
  expect(callers).toEqual([])
})
