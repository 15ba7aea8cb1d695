import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { escalateDue } from '#db/mutations/escalations.ts'
import { type CheckedStudy, readableStudy, studyAtTheGate } from '#db/reading.fixture.ts'
import { barriers, SOON, sitDown, WCAG } from './desk.fixture.ts'
import { openScreens, type Screens } from './screens.fixture.ts'

let screens: Screens
let department: Department
let study: CheckedStudy

beforeAll(async () => {
  screens = await openScreens('oversight')
  ;({ department } = screens)
  study = await studyAtTheGate(department, 'stat')
}, 180_000)

afterAll(() => screens?.close())

test('[DB-07] [SE-03] from a number of the head’s page an order’s timeline is two steps away, and is played again', async () => {
  const { page, problems } = await sitDown(screens, 'head')
  await page.waitForURL('**/today')
  expect(await barriers(page, WCAG)).toEqual([])
  const definitions = page.getByRole('button', { name: 'Definitions' })
  await definitions.click()
  await page.getByText('Percentiles are nearest rank').waitFor()
  expect(await barriers(page, WCAG)).toEqual([])
  await definitions.click()

  await page.locator('tr[data-phase="quality-check"]').getByRole('link', { name: '1', exact: true }).click()
  await page.waitForURL('**/orders?*')
  const row = page.locator(`tr[data-order="${study.orderId}"]`)
  await row.click()
  await page.keyboard.press('Enter')
  await page.waitForURL(`**/orders/${study.orderId}`)
  const state = page.getByRole('region', { name: 'State of the order' })
  await expect.poll(() => state.innerText(), SOON).toContain('quality-check')
  expect(await page.getByText('hash chain unbroken').count()).toBe(1)
  expect(await barriers(page, WCAG)).toEqual([])

  // What a technologist does meanwhile stands there by itself.
  await study.accept()
  await expect.poll(() => page.locator('tr[data-type="quality.accepted"]').count(), SOON).toBe(1)

  await page.locator('tr[data-type="order.received"]').click()
  await expect.poll(() => state.innerText(), SOON).toMatch(/As it was at[\s\S]*replay[\s\S]*ordered/)
  await page.locator('tr[data-type="images.arrived"]').click()
  await expect.poll(() => state.innerText(), SOON).toMatch(/Images\s+2/)
  expect(await barriers(page, WCAG)).toEqual([])
  await page.getByRole('button', { name: 'Back to now' }).click()
  await expect.poll(() => state.innerText(), SOON).toContain('As it is now')

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export' }).click(),
  ])
  expect(download.suggestedFilename()).toMatch(/-timeline\.json$/)
  // Nothing about a patient stands where a browser keeps it.
  expect(`${page.url()} ${await page.title()}`).not.toMatch(/TESTPERSON|SYN-/)
  expect(problems).toEqual([])
})

test('[OP-08] the administrator lands on the page that says what is wrong, why and what to do', async () => {
  const { page, problems } = await sitDown(screens, 'admin')
  await page.waitForURL('**/department-health')
  // Only the web app runs here, so the rest of the department is missed, each with a next action.
  const faults = page.getByRole('table', { name: 'What is wrong' }).locator('tbody tr')
  await expect.poll(() => faults.count(), SOON).toBeGreaterThan(2)
  for (const cells of await faults.evaluateAll((rows) =>
    rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.innerText.trim())),
  ))
    expect(cells.filter((words) => words.length > 10)).toHaveLength(3)
  expect(await page.getByRole('heading', { level: 1 }).innerText()).not.toBe('The department works')
  expect(await barriers(page, WCAG)).toEqual([])
  expect(problems).toEqual([])
})

test('[RW-06] what a ladder tells the lead rings on the screen that is open, leads to the order, and is put away for good', async () => {
  const { orderId } = await readableStudy(department, 'stat')
  const { page, problems } = await sitDown(screens, 'lead')
  const bell = page.locator('.notice-bell')
  await bell.getByText('0 notices').waitFor({ state: 'attached' })
  const now = new Date((await department.now()).getTime() + 80 * 60_000)
  await escalateDue(department, await dutyAct(department, { now }), { orderId })
  await bell.getByText('1 notice').waitFor({ state: 'attached' })
  await page.keyboard.press('F9')
  const line = bell.getByRole('link', { name: /Late: for the lead/ })
  expect(await line.getAttribute('href')).toBe(`/orders/${orderId}`)
  expect(await barriers(page, WCAG)).toEqual([])
  await bell.getByRole('button', { name: 'Seen, take them away' }).click()
  await bell.getByText('0 notices').waitFor({ state: 'attached' })
  const seen = await department.sql`
    select count(*)::int as n from notices n join work_items w on w.id = n.item_id
    where w.order_id = ${orderId} and n.rung = 'lead' and n.seen_at is not null`
  expect(seen).toEqual([{ n: 1 }])
  expect(problems).toEqual([])
}, 60_000)
