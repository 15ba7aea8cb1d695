/** A person at a workstation of the demonstration department, and the question whether anybody would be shut out of a page. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { listens } from './app.fixture.ts'
import type { Screens } from './screens.fixture.ts'

export interface Workstation {
  page: Page
  context: BrowserContext
  /** What pages threw and nobody caught. */
  problems: string[]
}

export interface Desk extends Workstation {
  password: string
}

/** A press on a loaded machine takes its time. */
export const SOON = { timeout: 20_000 }

/** A browser profile of its own, put away when the test has ended: left open, it would draw and ask while the next one runs. */
export async function workstation(browser: Browser): Promise<Workstation> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(`${new URL(page.url()).pathname}: ${error.message}`))
  return { page, context, problems }
}

/**
 * Somebody is signed in at a workstation of their own, and the list on which their role lands is there and listens.
 * The form is sent without being drawn; that it can be filled in is another test's.
 * @param prepare what the workstation has before its first page
 */
export async function sitDown(
  { app, browser, demonstration }: Screens,
  user: string,
  prepare?: (context: BrowserContext) => Promise<unknown>,
): Promise<Desk> {
  const account = demonstration.accounts.find((each) => each.user === user)
  if (!account) throw new Error(`nobody is called ${user}`)
  const desk = await workstation(browser)
  await prepare?.(desk.context)
  const answer = await desk.context.request.post(`${app.url}/sign-in`, {
    form: { userName: user, password: account.password },
    maxRedirects: 0,
  })
  if (answer.status() !== 302) throw new Error(`${user} was not let in: ${answer.status()}`)
  await goTo(desk.page, app.url)
  return { ...desk, password: account.password }
}

/** Goes to an address, and waits until the page there has its keys. */
export async function goTo(page: Page, address: string): Promise<void> {
  await page.goto(address)
  await listens(page)
}

/** A workstation on which images are shown elsewhere: the viewer's page stays empty, and none of its program is loaded. */
export function withoutViewer(context: BrowserContext): Promise<unknown> {
  return context.route('**/viewer/viewer?*', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>Images</title>' }),
  )
}

// AxeBuilder would load its engine anew at each question, and open a page of its own for the answer.
const engine = createRequire(createRequire(import.meta.url).resolve('@axe-core/playwright')).resolve(
  'axe-core/axe.min.js',
)

interface Axe {
  run(
    where: { exclude: string[] },
    how: { resultTypes: string[]; runOnly?: Rules },
  ): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>
}

export interface Rules {
  type: 'tag' | 'rule'
  values: string[]
}

/** WCAG 2.2 AA. */
export const WCAG: Rules = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }

/**
 * What would shut somebody out: axe's violated rules, by default all, each with where. The images are another program's
 * page, and left out.
 */
export async function barriers(page: Page, rules?: Rules): Promise<string[]> {
  const isLoaded = await page.evaluate(() => 'axe' in window)
  if (!isLoaded) await page.evaluate(readFileSync(engine, 'utf8'))
  return page.evaluate(async (runOnly) => {
    // Colours that are on their way to others are nobody's to read.
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
    const ending = document
      .getAnimations()
      .filter(({ effect }) => Number.isFinite(Number(effect?.getComputedTiming().endTime)))
    await Promise.allSettled(ending.map(({ finished }) => finished))
    const { axe } = window as unknown as { axe: Axe }
    const how = { resultTypes: ['violations'], ...(runOnly ? { runOnly } : {}) }
    const { violations } = await axe.run({ exclude: ['iframe'] }, how)
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`,
    )
  }, rules)
}
