import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { protocolFile } from '#archive/dimse/hanging-protocol.fixture.ts'
import { readPart10 } from '#archive/dimse/part10.ts'
import { newUid } from '#archive/dimse/uid.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { receivedProtocols } from '#db/queries/viewer-settings.ts'
import { dcmtk, findscu, openArchive, type TestArchive, until } from './archive.fixture.ts'

let archive: TestArchive

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
  await archive.department.sql`
    update devices set policy = policy || '{"sopClasses":["1.2.840.10008.5.1.4.1.1.4"]}' where ae_title = 'MR1'`
})

afterAll(() => archive.close())

async function dcmsend(file: Buffer, aet = 'CT1'): Promise<string> {
  const path = join(mkdtempSync(join(tmpdir(), 'protocol-')), 'protocol.dcm')
  writeFileSync(path, file)
  const at = ['127.0.0.1', String(archive.port)]
  return (await dcmtk('dcmsend', ['-v', '-aet', aet, '-aec', 'ISOCENTER', ...at, path])).said
}

const SUCCESS = 'Received C-STORE Response (Success)'

/** Its rows and whether their bytes are there, oldest first. */
async function kept(sopInstanceUid: string) {
  const rows = await archive.department.sql<{ blob: string; decision: string; source_ae: string }[]>`
    select blob, decision, source_ae from quarantine where sop_instance_uid = ${sopInstanceUid} order by received_at, id`
  return rows.map(({ blob, ...row }) => ({ ...row, path: join(archive.root, blob) }))
}

test('[VW-02] a Hanging Protocol that is sent is kept bit for bit for the readers, and is in no study', async () => {
  const sopInstanceUid = newUid()
  const file = protocolFile({ sopInstanceUid, name: 'FROM CT1' })
  expect(await dcmsend(file)).toContain(SUCCESS)
  expect(await dcmsend(file)).toContain(SUCCESS)
  const [row, ...more] = await kept(sopInstanceUid)
  expect([row, more]).toMatchObject([{ decision: 'taken', source_ae: 'CT1' }, []])
  const dataset = (bytes: Buffer) => bytes.subarray(readPart10(bytes).datasetOffset)
  expect(dataset(readFileSync(row!.path)).equals(dataset(file))).toBe(true)
  const [received] = await receivedProtocols(archive.department.sql)
  expect(received).toMatchObject({ sourceAe: 'CT1', values: { HangingProtocolName: ['FROM CT1'] } })
  const keys = ['QueryRetrieveLevel=STUDY', 'StudyInstanceUID']
  expect(await findscu(archive.port, { model: '-S', keys })).toEqual([])
  const { sql } = archive.department
  expect(await sql`select 1 from exceptions`).toEqual([])
  const told =
    await sql`select actor_id, chain, data from audit_events where type = 'hanging-protocol.received'`
  const data = { sopInstanceUid, leftOut: 2, isNewer: false }
  expect(told).toEqual([{ actor_id: 'CT1', chain: 'device:CT1', data }])
})

test('[VW-02] a newer one under the same UID takes its place, and the older is not lost', async () => {
  const sopInstanceUid = newUid()
  for (const name of ['FIRST', 'SECOND'])
    expect(await dcmsend(protocolFile({ sopInstanceUid, name }))).toContain(SUCCESS)
  const rows = await kept(sopInstanceUid)
  expect(rows.map(({ decision, path }) => [decision, existsSync(path)])).toEqual([
    ['replaced', true],
    ['taken', true],
  ])
  const [received] = await receivedProtocols(archive.department.sql)
  expect(received!.values.HangingProtocolName).toEqual(['SECOND'])
})

test('[VW-02] one that shows nothing is refused and set aside, with the reason where an administrator reads it', async () => {
  const sopInstanceUid = newUid()
  const said = await dcmsend(protocolFile({ sopInstanceUid, hasBoxes: false }))
  expect(said).toMatch(/Received C-STORE Response \(Error: Cannot ?understand\)/i)
  expect(await kept(sopInstanceUid)).toMatchObject([{ decision: null }])
  const [told] = await archive.department
    .sql`select reason from exceptions where reason_code = 'shows-nothing'`
  expect(told!.reason).toContain('a hanging protocol without an image box that has a place')
})

test('[VW-02] a device whose list of SOP classes is without them sends none', async () => {
  const sopInstanceUid = newUid()
  await dcmsend(protocolFile({ sopInstanceUid }), 'MR1')
  expect(await kept(sopInstanceUid)).toEqual([])
  const told = () => archive.department.sql<{ refs: object }[]>`
    select refs from exceptions where reason_code = 'context-not-accepted'`
  await until('the refusal on the list', async () => (await told()).length === 1)
  expect((await told())[0]!.refs).toMatchObject({ setting: 'devices.MR1.policy.sopClasses' })
})

test('[VW-02] one that a killed process left whole is taken at the next look', async () => {
  const sopInstanceUid = newUid()
  const file = protocolFile({ sopInstanceUid })
  const writer = await archive.store.create()
  const { datasetOffset } = readPart10(file)
  writer.writeHeader(file.subarray(0, datasetOffset))
  await writer.write(file.subarray(datasetOffset))
  const { key } = await writer.commit()
  expect(await archive.ingest.adopt([key])).toBe(1)
  expect(await kept(sopInstanceUid)).toMatchObject([{ decision: 'taken' }])
})
