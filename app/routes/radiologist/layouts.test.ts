import { afterAll, beforeAll, expect, test } from 'vitest'
import { protocolFile } from '#archive/dimse/hanging-protocol.fixture.ts'
import { readKeyedValues } from '#archive/web/keyed-values.ts'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { deviceAct } from '#db/mutations/act.ts'
import { keepReceivedProtocol } from '#db/mutations/received-protocols.ts'
import { keepViewerKeys } from '#db/mutations/viewer-settings.ts'
import { actAs, seededDepartment } from '#db/order.fixture.ts'
import type { ImportedHanging } from '#domain/dicom-hanging-protocol.ts'
import { type AtTheScreen, sitDown } from '../technologist/screen.fixture.ts'
import { action, loader } from './layouts.tsx'

let department: Department
let reader: AtTheScreen
let other: AtTheScreen
let technologist: AtTheScreen

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  reader = await sitDown(department, { databaseUrl, user: 'radiologist' })
  other = await sitDown(department, { databaseUrl, user: 'radiologist2' })
  technologist = await sitDown(department, { databaseUrl, user: 'tech' })
})

afterAll(() => department.close())

const PATH = '/layouts'
const act = (fields: Record<string, string>, screen = reader) => action(screen.args(PATH, fields) as never)
const kept = async (screen = reader) => (await loader(screen.args(PATH) as never)).kept
const viewport = { study: 'current', series: '', nth: 0, plane: 'stack' }
const asked = {
  ...{ intent: 'keep', modality: 'CT', scheme: '', code: '', place: 'beside' },
  layout: JSON.stringify({ rows: 1, columns: 1, viewports: [viewport] }),
}

test('[VW-02] a layout is its reader’s own: kept once for the same, seen by nobody else, dropped by nobody else', async () => {
  expect(await act(asked)).toMatchObject({ ok: true })
  expect(await act(asked)).toMatchObject({ ok: true })
  const [one, ...more] = await kept()
  expect([one!.modality, one!.procedure, more]).toEqual(['CT', null, []])
  expect(await kept(other)).toEqual([])
  const drop = { intent: 'drop', id: one!.id }
  expect(await act(drop, other)).toMatchObject({ ok: false, code: 'not-found' })
  expect(await act({ ...asked, layout: '{"rows":1}' })).toMatchObject({ ok: false, code: 'invalid-message' })
  expect(await act(drop)).toMatchObject({ ok: true })
  expect(await kept()).toEqual([])
})

test('[VW-02] who reads no images keeps no layouts: the page does not exist for them, and the trail says so', async () => {
  await expect(act(asked, technologist)).rejects.toMatchObject({ init: { status: 404 } })
  const [denied] = await department.sql`select data from audit_events where type = 'page.denied'`
  expect(denied!.data).toEqual({ page: 'layouts' })
})

async function uploaded(file: Uint8Array, screen = reader) {
  const form = new FormData()
  form.set('intent', 'read')
  form.set('file', new File([new Uint8Array(file)], 'protocol.dcm'))
  const given = screen.args(PATH, {})
  const { headers, url } = given.request
  const cookie = headers.get('cookie') ?? ''
  return action({
    ...given,
    request: new Request(url, { method: 'POST', headers: { cookie }, body: form }),
  } as never)
}

test('[VW-02] a DICOM Hanging Protocol is read into a layout, says what it cannot take over, and is kept when it is told to', async () => {
  const { imported } = (await uploaded(protocolFile())) as { imported: ImportedHanging }
  expect(imported.layout).toEqual({
    rows: 1,
    columns: 2,
    viewports: [
      { study: 'current', series: 'AXIAL', nth: 0, plane: 'stack' },
      { study: 'prior', series: 'AXIAL', nth: 0, plane: 'stack' },
    ],
  })
  expect(imported.leftOut).toEqual([
    { why: 'attribute', what: 'ShowGrayscaleInverted' },
    { why: 'screens', what: '2' },
  ])
  expect(await kept()).toEqual([])
  const { name, description, modality, place, layout } = imported
  const said = { intent: 'keep', scheme: '', code: '', layout: JSON.stringify(layout) }
  expect(await act({ ...said, name, description, modality, place })).toMatchObject({ ok: true })
  const [one] = await kept()
  expect(one).toMatchObject({ name: 'COMPARE', description, place: 'own-window', modality: 'CT', layout })
  expect(await act({ ...said, modality, place, name: 'x'.repeat(65) })).toMatchObject({
    code: 'invalid-message',
  })
  await act({ intent: 'drop', id: one!.id })
})

test('[VW-02] what is no Hanging Protocol is refused with words: another object, garbage, half a file, nothing', async () => {
  const whole = protocolFile()
  const unread = async (file: Uint8Array) => (await uploaded(file)) as object
  expect(await unread(protocolFile({ sopClassUid: '1.2.840.10008.5.1.4.1.1.2' }))).toMatchObject({
    unread: 'other-object',
  })
  for (const file of [Buffer.from('no DICOM'), Buffer.alloc(0), Buffer.alloc(4096, 0xff)])
    expect(await unread(file)).toMatchObject({ unread: 'no-dicom' })
  for (let cut = 140; cut < whole.length; cut += 37) {
    const said = (await unread(whole.subarray(0, cut))) as { unread?: string; imported?: unknown }
    expect(['no-dicom', 'other-object', 'no-boxes']).toContain(said.unread)
  }
  await expect(uploaded(whole, technologist)).rejects.toMatchObject({ init: { status: 404 } })
})

test('[VW-02] a Hanging Protocol that a device has sent is there for every reader, with who sent it and what is left out', async () => {
  const values = readKeyedValues(protocolFile({ name: 'FROM WS1' }))!
  await keepReceivedProtocol(department, await deviceAct(department, 'WS1'), {
    blob: { key: 'objects/26/11/0.dcm', bytes: 1_000, sha256: '0' },
    ...{ sopInstanceUid: '1.2.3', sourceAe: 'WS1', peer: '127.0.0.1', leftOut: 2, values },
  })
  for (const screen of [reader, other]) {
    const { received } = await loader(screen.args(PATH) as never)
    expect(received).toMatchObject([{ sourceAe: 'WS1', imported: { name: 'FROM WS1', modality: 'CT' } }])
    expect(received[0]!.imported.leftOut).toEqual([
      { why: 'attribute', what: 'ShowGrayscaleInverted' },
      { why: 'screens', what: '2' },
    ])
  }
  expect(await kept()).toEqual([])
  await expect(loader(technologist.args(PATH) as never)).rejects.toMatchObject({ init: { status: 404 } })
})

test('what are no keys of the viewer are not kept', async () => {
  const reading = await actAs(department, 'radiologist')
  await keepViewerKeys(department, reading, { ['0'.repeat(40)]: ['x'] })
  for (const keys of [
    null,
    undefined,
    7,
    [],
    'x',
    { zoom: ['x'] },
    { ['0'.repeat(40)]: ['<script src=a.test></script>'] },
  ])
    await expect(keepViewerKeys(department, reading, keys)).rejects.toMatchObject({ code: 'invalid-message' })
  const [row] =
    await department.sql`select settings->'viewerKeys' as keys from users where id = ${reading.actor.id}`
  expect(row!.keys).toEqual({ ['0'.repeat(40)]: ['x'] })
})
