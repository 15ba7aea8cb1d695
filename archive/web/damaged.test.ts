/** What was found damaged is handed to nobody as if it were the image. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { emptyDatabase } from '#bin/testing/database.ts'
import { verifyStored } from '../storage/verification.ts'
import { program, type Served, type Stored, serve, type TestArchive, testArchive } from './archive.fixture.ts'

let archive: TestArchive
let served: Served
let gone: Stored
let sound: Stored

beforeAll(async () => {
  archive = await testArchive(await emptyDatabase())
  served = await serve(archive, () => program)
  ;[gone, sound] = (await archive.store('ct-head/01.dcm', 'ct-head/02.dcm')) as [Stored, Stored]
})

afterAll(async () => {
  served.close()
  await archive.close()
})

/** Read to its end: what is still on its way is read from files that go in a moment. */
async function get(path: string, accept: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${served.url}/studies/${gone.studyUid}${path}`, { headers: { accept } })
  return { status: answer.status, text: await answer.text() }
}
const instance = ({ seriesUid, sopInstanceUid }: Stored) => `/series/${seriesUid}/instances/${sopInstanceUid}`

const OBJECTS = 'multipart/related; type="application/dicom"; transfer-syntax=*'
const FRAMES = 'application/octet-stream; transfer-syntax=*'

test('[AR-11] a damaged object is 410 by itself, and is left out of the rest of its study, which is 206', async () => {
  expect((await get('', OBJECTS)).status).toBe(200)
  expect((await get(`${instance(gone)}/frames/1`, FRAMES)).status).toBe(200)
  const { sql } = archive.department
  const [row] = await sql<{ blob: string }[]>`
    select blob from instances where sop_instance_uid = ${gone.sopInstanceUid}`
  await rm(join(archive.folder, row!.blob))
  const { department, service } = archive
  const verified = await verifyStored({ department, store: service.blobs }, { budgetBytes: 1e9 })
  expect(verified).toEqual({ read: 2, damaged: 1 })

  // What was read a moment ago stands for that moment.
  await vi.waitFor(async () => expect((await get(`${instance(gone)}/frames/1`, FRAMES)).status).toBe(410))
  for (const [path, accept] of [
    ['', OBJECTS],
    ['/rendered', 'image/jpeg'],
    ['/thumbnail', 'image/jpeg'],
  ] as const)
    expect([path, (await get(`${instance(gone)}${path}`, accept)).status]).toEqual([path, 410])
  expect((await get(`${instance(sound)}/frames/1`, FRAMES)).status).toBe(200)
  const rest = await get('', OBJECTS)
  expect(rest.status).toBe(206)
  expect(rest.text.split('Content-Type: application/dicom').length - 1).toBe(1)
  // What it says of itself stands in the index.
  expect((await get(`${instance(gone)}/metadata`, 'application/dicom+json')).status).toBe(200)
})
