import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readTemplate } from '#app/server/mrrt.ts'
import type { Department } from '#db/department.ts'
import { keepMacro } from '#db/mutations/report-macros.ts'
import { giveTemplate, importTemplate } from '#db/mutations/report-templates.ts'
import { skip } from '#db/mutations/work-items.ts'
import { actAs } from '#db/order.fixture.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import type { OrderMessage } from '#domain/order-message.ts'
import { listens, type RunningApp } from './app.fixture.ts'
import { SOON, sitDown, withoutViewer } from './desk.fixture.ts'
import { imagesOf, type PixelStudy, pixelStudy } from './reading-images.fixture.ts'
import { openScreens, type Screens } from './screens.fixture.ts'

let screens: Screens
let department: Department
let app: RunningApp

beforeAll(async () => {
  screens = await openScreens('interruption')
  ;({ department, app } = screens)
}, 180_000)

afterAll(() => screens?.close())

type Priority = OrderMessage['priority']
const STAT: Priority = { level: 'stat', word: 'S' }
const URGENT: Priority = { level: 'urgent', word: 'A' }

/** @param date when it was made, as its images say (DA) */
function study(more: Partial<OrderMessage> = {}, date = '20261122'): Promise<PixelStudy> {
  const token = screens.demonstration.tokens.integration
  const archive = { department, dicomweb: `${app.url}/dicom-web`, token }
  const objects = imagesOf('ct-head')
  for (const { dataset } of objects) dataset.set('StudyDate', date)
  return pixelStudy(archive, { objects, order: more })
}

const patient = (number: string, family: string): NonNullable<OrderMessage['patient']> => ({
  identifiers: [{ value: number, issuer: 'MAIN', type: 'MR' }],
  name: { alphabetic: { family, given: 'XIUYING' } },
  otherNames: [],
  birthDate: { value: '1955-01-04', precision: 'day' },
  sex: 'F',
  temporaryIdentity: false,
  comments: [],
})

/** The dictation software of the workstation, which is not ours: it hears what the test says. */
const withDictation = (context: BrowserContext) =>
  context.addInitScript(() => {
    const heard: { words?: (text: string) => void } = {}
    Object.assign(window, {
      dictate: (text: string) => heard.words?.(text),
      isocenterDictation: {
        name: 'workstation',
        isLocal: true,
        isReady: async () => true,
        start: (_language: string, to: { words: (text: string) => void }) => Object.assign(heard, to),
        stop: () => Reflect.deleteProperty(heard, 'words'),
      },
    })
  })

const atTheDesk = () => sitDown(screens, 'radiologist', withDictation)

const isIn = (itemId: string) => (address: URL) => address.pathname === `/reading/${itemId}`
const section = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true })
const yours = (page: Page) => page.getByLabel('Patient and order').getByText('yours')
const selected = (page: Page) => page.evaluate(() => document.getSelection()?.toString())
const focused = (page: Page) =>
  page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.tagName)
const viewer = (page: Page) => page.frameLocator('iframe[title="Images"]')

/** The image in the first viewport, as the viewer itself counts. */
function imageIndex(page: Page): Promise<number> {
  return viewer(page)
    .locator('body')
    .evaluate(() => {
      type Viewport = { getCurrentImageIdIndex?: () => number }
      const { cornerstone } = window as unknown as {
        cornerstone: { getEnabledElements(): { viewport: Viewport }[] }
      }
      return cornerstone.getEnabledElements()[0]?.viewport.getCurrentImageIdIndex?.() ?? -1
    })
}

async function pictureIn(page: Page): Promise<void> {
  await expect
    .poll(() => imageIndex(page).catch(() => -1), { timeout: 60_000, interval: 200 })
    .toBeGreaterThanOrEqual(0)
  await viewer(page).locator('[data-cy="viewport-grid"] canvas.cornerstone-canvas').first().waitFor()
}

/** As soon as the viewer has taken the key. */
async function toolInHand(page: Page, tool: string): Promise<void> {
  const active = () =>
    viewer(page)
      .locator('body')
      .evaluate(() => {
        type Groups = { getAllToolGroups(): { getActivePrimaryMouseButtonTool(): string }[] }
        const { cornerstoneTools } = window as unknown as { cornerstoneTools: { ToolGroupManager: Groups } }
        return cornerstoneTools.ToolGroupManager.getAllToolGroups().map((group) =>
          group.getActivePrimaryMouseButtonTool(),
        )
      })
  await expect.poll(active, SOON).toContain(tool)
}

test('[RP-10] a call sets a case aside; a STAT case is read meanwhile, and one key brings text, cursor and images back, also after the browser was restarted', async () => {
  const first = await study({ patient: patient('SYN-PARK-1', 'WANG'), priority: URGENT })
  const { page, context, problems } = await atTheDesk()
  await page.locator(`tr[data-order="${first.orderId}"]`).waitFor()
  await page.keyboard.press('n')
  await page.waitForURL(isIn(first.itemId))
  await yours(page).waitFor()
  await pictureIn(page)
  await page.keyboard.press('F2')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await expect.poll(() => imageIndex(page), SOON).toBe(2)
  await page.keyboard.press('F2')
  await page.keyboard.type('Nodule in the right lobe.')
  await page.keyboard.press('Enter')
  await page.keyboard.type('No effusion.')
  for (let press = 0; press < 9; press += 1) await page.keyboard.press('Shift+ArrowLeft')
  expect(await selected(page)).toBe('effusion.')

  await page.keyboard.press('Alt+q')
  await page.waitForURL('**/reading')
  const chip = page.getByRole('button', { name: /parked: WANG, XIUYING/ })
  await chip.waitFor()
  const stat = await study({ patient: patient('SYN-PARK-2', 'OTHER'), priority: STAT })
  await page.locator(`tr[data-order="${stat.orderId}"]`).waitFor()
  await page.keyboard.press('n')
  await page.waitForURL(isIn(stat.itemId))
  await yours(page).waitFor()
  await page
    .getByLabel('Patient and order')
    .getByRole('button', { name: /parked: WANG, XIUYING/ })
    .waitFor()
  expect(await section(page, 'Findings').textContent()).toBe('')

  await page.keyboard.press('Alt+q')
  await page.waitForURL(isIn(first.itemId))
  await yours(page).waitFor()
  await expect.poll(() => selected(page), SOON).toBe('effusion.')
  expect(await focused(page)).toBe('Findings')
  await expect.poll(() => imageIndex(page).catch(() => -1), { timeout: 60_000 }).toBe(2)
  // Nothing had been written in the other one: it is everybody's again.
  const [given] = await department.sql`select state from work_items where id = ${stat.itemId}`
  expect(given).toEqual({ state: 'open' })

  await page.keyboard.press('Alt+q')
  await page.waitForURL('**/reading')
  await chip.waitFor()
  expect(problems).toEqual([])
  await context.close()
  const again = await atTheDesk()
  await again.page.getByRole('button', { name: /parked: WANG, XIUYING/ }).waitFor()
  await again.page.keyboard.press('Alt+q')
  await again.page.waitForURL(isIn(first.itemId))
  await expect.poll(() => selected(again.page), SOON).toBe('effusion.')
  await again.page.keyboard.type('fluid.')
  await expect.poll(() => section(again.page, 'Findings').innerText(), SOON).toContain('No fluid.')
  expect(again.problems).toEqual([])
}, 180_000)

/** What comes from a mouse, in any frame, from now on. */
async function mouseOf(context: BrowserContext): Promise<string[]> {
  const heard: string[] = []
  await context.exposeBinding('tellMouse', (_, type: string) => heard.push(type))
  const listen = () => {
    const { tellMouse } = window as unknown as { tellMouse(type: string): void }
    for (const type of ['pointermove', 'pointerdown', 'mousedown', 'mousemove', 'wheel', 'touchstart'])
      addEventListener(type, (event) => tellMouse(event.type), { capture: true })
  }
  await context.addInitScript(listen)
  for (const frame of context.pages().flatMap((page) => page.frames())) await frame.evaluate(listen)
  return heard
}

test('[VW-03][RP-02] from claim to signed normal CT with one prior and one measurement: at most fourteen inputs, all of them keys', async () => {
  const person = { patient: patient('SYN-COUNT-1', 'LOPEZ'), priority: STAT }
  await study({ ...person, priority: URGENT }, '20250814')
  const current = await study(person)
  const { page, password, problems } = await atTheDesk()
  const inputs: string[] = []
  const press = async (key: string) => {
    inputs.push(key)
    await page.keyboard.press(key)
  }
  /** Held, it repeats as the operating system repeats it. */
  const hold = async (key: string, repeats: number) => {
    inputs.push(`${key} held`)
    for (let down = 0; down <= repeats; down += 1) await page.keyboard.down(key)
    await page.keyboard.up(key)
  }
  // What other readings left on the list is not for this reader now: the next case is this one.
  const reader = await actAs(department, 'radiologist')
  const others = await department.sql<{ id: string }[]>`
    select id from work_items where kind = 'read' and state = 'open' and id <> ${current.itemId}`
  for (const { id } of others)
    await skip(department, reader, { itemId: id, fence: null, reason: 'other-area' })
  const mouse = await mouseOf(page.context())
  await page.locator(`tr[data-item="${current.itemId}"]`).waitFor()
  await press('n')
  await page.waitForURL(isIn(current.itemId))
  await yours(page).waitFor()
  await pictureIn(page)
  await press('F2')
  await press('m')
  await toolInHand(page, 'Length')
  const caret = viewer(page).locator('.isocenter-caret')
  await caret.waitFor()
  await hold('ArrowLeft', 8)
  await press('Enter')
  await viewer(page).getByText('The first end stands.').waitFor()
  await hold('ArrowRight', 14)
  // The line ends where the caret stands, and goes into the report with the same key.
  await press('Alt+m')
  await expect.poll(() => section(page, 'Findings').textContent(), SOON).toMatch(/^\d+(\.\d)? (mm|px)$/)
  expect(await focused(page)).toBe('Findings')
  const measured = (await section(page, 'Findings').textContent())!
  await press('Alt+u')
  await expect.poll(() => section(page, 'Impression').textContent(), SOON).toBe('Normal CT of the head.')
  expect(await section(page, 'Findings').locator('.report-system').first().textContent()).toMatch(
    /^No intracranial/,
  )
  expect(await section(page, 'Findings').locator('.report-measurement').textContent()).toBe(measured)
  await press('Tab')
  await press('F4')
  await page.getByText('listening, on site').waitFor()
  expect(await focused(page)).toBe('Impression')
  inputs.push('dictated passage')
  await page.evaluate(() =>
    (window as unknown as { dictate(text: string): void }).dictate('Unchanged since the prior.'),
  )
  await expect
    .poll(() => section(page, 'Impression').textContent(), SOON)
    .toBe('Normal CT of the head. Unchanged since the prior.')
  // What was touched is the reader's own from then on.
  expect(await section(page, 'Impression').locator('.report-system').count()).toBe(0)
  await press('Alt+Enter')
  await expect
    .poll(() => page.evaluate(() => (document.activeElement as HTMLInputElement).type), SOON)
    .toBe('password')
  inputs.push('re-authentication')
  await page.keyboard.insertText(password)
  await press('Enter')
  await page.waitForURL((address) => !isIn(current.itemId)(address))
  expect(mouse).toEqual([])
  const [signed] = await department.sql<{ sections: { key: string; text: string }[]; keys: string[] }[]>`
    select v.content->'sections' as sections, array(select distinct jsonb_object_keys(s) from jsonb_array_elements(v.content->'sections') s) as keys
    from report_versions v join reports r on r.id = v.report_id where r.order_id = ${current.orderId} and v.kind = 'final'`
  expect(signed!.sections.find(({ key }) => key === 'findings')?.text).toMatch(new RegExp(`\\n${measured}$`))
  expect(signed!.keys.sort()).toEqual(['key', 'text'])
  console.log(`from claim to signed normal CT: ${inputs.length} inputs (${inputs.join(' · ')})`)
  expect(inputs.length).toBeLessThanOrEqual(14)
  expect(problems).toEqual([])
}, 180_000)

test('[RP-10] a case stays set aside, although its room hears of it before the answer comes', async () => {
  const { itemId } = await readableStudy(department, 'stat')
  const { page, problems } = await sitDown(screens, 'radiologist2', withoutViewer)
  await page.locator(`tr[data-item="${itemId}"]`).click()
  await page.keyboard.press('Enter')
  await page.waitForURL(isIn(itemId))
  await yours(page).waitFor()
  await section(page, 'Findings').fill('Nodule.')
  await page.route('**/reading/parked', async (route) => {
    const isAct = route.request().method() === 'POST'
    const response = await route.fetch()
    // Long enough for a room that hears of it to ask again.
    if (isAct) await new Promise((resolve) => setTimeout(resolve, 1_500))
    await route.fulfill({ response })
  })
  await page.keyboard.press('Alt+q')
  await page.waitForURL('**/reading')
  await page.getByRole('button', { name: /^parked: / }).waitFor(SOON)
  const [item] = await department.sql`select parked from work_items where id = ${itemId}`
  expect(item).toEqual({ parked: true })
  expect(problems).toEqual([])
})

const TEMPLATE = `<!DOCTYPE html><html><head><title>CT head</title>
<meta name="dcterms.title" content="CT head, structured"><meta name="dcterms.identifier" content="9.9.9"></head><body>
<section data-section-name="Findings"><header>Findings</header>
<p><label for="a">Ventricles:</label> <select id="a"><option>normal</option><option>dilated</option></select></p>
<p><label for="b">Midline shift:</label> <input type="number" id="b" data-field-units="mm"></p></section>
<section data-section-name="Impression"><header>Impression</header><p><input id="c" value="Normal."></p></section></body></html>`

test('[RP-01][RP-02] a structured template is filled by keys alone: choices, numbers, a macro, and nothing is signed with an open field', async () => {
  const { itemId, orderId } = await readableStudy(department, 'stat')
  const admin = await actAs(department, 'admin')
  const { template } = readTemplate(TEMPLATE)
  const proven = { reauthenticated: true }
  await importTemplate(department, admin, { template, source: TEMPLATE, ...proven })
  const [procedure] = await department.sql<{ scheme: string; code: string }[]>`
    select catalogue_scheme as scheme, catalogue_code as code from procedures where order_id = ${orderId}`
  await giveTemplate(department, admin, { ...procedure!, identifier: template.identifier, ...proven })
  const reader = await actAs(department, 'radiologist')
  await keepMacro(department, reader, {
    name: 'Old infarct',
    text: 'Old infarct on the [left|right].',
    shared: false,
  })

  const { page, context, problems } = await sitDown(screens, 'radiologist', withoutViewer)
  await page.locator(`tr[data-item="${itemId}"]`).click()
  await page.keyboard.press('Enter')
  await page.waitForURL(isIn(itemId))
  await yours(page).waitFor()
  await section(page, 'Findings').click()
  await page.keyboard.press('Alt+u')
  await expect.poll(() => section(page, 'Findings').innerText(), SOON).toContain('Ventricles: […]')
  // Blocked, and led to what blocks it.
  await page.getByText('A field is still open').waitFor()
  await page.keyboard.press('Alt+Enter')
  await expect.poll(() => selected(page), SOON).toBe('[…]')

  await section(page, 'Findings').press('Control+Home')
  await page.keyboard.press('Tab')
  await expect.poll(() => selected(page), SOON).toBe('[…]')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  expect(await selected(page)).toBe('dilated')
  await page.keyboard.press('Tab')
  await page.keyboard.type('4')
  expect(await section(page, 'Findings').innerText()).toMatch(/Ventricles: dilated\s+Midline shift: 4 mm/)
  await page.keyboard.press('Shift+Tab')
  expect(await selected(page)).toBe('dilated')
  await page.keyboard.press('Control+End')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Alt+k')
  await page.getByRole('combobox', { name: 'Macro by a part of its name' }).fill('infarct')
  await page.keyboard.press('Enter')
  await expect.poll(() => selected(page), SOON).toBe('[…]')
  await page.keyboard.press('ArrowDown')
  await expect.poll(() => section(page, 'Findings').innerText(), SOON).toContain('Old infarct on the left.')
  await page.keyboard.press('Tab')
  await expect.poll(() => focused(page), SOON).toBe('Impression')
  expect(await selected(page)).toBe('Normal.')
  expect(await page.getByText('A field is still open').count()).toBe(0)
  // Input methods and writing from right to left go in as they are.
  const keyboard = await context.newCDPSession(page)
  for (const text of ['k', 'か', 'かn', 'かんぞう'])
    await keyboard.send('Input.imeSetComposition', {
      ...{ text, selectionStart: text.length, selectionEnd: text.length },
    })
  await keyboard.send('Input.insertText', { text: '肝臓' })
  await page.keyboard.insertText(' الكبد 12 mm')
  await expect.poll(() => section(page, 'Impression').innerText(), SOON).toBe('肝臓 الكبد 12 mm')
  // Esc, then Tab leaves the words as everywhere else.
  await page.keyboard.press('Escape')
  await page.keyboard.press('Tab')
  expect(await focused(page)).not.toBe('Impression')
  expect(await focused(page)).not.toBe('Technique')

  // What is selected is kept as a macro, and found by everybody.
  await section(page, 'Findings').click()
  await page.keyboard.press('Control+Home')
  await page.keyboard.press('Shift+End')
  await page.keyboard.press('Alt+k')
  await page.getByRole('combobox', { name: 'Macro by a part of its name' }).fill('Ventricles')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect
    .poll(
      async () => [
        ...(await department.sql`select text, shared from report_macros where name = 'Ventricles'`),
      ],
      SOON,
    )
    .toEqual([{ text: 'Ventricles: dilated', shared: true }])

  // The draft knows its fields again when the page is loaded anew.
  await page.keyboard.press('Escape')
  await page.getByText('draft, saved').waitFor()
  await page.reload()
  await listens(page)
  await yours(page).waitFor()
  await section(page, 'Findings').press('Control+Home')
  await page.keyboard.press('Tab')
  await expect.poll(() => selected(page), SOON).toBe('dilated')
  expect(problems).toEqual([])
}, 120_000)
