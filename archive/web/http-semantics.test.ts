import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptyDatabase } from '#bin/testing/database.ts'
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

let archive: TestArchive
let served: Served
let ct: Stored
let access: Access = program

beforeAll(async () => {
  archive = await testArchive(await emptyDatabase())
  ;[ct] = (await archive.store('ct-head/01.dcm')) as [Stored]
  served = await serve(archive, () => access)
})

afterAll(async () => {
  served.close()
  await archive.close()
})

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${served.url}${path}`, { headers, method })
const study = () => `/studies/${ct.studyUid}`
const frame = () => `${study()}/series/${ct.seriesUid}/instances/${ct.sopInstanceUid}/frames/1`

test('[DW-02] a method that a resource does not have is refused with those that it has', async () => {
  for (const [method, path, allow] of [
    ['PUT', study(), 'GET, POST, DELETE, HEAD, OPTIONS'],
    ['DELETE', '/studies', 'GET, POST, HEAD, OPTIONS'],
    ['POST', `${study()}/metadata`, 'GET, HEAD, OPTIONS'],
    ['PATCH', frame(), 'GET, HEAD, OPTIONS'],
    ['DELETE', '', 'GET, HEAD, OPTIONS'],
  ] as const) {
    const { status, headers } = await ask(path, {}, method)
    expect([method, path, status, headers.get('allow')]).toEqual([method, path, 405, allow])
  }
  expect((await ask('/patients', {}, 'PUT')).status).toBe(404)
})

test('[DW-02] what the service can do is read as well as asked for', async () => {
  const read = await ask('/', { accept: 'application/json' })
  const asked = await ask('/', { accept: 'application/json' }, 'OPTIONS')
  expect([read.status, await read.json()]).toEqual([200, await asked.json()])
})

test('[DW-02] a range is of a body that is sent, and of the very bytes that the client has', async () => {
  const some = { range: 'bytes=0-9' }
  expect((await ask(frame(), some)).status).toBe(206)
  expect((await ask(frame(), some, 'HEAD')).status).toBe(200)
  const metadata = `${study()}/metadata`
  const weak = (await ask(metadata)).headers.get('etag')!
  expect(weak).toMatch(/^W/)
  expect((await ask(metadata, { ...some, 'if-range': weak })).status).toBe(200)
})

test('[DW-02] who wants one version only gets no other', async () => {
  const tag = (await ask(frame())).headers.get('etag')!
  for (const [wanted, status] of [
    [tag, 200],
    [`"other", ${tag}`, 200],
    ['*', 200],
    ['"other"', 412],
    [`W/${tag}`, 412],
  ] as const)
    expect([wanted, (await ask(frame(), { 'if-match': wanted })).status]).toEqual([wanted, status])
})

test('[DW-06] nothing that is said of patients, and no refusal, is kept by a cache', async () => {
  for (const [path, status] of [
    ['/studies', 200],
    ['/studies?PatientID=nobody', 204],
    ['/studies/1.2.3', 404],
    ['/studies?limit=many', 400],
  ] as const) {
    const answer = await ask(path)
    expect([path, answer.status, answer.headers.get('cache-control')]).toEqual([path, status, 'no-store'])
  }
  expect((await ask(`${study()}/metadata`)).headers.get('cache-control')).toBe('private, no-cache')
})

test('[DW-06] the audit trail names as given what was given, and not whose methods were asked for', async () => {
  access = { ...program, actor: anActor('elsewhere'), sites: ['WEST'] }
  expect((await ask(study(), {}, 'OPTIONS')).status).toBe(204)
  expect((await ask(study())).status).toBe(404)
  access = program
  const rows = await archive.department.sql`
    select type, data->>'method' as method from audit_events where actor_id = 'elsewhere' order by id`
  expect(rows).toEqual([{ type: 'images.denied', method: 'GET' }])
})

test('[DW-06] behind TLS that ends at a proxy no address leads out of it', async () => {
  const behind = await serve(archive, () => access, { isBehindTls: true })
  const results = (await (await fetch(`${behind.url}/studies`)).json()) as Record<
    string,
    { Value: string[] }
  >[]
  expect(results[0]!['00081190']!.Value[0]).toBe(`${behind.url.replace('http:', 'https:')}${study()}`)
  const metadata = await (await fetch(`${behind.url}${study()}/metadata`)).text()
  expect(metadata).toContain(`"BulkDataURI": "${behind.url.replace('http:', 'https:')}${study()}/series/`)
  behind.close()
})

test('[DW-02] what is refused by name is not sent to who takes anything else', async () => {
  const picture = `${study()}/thumbnail`
  expect((await ask(picture, { accept: 'image/*' })).headers.get('content-type')).toBe('image/jpeg')
  expect((await ask(picture, { accept: 'image/jpeg;q=0, image/*' })).headers.get('content-type')).toBe(
    'image/png',
  )
  expect((await ask('/studies', { accept: '*/*, application/dicom+json;q=0' })).status).toBe(406)
})
