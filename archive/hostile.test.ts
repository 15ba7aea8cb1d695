import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ArchiveProcess, startArchive } from './archive-process.fixture.ts'
import { encodeFileMeta } from './dimse/part10.ts'
import { encodeAbort, encodeReleaseRq, PDU } from './dimse/pdu.ts'
import { proposal, RawPeer } from './dimse/raw-peer.fixture.ts'
import { CT_IMAGE_STORAGE } from './dimse/sop-class.ts'
import { statusHex } from './dimse/status.ts'
import { EXPLICIT_LITTLE } from './dimse/transfer-syntax.ts'
import { CONTEXTS, type Hostile, hostileInputs, instanceUid, object } from './hostile-inputs.fixture.ts'
import { dcmtk, until } from './scp/archive.fixture.ts'

// All bytes are made beforehand: this process has to be quick when the archive asks.
const inputs = hostileInputs().map((input, n) => {
  const who = { callingAe: `H${String(n).padStart(4, '0')}`, uid: instanceUid(n) }
  return { ...input, ...who, bytes: input.bytes(who) }
})
type Numbered = (typeof inputs)[number]

let archive: ArchiveProcess

beforeAll(async () => {
  archive = await startArchive(inputs.map(({ callingAe }) => callingAe))
})

afterAll(() => archive.close())

/** A series of small images as files. */
function series(uid: string, count: number): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'isocenter-series-'))
  return Array.from({ length: count }, (_, n) => {
    const instance = { sopClassUid: CT_IMAGE_STORAGE, sopInstanceUid: `${uid}.${n}` }
    const meta = encodeFileMeta({ ...instance, transferSyntaxUid: EXPLICIT_LITTLE })
    const file = join(folder, `${n}.dcm`)
    writeFileSync(file, Buffer.concat([meta, object(instance.sopInstanceUid, uid)]))
    return file
  })
}

/** Sends a series as a modality does, from a process of its own: how many images were answered with Success. */
async function send(callingAe: string, files: string[]): Promise<number> {
  const to = ['-v', '-aet', callingAe, '-aec', 'ISOCENTER', '127.0.0.1', String(archive.ports.plain)]
  const { said } = await dcmtk('storescu', [...to, ...files])
  return said.split('Received Store Response (Success)').length - 1
}

/** Plays an input to its end, and says in words what came back after the acceptance. */
async function play({ stage, door, how, bytes, ending, callingAe }: Numbered): Promise<string> {
  const peer = new RawPeer(door === 'tls' ? archive.ports.tls : archive.ports.plain)
  if (stage === 'associated') {
    peer.send(proposal({ callingAe, contexts: CONTEXTS }))
    await peer.answered(1)
  }
  if (how === 'drip') await drip(peer, bytes)
  else peer.send(bytes)
  await leave(peer, ending ?? (stage === 'associated' ? 'release' : 'wait'))
  const answers = peer.pdus.slice(stage === 'associated' ? 1 : 0)
  const accepted = answers[0]?.type === PDU.associateAc && stage === 'instead'
  const words = answers.map(inWords).filter((word) => word !== '')
  const end = ending === 'reset' ? 'gone' : 'closed'
  const isSaid = words.some((word) => /abort|reject|released/.test(word))
  return [...(accepted ? ['accepted'] : []), ...words, ...(isSaid ? [] : [end])].join(' ')
}

async function drip(peer: RawPeer, bytes: Buffer): Promise<void> {
  for (const byte of bytes) {
    if (peer.socket.closed) return
    peer.send(Buffer.of(byte))
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function leave(peer: RawPeer, ending: NonNullable<Hostile['ending']>): Promise<void> {
  if (ending === 'reset') {
    // What was said is to arrive first.
    await new Promise((resolve) => setTimeout(resolve, 20))
    peer.socket.resetAndDestroy()
  } else if (ending === 'close') peer.socket.end()
  else if (ending === 'abort') peer.send(encodeAbort({ source: 0, reason: 0 }))
  else if (ending === 'release') peer.send(encodeReleaseRq())
  else if (peer.pdus.length === 0) {
    // Instead of an association, and accepted against all odds: it is released like any other.
    await Promise.race([peer.closed(), peer.answered(1).catch(() => undefined)])
    if (peer.pdus[0]?.type === PDU.associateAc) peer.send(encodeReleaseRq())
  }
  await peer.closed()
}

function inWords({ type, body }: { type: number; body: Buffer }): string {
  if (type === PDU.abort) return `abort ${body[2]}/${body[3]}`
  if (type === PDU.associateRj) return `reject ${body[1]}/${body[2]}/${body[3]}`
  if (type === PDU.releaseRp) return 'released'
  if (type !== PDU.dataTf) return ''
  // The Status (0000,0900) of the command; a pending answer's data set has none.
  const at = body.indexOf(Buffer.from('0000000902000000', 'hex'))
  return at < 0 ? '' : statusHex(body.readUInt16LE(at + 8)).slice(0, 4)
}

async function inTurn<T>(queue: readonly T[], width: number, work: (one: T) => Promise<void>): Promise<void> {
  const left = [...queue]
  const worker = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one)
  }
  await Promise.all(Array.from({ length: width }, worker))
}

/** Where an administrator sees what happened: nowhere when nothing was wrong, or nobody had said who they are. */
function expectedTraces({ stage, isObject, callingAe }: Numbered, answer: string): string[] {
  const traces = []
  if (answer.startsWith('reject')) traces.push('association.refused')
  if (stage === 'associated' && /abort|closed|gone/.test(answer)) traces.push('association.broken-off')
  if (/\b(?!0000)[0-9A-F]{4}\b/.test(answer)) {
    traces.push('request.refused')
    if (isObject) traces.push('quarantine')
  }
  return traces.map((trace) => `${callingAe} ${trace}`)
}

test('[AR-01] hostile input of every kind is answered in the protocol’s terms and told of, while a series comes in beside it', async () => {
  expect(inputs.length).toBeGreaterThan(400)
  expect(await send('CT1', series('2.25.7', 40))).toBe(40)
  const [one, other] = [series('2.25.8', 250), series('2.25.9', 250)]
  const before = archive.rest()

  const answers = new Map<Numbered, string>()
  const waiting = (input: Numbered) =>
    input.ending === 'wait' || input.how === 'drip' || input.answer.test('closed')
  const playAll = (some: Numbered[], width: number) =>
    inTurn(some, width, async (input) => void answers.set(input, await play(input)))
  const [sent] = await Promise.all([
    Promise.all([send('CT1', one), send('CT2', other)]),
    playAll(inputs.filter(waiting), 100),
    playAll(
      inputs.filter((input) => !waiting(input)),
      6,
    ),
  ])

  expect(archive.isRunning()).toBe(true)
  expect(sent).toEqual([250, 250])
  const wrong = inputs.filter((input) => !input.answer.test(answers.get(input)!))
  expect(wrong.map((input) => `${input.name}: ${answers.get(input)}`)).toEqual([])
  expect((archive.mostMemory() - before.memory) / 2 ** 20).toBeLessThan(150)

  const expected = inputs.flatMap((input) =>
    expectedTraces(input, answers.get(input)!).map((trace) => ({ trace, name: input.name })),
  )
  expect(expected.length).toBeGreaterThan(300)
  let missing = expected
  const isTold = async () => {
    const seen = await traces()
    missing = expected.filter(({ trace }) => !seen.has(trace))
    return missing.length === 0
  }
  await until('every input to be told of', isTold, 60_000).catch(() => expect(missing).toEqual([]))
  const unadmitted = inputs.filter(
    (input) => input.stage === 'instead' && /abort|closed|gone/.test(answers.get(input)!),
  )
  const names = unadmitted.map(({ callingAe }) => callingAe)
  await until(
    'all who never were let in to be counted',
    async () => (await unadmittedCounted(names)) >= unadmitted.length,
    30_000,
  )
  expect(await unadmittedCounted(names)).toBe(unadmitted.length)

  await until('the descriptors', async () => archive.hasLetGo(before), 30_000)
  expect(await send('CT1', series('2.25.6', 5))).toBe(5)
  const { sql } = archive.department
  const filed = async () => (await sql`select 1 from instances where source_ae in ('CT1', 'CT2')`).length
  await until('every image in the index', async () => (await filed()) >= 545, 30_000)
  expect(await filed()).toBe(545)
}, 180_000)

/** `H0001 association.broken-off`: what an administrator can read of each device. */
async function traces(): Promise<Set<string>> {
  const { sql } = archive.department
  const rows = await sql<{ trace: string }[]>`
    select distinct substr(chain, 8) || ' ' || type as trace from audit_events where chain like 'device:H%'
    union select source_ae || ' quarantine' from quarantine where source_ae like 'H%'`
  return new Set(rows.map(({ trace }) => trace))
}

/** Conversations that ended before an association: of those who had said their name, and of all who had not. */
async function unadmittedCounted(names: string[]): Promise<number> {
  const chains = ['(none)', ...names].map((name) => `device:${name}`)
  const [row] = await archive.department.sql<{ times: number }[]>`
    select coalesce(sum(coalesce((data->>'times')::int, 1)), 0)::int as times from audit_events
    where chain = any(${chains}) and outcome <> 'success'`
  return row!.times
}
