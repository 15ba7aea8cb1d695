/** Every place of every role, dark and by daylight: nobody is shut out, nothing jumps while it loads. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readableStudy, studyAtTheGate } from '#db/reading.fixture.ts'
import { barriers, sitDown, WCAG } from './desk.fixture.ts'
import { openScreens, type Screens } from './screens.fixture.ts'

let screens: Screens
const ROLES = ['tech', 'radiologist', 'resident', 'scheduler', 'lead', 'head', 'physicist', 'admin']

beforeAll(async () => {
  screens = await openScreens('every-screen')
  await studyAtTheGate(screens.department, 'stat')
  for (const priority of ['stat', 'urgent', 'routine'] as const)
    await readableStudy(screens.department, priority)
}, 180_000)

afterAll(() => screens?.close())

test('no screen of any role has a barrier, in either theme, throws, or moves what is under the eye', async () => {
  const { app } = screens
  const seen = new Set<string>()
  const problems: string[] = []
  for (const user of ROLES) {
    const { page, context, problems: thrown } = await sitDown(screens, user)
    for (const path of [...(await placesOf(page)), '/help'])
      if (!seen.has(path)) {
        seen.add(path)
        await page.goto(app.url + path)
        problems.push(...(await lookAt(page, path)))
      }
    problems.push(...thrown)
    await context.close()
  }
  expect(seen.size).toBeGreaterThan(9)
  expect(problems).toEqual([])
}, 180_000)

test('Tab goes round in a dialog, so that nothing under it is acted on unseen', async () => {
  const { page, problems } = await sitDown(screens, 'radiologist')
  const holdsFocus = () => page.evaluate(() => !!document.activeElement?.closest('[role="dialog"]'))
  for (const [opening, stops] of [
    ['Control+k', 1],
    ['?', 2],
  ] as const) {
    await page.keyboard.press(opening)
    await page.getByRole('dialog').waitFor()
    await page.getByRole('dialog').click({ position: { x: 4, y: 4 } })
    const passed = new Set<string>()
    for (const key of ['Tab', 'Tab', 'Tab', 'Shift+Tab', 'Shift+Tab', 'Shift+Tab']) {
      await page.keyboard.press(key)
      expect(await holdsFocus()).toBe(true)
      passed.add(await page.evaluate(() => document.activeElement!.outerHTML))
    }
    expect(passed.size).toBe(stops)
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  }
  expect(problems).toEqual([])
})

/** The places in the bar, those under "More" too. */
async function placesOf(page: Page): Promise<string[]> {
  const nav = page.getByRole('navigation', { name: 'Places' }).locator('a')
  await nav.first().waitFor({ state: 'attached' })
  return nav.evaluateAll((links) => links.map((link) => new URL((link as HTMLAnchorElement).href).pathname))
}

/** What is wrong with a page: barriers (WCAG 2.2 AA) in either theme, and shifts of its layout while it comes. */
async function lookAt(page: Page, path: string): Promise<string[]> {
  let shifts = await shiftsOf(page)
  if (shifts.length > 0) {
    // On a machine that stands still for a moment anything may be late once; what is built so shifts again.
    await page.reload()
    shifts = await shiftsOf(page)
  }
  const dark = await barriers(page, WCAG)
  // By daylight nothing is different but the colours.
  await page.evaluate(() => document.documentElement.setAttribute('data-theme', 'daylight'))
  const daylight = await barriers(page, { type: 'rule', values: ['color-contrast'] })
  return [
    ...[...dark, ...daylight].map((barrier) => `${path}: ${barrier}`),
    ...shifts.map((shift) => `${path}: layout shift ${shift}`),
  ]
}

/** Every shift since the page began to load, until a moment after it has, with what moved. */
async function shiftsOf(page: Page): Promise<string[]> {
  await page.locator('main').waitFor()
  await page.waitForLoadState('load')
  return page.evaluate(
    () =>
      new Promise<string[]>((resolve) => {
        const found: string[] = []
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries() as unknown as {
            value: number
            sources: { node: Node | null }[]
          }[]) {
            const moved = entry.sources.map(({ node }) => (node instanceof Element ? node.className : ''))
            found.push(`${entry.value} of ${moved.join(', ')}`)
          }
        }).observe({ type: 'layout-shift', buffered: true })
        setTimeout(() => resolve(found), 300)
      }),
  )
}
