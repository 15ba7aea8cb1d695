import { once } from 'node:events'
import { mkdtemp, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dciodvfy } from '#archive/dciodvfy.fixture.ts'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { actOf, dutyAct } from '#db/mutations/act.ts'
import { createToken, revokeToken } from '#db/mutations/api-tokens.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { createLaunch } from '#db/mutations/launches.ts'
import { sessionUser, signIn, signOut } from '#db/mutations/sessions.ts'
import { anEnvelope, anOrder, seededDepartment } from '#db/order.fixture.ts'
import { seedDemo } from '#db/seed/demo.ts'
import { sessionCookie } from '../server/session-cookie.ts'
import { tableValues } from './extension/look-up-table.js'
import { dicomJson, keyImageValues, presentationValues, type Values } from './extension/mark-json.js'
import { type ImageServices, openImageServices } from './image-services.ts'
import { prepareViewer } from './prepare.ts'

// Of the corpus: ct-head/*.dcm and dx-chest/01.dcm.
const CT = '1.2.826.0.1.3680043.9.4245.1760717064491086528325869788156915668'

let department: Department
let services: ImageServices
let address: string
let token: string
let passwords: Record<string, string>
let orderId: string
let dx: string
let blobs: string
const server = createServer()

beforeAll(async () => {
  const url = await testDatabase()
  department = await seededDepartment(url)
  const ports = { emr: 2576, storeScp: 1, moveScu: 2, testScu: 3 }
  const demo = await seedDemo(url, { secretKey: 'a'.repeat(64), listen: '127.0.0.1', ports })
  token = demo.tokens.integration
  passwords = Object.fromEntries(demo.accounts.map((account) => [account.user, account.password]))
  blobs = await mkdtemp(join(tmpdir(), 'isocenter-images-'))
  services = await openImageServices({
    server: { department, secure: false, isDemo: true },
    viewerDirectory: (await prepareViewer()).directory,
    blobFolder: blobs,
    aeTitle: 'ISOCENTER',
    log: pino({ level: 'silent' }),
  })
  server.on('request', (request, response) => {
    const isViewer = request.url!.startsWith('/viewer')
    void (isViewer ? services.viewer(request, response) : services.dicomweb(request, response))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [anOrder()])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  orderId = received.orderIds[0]!
  await department.sql`update procedures set study_uid = ${CT} where order_id = ${orderId}`
  await stored('ct-head/01.dcm')
  dx = await stored('dx-chest/01.dcm')
})

afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await services?.close()
  await department?.close()
})

const bearer = () => ({ authorization: `Bearer ${token}` })
const basic = (user: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${passwords[user]}`).toString('base64')}`,
})

/** Stores a file as a program does and answers its study. */
async function stored(file: string): Promise<string> {
  const response = await fetch(`${address}/dicom-web/studies`, {
    method: 'POST',
    headers: { ...bearer(), 'content-type': 'application/dicom' },
    body: await readFile(new URL(`../../corpus/${file}`, import.meta.url)),
  })
  expect([file, response.status]).toEqual([file, 200])
  const answer = (await response.json()) as Record<string, { Value: string[] }>
  return answer['00081190']!.Value[0]!.split('/').at(-1)!
}

async function session(user: string) {
  const signed = await signIn(department, {
    userName: user,
    password: passwords[user]!,
    address: '127.0.0.1',
  })
  if (!signed.ok) throw new Error('not signed in')
  const person = (await sessionUser(department, signed.token))!
  const [cookie] = sessionCookie(signed.token, { secure: false }).split(';')
  return { person, token: signed.token, headers: { cookie: cookie! } }
}

const status = async (path: string, headers: Record<string, string> = {}) =>
  (await fetch(address + path, { headers, redirect: 'manual' })).status

test('[DW-06] programs come in by token or account, and a session cookie alone opens nothing', async () => {
  const { headers } = await session('radiologist')
  expect(await status('/dicom-web/studies')).toBe(401)
  expect(await status('/dicom-web/studies', { authorization: 'Bearer nobody' })).toBe(401)
  expect(await status('/dicom-web/studies', headers)).toBe(401)
  expect(await status('/dicom-web/studies', basic('referrer'))).toBe(403)
  const denied = await department.sql<{ by: string }[]>`
    select coalesce(u.user_name, e.actor_id) as by from audit_events e left join users u on u.id = e.actor_id
    where e.type = 'images.denied' order by e.id`
  expect(denied.map(({ by }) => by)).toEqual(['unknown', 'referrer'])
  expect(await status('/dicom-web/studies', basic('radiologist'))).toBe(200)
  const found = await fetch(`${address}/dicom-web/studies`, { headers: bearer() })
  const studies = (await found.json()) as Record<string, { Value: string[] }>[]
  expect(new Set(studies.map((study) => study['0020000D']!.Value[0]))).toEqual(new Set([CT, dx]))
})

test('[DW-06] only who may store images stores them', async () => {
  const response = await fetch(`${address}/dicom-web/studies`, {
    method: 'POST',
    headers: { ...basic('radiologist'), 'content-type': 'application/dicom' },
    body: Buffer.from('an object'),
  })
  expect(response.status).toBe(403)
})

test('[VW-01] a launch shows its order to the session that opened it, and to nobody else', async () => {
  const reader = await session('radiologist')
  const act = await actOf(department, reader.person.actor, 'app')
  const launch = await createLaunch(department, act, {
    orderId,
    sessionId: reader.person.sessionId,
    purpose: 'view',
  })
  const root = `/dicom-web/launch/${launch.id}`
  const series = await fetch(`${address}${root}/studies/${CT}/series`, { headers: reader.headers })
  expect([series.status, ((await series.json()) as object[]).length]).toEqual([200, 1])
  expect(await status(`${root}/studies/${CT}/metadata`, reader.headers)).toBe(200)

  expect(await status(`${root}/studies/${CT}/metadata`)).toBe(401)
  expect(await status(`${root}/studies/${CT}/metadata`, (await session('radiologist2')).headers)).toBe(404)
  expect(await status(`${root}/studies/${dx}/metadata`, reader.headers)).toBe(404)
  expect(await status(`/dicom-web/launch/none/studies/${CT}/metadata`, reader.headers)).toBe(404)
  const [denied] =
    await department.sql`select actor_id, chain, data from audit_events where type = 'images.denied' and chain like 'study:%'`
  expect(denied).toMatchObject({
    actor_id: reader.person.id,
    chain: `study:${dx}`,
    data: { launchId: launch.id },
  })

  const viewer = `/viewer/viewer?launch=${launch.id}&StudyInstanceUIDs=${CT}`
  expect(await status(viewer)).toBe(302)
  expect(await status(viewer, reader.headers)).toBe(200)
})

/** The address of a frame of the CT, below a root. */
async function frameOf(root: string, headers: Record<string, string>): Promise<string> {
  const response = await fetch(`${address}${root}/studies/${CT}/instances`, { headers })
  const [instance] = (await response.json()) as Record<string, { Value: string[] }>[]
  const uid = (tag: string) => instance![tag]!.Value[0]
  return `${root}/studies/${CT}/series/${uid('0020000E')}/instances/${uid('00080018')}/frames/1`
}

test('[DW-06] a token that is revoked between two frames opens the second no more', async () => {
  const { person } = await session('admin')
  const act = await actOf(department, person.actor, 'app')
  const asked = {
    name: 'frames',
    role: 'integration' as const,
    sites: [...person.actor.sites],
    reauthenticated: true,
  }
  const made = await createToken(department, act, asked)
  const headers = { authorization: `Bearer ${made.token}` }
  const frame = await frameOf('/dicom-web', headers)
  expect(await status(frame, headers)).toBe(200)
  await revokeToken(department, act, { id: made.id, reauthenticated: true })
  await expect.poll(() => status(frame, headers)).toBe(401)
  expect(await status(frame, bearer())).toBe(200)
})

test('[DW-06] a launch that is closed, and a session that ends, between two frames open the second no more', async () => {
  const reader = await session('radiologist')
  const act = await actOf(department, reader.person.actor, 'app')
  const asked = { orderId, sessionId: reader.person.sessionId, purpose: 'view' as const }
  const [one, other] = [
    await createLaunch(department, act, asked),
    await createLaunch(department, act, asked),
  ]
  const { headers } = reader
  const frame = await frameOf(`/dicom-web/launch/${one.id}`, headers)
  const beside = frame.replace(one.id, other.id)
  expect([await status(frame, headers), await status(beside, headers)]).toEqual([200, 200])
  await department.sql`update launches set ended_at = now() where id = ${one.id}`
  await expect.poll(() => status(frame, headers)).toBe(404)
  expect(await status(beside, headers)).toBe(200)
  await signOut(department, reader.token)
  await expect.poll(() => status(beside, headers)).toBe(401)
})

type Launched = Awaited<ReturnType<typeof session>> & { root: string }

async function launched(user: string): Promise<Launched> {
  const reader = await session(user)
  const act = await actOf(department, reader.person.actor, 'app')
  const { id } = await createLaunch(department, act, {
    orderId,
    sessionId: reader.person.sessionId,
    purpose: 'view',
  })
  return { ...reader, root: `/dicom-web/launch/${id}` }
}

/** Stores metadata as the viewer does (PS3.18 10.5.1.2). */
async function keep({ root, headers }: Launched, values: Values, study = CT): Promise<number> {
  const response = await fetch(`${address}${root}/studies/${study}`, {
    method: 'POST',
    headers: {
      ...headers,
      accept: 'application/dicom+json',
      'content-type': 'multipart/related; type="application/dicom+json"; boundary=b',
    },
    body: `--b\r\nContent-Type: application/dicom+json\r\n\r\n${JSON.stringify([dicomJson(values)])}\r\n--b--\r\n`,
  })
  return response.status
}

async function ctImage({ root, headers }: Launched) {
  const response = await fetch(`${address}${root}/studies/${CT}/instances`, { headers })
  const found = (await response.json()) as Record<string, { Value: string[] }>[]
  const image = found.find((one) => one['00080016']!.Value[0] === '1.2.840.10008.5.1.4.1.1.2')!
  const [sopClassUid, sopInstanceUid, seriesUid] = ['00080016', '00080018', '0020000E'].map(
    (tag) => image[tag]!.Value[0]!,
  )
  return { sopClassUid, sopInstanceUid, seriesUid }
}

type Image = Awaited<ReturnType<typeof ctImage>>

const shown = (image: Image) => ({
  rescale: { slope: 1, intercept: -1024, type: 'HU' },
  window: { center: 40, width: 80 },
  isInverted: false,
  rotation: 90,
  isFlipped: true,
  area: { topLeft: [100, 80], bottomRight: [400, 420] },
  spacing: [0.488281, 0.488281],
  shutters: [{ shape: 'CIRCULAR', center: { row: 250, column: 260 }, radius: 180 }],
  shutterGrey: 0,
  annotations: [
    {
      image,
      graphics: [
        {
          type: 'POLYLINE',
          points: [
            [200, 210.5],
            [300, 310.5],
          ],
        },
        {
          type: 'ELLIPSE',
          points: [
            [200, 250],
            [300, 250],
            [250, 230],
            [250, 270],
          ],
        },
        {
          type: 'CIRCLE',
          points: [
            [250, 250],
            [250, 290],
          ],
        },
        { type: 'POINT', points: [[111, 112]] },
      ],
      texts: [{ text: '42.0 mm\nmean 31.2', at: [305, 310] }],
    },
  ],
})

/** Made after somebody else's: its look-up table, its layers, and boxes of text. */
const shownAsBefore = (image: Image) => ({
  ...shown(image),
  window: null,
  table: tableValues({ lower: -160, upper: 240 }, (value) => ((value + 160) / 400) ** 2),
  shutters: [
    {
      shape: 'POLYGONAL',
      points: [
        [100, 100],
        [400, 120],
        [380, 400],
        [110, 390],
      ],
    },
    { shape: 'RECTANGULAR', left: 90, right: 410, upper: 90, lower: 410 },
  ],
  shutterGrey: 0.5,
  layers: [
    { name: 'BLEED', order: 1, description: 'Bleed', grey: 40_000, lab: [30_000, 50_000, 20_000] },
    { name: 'UNUSED', order: 2 },
  ],
  annotations: [
    ...shown(image).annotations,
    {
      images: [image],
      layer: 'BLEED',
      graphics: [
        { type: 'CIRCLE', isFilled: true, points: shown(image).annotations[0]!.graphics[2]!.points },
      ],
      texts: [{ text: 'here', at: [120, 130], to: [220, 160], justification: 'CENTER', anchor: [250, 250] }],
    },
  ],
})

const marksOf = () => department.sql<{ uid: string; blob: string; modality: string }[]>`
  select i.sop_instance_uid as uid, i.blob, e.modality from instances i join series e on e.id = i.series_id
    join image_marks m on m.sop_instance_uid = i.sop_instance_uid order by m.made_at, i.id`

test('[VW-04] a presentation and key images that a reader keeps are valid objects of the study, and no image has come', async () => {
  const reader = await launched('radiologist')
  const image = await ctImage(reader)
  const facts = () => department.sql`
    select s.stored_count, s.last_instance_at, s.completeness, s.appended_batches, s.late_batches, s.instance_count - s.report_count as images,
      (select count(*) from order_events where order_id = ${orderId}) as events
    from studies s where s.study_uid = ${CT}`
  const before = await facts()
  const presentation = presentationValues({
    study: CT,
    images: [image],
    shown: shown(image),
    description: 'Bleed, narrow',
  })
  expect(await keep(reader, presentation)).toBe(200)
  expect(await keep(reader, keyImageValues({ study: CT, images: [image] }))).toBe(200)
  const sigmoid = { ...shown(image), window: { center: 40.5, width: 81, form: 'SIGMOID' } }
  for (const more of [sigmoid, shownAsBefore(image)])
    expect(await keep(reader, presentationValues({ study: CT, images: [image], shown: more }))).toBe(200)
  // Sent again, as after an answer that was lost, it stands once.
  expect(await keep(reader, presentation)).toBe(200)
  const kept = await marksOf()
  expect(kept.map(({ modality }) => modality)).toEqual(['PR', 'KO', 'PR', 'PR'])
  const verdicts = await Promise.all(kept.map(({ blob }) => dciodvfy(join(blobs, blob))))
  expect(verdicts.map(({ iod, errors }) => [iod, errors])).toEqual([
    ['GrayscaleSoftcopyPresentationState', []],
    ['KeyObjectSelectionDocument', []],
    ['GrayscaleSoftcopyPresentationState', []],
    ['GrayscaleSoftcopyPresentationState', []],
  ])
  expect(await facts()).toEqual(before)
  const [audited] = await department.sql`
    select actor_id, data from audit_events where type = 'images.marked' order by id limit 1`
  expect(audited).toMatchObject({
    actor_id: reader.person.id,
    data: { kind: 'presentation', sopInstanceUid: presentation.SOPInstanceUID, images: 1 },
  })
  const found = await fetch(`${address}${reader.root}/studies/${CT}/series`, { headers: reader.headers })
  const series = (await found.json()) as Record<string, { Value: string[] }>[]
  expect(series.map((one) => one['00080060']!.Value[0]).sort()).toEqual(['CT', 'KO', 'PR', 'PR', 'PR'])
  expect(await readBack(reader, kept[3]!.uid)).toEqual({
    layers: ['BLEED', 'ISOCENTER'],
    on: ['ISOCENTER', 'BLEED'],
    descriptor: [401, -160, 16],
  })
})

type Json = Record<string, { Value?: unknown[] }>

/** What the viewer reads of a presentation that was kept. */
async function readBack({ root, headers }: Launched, uid: string) {
  const found = await fetch(`${address}${root}/studies/${CT}/metadata`, { headers })
  const all = (await found.json()) as Json[]
  const kept = all.find((one) => one['00080018']!.Value![0] === uid)!
  const items = (from: Json, tag: string) => (from[tag]?.Value ?? []) as Json[]
  const layer = (item: Json) => item['00700002']?.Value?.[0]
  const [table] = items(items(kept, '00283110')[0]!, '00283010')
  return {
    layers: items(kept, '00700060').map(layer),
    on: items(kept, '00700001').map(layer),
    descriptor: table!['00283002']!.Value,
  }
}

test('[VW-04] nobody marks images whose role does not, nor of another study, nor images that are not there', async () => {
  const reader = await launched('radiologist')
  const image = await ctImage(reader)
  const key = () => keyImageValues({ study: CT, images: [image] })
  const before = await marksOf()
  expect(await keep(await launched('lead'), key())).toBe(403)
  expect(await keep(reader, keyImageValues({ study: dx, images: [image] }), dx)).toBe(404)
  expect(await keep(reader, keyImageValues({ study: dx, images: [image] }))).toBe(409)
  const stranger = { ...image, sopInstanceUid: '2.25.7' }
  expect(await keep(reader, keyImageValues({ study: CT, images: [stranger] }))).toBe(409)
  expect(await keep(reader, keyImageValues({ study: CT, images: [] }))).toBe(409)
  // An image, or an object under somebody else's UID, is none of a reader's marks.
  expect(await keep(reader, { ...key(), SOPClassUID: '1.2.840.10008.5.1.4.1.1.2' })).toBe(409)
  expect(await keep(reader, { ...key(), SOPInstanceUID: image.sopInstanceUid! })).toBe(409)
  const presentation = presentationValues({ study: CT, images: [image], shown: shown(image) })
  const strange = { ...shown(image), annotations: shown({ ...image, sopInstanceUid: '2.25.7' }).annotations }
  expect(await keep(reader, presentationValues({ study: CT, images: [image], shown: strange }))).toBe(409)
  expect(await keep(reader, { ...presentation, PresentationLUTShape: undefined })).toBe(409)
  expect(await marksOf()).toEqual(before)
})

test('[VW-04] garbage, half a body and values of the wrong kind keep nothing, and the next mark is kept', async () => {
  const reader = await launched('radiologist')
  const image = await ctImage(reader)
  const before = await marksOf()
  const whole = JSON.stringify([
    dicomJson(presentationValues({ study: CT, images: [image], shown: shown(image) })),
  ])
  const send = async (json: string, end = '--b--\r\n') => {
    const response = await fetch(`${address}${reader.root}/studies/${CT}`, {
      method: 'POST',
      headers: {
        ...reader.headers,
        'content-type': 'multipart/related; type="application/dicom+json"; boundary=b',
      },
      body: `--b\r\nContent-Type: application/dicom+json\r\n\r\n${json}\r\n${end}`,
    })
    return response.status
  }
  const refused = [400, 409]
  for (const json of [
    '',
    '{',
    '[]',
    '[null]',
    '[[]]',
    '[1]',
    '{"00080018":1}',
    '[{"00080018":null}]',
    whole.slice(0, -9),
  ])
    expect(refused, json).toContain(await send(json))
  expect(refused).toContain(await send(whole, ''))
  const [element] = [/"00700022":\{[^}]*\}/.exec(whole)?.[0]]
  expect(element).toBeDefined()
  for (const value of [
    'null',
    '5',
    '"x"',
    '{"vr":"FL","Value":"x"}',
    '{"vr":"SQ","Value":[1]}',
    '{"vr":"ZZ","Value":[{}]}',
  ])
    expect(refused, value).toContain(await send(whole.replace(element!, `"00700022":${value}`)))
  expect(await marksOf()).toEqual(before)
  expect(await keep(reader, keyImageValues({ study: CT, images: [image] }))).toBe(200)
  expect(await marksOf()).toHaveLength(before.length + 1)
})
