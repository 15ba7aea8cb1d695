/** Frames asked for one after another: what changes between two of them, and what the audit trail has to hold first. */
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { emptyDatabase } from '#bin/testing/database.ts'
import { actOf } from '#db/mutations/act.ts'
import { rejectInstances, revokeRejection } from '#db/mutations/rejections.ts'
import type { Access } from './access.ts'
import {
  anActor,
  program,
  type Served,
  type Stored,
  serve,
  type TestArchive,
  testArchive,
} from './archive.fixture.ts'

const lead = anActor('lead', ['lead'])

let archive: TestArchive
let served: Served
let access: Access
let ct: Stored[]
let cine: Stored

beforeAll(async () => {
  archive = await testArchive(await emptyDatabase())
  ct = await archive.store('ct-head/01.dcm', 'ct-head/02.dcm')
  ;[cine] = (await archive.store('us-cine/01.dcm')) as [Stored]
  await archive.department.sql`insert into sites (id, name, zone) values ('WEST', 'West', 'Europe/Berlin')`
  served = await serve(archive, () => access)
})

beforeEach(() => {
  access = program
})

afterAll(async () => {
  served.close()
  await archive.close()
})

const ALONE = 'application/octet-stream; transfer-syntax=*'

const frame = ({ studyUid, seriesUid, sopInstanceUid }: Stored, list = '1', accept = ALONE) =>
  fetch(`${served.url}/studies/${studyUid}/series/${seriesUid}/instances/${sopInstanceUid}/frames/${list}`, {
    headers: { accept },
  })

const parts = (stored: Stored, list: string) =>
  frame(stored, list, 'multipart/related; type="application/octet-stream"; transfer-syntax=*')

const status = async (stored: Stored) => (await frame(stored)).status
const bytes = async (stored: Stored, list?: string) =>
  Buffer.from(await (await frame(stored, list)).arrayBuffer())

test('[AR-07] an image withdrawn elsewhere is gone from frames within a moment, and its neighbour is not', async () => {
  const [first, second] = ct as [Stored, Stored]
  const { department } = archive
  expect([await status(first), await status(second)]).toEqual([200, 200])
  const asked = {
    studyUid: first.studyUid,
    sopInstanceUid: first.sopInstanceUid,
    code: '113038' as const,
    reason: 'wrong room',
  }
  const { rejectionId } = await rejectInstances(department, await actOf(department, lead, 'app'), asked)
  await expect.poll(() => status(first)).toBe(404)
  expect(await status(second)).toBe(200)
  await revokeRejection(department, await actOf(department, lead, 'app'), {
    rejectionId,
    reason: 'it was not',
  })
  await expect.poll(() => status(first)).toBe(200)
})

test('[DW-06] who may see a study is asked for each frame, whoever had one a moment ago', async () => {
  const [first] = ct as [Stored]
  expect(await status(first)).toBe(200)
  access = { ...program, sites: ['WEST'] } as Access
  expect(await status(first)).toBe(404)
  access = { ...program, sites: ['MAIN'] } as Access
  expect(await status(first)).toBe(200)
  access = { kind: 'launch', launchId: '01K9', actor: anActor('radiologist'), studies: [cine.studyUid] }
  expect([await status(first), await status(cine)]).toEqual([404, 200])

  access = { ...program, sites: ['MAIN'] } as Access
  const { sql } = archive.department
  await sql`update studies set site_id = 'WEST' where study_uid = ${first.studyUid}`
  await expect.poll(() => status(first)).toBe(404)
  await sql`update studies set site_id = 'MAIN' where study_uid = ${first.studyUid}`
  await expect.poll(() => status(first)).toBe(200)
})

test('an object under the address of another study or series is not there', async () => {
  const [first] = ct as [Stored]
  expect(await status({ ...first, studyUid: cine.studyUid })).toBe(404)
  expect(await status({ ...first, seriesUid: cine.seriesUid })).toBe(404)
})

test('[AR-11] frames of a file that was damaged and came again are read from the sound one', async () => {
  const [first] = ct as [Stored]
  const { sql } = archive.department
  const sound = await bytes(first)
  const [row] = await sql`select blob, pixel from instances where sop_instance_uid = ${first.sopInstanceUid}`
  const file = await open(join(archive.folder, row!.blob), 'r+')
  await file.write(Buffer.alloc(1000), 0, 1000, row!.pixel.frames[0][0])
  await file.close()
  expect((await bytes(first)).equals(sound)).toBe(false)
  await sql`update instances set damaged = 'altered' where sop_instance_uid = ${first.sopInstanceUid}`
  await archive.store('ct-head/01.dcm')
  await expect.poll(async () => (await bytes(first)).equals(sound)).toBe(true)
})

test('frames that are sent at the same time are each their own', async () => {
  const numbers = Array.from({ length: 8 }, (_, n) => n + 1)
  const alone: Buffer[] = []
  for (const number of numbers) alone.push(await bytes(cine, `${number}`))
  expect(new Set(alone.map((one) => one.toString('base64'))).size).toBeGreaterThan(1)
  for (let round = 0; round < 5; round += 1) {
    const together = await Promise.all(numbers.map((number) => bytes(cine, `${number}`)))
    expect(together.map((one, n) => one.equals(alone[n]!))).toEqual(numbers.map(() => true))
  }
})

test('what a slow client was sent is not written over by what others are sent meanwhile', async () => {
  const { hostname, port, pathname } = new URL(
    `${served.url}/studies/${ct[0]!.studyUid}/series/${ct[0]!.seriesUid}`,
  )
  // More requests on one connection than its buffers hold answers.
  const asked = (last: boolean) =>
    `GET ${pathname} HTTP/1.1\r\nHost: archive\r\nConnection: ${last ? 'close' : 'keep-alive'}\r\n\r\n`
  const slow = Array.from({ length: 2 }, () => connect({ host: hostname, port: Number(port) }))
  for (const socket of slow) {
    await once(socket, 'connect')
    socket.pause()
    socket.write(Array.from({ length: 8 }, (_, n) => asked(n === 7)).join(''))
  }
  // As long as the two objects that the slow ones asked for, and of other content.
  for (let round = 0; round < 5; round += 1)
    await Promise.all(Array.from({ length: 8 }, async () => (await parts(ct[1]!, '1,1')).arrayBuffer()))
  for (const socket of slow) {
    const received = Buffer.concat(await socket.toArray())
    for (const { dataset } of ct) expect(timesIn(received, dataset)).toBe(8)
  }
})

function timesIn(whole: Buffer, part: Buffer): number {
  let times = 0
  for (let at = whole.indexOf(part); at >= 0; at = whole.indexOf(part, at + part.length)) times += 1
  return times
}

test('[SE-01] nothing is given before the audit trail has its row, and the row is written once', async () => {
  const { sql } = archive.department
  access = { ...program, actor: anActor('research') } as Access
  const views = () => sql<{ chain: string }[]>`
    select chain from audit_events where type = 'images.given' and actor_id = 'research'`
  const eight = () => Promise.all(Array.from({ length: 8 }, () => status(ct[0]!)))
  const signature = 'append_audit(text, text, text, timestamptz, text, text, text, text, jsonb)'
  await sql.unsafe(`alter function ${signature} rename to append_audit_away`)
  expect(await eight()).toEqual(Array(8).fill(500))
  expect(await views()).toEqual([])
  await sql.unsafe(
    `alter function ${signature.replace('append_audit', 'append_audit_away')} rename to append_audit`,
  )
  expect(await eight()).toEqual(Array(8).fill(200))
  expect(await views()).toEqual([{ chain: `study:${ct[0]!.studyUid}` }])
})

test('[DW-02] a study too long for one piece comes whole, to several at once, and one who leaves costs nobody anything', async () => {
  const files = ['01', '02', '03', '04', '05', '06'].map((name) => `ct-head/${name}.dcm`)
  const stored = await archive.store(...files)
  const study = `${served.url}/studies/${stored[0]!.studyUid}`
  const whole = async () => {
    const response = await fetch(study)
    return Buffer.from(await response.arrayBuffer())
  }
  const leaving = new AbortController()
  const left = await fetch(study, { signal: leaving.signal })
  expect(Number(left.headers.get('content-length'))).toBeGreaterThan(2 * 1024 * 1024)
  await left.body!.getReader().read()
  leaving.abort()
  const [one, ...others] = await Promise.all([whole(), whole(), whole()])
  expect(stored.map(({ dataset }) => one!.includes(dataset))).toEqual(stored.map(() => true))
  expect(others.map((other) => other.equals(one!))).toEqual([true, true])
})
