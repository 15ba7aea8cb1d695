import type { Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { COMMAND, encodeCommand, NO_DATASET, RESPONSE } from './command.ts'
import { type Listener, type ListenOptions, listenDimse } from './listener.ts'
import { Occupancy } from './occupancy.ts'
import { encodeAbort, encodeReleaseRq, PDU } from './pdu.ts'
import { aborted, data, echo, pdv, proposal, RawPeer, storeRq } from './raw-peer.fixture.ts'
import type { Refusal } from './refusal.ts'
import { DIMSE_LIMITS, dimseLimits } from './settings.ts'
import { CT_IMAGE_STORAGE, VERIFICATION } from './sop-class.ts'
import { shelf } from './store-sink.fixture.ts'
import { EXPLICIT_LITTLE, IMPLICIT_LITTLE } from './transfer-syntax.ts'

class Peer extends RawPeer {
  constructor(port: number, from?: string) {
    super(port, from)
    sockets.push(this.socket)
  }
}

const listeners: Listener[] = []
const sockets: Socket[] = []
let refusals: Refusal[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(listeners.splice(0).map((listener) => listener.close()))
  refusals = []
})

async function archive(services = shelf().services, more: Partial<ListenOptions> = {}): Promise<Listener> {
  const acceptance = { transferSyntaxes: [EXPLICIT_LITTLE, IMPLICIT_LITTLE] }
  const supports = (uid: string) =>
    uid === CT_IMAGE_STORAGE || uid === VERIFICATION ? acceptance : undefined
  const listener = await listenDimse({
    host: '127.0.0.1',
    port: 0,
    authorise: () => ({ accept: true, supports, services }),
    onRefusal: (refusal) => refusals.push(refusal),
    ...more,
  })
  listeners.push(listener)
  return listener
}

async function associated(listener: Listener): Promise<Peer> {
  const peer = new Peer(listener.port).send(proposal())
  expect((await peer.answered(1))[0]?.type).toBe(PDU.associateAc)
  return peer
}

test('contexts with descending ids are answered each under its own', async () => {
  const peer = await associated(await archive())
  expect(resultsIn(peer.pdus[0]!.body)).toEqual([
    [5, 0],
    [3, 0],
    [1, 3],
  ])
  peer.send(data(pdv(3, 3, echo(1))))
  expect((await peer.answered(2))[1]?.type).toBe(PDU.dataTf)
  peer.send(encodeReleaseRq())
  expect((await peer.closed()).at(-1)?.type).toBe(PDU.releaseRp)
  expect(refusals).toMatchObject([{ kind: 'context', abstractSyntaxes: ['1.2.3'] }])
})

test.each<[string, (peer: Peer) => void, number, number]>([
  ['garbage instead of a proposal', (peer) => peer.send(Buffer.alloc(4096, 0x47)), 0, 0],
  ['a proposal said to be four gigabytes', (peer) => peer.send(Buffer.from('0100fffffff0', 'hex')), 0, 0],
  ['data before any association', (peer) => peer.send(data(pdv(3, 3, echo(1)))), 0, 0],
  [
    'a proposal too short for its fields',
    (peer) => peer.send(Buffer.from('01000000000a00010000aaaaaaaaaaaa', 'hex')),
    0,
    0,
  ],
  [
    'two contexts with one id',
    (peer) => {
      const context = { id: 1, abstractSyntax: VERIFICATION, transferSyntaxes: [IMPLICIT_LITTLE] }
      peer.send(proposal({ contexts: [context, context] }))
    },
    0,
    0,
  ],
])('%s is aborted at once', async (_, say, source, reason) => {
  const listener = await archive()
  const peer = new Peer(listener.port)
  say(peer)
  expect(await peer.closed()).toEqual([aborted(source, reason)])
  expect(refusals).toMatchObject([{ kind: 'aborted', remoteAddress: '127.0.0.1' }])
})

test.each<[string, () => Buffer, number, number]>([
  ['a PDU longer than was announced', () => Buffer.from('0400fffffff0', 'hex'), 2, 6],
  ['a second proposal', () => proposal(), 2, 2],
  ['a PDU type nobody knows', () => Buffer.from('4200000000040000', 'hex'), 2, 1],
  ['a release response nobody asked for', () => Buffer.from('06000000000400000000', 'hex'), 2, 2],
  ['a PDV length of one', () => data(Buffer.from('0000000103', 'hex'), Buffer.alloc(4)), 2, 6],
  ['a PDV longer than its PDU', () => data(Buffer.from('000000ff0303', 'hex')), 2, 6],
  ['a context that was not accepted', () => data(pdv(1, 3, echo(1))), 2, 6],
  ['a context never proposed', () => data(pdv(99, 3, echo(1))), 2, 6],
  ['a garbage command', () => data(pdv(3, 3, Buffer.alloc(200, 0xee))), 0, 0],
  [
    'a command that is too long',
    () => data(...Array.from({ length: 70 }, () => pdv(3, 1, Buffer.alloc(1000)))),
    0,
    0,
  ],
  ['a data set without a command', () => data(pdv(5, 2, Buffer.alloc(10))), 0, 0],
  ['a store said to have no data set', () => data(pdv(5, 3, storeRq(1, '1.2.3', NO_DATASET))), 0, 0],
  [
    'a command in the middle of a data set',
    () => data(pdv(5, 3, storeRq(1, '1.2.3')), pdv(5, 3, storeRq(2, '1.2.4'))),
    0,
    0,
  ],
])('on an association, %s is aborted, and the next peer is served', async (_, bytes, source, reason) => {
  const listener = await archive()
  const peer = await associated(listener)
  peer.send(bytes())
  expect((await peer.closed()).slice(1)).toEqual([aborted(source, reason)])
  const next = await associated(listener)
  next.send(data(pdv(3, 3, echo(7))))
  await next.answered(2)
})

test('several PDVs in a PDU, a data set in crumbs, and stores sent ahead are all kept whole and in order', async () => {
  const { kept, services } = shelf(() => new Promise((resolve) => setTimeout(resolve, 1)))
  const peer = await associated(await archive(services))
  const body = (n: number) => Buffer.alloc(70_000, n)
  const half = body(1).length / 2
  peer.send(
    data(
      pdv(5, 3, storeRq(1, '1.1')),
      pdv(5, 0, body(1).subarray(0, half)),
      pdv(5, 2, body(1).subarray(half)),
    ),
    data(pdv(5, 1, storeRq(2, '1.2').subarray(0, 20)), pdv(5, 3, storeRq(2, '1.2').subarray(20))),
    ...Array.from({ length: 70 }, (_, n) =>
      data(pdv(5, n === 69 ? 2 : 0, body(2).subarray(n * 1000, n * 1000 + 1000))),
    ),
    data(pdv(5, 3, storeRq(3, '1.3'))),
    data(pdv(5, 0, body(3))),
    data(pdv(5, 2, Buffer.alloc(0))),
    data(pdv(3, 3, echo(4))),
  )
  await peer.answered(5)
  expect(kept.map(({ sopInstanceUid }) => sopInstanceUid)).toEqual(['1.1', '1.2', '1.3'])
  expect(kept.map(({ bytes }, n) => bytes.equals(body(n + 1)))).toEqual([true, true, true])
})

test('an abort or a reset in the middle of an object leaves nothing behind and the archive standing', async () => {
  const { kept, aborted: given, services } = shelf()
  const listener = await archive(services)
  const half = data(pdv(5, 3, storeRq(1, '1.1')), pdv(5, 0, Buffer.alloc(50_000)))
  const polite = await associated(listener)
  polite.send(half, encodeAbort({ source: 0, reason: 0 }))
  await polite.closed()
  await vi.waitFor(() => expect(given).toHaveLength(1))
  const rude = await associated(listener)
  rude.send(half)
  await new Promise((resolve) => setTimeout(resolve, 50))
  rude.socket.resetAndDestroy()
  await vi.waitFor(() => expect(given).toHaveLength(2))
  expect(given.map(({ code }) => code)).toEqual(['association-aborted', 'connection-lost'])
  expect(kept).toHaveLength(0)
  await vi.waitFor(() => expect(listener.associations.size).toBe(0))
})

test('a SOP Instance UID that is a path is refused as 0117H after its bytes are read past', async () => {
  const { kept, services } = shelf()
  const peer = await associated(await archive(services))
  peer.send(
    data(pdv(5, 3, storeRq(1, '../../etc'))),
    data(pdv(5, 2, Buffer.alloc(9000))),
    data(pdv(3, 3, echo(2))),
  )
  const [, refused, echoed] = await peer.answered(3)
  expect(
    refused?.body.includes(Buffer.from('0000000902000000 1701'.replace(' ', ''), 'hex').subarray(2)),
  ).toBe(true)
  expect(echoed?.type).toBe(PDU.dataTf)
  expect(kept).toHaveLength(0)
})

test('a peer that says nothing, or drips its proposal, is cut off by the ARTIM timer', async () => {
  const listener = await archive(undefined, { timers: { artimMs: 150, lingerMs: 100 } })
  const silent = new Peer(listener.port)
  const dripping = new Peer(listener.port)
  const bytes = proposal()
  let sent = 0
  const drip = setInterval(
    () => sent < bytes.length && dripping.socket.write(bytes.subarray(sent, ++sent)),
    10,
  )
  expect(await silent.closed()).toEqual([])
  await dripping.closed()
  clearInterval(drip)
  expect(sent).toBeLessThan(bytes.length)
  await vi.waitFor(() => expect(refusals).toHaveLength(2))
})

test('an idle association, a stalled object and a crawling one are each ended', async () => {
  const timers = { idleMs: 200, stallMs: 200, graceMs: 300, floorBytesPerSecond: 100_000, lingerMs: 100 }
  const { aborted: given, services } = shelf()
  const listener = await archive(services, { timers })
  const idle = await associated(listener)
  const stalled = await associated(listener)
  stalled.send(data(pdv(5, 3, storeRq(1, '1.1')), pdv(5, 0, Buffer.alloc(1000))))
  const crawling = await associated(listener)
  crawling.send(data(pdv(5, 3, storeRq(1, '1.2'))))
  const crawl = setInterval(() => crawling.socket.write(data(pdv(5, 0, Buffer.alloc(10)))), 20)
  for (const peer of [idle, stalled, crawling]) expect((await peer.closed()).at(-1)).toEqual(aborted(2, 0))
  clearInterval(crawl)
  expect(given.map(({ code }) => code)).toEqual(['peer-too-slow', 'peer-too-slow'])
})

test('past the association limit a peer is told to come back, past the connection limit it is closed', async () => {
  const narrow = await archive(undefined, { limits: { associations: 1 } })
  await associated(narrow)
  const second = new Peer(narrow.port).send(proposal())
  expect(await second.closed()).toEqual([{ type: PDU.associateRj, body: Buffer.of(0, 2, 3, 1) }])
  const full = await archive(undefined, { limits: { connections: 1 } })
  await associated(full)
  expect(await new Peer(full.port).send(proposal()).closed()).toEqual([])
  const settings = refusals.filter(({ kind }) => kind !== 'context').map(({ setting }) => setting)
  expect(settings).toEqual(['DICOM_MAX_ASSOCIATIONS', 'DICOM_MAX_CONNECTIONS'])
})

test('two doors of one house count their guests together, and one address gets no more than its share', async () => {
  const limits = { ...DIMSE_LIMITS, associations: 1, connectionsPerAddress: 3 }
  const occupancy = new Occupancy(limits)
  const one = await archive(undefined, { limits, occupancy })
  const other = await archive(undefined, { limits, occupancy })
  const first = await associated(one)
  const second = new Peer(other.port).send(proposal())
  expect(await second.closed()).toEqual([{ type: PDU.associateRj, body: Buffer.of(0, 2, 3, 1) }])
  const more = [one, other, one].map(({ port }) => new Peer(port))
  expect(await Promise.race(more.map((peer) => peer.closed()))).toEqual([])
  expect(refusals.at(-1)).toMatchObject({ kind: 'connection', setting: 'DICOM_MAX_CONNECTIONS_PER_ADDRESS' })
  first.send(encodeReleaseRq())
  await first.closed()
  await vi.waitFor(() => expect(one.associations.size).toBe(0))
})

test('one address gets three quarters of the associations, however many there are', () => {
  expect(dimseLimits()).toEqual(DIMSE_LIMITS)
  expect(dimseLimits({ associations: 40 })).toMatchObject({ associations: 40, associationsPerAddress: 30 })
  expect(dimseLimits({ associations: 1 })).toMatchObject({ associationsPerAddress: 1 })
  const both = { associations: 40, associationsPerAddress: 40 }
  expect(dimseLimits(both)).toMatchObject(both)
})

test('a device that opens one association after another and forgets them leaves the others theirs', async () => {
  const house = await archive(undefined, { limits: { associations: 4, associationsPerAddress: 2 } })
  const forgotten = [await associated(house), await associated(house)]
  const third = new Peer(house.port).send(proposal())
  expect(await third.closed()).toEqual([{ type: PDU.associateRj, body: Buffer.of(0, 2, 3, 1) }])
  const setting = 'DICOM_MAX_ASSOCIATIONS_PER_ADDRESS'
  expect(refusals.filter(({ kind }) => kind !== 'context')).toMatchObject([{ setting }])
  const another = new Peer(house.port, '127.0.0.2').send(proposal())
  expect((await another.answered(1))[0]?.type).toBe(PDU.associateAc)
  forgotten[0]!.send(encodeReleaseRq())
  await forgotten[0]!.closed()
  await vi.waitFor(() => expect(house.associations.size).toBe(2))
  await associated(house)
})

test('of a proposal with many contexts that are not accepted, each reason is told once, with what would allow it', async () => {
  const settingFor = (uid: string) => (uid === CT_IMAGE_STORAGE ? 'devices.CT1.policy' : undefined)
  const decision = { accept: true, supports: () => undefined, services: {}, settingFor } as const
  const listener = await archive(undefined, { authorise: () => decision })
  await associated(listener)
  expect(refusals.map(({ setting, abstractSyntaxes }) => [setting, abstractSyntaxes])).toEqual([
    ['devices.CT1.policy', [CT_IMAGE_STORAGE]],
    [undefined, [VERIFICATION, '1.2.3']],
  ])
})

test('a decision that throws rejects for the moment, and an address not admitted is closed unread', async () => {
  const failing = await archive(undefined, {
    authorise: () => {
      throw new Error('the database is away')
    },
  })
  const peer = new Peer(failing.port).send(proposal())
  expect(await peer.closed()).toEqual([{ type: PDU.associateRj, body: Buffer.of(0, 2, 2, 1) }])
  const closedDoor = await archive(undefined, { admit: (address) => `${address} is not allowed` })
  expect(await new Peer(closedDoor.port).send(proposal()).closed()).toEqual([])
  expect(refusals.at(-1)).toMatchObject({ kind: 'connection', why: '127.0.0.1 is not allowed' })
})

test('five hundred mutated conversations end, each in a PDU or a close, and the archive serves the next', async () => {
  const listener = await archive(undefined, {
    timers: { artimMs: 300, idleMs: 300, stallMs: 300, lingerMs: 100 },
  })
  const conversation = Buffer.concat([
    proposal(),
    data(pdv(3, 3, echo(1))),
    data(pdv(5, 3, storeRq(2, '1.1')), pdv(5, 2, Buffer.alloc(500, 1))),
    encodeReleaseRq(),
  ])
  let seed = 20_261_122
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  for (let round = 0; round < 10; round++) {
    const peers = Array.from({ length: 50 }, () => {
      const bytes = Buffer.from(conversation)
      for (let changes = random(6); changes >= 0; changes--) bytes[random(bytes.length)] = random(256)
      const peer = new Peer(listener.port).send(bytes)
      // An association left open by a mutation ends by its timers.
      return peer.closed()
    })
    await Promise.all(peers)
  }
  await vi.waitFor(() => expect(listener.associations.size).toBe(0))
  const next = await associated(listener)
  next.send(data(pdv(3, 3, echo(7))))
  await next.answered(2)
})

test('a proposal that leaves no room for a value is aborted before anybody decides on it, and told by its name', async () => {
  let asked = 0
  const authorise = () => {
    asked += 1
    return { accept: true as const, supports: () => undefined, services: {} }
  }
  const listener = await archive(undefined, { authorise })
  for (const maxPduBytes of [1, 6]) {
    const peer = new Peer(listener.port).send(proposal({ maxPduBytes }))
    expect(await peer.closed()).toEqual([aborted(0, 0)])
  }
  const even = new Peer(listener.port).send(
    proposal({ contexts: [{ id: 2, abstractSyntax: VERIFICATION, transferSyntaxes: [IMPLICIT_LITTLE] }] }),
  )
  expect(await even.closed()).toEqual([aborted(0, 0)])
  expect(asked).toBe(0)
  expect(refusals.map(({ callingAe, error }) => [callingAe, error?.wanted])).toEqual([
    ['CT1', 'a maximum length that has room for a value'],
    ['CT1', 'a maximum length that has room for a value'],
    ['CT1', 'odd, distinct context ids'],
  ])
})

test('a release in the middle of an object or a command is answered, and told of', async () => {
  const { kept, services } = shelf()
  const listener = await archive(services)
  for (const begun of [
    data(pdv(5, 3, storeRq(1, '1.2.3')), pdv(5, 0, Buffer.alloc(100))),
    data(pdv(3, 1, echo(1).subarray(0, 20))),
  ]) {
    const peer = (await associated(listener)).send(begun, encodeReleaseRq())
    expect((await peer.closed()).at(-1)?.type).toBe(PDU.releaseRp)
  }
  expect(kept).toEqual([])
  const told = () => refusals.filter(({ kind }) => kind === 'aborted')
  await vi.waitFor(() => expect(told()).toHaveLength(2))
  expect(told()[0]).toMatchObject({ callingAe: 'CT1', error: { code: 'message-malformed', byPeer: false } })
  expect(told()[0]!.why).toContain('the rest of it before the release')
})

test('a response to nothing, and a request in the name of another class, are not taken', async () => {
  const listener = await archive()
  const response = encodeCommand({
    CommandField: COMMAND.cStore | RESPONSE,
    MessageIDBeingRespondedTo: 1,
    CommandDataSetType: NO_DATASET,
    Status: 0,
  })
  const answering = (await associated(listener)).send(data(pdv(5, 3, response)))
  expect((await answering.closed()).at(-1)).toEqual(aborted(0, 0))
  const other = encodeCommand({
    CommandField: COMMAND.cEcho,
    MessageID: 7,
    CommandDataSetType: NO_DATASET,
    AffectedSOPClassUID: CT_IMAGE_STORAGE,
  })
  const asking = (await associated(listener)).send(data(pdv(3, 3, other)))
  const [, answer] = await asking.answered(2)
  expect(statusIn(answer!.body)).toBe(0x0122)
})

test('a transfer syntax that is no UID is taken for none, even where any is', async () => {
  const supports = () => ({ transferSyntaxes: [], anyTransferSyntax: true })
  const listener = await archive(undefined, {
    authorise: () => ({ accept: true, supports, services: {} }),
  })
  const offered = (id: number, ...transferSyntaxes: string[]) => ({
    id,
    abstractSyntax: CT_IMAGE_STORAGE,
    transferSyntaxes,
  })
  const contexts = [
    offered(1, '1.2.3\x004'),
    offered(3, '<script>', '1.2.840.10008.1.2.4.70'),
    offered(5, '1'.repeat(65)),
    offered(7),
  ]
  const peer = new Peer(listener.port).send(proposal({ contexts }))
  const [ac] = await peer.answered(1)
  expect(resultsIn(ac!.body)).toEqual([
    [1, 4],
    [3, 0],
    [5, 4],
    [7, 4],
  ])
})

test('a name filled up with zeros is that name', async () => {
  const names: string[] = []
  const listener = await archive(undefined, {
    authorise({ callingAe, calledAe }) {
      names.push(callingAe, calledAe)
      return { accept: true, supports: () => undefined, services: {} }
    },
  })
  const bytes = proposal()
  bytes.fill(0, 10 + 'ISOCENTER'.length, 26)
  bytes.fill(0, 26 + 'CT1'.length, 42)
  await new Peer(listener.port).send(bytes).answered(1)
  expect(names).toEqual(['CT1', 'ISOCENTER'])
})

function resultsIn(ac: Buffer): [number, number][] {
  const results: [number, number][] = []
  for (let at = 68; at < ac.length; at += 4 + ac.readUInt16BE(at + 2)) {
    if (ac[at] === 0x21) results.push([ac[at + 4]!, ac[at + 6]!])
  }
  return results
}

/** The Status (0000,0900) of a P-DATA-TF that holds a whole command. */
function statusIn(body: Buffer): number {
  return body.readUInt16LE(body.indexOf(Buffer.from('0000000902000000', 'hex')) + 8)
}
