import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Department } from '#db/department.ts'
import { openReport, signReport } from '#db/mutations/reports.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs } from '#db/order.fixture.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import type { Priority } from '#domain/words.ts'
import { until } from './department.ts'
import { sitDown, withoutViewer } from './desk.fixture.ts'
import { openScreens, type Screens } from './screens.fixture.ts'

let screens: Screens
let department: Department

beforeAll(async () => {
  screens = await openScreens('live-rows')
  ;({ department } = screens)
}, 180_000)

afterAll(() => screens?.close())

/** What a frame showed of the watched row, and every shift that the browser counted. */
interface Watched {
  frames: number
  /** Distance of the row from where it stood, at most. */
  movedPx: number
  lostFocus: number
  shifts: { value: number; nodes: string[] }[]
  /** Most rows that the list counted. */
  rows: number
}

/** Watches the focused row in every frame from now on. */
async function watchFocusedRow(page: Page): Promise<void> {
  await page.evaluate(() => {
    const row = document.activeElement as HTMLElement
    const at = row.getBoundingClientRect().top
    const watched: Watched = { frames: 0, movedPx: 0, lostFocus: 0, shifts: [], rows: 0 }
    Object.assign(window, { watched })
    const look = () => {
      watched.frames += 1
      if (document.activeElement !== row) watched.lostFocus += 1
      watched.movedPx = Math.max(watched.movedPx, Math.abs(row.getBoundingClientRect().top - at))
      watched.rows = Number(document.querySelector('.worklist table')?.getAttribute('aria-rowcount')) - 1
      requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
    // All of them count, also those that a key press would excuse, and those before now.
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as unknown as {
        value: number
        sources: { node: Node | null }[]
      }[]) {
        const nodes = entry.sources.map(({ node }) =>
          node instanceof Element ? `${node.localName}.${node.className}` : String(node?.nodeName),
        )
        watched.shifts.push({ value: entry.value, nodes })
      }
    }).observe({ type: 'layout-shift', buffered: true })
  })
}

const watched = (page: Page) =>
  page.evaluate(() => (window as unknown as { watched: Watched }).watched) as Promise<Watched>

test('[RW-09] a focused row keeps focus and place through a hundred inserts, and nothing shifts', async () => {
  const few: Priority[] = [...repeat('stat', 8), ...repeat('urgent', 12), ...repeat('routine', 20)]
  for (const priority of few) await readableStudy(department, priority)
  const { page, problems } = await sitDown(screens, 'radiologist')
  await page.waitForSelector('tr[data-item]')
  await focusRow(page, 13)
  const focused = await page.evaluate(() => (document.activeElement as HTMLElement).dataset.item)
  await watchFocusedRow(page)

  // Six of ten belong above the focused row, two around it, two below.
  const arriving: Priority[] = [
    'stat',
    'urgent',
    'stat',
    'routine',
    'stat',
    'stat',
    'urgent',
    'stat',
    'routine',
    'stat',
  ]
  for (let n = 0; n < 100; n += 1) await readableStudy(department, arriving[n % arriving.length]!)
  await until(
    async () => (await watched(page)).rows === 140,
    20_000,
    () => 'the hundred rows did not all come',
  )
  // What is new and well in view is seen after two seconds: the last thing that time alone changes here.
  await page.waitForFunction(
    () => {
      const { top, bottom } = document.querySelector('.worklist-scroll')!.getBoundingClientRect()
      const isInView = (row: Element) => {
        const { top: from, bottom: to } = row.getBoundingClientRect()
        return from > top + 40 && to < bottom - 40
      }
      return ![...document.querySelectorAll('tr.new')].some(isInView)
    },
    undefined,
    { timeout: 30_000 },
  )

  const { frames, movedPx, lostFocus, shifts } = await watched(page)
  expect(frames).toBeGreaterThan(100)
  expect(lostFocus).toBe(0)
  expect(movedPx).toBeLessThanOrEqual(1)
  expect(shifts).toEqual([])
  const rowIndex = await page.evaluate(() => document.activeElement?.getAttribute('aria-rowindex'))
  expect(Number(rowIndex)).toBeGreaterThan(13 + 60)

  // The row that had the focus is still the one that keys act on.
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowUp')
  expect(await page.evaluate(() => (document.activeElement as HTMLElement).dataset.item)).toBe(focused)
  expect(problems).toEqual([])
}, 300_000)

test('[RW-10] a reader narrows the list by keys, saves it as a view, and finds view and columns at another workstation', async () => {
  const { sql } = department
  for (const priority of ['stat', 'urgent', 'routine'] as const) await readableStudy(department, priority)
  const counted = await sql<{ n: number }[]>`
    select count(*)::int as n from work_items where kind = 'read' and state = 'open' and priority = 'stat'`
  const stats = counted[0]!.n
  const { page, problems } = await sitDown(screens, 'radiologist')
  await focusRow(page, 2)
  const height = () => page.evaluate(() => document.querySelector('.worklist')!.getBoundingClientRect().top)
  const before = await height()

  await page.keyboard.press('f')
  await page.keyboard.type('pri stat')
  await page.keyboard.press('Enter')
  await rowsCount(page, stats)
  await page.keyboard.press('Escape')
  expect(await page.evaluate(() => document.activeElement?.matches('tr[data-item]'))).toBe(true)
  expect(await height()).toBe(before)

  // By the mouse: a press on a value leaves the keys where they were, a second press on the button closes it.
  const opener = page.getByRole('button', { name: '+ Filter' })
  const finder = page.getByRole('combobox', { name: 'Area, modality, priority …' })
  await opener.click()
  await finder.fill('pri urg')
  await page.getByRole('option', { name: /Urgent/ }).click()
  await page.waitForURL(/stat%2Curgent/)
  expect(await finder.evaluate((field) => field === document.activeElement)).toBe(true)
  await finder.fill('pri urg')
  await page.keyboard.press('Enter')
  await rowsCount(page, stats)
  await opener.click()
  expect(await finder.count()).toBe(0)

  await page.getByRole('button', { name: 'Save as…' }).click()
  await page.keyboard.type('Night STAT')
  await page.keyboard.press('Enter')
  const tab = page.getByRole('button', { name: /^Night STAT/ })
  await tab.waitFor()
  await page.waitForURL(/\/reading\?view=\w{26}$/)
  await page.waitForFunction(() =>
    document.querySelector('.list-tabs [aria-current]')?.textContent?.startsWith('Night STAT'),
  )
  expect(await tab.textContent()).toContain(String(stats))

  const width = (at: Page) =>
    at.evaluate(() => document.querySelector('th[data-column="images"]')!.clientWidth)
  const narrow = await width(page)
  await page.focus('th[data-column="images"]')
  const kept = page.waitForResponse(
    (answer) => answer.url().endsWith('/views') && answer.request().method() === 'POST',
  )
  await page.keyboard.press('Shift+ArrowRight')
  await page.waitForFunction(
    (px) => document.querySelector('th[data-column="images"]')!.clientWidth === px + 16,
    narrow,
  )
  expect((await kept).status()).toBe(200)

  const { page: elsewhere } = await sitDown(screens, 'radiologist')
  await elsewhere.getByRole('button', { name: /^Night STAT/ }).click()
  await rowsCount(elsewhere, stats)
  expect(await width(elsewhere)).toBe(narrow + 16)
  // A STAT that arrives comes into the view, a routine case does not; the tab counts with it.
  await readableStudy(department, 'routine')
  await readableStudy(department, 'stat')
  for (const each of [page, elsewhere]) await rowsCount(each, stats + 1)
  expect(problems).toEqual([])
}, 120_000)

test('[RW-09] when the case under the cursor leaves the list, no key acts on another patient', async () => {
  for (let n = 0; n < 3; n += 1) await readableStudy(department, 'stat')
  const { page, problems } = await sitDown(screens, 'radiologist', withoutViewer)
  await focusRow(page, 1)
  const row = page.locator('tr[data-item]').nth(1)
  const itemId = (await row.getAttribute('data-item'))!
  const colleague = await actAs(department, 'radiologist2')
  const held = await claim(department, colleague, { itemId })
  const { reportId } = await openReport(department, colleague, held)
  const sections = [
    { key: 'findings', text: 'No bleed.' },
    { key: 'impression', text: 'Normal CT of the head.' },
  ]
  await signReport(department, colleague, { ...held, reportId, content: { sections }, reauthenticated: true })
  await page.locator(`tr[data-item="${itemId}"][data-gone]`).waitFor()
  await page
    .getByRole('button', { name: 'Claim and open' })
    .and(page.locator('[aria-disabled="true"]'))
    .waitFor()
  await page.keyboard.press('Enter')
  await page.evaluate(() => new Promise((drawn) => setTimeout(drawn, 500)))
  expect(new URL(page.url()).pathname).toBe('/reading')
  const taken = await department.sql`
    select id from work_items where state = 'claimed' and holder = (select id from users where user_name = 'radiologist')`
  expect(taken.map(({ id }) => id)).toEqual([])
  await page.keyboard.press('ArrowDown')
  const next = await page.evaluate(() => (document.activeElement as HTMLElement).dataset.item)
  await page.keyboard.press('Enter')
  await page.waitForURL(({ pathname }) => pathname === `/reading/${next}`)
  expect(problems).toEqual([])
})

test('a case claimed while its list is being read again is opened, and stays open under its own address', async () => {
  await readableStudy(department, 'stat')
  const { page, problems } = await sitDown(screens, 'radiologist', withoutViewer)
  const row = page.locator('tr[data-item]').first()
  const itemId = await row.getAttribute('data-item')
  await row.click()
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  await page.route('**/reading/rows?*', async (route) => {
    await held
    await route.continue()
  })
  const again = page.waitForRequest(/\/reading\/rows\?/)
  await readableStudy(department, 'stat')
  await again
  await page.keyboard.press('Enter')
  const patient = page.getByLabel('Patient and order')
  await patient.getByText('yours').waitFor()
  const answered = page.waitForResponse(/\/reading\/rows\?/)
  release()
  await answered
  await page.evaluate(() => new Promise((drawn) => setTimeout(drawn, 500)))
  expect(new URL(page.url()).pathname).toBe(`/reading/${itemId}`)
  expect(await patient.isVisible()).toBe(true)
  await page.goBack()
  await page.locator('.reading-list').waitFor()
  expect(new URL(page.url()).pathname).toBe('/reading')
  expect(problems).toEqual([])
})

function rowsCount(page: Page, rows: number): Promise<unknown> {
  return page.waitForFunction(
    (wanted) =>
      document.querySelector('.worklist table')?.getAttribute('aria-rowcount') === String(wanted + 1),
    rows,
    { timeout: 15_000 },
  )
}

/** By the keyboard alone: Tab into the list, then down to the row. */
async function focusRow(page: Page, index: number): Promise<void> {
  await until(
    async () => {
      await page.keyboard.press('Tab')
      return page.evaluate(() => document.activeElement?.matches('tr[data-item]') ?? false)
    },
    10_000,
    () => 'Tab does not reach the list',
  )
  for (let n = 0; n < index; n += 1) await page.keyboard.press('ArrowDown')
  await page.waitForFunction(
    (rowIndex) => document.activeElement?.getAttribute('aria-rowindex') === String(rowIndex),
    index + 2,
  )
}

function repeat(priority: Priority, times: number): Priority[] {
  return Array.from({ length: times }, () => priority)
}
