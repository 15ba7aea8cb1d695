/** How images are shown is kept: in the study as a presentation and key images, on the server as layouts and keys. */
import type { BrowserContext, Frame, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Dataset } from '#archive/dimse/dataset.ts'
import { signIn } from './app.fixture.ts'
import { imagesOf, type PixelStudy, pixelStudy } from './reading-images.fixture.ts'
import { openScreens, type Screens } from './screens.fixture.ts'
import { similarity } from './structural-similarity.fixture.ts'
import { lookUpTable, overlaid, presentation, radiograph } from './viewer-objects.fixture.ts'

// A loaded machine without a graphics card draws slowly.
vi.setConfig({ testTimeout: 120_000 })
const PATIENT = { timeout: 40_000, interval: 150 }

let screens: Screens
let head: PixelStudy
let prior: PixelStudy
const contexts: BrowserContext[] = []

beforeAll(async () => {
  screens = await openScreens('viewer-layout')
  const { department, app, demonstration } = screens
  const archive = { department, dicomweb: `${app.url}/dicom-web`, token: demonstration.tokens.integration }
  const patient = {
    identifiers: [{ value: 'SYN-310020030', issuer: 'MAIN', type: 'MR' }],
    name: { alphabetic: { family: 'ARBOR', given: 'TEST' } },
    otherNames: [],
    birthDate: { value: '1950-01-02', precision: 'day' as const },
    sex: 'F' as const,
    temporaryIdentity: false,
    comments: [],
  }
  // The prior's series would come first by its number, and the current study stands first all the same.
  prior = await pixelStudy(archive, { objects: imagesOf('ct-chest').slice(0, 3), order: { patient } })
  head = await pixelStudy(archive, { objects: imagesOf('ct-head').slice(0, 6), order: { patient } })
})

afterAll(async () => {
  for (const context of contexts) await context.close()
  await screens?.close()
})

const account = (user: string) => screens.demonstration.accounts.find((one) => one.user === user)!

/** A workstation: its own browser profile. */
async function workstation(): Promise<Page> {
  const context = await screens.browser.newContext({ viewport: { width: 1440, height: 900 } })
  contexts.push(context)
  return context.newPage()
}

async function sit(page: Page, user: string): Promise<Frame> {
  await signIn(page, screens.app.url, account(user))
  return open(page)
}

async function open(page: Page, itemId = head.itemId): Promise<Frame> {
  await page.goto(`${screens.app.url}/reading/${itemId}`)
  const frame = await (await page.waitForSelector('iframe[title="Images"]')).contentFrame()
  await frame!.waitForSelector('[data-cy="viewport-pane"] .cornerstone-canvas', { timeout: 60_000 })
  await expect.poll(async () => (await shown(frame!))[0]?.levels, PATIENT).toBeGreaterThan(8)
  return frame!
}

interface Shown {
  study: string
  levels: number
}

interface Cornerstone {
  getRenderingEngines(): { getViewports(): Stack[] }[]
}

interface Stack {
  canvas: HTMLCanvasElement
  element: HTMLDivElement
  getCurrentImageId?(): string | undefined
  setProperties(properties: object): void
  setZoom(zoom: number): void
  setPan(pan: [number, number]): void
  setViewPresentation(presentation: object): void
  getImageData(): { imageData: Grid } | undefined
  worldToCanvas(at: number[]): number[]
  canvasToWorld(at: number[]): number[]
  render(): void
}

interface Grid {
  indexToWorld(index: number[]): number[]
  worldToIndex(at: number[]): number[]
}

type Viewing = {
  cornerstone: Cornerstone
  commandsManager: { runCommand(name: string, options?: object): void }
}

/** What stands in each viewport, top left first. */
function shown(viewer: Frame): Promise<Shown[]> {
  return viewer.evaluate(() => {
    const { cornerstone } = window as unknown as Viewing
    const stacks = cornerstone.getRenderingEngines().flatMap((engine) => engine.getViewports())
    return [...document.querySelectorAll('[data-cy="viewport-pane"]')].flatMap((pane) => {
      const stack = stacks.find(({ canvas }) => pane.contains(canvas))
      if (!stack) return []
      const copy = document.createElement('canvas')
      copy.width = copy.height = 96
      const context = copy.getContext('2d', { willReadFrequently: true })!
      context.drawImage(stack.canvas, 0, 0, 96, 96)
      const levels = new Set(context.getImageData(0, 0, 96, 96).data.filter((_, n) => n % 4 === 0))
      const study = /\/studies\/([0-9.]+)\//.exec(stack.getCurrentImageId?.() ?? '')?.[1] ?? ''
      return [{ study, levels: levels.size }]
    })
  })
}

const run = (viewer: Frame, command: string, options: object = {}) =>
  viewer.evaluate(
    ([name, more]) =>
      (window as unknown as Viewing).commandsManager.runCommand(name as string, more as object),
    [command, options] as const,
  )

async function draw(
  page: Page,
  viewer: Frame,
  { tool, from, to }: { tool: string; from: number[]; to: number[] },
) {
  await run(viewer, 'setToolActiveToolbar', { toolName: tool, toolGroupIds: ['default'] })
  const box = (await viewer.locator('.cornerstone-canvas').first().boundingBox())!
  const at = ([x, y]: number[]) => [box.x + box.width * x!, box.y + box.height * y!] as const
  await page.mouse.move(...at(from))
  await page.mouse.down()
  await page.mouse.move(...at(to), { steps: 4 })
  await page.mouse.up()
}

/** The image area of the first viewport as the browser shows it: picture, shutter and whatever is drawn on it. */
async function picture(page: Page, viewer: Frame): Promise<Buffer> {
  await viewer.locator('[data-sonner-toast]').first().waitFor({ state: 'detached', timeout: 15_000 })
  await page.mouse.move(2, 2)
  return viewer.locator('.cornerstone-viewport-element').first().screenshot()
}

test('[VW-04] window, area, shutter and annotation that a radiologist keeps are the same picture in another session', async () => {
  const [here, there] = [await workstation(), await workstation()]
  const viewer = await sit(here, 'radiologist')
  expect((await shown(viewer)).map(({ study }) => study)).toEqual([head.studyUid])
  await draw(here, viewer, { tool: 'Length', from: [0.35, 0.45], to: [0.6, 0.55] })
  await viewer
    .getByText(/^\d+\.\d mm$/)
    .first()
    .waitFor()
  await draw(here, viewer, { tool: 'RectangleROI', from: [0.2, 0.3], to: [0.8, 0.7] })
  await here.keyboard.press('o')
  await viewer.locator('svg.isocenter-presentation .shutter').waitFor()
  await viewer.evaluate(() => {
    const [stack] = (window as unknown as Viewing).cornerstone.getRenderingEngines()[0]!.getViewports()
    stack!.setProperties({ voiRange: { lower: -20, upper: 99 } })
    stack!.setZoom(1.35)
    stack!.setPan([24, -12])
    stack!.render()
  })
  await here.keyboard.press('s')
  await viewer.getByText('Kept in the study as it is shown.').waitFor(PATIENT)
  await here.keyboard.press('k')
  await viewer.getByText('KEY IMAGE, not kept').waitFor()
  await here.keyboard.press('g')
  await viewer.getByText('Key images kept in the study: 1').waitFor(PATIENT)
  const kept = await picture(here, viewer)

  // Another reader, who opens the study and its presentation.
  const other = await sit(there, 'radiologist2')
  await other.locator('[data-cy="study-browser-thumbnail-no-image"]').filter({ hasText: 'PR' }).dblclick()
  await other
    .locator('svg.isocenter-presentation .words')
    .first()
    .waitFor({ state: 'attached', ...PATIENT })
  await other.getByText('KEY IMAGE', { exact: true }).waitFor()
  await expect
    .poll(async () => similarity(kept, await picture(there, other)), PATIENT)
    .toBeGreaterThanOrEqual(0.99)
  // As it came, it is another picture: the comparison would see it.
  await there.keyboard.press('p')
  await expect.poll(async () => similarity(kept, await picture(there, other)), PATIENT).toBeLessThan(0.9)
  const { sql } = screens.department
  expect(
    await sql`select 1 from order_events where order_id = ${head.orderId} and type = 'images.late'`,
  ).toEqual([])
  const [counted] = await sql`
    select stored_count as stored, instance_count - report_count as images from studies where study_uid = ${head.studyUid}`
  expect(counted).toEqual({ stored: 6, images: 6 })
})

const VIEWED = 'svg.isocenter-presentation .mark'

/** The grey in the middle of the first viewport, and beside the head. */
const greys = (viewer: Frame) =>
  viewer.evaluate(() => {
    const [stack] = (window as unknown as Viewing).cornerstone.getRenderingEngines()[0]!.getViewports()
    const copy = document.createElement('canvas')
    copy.width = copy.height = 64
    const context = copy.getContext('2d', { willReadFrequently: true })!
    context.drawImage(stack!.canvas, 0, 0, 64, 64)
    const at = (x: number, y: number) => context.getImageData(x, y, 1, 1).data[0]
    return [at(32, 32), at(4, 22)]
  })

/** Air white, brain black: no window says it. */
function airWhite(): Dataset {
  const entries = Buffer.alloc(4096 * 2)
  for (let value = 0; value < 824; value += 1) entries.writeUInt16LE(0xffff, value * 2)
  const table = new Dataset()
  table.set('LUTDescriptor', Buffer.from(Int16Array.of(4096, -1024, 16).buffer), 'SS')
  return Dataset.of({ VOILUTSequence: [table.set('LUTData', entries, 'OW')] })
}

const boxes = (count: number) =>
  Array.from({ length: count }, (_, n) =>
    Dataset.of({
      GraphicAnnotationUnits: 'PIXEL',
      GraphicDimensions: 2,
      NumberOfGraphicPoints: 5,
      GraphicData: [0, 0, 4, 0, 4, 4, 0, 4, 0, 0].map((at, axis) => at + (axis % 2 ? n / 20 : n % 500)),
      GraphicType: 'POLYLINE',
      GraphicFilled: 'N',
    }),
  )

test('[VW-04] what other systems made is shown by its own table, is kept with it, and what is not shown is said', async () => {
  const objects = imagesOf('ct-head').slice(0, 3)
  const images = objects.map(({ dataset }) => dataset)
  const theirs = [
    presentation('their table', images, {
      SoftcopyVOILUTSequence: [airWhite()],
      RescaleIntercept: 0,
      RescaleSlope: 1,
      RescaleType: 'HU',
    }),
    presentation('far too much', images, {
      PresentationCreationTime: '080000',
      GraphicAnnotationSequence: [Dataset.of({ GraphicLayer: 'NONE', GraphicObjectSequence: boxes(10_000) })],
    }),
  ]
  const { department, app, demonstration } = screens
  const archive = { department, dicomweb: `${app.url}/dicom-web`, token: demonstration.tokens.integration }
  const { itemId } = await pixelStudy(archive, { objects: [...objects, ...theirs] })
  const page = await workstation()
  await signIn(page, app.url, account('radiologist'))
  const viewer = await open(page, itemId)
  await viewer.locator(VIEWED).getByText('their table').waitFor(PATIENT)
  await expect.poll(() => greys(viewer), PATIENT).toEqual([0, 255])
  await viewer.locator('.cornerstone-canvas').first().click()
  await page.keyboard.press('ArrowDown')
  await viewer.getByText('(2/3)').waitFor(PATIENT)
  expect(await greys(viewer)).toEqual([0, 255])
  // A reset goes back to what was kept and not to what lies under it.
  await viewer.evaluate(() => {
    const [stack] = (window as unknown as Viewing).cornerstone.getRenderingEngines()[0]!.getViewports()
    stack!.setProperties({ voiRange: { lower: -3000, upper: -2000 } })
    stack!.render()
  })
  await expect.poll(async () => (await greys(viewer))[1], PATIENT).toBe(0)
  await page.keyboard.press('Space')
  await expect.poll(() => greys(viewer), PATIENT).toEqual([0, 255])
  await page.keyboard.press('s')
  await viewer.getByText('Kept in the study as it is shown.').waitFor(PATIENT)

  const listed = (name: string) =>
    viewer.locator('[data-cy="study-browser-thumbnail-no-image"]').filter({ hasText: name })
  await listed('far too much').dblclick()
  await viewer
    .locator(VIEWED)
    .getByText(/^Not shown as it was made: .*2000 more objects$/)
    .waitFor(PATIENT)
  await expect.poll(async () => (await greys(viewer))[1], PATIENT).toBe(0)
  await listed('S:9002').dblclick()
  await viewer.locator(VIEWED).getByText('their table').waitFor(PATIENT)
  await expect.poll(() => greys(viewer), PATIENT).toEqual([0, 255])
  expect(await viewer.getByText(/^Not shown/).count()).toBe(0)
})

/** The greys of the first viewport at some columns of its image, half way down, and where an overlay lies on it. */
const columnsOf = (viewer: Frame) =>
  viewer.evaluate(() => {
    const [stack] = (window as unknown as Viewing).cornerstone.getRenderingEngines()[0]!.getViewports()
    const { canvas, element } = stack!
    const image = stack?.getImageData()?.imageData
    if (!image) return { greys: [], overlay: null }
    const copy = document.createElement('canvas')
    copy.width = canvas.width
    copy.height = canvas.height
    const context = copy.getContext('2d', { willReadFrequently: true })!
    context.drawImage(canvas, 0, 0)
    const scale = canvas.width / element.clientWidth
    const greys = [32, 128, 224].map((column) => {
      const [x, y] = stack!.worldToCanvas(image.indexToWorld([column, 128, 0]))
      return context.getImageData(Math.round(x! * scale), Math.round(y! * scale), 1, 1).data[0]
    })
    const laid = element.querySelector('svg image')?.getBoundingClientRect()
    const from = element.getBoundingClientRect()
    const pixel = ([x, y]: number[]) =>
      image.worldToIndex(stack!.canvasToWorld([x! - from.x, y! - from.y])).map((at) => Math.round(at + 0.5))
    return {
      greys,
      overlay: laid
        ? [pixel([laid.left, laid.top]), pixel([laid.right, laid.bottom])].map(([x, y]) => [x, y])
        : null,
    }
  })

test('[VW-01] an image is shown by its own tables, they are offered by name, and a reset brings the first one back', async () => {
  const window = { WindowCenter: 0x8000, WindowWidth: 0x10000 }
  const square = lookUpTable((value) => value ** 2, { LUTExplanation: 'SQUARE' })
  const turned = lookUpTable((value) => 1 - value, { LUTExplanation: 'TURNED' })
  const optical = lookUpTable((value) => value ** 2, { ModalityLUTType: 'OD' })
  const objects = [
    radiograph('two tables', { VOILUTSequence: [square, turned] }),
    radiograph('optical', { ...window, ModalityLUTSequence: [optical], PresentationLUTShape: 'INVERSE' }),
    overlaid(radiograph('overlay', { WindowCenter: 2048, WindowWidth: 4096 }), {
      row: 101,
      column: 65,
      rows: 64,
      columns: 32,
    }),
    radiograph('shutter', {
      ...{ WindowCenter: 2048, WindowWidth: 4096, ShutterShape: 'CIRCULAR' },
      ...{ CenterOfCircularShutter: [128, 128], RadiusOfCircularShutter: 40 },
    }),
  ]
  const { department, app, demonstration } = screens
  const archive = { department, dicomweb: `${app.url}/dicom-web`, token: demonstration.tokens.integration }
  const { itemId } = await pixelStudy(archive, { objects })
  const page = await workstation()
  await signIn(page, app.url, account('radiologist'))
  const viewer = await open(page, itemId)
  const show = (series: string) =>
    viewer
      .locator('[data-cy^="study-browser-thumbnail"]')
      .filter({ has: viewer.getByText(series, { exact: true }) })
      .dblclick()
  const untilGreys = (greys: number[]) =>
    expect.poll(async () => (await columnsOf(viewer)).greys, PATIENT).toEqual(greys)

  // Of columns 32, 128 and 224 the values are 512, 2048 and 3584 of 4095: squared they are 1.6, 25 and 76.6 per cent.
  await show('two tables')
  await untilGreys([4, 64, 196])
  // A stack that has just been opened is given its own greys once more: a window is turned until it stays.
  await expect
    .poll(async () => {
      await viewer.evaluate(() => {
        const [stack] = (window as unknown as Viewing).cornerstone.getRenderingEngines()[0]!.getViewports()
        stack!.setProperties({ voiRange: { lower: 0, upper: 2047 } })
        stack!.render()
      })
      return (await columnsOf(viewer)).greys
    }, PATIENT)
    .toEqual([16, 255, 255])
  await viewer.locator('.cornerstone-canvas').first().click()
  await page.keyboard.press('Space')
  await untilGreys([4, 64, 196])
  const box = (await viewer.locator('[data-cy="viewport-pane"]').first().boundingBox())!
  await page.mouse.click(box.x + 17, box.y + box.height - 20)
  await viewer.getByText('Modality Window Presets').click()
  await viewer.getByText('TURNED', { exact: true }).click()
  await untilGreys([223, 127, 31])

  await show('optical')
  await untilGreys([251, 191, 59])
  await show('overlay')
  await expect
    .poll(async () => (await columnsOf(viewer)).overlay, PATIENT)
    .toEqual([
      [64, 100],
      [96, 164],
    ])
  await viewer.evaluate(() => {
    const [stack] = (window as unknown as Viewing).cornerstone.getRenderingEngines()[0]!.getViewports()
    stack!.setViewPresentation({ rotation: 180 })
    stack!.render()
  })
  await expect
    .poll(async () => (await columnsOf(viewer)).overlay, PATIENT)
    .toEqual([
      [96, 164],
      [64, 100],
    ])

  // What is said in the corner stands over a shutter as it stands without one.
  await show('shutter')
  const shutter = viewer.locator('svg.isocenter-presentation .shutter')
  await shutter.waitFor({ state: 'attached', ...PATIENT })
  await page.mouse.move(2, 2)
  const corner = viewer.locator('[data-cy="viewport-overlay-top-left"]').first()
  await corner.getByText('shutter').waitFor(PATIENT)
  const shut = await corner.screenshot()
  await viewer.locator('.cornerstone-canvas').first().click()
  await page.keyboard.press('o')
  await shutter.waitFor({ state: 'detached' })
  await page.mouse.move(2, 2)
  expect(similarity(shut, await corner.screenshot())).toBeGreaterThanOrEqual(0.99)
})

test('[VW-02] a layout with the prior beside the current study is kept for the procedure, and hangs the next time', async () => {
  const page = await workstation()
  await signIn(page, screens.app.url, account('radiologist'))
  await page.goto(`${screens.app.url}/layouts`)
  await page.getByText('None kept yet.').waitFor()
  await page.locator('.layout-target select').first().selectOption({ label: 'Every CT procedure' })
  await page.getByRole('button', { name: 'Keep', exact: true }).click()
  await page.getByRole('button', { name: /Every CT procedure.*1 × 2/ }).waitFor()

  const viewer = await open(page)
  const pictures = async () => (await shown(viewer)).filter(({ levels }) => levels > 8)
  await expect.poll(async () => (await pictures()).length, PATIENT).toBe(2)
  const [first, second] = await shown(viewer)
  expect(first!.study).toBe(head.studyUid)
  expect(second!.study).not.toBe(head.studyUid)
  await run(viewer, 'isocenterKeepHanging')
  await viewer.getByText(/^Layout kept for /).waitFor(PATIENT)
  const kept = await screens.department.sql`
    select procedure_code is null as every, layout->'columns' as columns from hanging_layouts order by every`
  expect(kept).toEqual([
    { every: false, columns: 2 },
    { every: true, columns: 2 },
  ])
})

test('[VW-01] a prior that is let on while its case is being read is offered, and taken up it stands beside the case', async () => {
  const { department, app, demonstration } = screens
  const archive = { department, dicomweb: `${app.url}/dicom-web`, token: demonstration.tokens.integration }
  const patient = {
    identifiers: [{ value: 'SYN-310020048', issuer: 'MAIN', type: 'MR' }],
    name: { alphabetic: { family: 'BIRCH', given: 'TEST' } },
    otherNames: [],
    birthDate: { value: '1961-04-09', precision: 'day' as const },
    sex: 'M' as const,
    temporaryIdentity: false,
    comments: [],
  }
  const study = (folder: string) =>
    pixelStudy(archive, { objects: imagesOf(folder).slice(0, 2), order: { patient } })
  const current = await study('ct-head')
  const page = await workstation()
  await signIn(page, app.url, account('radiologist'))
  await open(page, current.itemId)
  await page.getByRole('button', { name: 'Claim this case' }).click()
  await page.getByRole('button', { name: 'Claim this case' }).waitFor({ state: 'detached' })
  const late = await study('ct-chest')
  await page.getByRole('button', { name: '1 more prior. Show it' }).click(PATIENT)
  const viewer = await (await page.waitForSelector(`iframe[src*="${late.studyUid}"]`)).contentFrame()
  await viewer!.locator('[data-cy^="study-browser-thumbnail"]').nth(1).waitFor(PATIENT)
  await expect.poll(async () => (await shown(viewer!))[0]?.levels, PATIENT).toBeGreaterThan(8)
  expect((await shown(viewer!))[0]!.study).toBe(current.studyUid)
  expect(await page.getByText('more prior').count()).toBe(0)
})

test('keys follow the reader to another workstation, and stay behind on none', async () => {
  const [shared, elsewhere] = [await workstation(), await workstation()]
  interface Keys {
    isocenter: { keptKeys(): string; keepKeys(text: string): void }
  }
  const keys = async (viewer: Frame) =>
    JSON.parse(await viewer.evaluate(() => (window as unknown as Keys).isocenter.keptKeys()))
  const wanted = { [String('a').repeat(40)]: ['x'] }
  const viewer = await sit(shared, 'radiologist')
  const written = shared.waitForResponse(
    (one) => one.url().includes('/viewer-settings/') && one.request().method() === 'POST',
  )
  await viewer.evaluate(
    (text) => (window as unknown as Keys).isocenter.keepKeys(text),
    JSON.stringify(wanted),
  )
  expect((await written).status()).toBe(200)
  expect(await keys(await sit(elsewhere, 'radiologist'))).toEqual(wanted)

  await shared.context().clearCookies()
  expect(await keys(await sit(shared, 'radiologist2'))).toEqual({})
  expect(await shared.evaluate(() => Object.keys(localStorage).join())).not.toContain('keys')
})

test('[VW-06] the images stand in a window of their own where the workstation has it; another case closes the older one', async () => {
  const page = await workstation()
  await sit(page, 'radiologist')
  const apart = page.getByRole('button', { name: 'Images in their own window' })
  const [own] = await Promise.all([page.context().waitForEvent('page'), apart.click()])
  await expect.poll(async () => (await shown(own.mainFrame()))[0]?.levels, PATIENT).toBeGreaterThan(8)
  expect(await page.locator('iframe').count()).toBe(0)
  await page.getByText(/^[1-6] of 6 images displayed$/).waitFor(PATIENT)
  // Another room of the same workstation, which opens its window by itself: the workstation had one.
  const other = await page.context().newPage()
  const closed = own.waitForEvent('close', PATIENT)
  await other.goto(`${screens.app.url}/reading/${prior.itemId}`)
  await other.getByText('The images are in their own window.').waitFor(PATIENT)
  await closed
  await page.getByText('Another case is open in a newer window').waitFor(PATIENT)
})
