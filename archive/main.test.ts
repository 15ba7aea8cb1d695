import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import { freePort } from '#bin/testing/free-port.ts'
import type { Department } from '#db/department.ts'
import { seededDepartment } from '#db/order.fixture.ts'
import { encodeFileMeta } from './dimse/part10.ts'
import { newUid } from './dimse/uid.ts'
import { Ingest } from './ingest/ingest.ts'
import { findings, type StormImage, sendThroughKills, stormImages } from './kill-storm.fixture.ts'
import { CORPUS, dcmtk, until } from './scp/archive.fixture.ts'
import { FileStore } from './storage/file-store.ts'

let department: Department
let databaseUrl: string
let port: number
const home = mkdtempSync(join(tmpdir(), 'isocenter-archive-main-'))
const failpoint = join(home, 'failpoint')
const running: ChildProcess[] = []

beforeAll(async () => {
  databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  port = await freePort()
})

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  await department.close()
})

interface ArchiveProcess {
  child: ChildProcess
  /** Exit code, or the signal that ended it. */
  ended: Promise<number | string>
}

async function start({ turned = false } = {}): Promise<ArchiveProcess> {
  const settings = {
    DATABASE_URL: databaseUrl,
    ISOCENTER_HOME: home,
    ISOCENTER_DICOM_PORT: String(port),
    ISOCENTER_FAILPOINT_FILE: failpoint,
  }
  const pathOf = (name: string) => new URL(name, import.meta.url).pathname
  const clock = turned ? ['--import', pathOf('turned-clock.fixture.ts')] : []
  const child = spawn(process.execPath, [...clock, pathOf('main.ts')], {
    env: settings,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  running.push(child)
  const ended = new Promise<number | string>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal!)),
  )
  let log = ''
  child.stdout!.on('data', (chunk: Buffer) => {
    log += chunk
  })
  const ready = new Promise<void>((resolve) => child.on('message', () => resolve()))
  const failed = ended.then((how) => Promise.reject(new Error(`the archive ended with ${how}: ${log}`)))
  failed.catch(() => undefined)
  await Promise.race([ready, failed])
  return { child, ended }
}

/** An image of its own, so that every round can be told from the others. */
async function anImage(): Promise<{ file: string; uid: string }> {
  const uid = newUid()
  const file = join(home, `${uid}.dcm`)
  writeFileSync(file, readFileSync(`${CORPUS}ct-head/01.dcm`))
  const uids = ['-m', `0008,0018=${uid}`, '-m', `0020,000D=${newUid()}`, '-m', `0020,000E=${newUid()}`]
  expect((await dcmtk('dcmodify', ['-nb', ...uids, file])).code).toBe(0)
  return { file, uid }
}

async function send(file: string): Promise<boolean> {
  const { said } = await dcmtk('storescu', [
    '-v',
    '-aet',
    'CT1',
    '-aec',
    'ISOCENTER',
    '127.0.0.1',
    String(port),
    file,
  ])
  return said.includes('Received Store Response (Success)')
}

async function rowsOf(uid: string): Promise<number> {
  const [row] = await department.sql<
    { count: number }[]
  >`select count(*) from instances where sop_instance_uid = ${uid}`
  return row!.count
}

async function stop({ child, ended }: ArchiveProcess): Promise<number | string> {
  child.kill('SIGTERM')
  return ended
}

test('the archive says when it is ready, beats, and ends cleanly with what it took indexed', async () => {
  const archive = await start()
  const { file, uid } = await anImage()
  expect(await send(file)).toBe(true)
  const beats = () =>
    department.sql<
      { state: Record<string, number> }[]
    >`select state from heartbeats where process = 'archive'`
  expect(await beats()).toHaveLength(1)
  expect(await stop(archive)).toBe(0)
  expect(await rowsOf(uid)).toBe(1)
  expect(await beats()).toHaveLength(0)
})

const PLACES = [
  'store:before-sync',
  'store:after-sync',
  'store:after-success',
  'index-instances:before-commit',
  'index-instances:after-commit',
]

for (const place of PLACES) {
  test(`nothing acknowledged is lost or doubled when the archive is killed at ${place}`, async () => {
    const archive = await start()
    const { file, uid } = await anImage()
    writeFileSync(`${failpoint}.${place}`, '')
    const acknowledged = await send(file)
    expect(await archive.ended).toBe('SIGKILL')
    const again = await start()
    // What was acknowledged is there by itself; what was not is sent again, as any modality does.
    if (acknowledged) await until('the acknowledged image', async () => (await rowsOf(uid)) === 1)
    expect(await send(file)).toBe(true)
    await until('the image', async () => (await rowsOf(uid)) === 1)
    expect(await stop(again)).toBe(0)
    expect(await rowsOf(uid)).toBe(1)
    const aside = await department.sql`select 1 from quarantine where sop_instance_uid = ${uid}`
    expect(aside).toHaveLength(0)
    if (place === 'store:after-success' || place.startsWith('index')) expect(acknowledged).toBe(true)
    if (place === 'store:before-sync') expect(acknowledged).toBe(false)
  })
}

/** A whole object under its last name of which no note was made: what a process killed between the two leaves. */
async function leaveWithoutNote({ bytes, ...said }: StormImage): Promise<string> {
  const writer = await new FileStore(join(home, 'blobs')).create()
  writer.writeHeader(encodeFileMeta({ ...said, sendingAe: 'CT1', receivingAe: 'ISOCENTER' }))
  await writer.write((await bytes()) as Buffer)
  return (await writer.commit()).key
}

async function store({ bytes, ...said }: StormImage): Promise<void> {
  const [log, blobs] = [pino({ enabled: false }), join(home, 'blobs')]
  const ingest = await Ingest.open({
    ...{ department, store: new FileStore(blobs), log, aeTitle: 'ISOCENTER' },
    journalDirectory: join(home, 'journal'),
  })
  const coming = await ingest.begin({ ...said, sourceAe: 'CT1', peer: '127.0.0.1' })
  await coming.write((await bytes()) as Buffer)
  expect(await coming.finish()).toBeNull()
  await ingest.close(60_000)
}

test('[AR-01] what a killed process left whole and noted nowhere is looked for a minute after the start: filed, or removed where it has come again', async () => {
  const [unheard, again] = stormImages(2, 1024) as [StormImage, StormImage]
  await store(again)
  const left = [await leaveWithoutNote(unheard), await leaveWithoutNote(again)]
  const look = () => findings({ sql: department.sql, blobs: join(home, 'blobs') }, [unheard, again])
  expect(await look()).toMatchObject({ indexed: 1, unseen: 2 })
  const archive = await start({ turned: true })
  await until('what was left behind', async () => (await look()).unseen === 0, 30_000)
  expect(await look()).toEqual({ indexed: 2, lost: [], halves: [], doubled: 0, unseen: 0 })
  expect(left.map((key) => existsSync(join(home, 'blobs', key)))).toEqual([true, false])
  expect(await stop(archive)).toBe(0)
})

test('nothing acknowledged is lost, halved or doubled when the archive is killed again and again in the middle of a send', async () => {
  let archive = await start()
  const images = stormImages(200, 64 * 1024)
  const { acknowledged, kills } = await sendThroughKills({
    peer: { host: '127.0.0.1', port, callingAe: 'CT1', calledAe: 'ISOCENTER' },
    images,
    associations: 4,
    kills: 2,
    async kill() {
      archive.child.kill('SIGKILL')
      await archive.ended
      archive = await start()
    },
  })
  expect([acknowledged.size, kills]).toEqual([images.length, 2])
  // What waits for the index is written before the process ends.
  expect(await stop(archive)).toBe(0)
  const found = await findings({ sql: department.sql, blobs: join(home, 'blobs') }, images)
  expect(found).toMatchObject({ indexed: images.length, lost: [], halves: [], doubled: 0 })
})
