import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { type Browser, chromium, type Frame, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Access } from '#archive/web/access.ts'
import { type Stored, type TestArchive, testArchive } from '#archive/web/archive.fixture.ts'
import { answerHttp } from '#archive/web/node-http.ts'
import { emptyDatabase } from '#bin/testing/database.ts'
import type { Actor } from '#domain/permissions.ts'
import { prepareViewer } from './prepare.ts'
import { serveViewer } from './serve.ts'

const LAUNCH = '01K9ZZZZZZZZZZZZZZZZZZZZZZ'
const ROOT = `/dicom-web/launch/${LAUNCH}`

const READER: Actor = {
  kind: 'user',
  id: 'r1',
  roles: ['radiologist'],
  sites: ['MAIN'],
  areas: [],
  credentials: [],
}

let archive: TestArchive
let browser: Browser
let address: string
let head: Stored
let chest: Stored
const asked: string[] = []
/** How many more requests for each frame, by the end of its address, the archive does not answer as it should. */
const broken = new Map<string, number>()
const server = createServer()

/** The page around the viewer, as the reading room is: it keeps what the viewer says. */
const ROOM = `<!doctype html><title>room</title><body style="margin:0"><iframe id="viewer" style="width:100vw;height:98vh;border:0"></iframe>
<script>window.said = []; addEventListener('message', (e) => said.push(e.data)); viewer.src = location.hash.slice(1)</script>`

beforeAll(async () => {
  archive = await testArchive(await emptyDatabase())
  const { directory } = await prepareViewer()
  const names = (folder: string, count: number) =>
    Array.from({ length: count }, (_, n) => `${folder}/${String(n + 1).padStart(2, '0')}.dcm`)
  ;[head] = (await archive.store(...names('ct-head', 14))) as [Stored]
  ;[chest] = (await archive.store(...names('ct-chest', 20))) as [Stored]
  const viewer = serveViewer({ directory, isSignedIn: async () => true, signInPath: '/sign-in' })
  server.on('request', (request, response) => {
    const path = request.url!.split('?')[0]!
    asked.push(path)
    if (path === '/room') return void response.setHeader('content-type', 'text/html').end(ROOM)
    if (path.startsWith('/viewer-settings/')) return void response.end('{}')
    if (path.startsWith('/viewer')) return void viewer(request, response)
    if (!path.startsWith(`${ROOT}/`)) return void response.writeHead(404).end()
    if (isBroken(path)) return void response.writeHead(503).end()
    const access: Access = {
      kind: 'launch',
      launchId: LAUNCH,
      actor: READER,
      studies: [head.studyUid, chest.studyUid],
    }
    void answerHttp(request, response, { service: archive.service, root: ROOT, access })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  browser = await chromium.launch({
    executablePath: onPath('chromium'),
    args: [
      '--no-sandbox',
      '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader',
      '--ignore-gpu-blocklist',
    ],
  })
})

afterAll(async () => {
  await browser?.close()
  server.closeAllConnections()
  server.close()
  await archive?.close()
})

function isBroken(path: string): boolean {
  const left = broken.get(path) ?? 0
  if (left > 0) broken.set(path, left - 1)
  return left > 0
}

function onPath(program: string): string {
  const folder = process.env.PATH!.split(delimiter).find((one) => existsSync(join(one, program)))
  if (folder === undefined) throw new Error(`${program} is not installed`)
  return join(folder, program)
}

interface Opened {
  page: Page
  viewer: Frame
  problems: string[]
}

async function openViewer(query: string): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width: 1200, height: 760 } })
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()} ${new URL(response.url()).pathname}`)
  })
  await page.goto(`${address}/room#/viewer/viewer?launch=${LAUNCH}&${query}`)
  const frame = await (await page.waitForSelector('iframe')).contentFrame()
  return { page, viewer: frame!, problems }
}

/** How many viewports show a picture: more than eight grey levels on their canvas. */
function pictures(viewer: Frame): Promise<number> {
  return viewer.evaluate(() => {
    const canvases = [
      ...document.querySelectorAll<HTMLCanvasElement>('[data-cy="viewport-grid"] .cornerstone-canvas'),
    ]
    return canvases.filter((canvas) => {
      const copy = document.createElement('canvas')
      copy.width = copy.height = 128
      const context = copy.getContext('2d')!
      context.drawImage(canvas, 0, 0, 128, 128)
      const { data } = context.getImageData(0, 0, 128, 128)
      const levels = new Set<number>()
      for (let n = 0; n < data.length; n += 4) levels.add(data[n]!)
      return levels.size > 8
    }).length
  })
}

type Said = { from: string; type: string; [more: string]: unknown }
const said = (page: Page, type: string) =>
  page.evaluate(
    (wanted) => (window as unknown as { said: Said[] }).said.filter((s) => s.type === wanted),
    type,
  )
const tell = (page: Page, message: object) =>
  page.evaluate((text) => {
    const viewer = document.querySelector('iframe')!
    viewer.contentWindow!.postMessage({ to: 'isocenter-viewer', ...text }, location.origin)
  }, message)

test('[VW-01] a CT opens as a stack, is counted image by image, and is rebuilt in three planes', async () => {
  const { page, viewer, problems } = await openViewer(`StudyInstanceUIDs=${head.studyUid}`)
  await expect.poll(() => pictures(viewer), { timeout: 60_000 }).toBeGreaterThan(0)
  expect((await said(page, 'ready'))[0]).toMatchObject({ from: 'isocenter-viewer', studies: [head.studyUid] })
  await expect
    .poll(async () => (await said(page, 'images')).at(-1))
    .toMatchObject({ displayed: 1, available: 14 })

  await viewer.locator('.cornerstone-canvas').first().hover()
  for (let n = 0; n < 4; n++) await page.mouse.wheel(0, 100)
  await expect
    .poll(async () => (await said(page, 'images')).at(-1)?.displayed, { timeout: 30_000 })
    .toBeGreaterThan(2)

  await tell(page, { type: 'layout', layout: 'mpr' })
  await expect.poll(() => pictures(viewer), { timeout: 90_000 }).toBe(3)
  expect((await said(page, 'protocol')).at(-1)).toMatchObject({ protocol: 'mpr' })
  expect(problems).toEqual([])
  await page.close()
}, 180_000)

test('[VW-01] a prior is marked in its own viewport, and everything is asked for under the launch', async () => {
  asked.length = 0
  const { page, viewer, problems } = await openViewer(
    `StudyInstanceUIDs=${chest.studyUid},${head.studyUid}&hangingProtocolId=@ohif/hpCompare`,
  )
  await expect.poll(() => pictures(viewer), { timeout: 60_000 }).toBeGreaterThanOrEqual(2)
  const labels = viewer.getByText(/^PRIOR/)
  await expect.poll(() => labels.count(), { timeout: 30_000 }).toBeGreaterThan(0)
  const marked = viewer.locator('[data-cy="viewport-pane"]').filter({ hasText: /PRIOR/ })
  expect(await marked.count()).toBeLessThan(await viewer.locator('[data-cy="viewport-pane"]').count())
  await expect
    .poll(() => asked.filter((path) => path.startsWith('/dicom-web')).length, { timeout: 30_000 })
    .toBeGreaterThan(10)
  expect(
    asked.filter(
      (path) => !/^\/(room|viewer|viewer-settings|favicon\.ico)/.test(path) && !path.startsWith(`${ROOT}/`),
    ),
  ).toEqual([])
  expect(problems).toEqual([])
  await page.close()
}, 120_000)

test('the keys of the page around it are passed up, and plain keys stay with the viewer', async () => {
  const { page, viewer } = await openViewer(`StudyInstanceUIDs=${chest.studyUid}`)
  await expect.poll(() => pictures(viewer), { timeout: 60_000 }).toBeGreaterThan(0)
  await viewer.locator('.cornerstone-canvas').first().click()
  for (const key of ['F2', 'F4', 'Alt+u', 'i', 'ArrowDown']) await page.keyboard.press(key)
  await expect
    .poll(async () => (await said(page, 'key')).map((key) => key.key), { timeout: 30_000 })
    .toEqual(['F2', 'F4', 'u'])
  expect((await said(page, 'key'))[2]).toMatchObject({ altKey: true, code: 'KeyU' })

  await tell(page, { type: 'layout', layout: 'no-such-layout' })
  await expect.poll(async () => (await said(page, 'failed')).length, { timeout: 30_000 }).toBe(1)
  expect(await pictures(viewer)).toBeGreaterThan(0)

  await tell(page, { type: 'open', studies: [head.studyUid] })
  await expect
    .poll(async () => (await said(page, 'ready')).at(-1)?.studies, { timeout: 30_000 })
    .toEqual([head.studyUid])
  await expect.poll(async () => (await said(page, 'images')).at(-1)?.available, { timeout: 30_000 }).toBe(14)
  await page.close()
}, 120_000)

test('[VW-07] an archive that does not answer is asked again, and so is a frame that does not come; one that never comes is said, and no other image stands in its place', async () => {
  const frames = await framesOf(head)
  const [late, never] = [frames[3]!, frames[6]!]
  broken.set(late, 2)
  broken.set(never, Number.POSITIVE_INFINITY)
  const metadata = `${ROOT}/studies/${head.studyUid}/series/${head.seriesUid}/metadata`
  broken.set(metadata, Number.POSITIVE_INFINITY)
  const { page, viewer } = await openViewer(`StudyInstanceUIDs=${head.studyUid}`)
  // Without the metadata there is nothing to show: it says so, and leads on once the archive answers.
  await viewer.getByRole('alert').getByText('The images cannot be reached.').waitFor({ timeout: 60_000 })
  broken.delete(metadata)
  await viewer.evaluate(() => document.querySelector<HTMLElement>('.isocenter-blank button')?.click())
  await expect.poll(() => pictures(viewer), { timeout: 60_000 }).toBeGreaterThan(0)
  await viewer.locator('.cornerstone-canvas').first().click()
  const cover = viewer.locator('.isocenter-missing')
  const badge = viewer.locator('.isocenter-not-shown')
  await expect
    .poll(
      async () => {
        if ((await cover.count()) === 0) await page.keyboard.press('ArrowDown')
        return cover.count()
      },
      { timeout: 60_000, interval: 300 },
    )
    .toBe(1)
  expect(await cover.innerText()).toContain('This image has not come.')
  expect(await viewer.getByText('Something went wrong').count()).toBe(0)
  await expect.poll(() => badge.innerText(), { timeout: 30_000 }).toContain('1 of 14 not shown')
  expect((await said(page, 'images')).at(-1)).toMatchObject({ available: 14, missing: 1 })
  // The one that came at the third time of asking is there, and nothing is said of it.
  expect(broken.get(late)).toBe(0)
  expect(asked.filter((path) => path === never).length).toBeGreaterThanOrEqual(4)

  broken.clear()
  // At once, or else by itself some seconds later: it may have come back before the press.
  await viewer.evaluate(() => document.querySelector<HTMLElement>('.isocenter-missing button')?.click())
  await expect.poll(() => cover.count(), { timeout: 30_000 }).toBe(0)
  await expect.poll(() => badge.count()).toBe(0)
  await expect.poll(async () => (await said(page, 'images')).at(-1)).toMatchObject({ missing: 0 })
  await page.close()
}, 120_000)

/** The addresses of a study's frames, image by image as a stack shows them. */
async function framesOf({ studyUid }: Stored): Promise<string[]> {
  const response = await fetch(`${address}${ROOT}/studies/${studyUid}/instances?includefield=00200013`)
  const found = (await response.json()) as Record<string, { Value: (string | number)[] }>[]
  const value = (instance: (typeof found)[number], tag: string) => instance[tag]!.Value[0]!
  return found
    .sort((a, b) => Number(value(a, '00200013')) - Number(value(b, '00200013')))
    .map(
      (one) =>
        `${ROOT}/studies/${studyUid}/series/${value(one, '0020000E')}/instances/${value(one, '00080018')}/frames/1`,
    )
}

test('[VW-03] diameters and an angle are measured by keys; what is given up leaves nothing, an end lies in the image that is shown, and an open line is no other’s measurement', async () => {
  const { page, viewer, problems } = await openViewer(`StudyInstanceUIDs=${head.studyUid}`)
  await expect.poll(() => pictures(viewer), { timeout: 60_000 }).toBe(1)
  await page.locator('iframe').focus()
  const caret = viewer.locator('.isocenter-caret')
  const begin = async (key: string) => {
    await page.keyboard.press(key)
    await caret.waitFor()
  }
  const place = async (...moves: string[]) => {
    for (const move of moves) for (let n = 0; n < 9; n += 1) await page.keyboard.press(move)
    await page.keyboard.press('Enter')
  }
  await begin('m')
  await place()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await caret.waitFor({ state: 'detached' })
  expect(await measured(viewer)).toEqual([])
  await begin('d')
  await place()
  await place('ArrowRight', 'Shift+ArrowDown')
  await caret.waitFor({ state: 'detached' })
  await begin('j')
  await place()
  await place('ArrowLeft')
  await place('ArrowDown')
  await caret.waitFor({ state: 'detached' })
  await expect
    .poll(() => measured(viewer))
    .toEqual([
      ['Bidirectional', 4],
      ['Angle', 3],
    ])
  const before = await imageIndex(viewer)
  await page.keyboard.press('ArrowDown')
  await expect.poll(() => imageIndex(viewer)).toBe(before + 1)

  // The image changes under the caret: both ends lie in the one that is shown.
  await begin('m')
  await page.keyboard.press('End')
  await expect.poll(() => imageIndex(viewer)).toBe(13)
  await place()
  await place('ArrowRight')
  await caret.waitFor({ state: 'detached' })
  expect(await endsOfNewest(viewer)).toEqual({ isOnShown: true, offPlaneMm: [0, 0] })

  // Of two diameters one is drawn: what is taken over is not the length from before, nor half of these.
  await begin('d')
  await place()
  const taken = (await said(page, 'measurement')).length
  await tell(page, { type: 'take-measurement' })
  await expect
    .poll(async () => (await said(page, 'measurement')).slice(taken))
    .toMatchObject([{ measurement: null }])
  await caret.waitFor()
  await page.keyboard.press('Escape')
  await tell(page, { type: 'take-measurement' })
  await expect
    .poll(async () => (await said(page, 'measurement')).at(-1))
    .toMatchObject({ measurement: { text: expect.stringMatching(/^\d+(\.\d)? mm$/) } })
  expect(problems).toEqual([])
  await page.close()
}, 120_000)

type Plane = 'rowCosines' | 'columnCosines' | 'imagePositionPatient'

interface Measuring {
  services: {
    measurementService: {
      getMeasurements(): { toolName: string; points: unknown[]; referencedImageId?: string }[]
    }
  }
  cornerstone: {
    getEnabledElements(): { viewport: { getCurrentImageIdIndex(): number; getCurrentImageId(): string } }[]
    metaData: { get(module: 'imagePlaneModule', image: string): Record<Plane, number[]> }
  }
}

function measured(viewer: Frame): Promise<[string, number][]> {
  return viewer.evaluate(() =>
    (window as unknown as Measuring).services.measurementService
      .getMeasurements()
      .map(({ toolName, points }) => [toolName, points.length] as [string, number]),
  )
}

/** Whether the newest measurement is on the image that is shown, and how far its ends are from that image's plane. */
function endsOfNewest(viewer: Frame) {
  return viewer.evaluate(() => {
    const { cornerstone, services } = window as unknown as Measuring
    const image = cornerstone.getEnabledElements()[0]!.viewport.getCurrentImageId()
    const newest = services.measurementService.getMeasurements().at(-1)!
    const plane = cornerstone.metaData.get('imagePlaneModule', image)
    const [row, column] = [plane.rowCosines, plane.columnCosines]
    const normal = [0, 1, 2].map((n) => {
      const [a, b] = [(n + 1) % 3, (n + 2) % 3]
      return row[a]! * column[b]! - row[b]! * column[a]!
    })
    const off = (point: number[]) =>
      normal.reduce((sum, part, n) => sum + part * (point[n]! - plane.imagePositionPatient[n]!), 0)
    return {
      isOnShown: newest.referencedImageId === image,
      offPlaneMm: newest.points.map((point) => Math.abs(Math.round(off(point as number[]) * 100) / 100)),
    }
  })
}

const imageIndex = (viewer: Frame) =>
  viewer.evaluate(() =>
    (window as unknown as Measuring).cornerstone.getEnabledElements()[0]!.viewport.getCurrentImageIdIndex(),
  )
