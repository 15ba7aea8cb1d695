/** Every place of every role, dark and by daylight: nobody is shut out, nothing jumps while it loads. */
import { AxeBuilder } from '@axe-core/playwright'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readableStudy, studyAtTheGate } from '#db/reading.fixture.ts'
import { signIn } from './app.fixture.ts'
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
  const { app, browser, demonstration } = screens
  const seen = new Set<string>()
  const problems: string[] = []
  for (const user of ROLES) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
    const page = await context.newPage()
    page.on('pageerror', (error) => problems.push(`${page.url()}: ${error.message}`))
    await signIn(page, app.url, demonstration.accounts.find((each) => each.user === user)!)
    for (const path of [...(await placesOf(page)), '/help'])
      if (!seen.has(path)) {
        seen.add(path)
        for (const theme of ['dark', 'daylight']) {
          await chooseTheme(context, app.url, theme)
          await page.goto(app.url + path)
          problems.push(...(await lookAt(page, path, theme)))
        }
      }
    await context.close()
  }
  expect(seen.size).toBeGreaterThan(9)
  expect(problems).toEqual([])
}, 180_000)

/** The places in the bar, those under "More" too. */
async function placesOf(page: Page): Promise<string[]> {
  const nav = page.getByRole('navigation', { name: 'Places' }).locator('a')
  await nav.first().waitFor({ state: 'attached' })
  return nav.evaluateAll((links) => links.map((link) => new URL((link as HTMLAnchorElement).href).pathname))
}

async function chooseTheme(context: BrowserContext, url: string, theme: string): Promise<void> {
  await context.addCookies([{ name: 'isocenter_theme', value: theme, url }])
}

/** What is wrong with a page: barriers (WCAG 2.2 AA), and shifts of its layout while it comes. */
async function lookAt(page: Page, path: string, theme: string): Promise<string[]> {
  const name = `${path} ${theme}`
  await page.locator('main').waitFor()
  await page.waitForLoadState('load')
  const shifted = await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let sum = 0
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) sum += (entry as unknown as { value: number }).value
        }).observe({ type: 'layout-shift', buffered: true })
        setTimeout(() => resolve(sum), 300)
      }),
  )
  const axe = new AxeBuilder({ page }).exclude('iframe')
  // By daylight nothing is different but the colours.
  if (theme === 'dark') axe.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
  else axe.withRules(['color-contrast'])
  const { violations } = await axe.analyze()
  return [
    ...violations.map(({ id, nodes }) => `${name}: ${id} at ${nodes[0]?.html.slice(0, 160)}`),
    ...(shifted > 0 ? [`${name}: layout shift ${shifted}`] : []),
  ]
}
