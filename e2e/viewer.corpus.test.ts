import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { BrowserContext, Frame, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { newUid } from '#archive/dimse/uid.ts'
import { datasetOfFile } from '#archive/scu/store.ts'
import { signIn } from './app.fixture.ts'
import { type DicomObject, type PixelStudy, pixelStudy } from './reading-images.fixture.ts'
import { openScreens, type Screens } from './screens.fixture.ts'
import { angiography, keyImages, lengthReport, outline } from './viewer-objects.fixture.ts'

const DATA = process.env.ISOCENTER_CORPUS ?? resolve(import.meta.dirname, '../../shared/data')
const DICOM = join(DATA, 'dicom')

// A loaded machine without a graphics card draws slowly.
vi.setConfig({ testTimeout: 120_000 })
const PATIENT = { timeout: 30_000, interval: 150 }

let screens: Screens
let reader: BrowserContext
let page: Page
const problems: string[] = []

beforeAll(async () => {
  screens = await openScreens('viewer')
  reader = await screens.browser.newContext({ viewport: { width: 1440, height: 900 } })
  page = await reader.newPage()
  watch(page, problems)
  const { accounts } = screens.demonstration
  await signIn(page, screens.app.url, accounts.find(({ user }) => user === 'radiologist')!)
})

afterAll(async () => {
  await reader?.close()
  await screens?.close()
})

const object = (file: string): DicomObject => datasetOfFile(readFileSync(join(DICOM, file)))

const seriesIn = (folder: string, label?: string): DicomObject[] =>
  readdirSync(join(DICOM, folder)).map((name) => {
    const read = object(join(folder, name))
    if (label) read.dataset.set('SeriesDescription', label)
    return read
  })

/** A file as a series of its own that is called what it is. */
function named(label: string, file: string): DicomObject {
  const { dataset, transferSyntaxUid } = object(file)
  dataset.set('SeriesDescription', label).set('SeriesInstanceUID', newUid()).set('SOPInstanceUID', newUid())
  return { dataset, transferSyntaxUid }
}

let patients = 0

function study(objects: readonly DicomObject[]): Promise<PixelStudy> {
  const { department, app, demonstration } = screens
  const archive = { department, dicomweb: `${app.url}/dicom-web`, token: demonstration.tokens.integration }
  patients += 1
  const patient = {
    identifiers: [{ value: `SYN-${newUid().slice(-9)}`, issuer: 'MAIN', type: 'MR' }],
    name: { alphabetic: { family: FAMILIES[patients]!, given: 'TEST' } },
    otherNames: [],
    birthDate: { value: `19${30 + patients * 7}-0${patients}-1${patients}`, precision: 'day' as const },
    sex: 'F' as const,
    temporaryIdentity: false,
    comments: [],
  }
  return pixelStudy(archive, { objects, order: { patient } })
}

const FAMILIES = ['', 'ARBOR', 'BIRCH', 'CEDRUS', 'DOGWOOD', 'ELM', 'FIG', 'GINKGO', 'HOLLY', 'IVY']

/** Every request that fails, every error a script throws or tells of. What a page leaves behind when it goes is none. */
function watch(watched: Page, wrong: string[]): void {
  watched.on('pageerror', (error) => wrong.push(error.message))
  watched.on('console', (said) => {
    if (said.type() === 'error') wrong.push(said.text())
  })
  watched.on('requestfailed', (request) => {
    const why = request.failure()?.errorText ?? ''
    if (why !== 'net::ERR_ABORTED') wrong.push(`${why} ${request.url()}`)
  })
  watched.on('response', (response) => {
    if (response.status() >= 400) wrong.push(`${response.status()} ${response.url()}`)
  })
}

/** The reading room with the case, as its reader has it; answers the frame of the viewer. */
async function open({ itemId }: PixelStudy): Promise<Frame> {
  problems.length = 0
  await page.goto(`${screens.app.url}/reading/${itemId}`)
  const frame = await (await page.waitForSelector('iframe[title="Images"]')).contentFrame()
  await frame!.waitForSelector('[data-cy="viewport-pane"]', { timeout: 60_000 })
  return frame!
}

interface Shown {
  series: string
  image: string
  /** Grey levels on the canvas: more than eight are a picture. */
  levels: number
  /** Pixels whose colour is no grey. */
  coloured: number
  print: string
}

interface Cornerstone {
  getRenderingEngines(): { getViewports(): { canvas: HTMLCanvasElement; getCurrentImageId?(): string }[] }[]
  metaData: { get(module: string, image: string): Record<string, string> | undefined }
}

/** What stands in each viewport, top left first. */
function shownIn(viewer: Frame): Promise<Shown[]> {
  return viewer.evaluate(() => {
    const { cornerstone } = window as unknown as { cornerstone: Cornerstone }
    const panes = [...document.querySelectorAll('[data-cy="viewport-pane"]')]
    const viewports = (cornerstone.getRenderingEngines() ?? []).flatMap((engine) => engine.getViewports())
    return panes.flatMap((pane) => {
      const viewport = viewports.find(({ canvas }) => pane.contains(canvas))
      if (!viewport) return []
      const copy = document.createElement('canvas')
      copy.width = copy.height = 160
      const context = copy.getContext('2d', { willReadFrequently: true })!
      context.drawImage(viewport.canvas, 0, 0, 160, 160)
      const { data } = context.getImageData(0, 0, 160, 160)
      const levels = new Set<number>()
      let [coloured, print] = [0, 0]
      for (let n = 0; n < data.length; n += 4) {
        const [red, green, blue] = [data[n]!, data[n + 1]!, data[n + 2]!]
        levels.add(red)
        if (Math.max(red, green, blue) - Math.min(red, green, blue) > 24) coloured += 1
        print = (Math.imul(print, 31) + red + green * 7 + blue * 13) | 0
      }
      const image = viewport.getCurrentImageId?.() ?? ''
      const series = (image && cornerstone.metaData.get('instance', image)?.SeriesDescription) || ''
      return [{ series, image, levels: levels.size, coloured, print: String(print) }]
    })
  })
}

/** @param levels how many grey levels the picture has to have, when it has few */
async function untilPicture(viewer: Frame, series?: string, levels = 8): Promise<Shown> {
  let shown: Shown | undefined
  await expect
    .poll(async () => {
      ;[shown] = await shownIn(viewer)
      return shown && shown.levels > levels && (series === undefined || shown.series === series)
    }, PATIENT)
    .toBe(true)
  return shown!
}

/** Presses the series in the list twice, as a reader does to have it in the viewport. */
async function show(viewer: Frame, series: string): Promise<void> {
  const listed = viewer.locator('[data-cy^="study-browser-thumbnail"]')
  await listed
    .filter({ has: viewer.getByText(series, { exact: true }) })
    .first()
    .dblclick()
}

/** Turns the wheel over the images until so many different pictures have been seen. */
async function scrollThrough(viewer: Frame, different: number): Promise<void> {
  const prints = new Set<string>()
  await viewer.locator('.cornerstone-canvas').first().hover()
  await expect
    .poll(async () => {
      await page.mouse.wheel(0, 100)
      const [shown] = await shownIn(viewer)
      if (shown && shown.levels > 8) prints.add(shown.print)
      return prints.size
    }, PATIENT)
    .toBeGreaterThanOrEqual(different)
}

/** Nothing failed in the browser, and the viewer has complained of nothing. */
async function expectNoTrouble(viewer: Frame): Promise<void> {
  expect(problems).toEqual([])
  expect(await viewer.locator('[data-sonner-toast]').allInnerTexts()).toEqual([])
  expect(await page.getByText('not shown').count()).toBe(0)
}

async function inThreePlanes(viewer: Frame): Promise<void> {
  await viewer.locator('[data-cy="Layout"]').click()
  await viewer.getByText('MPR', { exact: true }).click()
  await expect
    .poll(async () => (await shownIn(viewer)).filter(({ levels }) => levels > 8).length, PATIENT)
    .toBe(3)
  const prints = (await shownIn(viewer)).map(({ print }) => print)
  expect(new Set(prints).size).toBe(3)
}

test('[VW-01] a CT is read as a stack and in three planes', async () => {
  const head = seriesIn('series/ct-ge-head', 'head, tilted gantry')
  // Twenty images and two key object selections, which are none.
  const chest = seriesIn('series/ct-mado-b', 'chest')
  const viewer = await open(await study([...head, ...chest]))
  await show(viewer, 'head, tilted gantry')
  await untilPicture(viewer, 'head, tilted gantry')
  await scrollThrough(viewer, 6)
  await page.getByText(new RegExp(`^\\d+ of ${head.length + 20} images displayed$`)).waitFor()
  await show(viewer, 'chest')
  await untilPicture(viewer, 'chest')
  await inThreePlanes(viewer)
  await expectNoTrouble(viewer)
})

test('[VW-01] an MR of two series is read as stacks and in three planes', async () => {
  const [flair, planar] = [
    seriesIn('series/mr-brainix/Flair', 'flair'),
    seriesIn('series/mr-brainix/Epi', 'planar'),
  ]
  const viewer = await open(await study([...flair, ...planar]))
  await show(viewer, 'planar')
  await untilPicture(viewer, 'planar')
  await show(viewer, 'flair')
  await untilPicture(viewer, 'flair')
  await scrollThrough(viewer, 6)
  await inThreePlanes(viewer)
  await expectNoTrouble(viewer)
})

test('[VW-01] ultrasound: loops and pictures, in colour, of four kinds of compression', async () => {
  const viewer = await open(
    await study([
      named('loop JPEG', 'modality/examples_ybr_color.dcm'),
      named('loop RLE palette', 'modality/US-PAL-8-10x-echo.dcm'),
      named('picture J2K', 'modality/US1_J2KI'),
      named('picture RLE', 'transfer-syntax/US1_RLE'),
      named('picture palette', 'modality/examples_palette.dcm'),
      named('picture RGB', 'modality/examples_rgb_color.dcm'),
    ]),
  )
  for (const loop of ['loop JPEG', 'loop RLE palette']) {
    await show(viewer, loop)
    await untilPicture(viewer, loop)
    await scrollThrough(viewer, 5)
  }
  for (const picture of ['picture J2K', 'picture RLE', 'picture palette', 'picture RGB']) {
    await show(viewer, picture)
    expect((await untilPicture(viewer, picture)).coloured, picture).toBeGreaterThan(100)
  }
  // Every frame counts, not every object: thirty and ten, and four pictures.
  await page.getByText(/^\d+ of 44 images displayed$/).waitFor()
  await expectNoTrouble(viewer)
})

test('[VW-01] mammography, a radiograph and angiography are shown, whatever VOI LUT function they state', async () => {
  const viewer = await open(
    await study([
      named('mammogram', 'modality/OutOfBoundsOverlay.dcm'),
      named('mammogram J2K', 'modality/MG1_J2KI'),
      named('radiograph', 'modality/dx_image.dcm'),
      named('angiogram J2K', 'modality/XA1_J2KI'),
      named('sigmoid', 'modality/MG-Im-GE_Seno_1_ForPresentation.dcm'),
      angiography(16),
    ]),
  )
  for (const image of ['mammogram J2K', 'mammogram', 'radiograph', 'angiogram J2K', 'Left coronary']) {
    await show(viewer, image)
    await untilPicture(viewer, image)
  }
  await scrollThrough(viewer, 6)
  // Two pixels of a mammogram that asks for a sigmoid: one grey each.
  await show(viewer, 'sigmoid')
  await untilPicture(viewer, 'sigmoid', 2)
  await expectNoTrouble(viewer)
})

const SYNTAXES: Record<string, string> = {
  'J2K lossless': 'transfer-syntax/CT1_J2KR',
  'J2K lossy': 'transfer-syntax/CT1_J2KI',
  'JPEG-LS': 'transfer-syntax/CT1_JLSL',
  'JPEG-LS near-lossless': 'transfer-syntax/CT1_JLSN',
  'JPEG lossless': 'transfer-syntax/CT1_JPLL',
  'JPEG lossless, any predictor':
    'transfer-syntax/CTImage.dcm_JPEGProcess14TransferSyntax_1.2.840.10008.1.2.4.57.dcm',
  'JPEG twelve bits': 'transfer-syntax/CTImage.dcm_JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm',
  'run length': 'transfer-syntax/CT1_RLE',
  'deflated data set':
    'transfer-syntax/CTImage.dcm_DeflatedExplicitVRLittleEndianTransferSyntax_1.2.840.10008.1.2.1.99.dcm',
  'implicit VR': 'transfer-syntax/MR_small_implicit.dcm',
  'big endian': 'transfer-syntax/MR_small_bigendian.dcm',
  'HTJ2K lossless': 'transfer-syntax/HTJ2KLossless_08_RGB.dcm',
  'HTJ2K lossy': 'transfer-syntax/HTJ2K_08_RGB.dcm',
  'enhanced CT': 'modality/eCT_Supplemental.dcm',
  'enhanced MR': 'transfer-syntax/emri_small_jpeg_ls_lossless.dcm',
  'nuclear medicine': 'modality/NM1_RLE',
  'positron emission': 'modality/1.dcm',
}

test('[VW-01] an image is shown in every transfer syntax that it can be stored in', async () => {
  const objects = Object.entries(SYNTAXES).map(([label, file], n) => {
    const made = named(label, file)
    made.dataset.set('SeriesNumber', n + 1)
    return made
  })
  const viewer = await open(await study(objects))
  for (const label of Object.keys(SYNTAXES)) {
    await show(viewer, label)
    await untilPicture(viewer, label)
  }
  await expectNoTrouble(viewer)
})

test('[VW-01] a segmentation, an outline and a measurement are drawn on their images; key images stay beside', async () => {
  const images = seriesIn('series/seg-ct3').filter(({ dataset }) => dataset.text('Modality') === 'CT')
  const [first, second] = images.map(({ dataset }) => dataset)
  const viewer = await open(
    await study([
      ...images,
      object('modality/liver.dcm'),
      outline(second!),
      lengthReport(second!, { from: [200, 250], to: [320, 280] }),
      keyImages([first!]),
    ]),
  )
  const plain = await untilPicture(viewer)
  expect(plain.coloured).toBe(0)
  await show(viewer, 'Liver Segmentation')
  await expect.poll(async () => (await shownIn(viewer))[0]?.coloured, PATIENT).toBeGreaterThan(300)
  const drawn = viewer.locator('[data-cy="viewport-pane"] svg.svg-layer')
  await show(viewer, 'Outline')
  await drawn
    .locator('path[stroke^="rgba(255, 200, 0"]')
    .first()
    .waitFor({ timeout: PATIENT.timeout, state: 'attached' })
  await show(viewer, 'Measurements')
  await drawn.getByText('42.00 mm').waitFor({ timeout: PATIENT.timeout, state: 'attached' })
  await expectNoTrouble(viewer)
})

const REPORTS: Record<string, [file: string, says: RegExp]> = {
  'basic text': ['sr/reportsi.dcm', /Document Title/],
  comprehensive: ['sr/test-SR.dcm', /Diameter: 3 cm/],
  'comprehensive 3D': ['sr/sr_document.dcm', /Imaging Measurement Report/],
  enhanced: ['sr/sample-sr.dcm', /Imaging Measurements/],
  'dose of CT': ['sr/CT-RDSR-Siemens_Flash-TAP-SS.dcm', /CT Dose Length Product Total: .* mGy\.?cm/],
  'dose of projection': ['sr/DX-RDSR-Canon_CXDI.dcm', /Irradiation Event X-Ray Data/],
  'dose of fluoroscopy': ['sr/RF-RDSR-Siemens-Zee.dcm', /Total Fluoro Time/],
}

test('[VW-01] a letter and structured reports of every class are read; what cannot be shown takes nothing with it', async () => {
  const viewer = await open(
    await study([
      named('letter', 'doc/sample-pdf.dcm'),
      ...Object.entries(REPORTS).map(([label, [file]]) => named(label, file)),
      named('tracing', 'modality/waveform_ecg.dcm'),
      named('dose grid', 'modality/rtdose.dcm'),
      named('map', 'modality/parametric_map_float.dcm'),
      named('plan', 'modality/rtplan.dcm'),
      named('presentation', 'doc/Issue168.dcm'),
    ]),
  )
  for (const [label, [, says]] of Object.entries(REPORTS)) {
    await show(viewer, label)
    await viewer.locator('.isocenter-report').getByText(says).first().waitFor(PATIENT)
  }
  await show(viewer, 'letter')
  const letter = viewer.locator('object[type="application/pdf"]')
  await letter.waitFor(PATIENT)
  const begins = await letter.evaluate(async (shown: HTMLObjectElement) => {
    const document = await (await fetch(shown.data)).blob()
    return document.slice(0, 5).text()
  })
  expect(begins).toBe('%PDF-')
  for (const picture of ['tracing', 'dose grid']) {
    await show(viewer, picture)
    await expect.poll(async () => (await shownIn(viewer))[0]?.levels, PATIENT).toBeGreaterThan(8)
  }
  await expectNoTrouble(viewer)

  // A parametric map without the images that it belongs to fails in its own viewport, in words.
  await show(viewer, 'map')
  await viewer.getByRole('alert').getByText('This object cannot be shown here.').waitFor(PATIENT)
  await show(viewer, 'dose grid')
  await untilPicture(viewer, 'dose grid')
  expect(problems.filter((one) => /^\d{3} /.test(one))).toEqual([])
})

test("[VW-01] from an order's timeline the images open in a window of their own, the patient named in it", async () => {
  const { orderId } = await study([named('mammogram', 'modality/OutOfBoundsOverlay.dcm')])
  problems.length = 0
  await page.goto(`${screens.app.url}/orders/${orderId}`)
  const [window] = await Promise.all([
    reader.waitForEvent('page'),
    page.locator('a[target="_blank"][href^="/viewer/"]').click(),
  ])
  watch(window, problems)
  await window.setViewportSize({ width: 1920, height: 1080 })
  await untilPicture(window.mainFrame(), 'mammogram')
  await window.getByText(FAMILIES[patients]!).first().waitFor(PATIENT)
  expect(problems).toEqual([])
})
