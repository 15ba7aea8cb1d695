/** Reading stored objects again: what is damaged or gone is found, told, and forgotten once it is mended. */
import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  CORPUS,
  dcmtk,
  openArchive,
  readDataset,
  type TestArchive,
  until,
} from '#archive/scp/archive.fixture.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { health } from '#db/queries/health.ts'
import { invariantViolations } from '#db/queries/invariants.ts'
import { verifyStored } from './verification.ts'

let archive: TestArchive

interface Row {
  id: string
  blob: string
  verified: boolean
  damaged: string | null
}

const rows = () =>
  archive.department.sql<Row[]>`
    select id, blob, verified_at is not null as verified, damaged from instances order by id`

const verify = (budgetBytes = 1e9) => verifyStored(archive, { budgetBytes })

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
  const files = ['01', '02', '03'].map((name) => `${CORPUS}ct-head/${name}.dcm`)
  const at = ['127.0.0.1', String(archive.port)]
  await dcmtk('dcmsend', ['-aet', 'CT1', '-aec', 'ISOCENTER', ...at, ...files])
  await until('three objects', async () => (await rows()).length === 3)
})

afterAll(() => archive.close())

/** As the next round finds them once the period is over. */
const periodPasses = () =>
  archive.department.sql`update instances set verified_at = verified_at - interval '31 days'`

const minutesPass = () =>
  archive.department.sql`update instances set verified_at = verified_at - interval '11 minutes'`

async function damageFaults(): Promise<unknown[]> {
  const { faults } = await health(archive.department.sql, new Date())
  return faults.filter(({ id }) => id === 'objects-damaged').map(({ values }) => values)
}

test('[AR-11] every object is read again, so much at a time, and not again before its period is over', async () => {
  expect(await verify(1)).toEqual({ read: 1, damaged: 0 })
  expect((await rows()).filter(({ verified }) => verified)).toHaveLength(1)
  expect(await verify()).toEqual({ read: 2, damaged: 0 })
  expect(await verify()).toEqual({ read: 0, damaged: 0 })
  await periodPasses()
  expect(await verify()).toEqual({ read: 3, damaged: 0 })
  expect(await damageFaults()).toEqual([])
})

test('[AR-11] an altered and a missing object are found, shown, and forgotten once they are back', async () => {
  const { sql } = archive.department
  const [altered, missing] = [...(await rows())] as [Row, Row, Row]
  const path = ({ blob }: Row) => join(archive.root, blob)
  const [first, second] = [readFileSync(path(altered)), readFileSync(path(missing))]
  const bytes = Buffer.from(first)
  bytes[bytes.length - 100]! ^= 1
  writeFileSync(path(altered), bytes)
  rmSync(path(missing))
  await periodPasses()
  expect(await verify()).toEqual({ read: 3, damaged: 2 })

  expect((await rows()).map(({ damaged }) => damaged)).toEqual(['altered', 'missing', null])
  const open = () => sql<{ reason_code: string; work: string }[]>`
    select e.reason_code, w.state as work from exceptions e join work_items w on w.subject_id = e.id
    where e.key like 'blob:%' and e.state = 'open' order by e.reason_code`
  expect(await open()).toEqual([
    { reason_code: 'object-altered', work: 'open' },
    { reason_code: 'object-missing', work: 'open' },
  ])
  expect(await damageFaults()).toEqual([{ count: 2 }])
  const violations = await invariantViolations(sql)
  expect(violations.map(({ refs }) => refs.damaged).sort()).toEqual(['altered', 'missing'])
  const availability = async () =>
    (await sql`select availability from studies`).map((row) => row.availability)
  expect(await availability()).toEqual(['UNAVAILABLE'])
  // Whatever the altered bytes are, they go out as this image no more.
  expect(await retrieved()).toMatchObject({ completed: 1, failed: 2 })

  // They alone are soon looked at again, and told of once.
  expect(await verify()).toEqual({ read: 0, damaged: 0 })
  await minutesPass()
  expect(await verify()).toEqual({ read: 2, damaged: 2 })
  writeFileSync(path(altered), first)
  writeFileSync(path(missing), second)
  await minutesPass()
  expect(await verify()).toEqual({ read: 2, damaged: 0 })
  expect(await open()).toEqual([])
  expect(await damageFaults()).toEqual([])
  expect(await invariantViolations(sql)).toEqual([])
  expect(await availability()).toEqual(['ONLINE'])
  expect(await retrieved()).toMatchObject({ completed: 3, failed: 0 })
  const trail = await sql<{ type: string }[]>`
    select type from audit_events where type like 'instance.%' order by id`
  expect(trail.map(({ type }) => type).sort()).toEqual([
    'instance.damaged',
    'instance.damaged',
    'instance.mended',
    'instance.mended',
  ])
})

test('[AR-11] a damaged object is sound again when its sender sends it once more', async () => {
  const { sql } = archive.department
  const file = `${CORPUS}ct-head/03.dcm`
  const find = async () =>
    (
      await sql<(Row & { dataset_offset: number; sha256: string })[]>`
        select * from instances where sop_instance_uid = ${readDataset(file).text('SOPInstanceUID')!}`
    )[0]!
  const before = await find()
  rmSync(join(archive.root, before.blob))
  await periodPasses()
  expect(await verify()).toEqual({ read: 3, damaged: 1 })
  const at = ['127.0.0.1', String(archive.port)]
  await dcmtk('dcmsend', ['-aet', 'CT1', '-aec', 'ISOCENTER', ...at, file])
  await until('the object healed', async () => (await find()).damaged === null)
  const after = await find()
  expect([after.id, after.sha256]).toEqual([before.id, before.sha256])
  expect(after.blob).not.toBe(before.blob)
  expect(readFileSync(join(archive.root, after.blob)).length).toBeGreaterThan(after.dataset_offset)
  expect(await damageFaults()).toEqual([])
  expect(await verify()).toEqual({ read: 1, damaged: 0 })
  expect(await sql`select 1 from exceptions where key like 'blob:%' and state = 'open'`).toEqual([])
})

test('[AR-11] an object that cannot be read at all, or was read by a clock that ran ahead, keeps no other from being read', async () => {
  const [first] = [...(await rows())] as [Row, Row, Row]
  const path = join(archive.root, first.blob)
  renameSync(path, `${path}.away`)
  symlinkSync(path, path)
  await periodPasses()
  expect(await verify()).toEqual({ read: 3, damaged: 1 })
  rmSync(path)
  renameSync(`${path}.away`, path)
  await archive.department.sql`update instances set verified_at = now() + interval '1 year'`
  expect(await verify()).toEqual({ read: 3, damaged: 0 })
  expect(await verify()).toEqual({ read: 0, damaged: 0 })
})

test('[AR-11] how long it takes to read all of them is said, and that it is too long for the period', async () => {
  const { sql } = archive.department
  const found = () => health(sql, new Date())
  const late = async () => (await found()).faults.filter(({ id }) => id === 'verification-late')
  const setRate = (bytesPerSecond: number) =>
    sql`update policies set body = body || ${sql.json({ verification: { everyMs: 30 * 86_400_000, bytesPerSecond } })}`
  const { figures } = await found()
  expect(figures.verificationMs).toBeCloseTo(figures.storedBytes! / 20_000, 3)
  expect(figures.oldestVerifiedMs).toBeLessThan(86_400_000)
  expect(await late()).toEqual([])
  await setRate(figures.storedBytes! / (40.5 * 86_400))
  expect(await late()).toMatchObject([{ severity: 'degraded', values: { days: 40, every: 30 } }])
  await setRate(20_000_000)
  // Whatever keeps it from being read.
  await sql`update instances set verified_at = now() - interval '50 days 1 hour' where id = (select min(id) from instances)`
  expect(await late()).toMatchObject([{ values: { days: 50, every: 30 } }])
})

/** How many sub-operations of a C-GET of the whole study were completed, and how many failed. */
async function retrieved(): Promise<{ completed: number; failed: number }> {
  const studyUid = readDataset(`${CORPUS}ct-head/01.dcm`).text('StudyInstanceUID')!
  const keys = ['-k', 'QueryRetrieveLevel=STUDY', '-k', `StudyInstanceUID=${studyUid}`]
  const out = mkdtempSync(join(tmpdir(), 'isocenter-get-'))
  const who = ['-v', '-S', '-aet', 'GETSCU', '-aec', 'ISOCENTER', '-od', out]
  const { said } = await dcmtk('getscu', [...who, ...keys, '127.0.0.1', String(archive.port)])
  const count = (of: string) => Number(new RegExp(`${of} Suboperations *: (\\d+)`).exec(said)?.[1])
  return { completed: count('Completed'), failed: count('Failed') }
}
