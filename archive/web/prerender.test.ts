import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptyDatabase } from '#bin/testing/database.ts'
import { DerivedStore } from '../storage/derived-store.ts'
import { program, type Served, type Stored, serve, type TestArchive, testArchive } from './archive.fixture.ts'
import { keptMetadata } from './metadata.ts'
import { Prerender } from './prerender.ts'
import { Recent } from './recent.ts'

let archive: TestArchive
let served: Served

beforeAll(async () => {
  archive = await testArchive(await emptyDatabase())
  served = await serve(archive, () => program)
})

afterAll(async () => {
  served.close()
  await archive.close()
})

const seriesOf = async ({ seriesUid }: Stored) => {
  const [row] = await archive.department.sql<{ id: string; rev: number; metadata_rev: number }[]>`
    select id, rev, metadata_rev from series where series_uid = ${seriesUid}`
  return { ...row!, correction: undefined }
}

test('metadata are ready before anybody asks, follow each change, and leave nothing old behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'isocenter-derived-'))
  const metadata = {
    sql: archive.department.sql,
    derived: new DerivedStore(folder),
    bodies: new Recent<Buffer>({ most: 1e6, weigh: (body) => body.length }),
  }
  const prerender = new Prerender({
    ...metadata,
    onError: (error) => {
      throw error
    },
  })
  const files = async () =>
    (await readdir(folder, { recursive: true })).filter((name) => name.includes('.json.'))
  const [first] = await archive.store('ct-head/01.dcm')
  await archive.store('ct-head/02.dcm')
  await prerender.look()
  expect(await files()).toEqual([])
  await prerender.look()
  expect(await files()).toHaveLength(2)
  const series = await seriesOf(first!)
  const kept = JSON.parse(gunzipSync(await keptMetadata(metadata, series, 'gzip')).toString()) as unknown[]
  expect(kept).toHaveLength(2)
  const zstd = JSON.parse(zstdDecompressSync(await keptMetadata(metadata, series, 'zstd')).toString())
  expect(zstd).toEqual(kept)
  expect(await files()).toHaveLength(2)

  await archive.store('ct-head/03.dcm')
  await prerender.look()
  await prerender.look()
  const later = await seriesOf(first!)
  expect([later.rev > series.rev, (await files()).length]).toEqual([true, 2])
  expect(JSON.parse(gunzipSync(await keptMetadata(metadata, later, 'gzip')).toString())).toHaveLength(3)
})

test('metadata come in the coding that is wanted most, and are the same in each', async () => {
  const [stored] = await archive.store('mr-head/01.dcm')
  const address = `${served.url}/studies/${stored!.studyUid}/series/${stored!.seriesUid}/metadata`
  const ask = async (coding: string) => {
    const response = await fetch(address, { headers: { 'accept-encoding': coding } })
    return [response.headers.get('content-encoding'), response.headers.get('etag'), await response.text()]
  }
  const [none, tag, text] = await ask('identity')
  expect([none, JSON.parse(text!)]).toEqual([null, [expect.anything()]])
  expect(await ask('gzip')).toEqual(['gzip', tag, text])
  expect(await ask('gzip;q=0.5, zstd;q=0.4')).toEqual(['gzip', tag, text])
  expect(await ask('gzip;q=0, *;q=0')).toEqual([null, tag, text])
})
