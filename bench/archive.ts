/** The archive beside its peers, in one run: what they store, hand out and find, and the ratios. `--write` writes docs/benchmarks.md. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { getStudy, moveStudy } from './archive/retrieve.ts'
import { isocenter, orthanc, type Server, storescp } from './archive/servers.ts'
import { type Stored, send, storeOnAll } from './archive/store.ts'
import { type Asked, FRAME, METADATA, throughput } from './archive/web.ts'
import { writeSection } from './document.ts'
import { load, machine } from './machine.ts'
import { percentile } from './percentile.ts'

const { values: options } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: 'disk,memory,large,web,retrieve' },
  },
})
const rounds = Number(options.rounds)
/** Images of one turn, as many as a study of a CT has; and before the first turn, so that no server is measured cold. */
const CT_A_TURN = 800
const parts = options.only.split(',')
const lines: string[] = []

for (const program of ['Orthanc', 'storescp', 'movescu', 'getscu']) need(program)
const loadBefore = load()
if (parts.includes('disk')) await onDisk()
if (parts.includes('memory')) await inMemory()
if (parts.includes('large')) await largeObjects()
if (parts.includes('web') || parts.includes('retrieve')) await handedOut()

const text = `Measured ${new Date().toISOString().slice(0, 10)} on ${machine()}; load average before ${loadBefore}; Orthanc ${version('Orthanc', ['--version'])} with its DICOMweb plug-in, DCMTK ${version('storescp', ['--version'])}, both from Debian and with TCP_NODELAY=1; medians of ${rounds} rounds in which all servers take their turn, with ${CT_A_TURN} CT each and as many before the first; of what is stored, each ratio is the median of the ratios of its rounds, since the machine is now faster and now slower.

| Work | Isocenter | Peer | Ratio |
|---|---:|---:|---:|
${lines.join('\n')}

What Success means: Isocenter: object, its directory and the journal are synced, the index follows within a second. Orthanc: the object is synced; its SQLite index is not, on Postgres it is committed. storescp: nothing is synced, and there is no index.`
process.stdout.write(`\n${text}\n`)
if (options.write) writeSection('archive', text)

async function onDisk(): Promise<void> {
  await among(tmpdir(), { withPostgres: true }, async (servers) => {
    await warm(servers)
    for (const associations of [1, 4, 8]) {
      const stored = await storeOnAll(servers, { kind: 'ct', count: CT_A_TURN, associations, rounds })
      compare(`C-STORE CT (0.5 MB) on disk, ${plural(associations)}`, stored)
    }
  })
}

async function inMemory(): Promise<void> {
  await among('/dev/shm', {}, async (servers) => {
    await warm(servers)
    for (const associations of [1, 4, 8]) {
      const stored = await storeOnAll(servers, { kind: 'ct', count: CT_A_TURN, associations, rounds })
      compare(`C-STORE CT in memory (processor-bound), ${plural(associations)}`, stored)
    }
  })
}

async function largeObjects(): Promise<void> {
  await among(tmpdir(), {}, async (servers) => {
    await warm(servers)
    const stored = await storeOnAll(servers, { kind: 'mammogram', count: 12, associations: 4, rounds })
    compare('C-STORE of 50 MB objects, 4 associations', stored)
    const [ours, ...peers] = stored
    for (const peer of peers.filter(({ server }) => server.name.startsWith('Orthanc')))
      lines.push(
        `| Peak memory of the process meanwhile | ${ours!.peakMegabytes.toFixed(0)} MB | ${peer.server.name} ${peer.peakMegabytes.toFixed(0)} MB | |`,
      )
  })
}

async function handedOut(): Promise<void> {
  await among(tmpdir(), {}, async (servers, ports) => {
    const [ours, theirs] = servers as [Server, Server]
    if (parts.includes('web')) await overTheWeb([ours, theirs])
    if (parts.includes('retrieve')) await retrieved([ours, theirs], ports.storescpFolder)
  })
}

async function overTheWeb(servers: readonly [Server, Server]): Promise<void> {
  const stored: OverTheWeb[] = []
  for (const server of servers) stored.push(await storedForTheWeb(server))
  const compared = async (work: string, of: keyof Omit<OverTheWeb, 'server'>, connections: number) => {
    const readings = stored.map((one) => ({ server: one.server, asked: one[of] }))
    const [our, their] = await throughput(readings, { connections, rounds })
    line(work, our!, their!, servers[1].name)
  }
  await compared('WADO-RS frames of a CT series, 8 connections (frames/s)', 'frames', 8)
  await compared('One frame of a 96-frame object (frames/s)', 'someOfMany', 1)
  await compared('Metadata of a series of 500 (answers/s)', 'metadata', 1)
}

/** What is asked for, on the server that it was stored on. */
interface OverTheWeb {
  server: Server
  frames: Asked[]
  someOfMany: Asked[]
  metadata: Asked[]
}

async function storedForTheWeb(server: Server): Promise<OverTheWeb> {
  const series = await send(server, { kind: 'ct', count: 500, associations: 4 })
  const large = await send(server, { kind: 'multiframe', count: 1, associations: 1 })
  await indexed(server, series.studyUid, 500)
  await indexed(server, large.studyUid, 1)
  const frame = { accept: FRAME, leastBytes: 512 * 512 * 2 }
  const root = `/studies/${series.studyUid}/series/${series.seriesUid}`
  const one = `/studies/${large.studyUid}/series/${large.seriesUid}/instances/${large.sopInstanceUids[0]}`
  return {
    server,
    frames: series.sopInstanceUids.map((uid) => ({ path: `${root}/instances/${uid}/frames/1`, ...frame })),
    someOfMany: Array.from({ length: 12 }, (_, n) => ({ path: `${one}/frames/${n * 8 + 1}`, ...frame })),
    metadata: [{ path: `${root}/metadata`, accept: METADATA, leastBytes: 500 * 100 }],
  }
}

async function retrieved(servers: readonly [Server, Server], folder: string): Promise<void> {
  const seconds = { get: servers.map(() => [] as number[]), move: servers.map(() => [] as number[]) }
  const studies: string[] = []
  for (const server of servers) {
    const { studyUid } = await send(server, { kind: 'ct', count: 500, associations: 4 })
    await indexed(server, studyUid, 500)
    studies.push(studyUid)
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, server] of servers.entries()) {
      const studyUid = studies[at]!
      seconds.get[at]!.push(await getStudy(server, studyUid, 500))
      const destination = { destination: 'STORESCP', folder }
      seconds.move[at]!.push(await moveStudy(server, { studyUid, expected: 500, ...destination }))
    }
  }
  const rate = (figures: number[]) => 500 / percentile(figures, 50)
  line('C-GET of 500 CT by getscu (objects/s)', rate(seconds.get[0]!), rate(seconds.get[1]!), servers[1].name)
  line(
    'C-MOVE of 500 CT to storescp (objects/s)',
    rate(seconds.move[0]!),
    rate(seconds.move[1]!),
    servers[1].name,
  )
}

interface Ports {
  storescpFolder: string
}

/** A department, Orthanc and storescp, started for this part of the run on folders below `tmp`. */
async function among(
  tmp: string,
  { withPostgres = false }: { withPostgres?: boolean },
  work: (servers: Server[], ports: Ports) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmp, 'isocenter-bench-'))
  const department = await isocenter(folder)
  const started: Server[] = [department.server]
  try {
    const receiver = await storescp(folder, department.storescpPort)
    const moveTo = { aeTitle: 'STORESCP', port: receiver.dicomPort }
    started.push(await orthanc(folder, { moveTo }))
    if (withPostgres)
      started.push(await orthanc(folder, { postgres: await database(department.postgres), moveTo }))
    started.push(receiver)
    say(`${started.map(({ name }) => name).join(', ')} on ${tmp}`)
    await work(started, { storescpFolder: receiver.folder })
  } finally {
    for (const server of started.reverse()) await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A database of its own for Orthanc, in the cluster that the department uses. */
async function database(url: string): Promise<string> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined })
  await sql.unsafe('create database orthanc')
  await sql.end()
  const own = new URL(url)
  own.pathname = '/orthanc'
  return own.href
}

async function warm(servers: readonly Server[]): Promise<void> {
  for (const server of servers) await send(server, { kind: 'ct', count: CT_A_TURN, associations: 4 })
}

/** Until DICOMweb counts all objects of the study. */
async function indexed({ web }: Server, studyUid: string, count: number): Promise<void> {
  for (let tries = 0; tries < 120; tries += 1) {
    const answer = await fetch(`${web!.url}/studies/${studyUid}/instances?limit=1000`, {
      headers: { ...web!.headers, accept: 'application/dicom+json' },
    })
    if (answer.status === 200 && ((await answer.json()) as unknown[]).length === count) return
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  throw new Error('a study was not indexed within half a minute')
}

function compare(work: string, [ours, ...peers]: readonly Stored[]): void {
  for (const peer of peers) {
    const ratios = ours!.rates.map((rate, round) => rate / peer.rates[round]!)
    const [our, their] = [percentile(ours!.rates, 50), percentile(peer.rates, 50)]
    line(`${work} (MB/s)`, our, their, peer.server.name, percentile(ratios, 50))
  }
}

function line(work: string, our: number, their: number, peer: string, ratio = our / their): void {
  const digits = (value: number) => (value >= 10 ? value.toFixed(0) : value.toFixed(2))
  lines.push(`| ${work} | ${digits(our)} | ${peer} ${digits(their)} | ${ratio.toFixed(2)} |`)
  say(lines.at(-1)!)
}

function plural(associations: number): string {
  return `${associations} association${associations === 1 ? '' : 's'}`
}

function version(program: string, args: string[]): string {
  const said = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  return /\d+\.\d+\.\d+/.exec(said)?.[0] ?? 'of unknown version'
}

function need(program: string): void {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
  } catch {
    process.stderr.write(
      `the bench compares with ${program}, which is not here: apt-get install orthanc orthanc-dicomweb orthanc-postgresql dcmtk\n`,
    )
    process.exit(3)
  }
}

function say(words: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${words}\n`)
}
