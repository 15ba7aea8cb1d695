import { randomUUID } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Dataset } from '#archive/dimse/dataset.ts'
import { encodeDataset } from '#archive/dimse/encode.ts'
import { newUid } from '#archive/dimse/uid.ts'
import { openArchive, type TestArchive, until } from '#archive/scp/archive.fixture.ts'
import { FileStore } from '#archive/storage/file-store.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { Ingest } from './ingest.ts'
import { Journal } from './journal.ts'

let archive: TestArchive

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
})

afterAll(() => archive.close())

const CT_STORAGE = '1.2.840.10008.5.1.4.1.1.2'
const EXPLICIT = '1.2.840.10008.1.2.1'

function anObject(more: Record<string, string> = {}) {
  const sopInstanceUid = newUid()
  const dataset = Dataset.of({
    SOPClassUID: CT_STORAGE,
    SOPInstanceUID: sopInstanceUid,
    StudyInstanceUID: newUid(),
    SeriesInstanceUID: newUid(),
    PatientName: 'TESTPERSON^VERA',
    PatientID: `P-${randomUUID()}`,
    Modality: 'CT',
    ...more,
  })
  return { sopInstanceUid, bytes: encodeDataset(dataset, EXPLICIT) }
}

async function receive({ sopInstanceUid, bytes }: ReturnType<typeof anObject>): Promise<void> {
  const incoming = await archive.ingest.begin({
    sopClassUid: CT_STORAGE,
    sopInstanceUid,
    transferSyntaxUid: EXPLICIT,
    sourceAe: 'CT1',
    peer: '127.0.0.1',
  })
  await incoming.write(bytes)
  expect(await incoming.finish()).toBeNull()
}

async function blobOf(sopInstanceUid: string): Promise<string | null> {
  const [row] = await archive.department.sql<
    { blob: string }[]
  >`select blob from instances where sop_instance_uid = ${sopInstanceUid}`
  return row?.blob ?? null
}

const journal = () => join(archive.root, 'journal')

/** Journal lines of an earlier process. */
function leave(keys: string[]): void {
  mkdirSync(journal(), { recursive: true })
  appendFileSync(join(journal(), '00000000000000000000000000.log'), keys.map((key) => `${key}\n`).join(''))
}

test('an object that was acknowledged and not indexed before a crash is indexed at the next start, and once', async () => {
  const object = anObject()
  await receive(object)
  await until('the first index', async () => (await blobOf(object.sopInstanceUid)) !== null)
  const blob = (await blobOf(object.sopInstanceUid))!
  const { sql } = archive.department
  // As a crash between Success and the index leaves it: bytes and journal, and no row.
  await sql`delete from instances where blob = ${blob}`
  leave([blob])
  await archive.reopen()
  expect(await blobOf(object.sopInstanceUid)).toBe(blob)
  const [row] = await sql`select source_ae, bytes from instances where blob = ${blob}`
  expect(row!.source_ae).toBe('CT1')
  expect(readdirSync(journal())).toEqual([])
  leave([blob])
  await archive.reopen()
  const [counted] = await sql<
    { count: number }[]
  >`select count(*) from instances where sop_instance_uid = ${object.sopInstanceUid}`
  expect(counted!.count).toBe(1)
})

test('an object whose note outran its bytes when the power went is taken out: nobody was told Success', async () => {
  const object = anObject()
  await receive(object)
  await until('the first index', async () => (await blobOf(object.sopInstanceUid)) !== null)
  const blob = (await blobOf(object.sopInstanceUid))!
  await archive.department.sql`delete from instances where blob = ${blob}`
  leave([`${blob} ${'0'.repeat(64)}`])
  await archive.reopen()
  expect(await blobOf(object.sopInstanceUid)).toBeNull()
  await expect(archive.store.open(blob)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a replayed object that cannot be read is set aside, and one that never came to be is passed over', async () => {
  const { store, department } = archive
  const writer = await store.create()
  await writer.writeHeader(Buffer.alloc(0))
  await writer.write(Buffer.from('no DICOM at all'))
  const { key } = await writer.commit()
  leave([key, 'objects/26/01/01ARZ3NDEKTSV4RRFFQ69G5FAV.dcm'])
  await archive.reopen()
  const rows = await department.sql<{ reason: string }[]>`select reason from quarantine where blob = ${key}`
  expect(rows).toHaveLength(1)
  leave([key])
  await archive.reopen()
  expect(await department.sql`select 1 from quarantine where blob = ${key}`).toHaveLength(1)
})

test('half-written objects of a crash are swept away before anybody is let in', async () => {
  const writer = await archive.store.create()
  await writer.write(Buffer.from('half'))
  const part = join(archive.root, `${writer.key}.part`)
  expect(existsSync(part)).toBe(true)
  expect(await archive.store.sweepUnfinished({ olderThanMs: -1_000 })).toBe(1)
  expect(existsSync(part)).toBe(false)
  await writer.abort()
})

test('past the backlog limit Success waits for the index', async () => {
  const slow = await openArchive(await testDatabase(), { backlogLimit: 0, gatherMs: 300 })
  try {
    const object = anObject()
    const incoming = await slow.ingest.begin({
      sopClassUid: CT_STORAGE,
      sopInstanceUid: object.sopInstanceUid,
      transferSyntaxUid: EXPLICIT,
      sourceAe: 'CT1',
      peer: '',
    })
    await incoming.write(object.bytes)
    await incoming.finish()
    const rows = await slow.department
      .sql`select 1 from instances where sop_instance_uid = ${object.sopInstanceUid}`
    expect(rows).toHaveLength(1)
  } finally {
    await slow.close()
  }
})

test('one object the database refuses keeps no other of its batch out of the index', async () => {
  const good = [anObject(), anObject()]
  // Rows is an unsigned short; a column of the index holds less than what a broken object may claim as its frames.
  const bad = anObject({ NumberOfFrames: '99999999999' })
  await Promise.all([receive(good[0]!), receive(bad), receive(good[1]!)])
  for (const { sopInstanceUid } of good)
    await until('the good ones', async () => (await blobOf(sopInstanceUid)) !== null)
  await until('the bad one set aside', async () => {
    const rows = await archive.department.sql`
      select 1 from quarantine where sop_instance_uid = ${bad.sopInstanceUid} and reason = 'index-refused'`
    return rows.length === 1
  })
})

test('the journal keeps what is not done, and its segments go when all of theirs is', async () => {
  const directory = join(archive.root, `journal-${randomUUID()}`)
  const first = await Journal.open(directory)
  const keys = Array.from({ length: 2_500 }, (_, index) => `key-${index}`)
  await Promise.all(keys.slice(0, 1_200).map((key) => first.journal.note(key, 'hash')))
  await Promise.all(keys.slice(1_200, 2_400).map((key) => first.journal.note(key, 'hash')))
  await first.journal.note(keys[2_400]!, 'hash')
  await first.journal.done(keys.slice(0, 2_399))
  // As a kill leaves it: nothing is closed, and a line was cut short.
  const left = readdirSync(directory)
  appendFileSync(join(directory, left.at(-1)!), 'key-cut')
  const second = await Journal.open(directory)
  const unfinished = second.unfinished.map(({ key }) => key)
  expect(unfinished).toEqual(expect.arrayContaining(keys.slice(2_399, 2_401)))
  expect(unfinished.length).toBeLessThanOrEqual(2_401)
  expect(unfinished).not.toContain('key-cut')
  expect(new Set(second.unfinished.map(({ sha256 }) => sha256))).toEqual(new Set(['hash']))
  await second.settle()
  expect(readdirSync(directory)).toEqual([])
  await first.journal.close()
})

test('a journal line that the power cut short is no object, and the room behind the lines is none either', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'isocenter-journal-'))
  const { journal } = await Journal.open(directory)
  await journal.note('objects/26/11/01ARZ3NDEKTSV4RRFFQ69G5FAV.dcm', 'a'.repeat(64))
  const [name = ''] = readdirSync(directory)
  const written = readFileSync(join(directory, name))
  expect(written.length).toBeGreaterThan(100_000)
  const torn = Buffer.from(`objects/26/11/01ARZ3ND\0\0\0${'b'.repeat(20)}\nobjects/26/11/01ARZ`)
  torn.copy(written, written.indexOf('\n') + 1)
  writeFileSync(join(directory, name), written)
  const { unfinished } = await Journal.open(directory)
  expect(unfinished).toEqual([
    { key: 'objects/26/11/01ARZ3NDEKTSV4RRFFQ69G5FAV.dcm', sha256: 'a'.repeat(64) },
  ])
  await journal.close()
})

test('an object that got its name and no note before a crash is taken in at the next start, and once', async () => {
  const object = anObject()
  await receive(object)
  await until('the index', async () => (await blobOf(object.sopInstanceUid)) !== null)
  const blob = (await blobOf(object.sopInstanceUid))!
  const { sql } = archive.department
  // As the crash leaves it: bytes under their name, no note and no row.
  await sql`delete from instances where blob = ${blob}`
  const now = Date.now()
  const begun = async (from: number, until: number) =>
    (await Readable.from(archive.store.keysBegun({ from, until })).toArray()).flat()
  expect(await begun(now - 3_600_000, now - 1_800_000)).not.toContain(blob)
  const keys = await begun(now - 600_000, now + 1_000)
  expect(keys).toContain(blob)
  expect(await archive.ingest.adopt(keys)).toBe(1)
  expect(await blobOf(object.sopInstanceUid)).toBe(blob)
  expect(await archive.ingest.adopt(keys)).toBe(0)
  // Its sender had no answer and sent it again before anybody looked: what was acknowledged stays.
  await sql`delete from instances where blob = ${blob}`
  await receive(object)
  await until('the index', async () => (await blobOf(object.sopInstanceUid)) !== null)
  const again = (await blobOf(object.sopInstanceUid))!
  expect(await archive.ingest.adopt(keys)).toBe(0)
  expect(await blobOf(object.sopInstanceUid)).toBe(again)
  expect(await archive.store.open(blob).catch(({ code }) => code)).toBe('ENOENT')
})

test('an object that is set aside while the database does not answer is refused without it, and stands there when it is back', async () => {
  const { sql } = archive.department
  const { sopInstanceUid, bytes } = anObject()
  const announced = { sopClassUid: CT_STORAGE, sopInstanceUid, transferSyntaxUid: EXPLICIT }
  const aside = () => sql<{ reason: string }[]>`
    select reason from quarantine where sop_instance_uid = ${sopInstanceUid}`
  await sql`alter table quarantine rename to quarantine_away`
  try {
    const incoming = await archive.ingest.begin({ ...announced, sourceAe: 'CT1', peer: '127.0.0.1' })
    await incoming.write(bytes.subarray(0, 40))
    expect(await incoming.finish()).toMatchObject({ reason: 'dataset-truncated' })
  } finally {
    await sql`alter table quarantine_away rename to quarantine`
  }
  await until('its row', async () => (await aside()).length === 1)
  expect(await aside()).toEqual([{ reason: 'dataset-truncated' }])
})

test('what could not be kept whole, or not be noted, leaves no file and no open one', async () => {
  const root = mkdtempSync(join(tmpdir(), 'isocenter-unkept-'))
  const [store, journalDirectory] = [new FileStore(root), join(root, 'journal')]
  const { department } = archive
  const log = pino({ level: 'silent' })
  const ingest = await Ingest.open({ department, store, journalDirectory, aeTitle: 'ISOCENTER', log })
  const { sopInstanceUid, bytes } = anObject()
  const coming = { sopClassUid: CT_STORAGE, sopInstanceUid, transferSyntaxUid: EXPLICIT }
  const begun = async () => {
    const incoming = await ingest.begin({ ...coming, sourceAe: 'CT1', peer: '127.0.0.1' })
    await incoming.write(bytes)
    return incoming
  }
  const objects = join(root, 'objects')
  // No room for a note.
  rmSync(journalDirectory, { recursive: true })
  await expect((await begun()).finish()).rejects.toMatchObject({ code: 'ENOENT' })
  const left = () =>
    readdirSync(objects, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
  expect(left()).toEqual([])
  // No way to its name.
  mkdirSync(journalDirectory)
  const unnamed = await begun()
  const [part] = left()
  mkdirSync(join(part!.parentPath, part!.name.replace('.part', '')))
  await expect(unnamed.finish()).rejects.toMatchObject({ code: 'EISDIR' })
  expect(left()).toEqual([])
  expect(openUnder(objects)).toEqual([])
  await ingest.close(1_000)
})

/** Files below a folder that this process holds open. */
function openUnder(folder: string): string[] {
  const open = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return '' // Closed meanwhile.
    }
  })
  return open.filter((path) => path.startsWith(folder) && path.includes('.dcm'))
}
