import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dutyAct } from '#db/mutations/act.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { openItem, readableStudy } from '#db/reading.fixture.ts'
import { barriers, type Desk, goTo, SOON, sitDown, withoutViewer } from './desk.fixture.ts'
import { openScreens, type Screens } from './screens.fixture.ts'

let screens: Screens

beforeAll(async () => {
  screens = await openScreens('over-read')
}, 180_000)

afterAll(() => screens?.close())

const section = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true })

/** Somebody takes the order's open case of that kind, as soon as its workflow has looked, and stands before its images. */
async function take({ page }: Desk, orderId: string, kind: string): Promise<void> {
  const { department } = screens
  await settleOrder(department, await dutyAct(department), { orderId })
  await goTo(page, `${screens.app.url}/reading/${await openItem(department, orderId, kind)}`)
  await page.getByRole('button', { name: 'Claim this case' }).click()
  await page.getByLabel('Patient and order').getByText('yours').waitFor(SOON)
}

const reportOf = async (orderId: string) => {
  const [row] = await screens.department.sql`
    select r.state, (select jsonb_agg(jsonb_build_array(v.kind, v.agreement) order by v.version) from report_versions v
      where v.report_id = r.id) as versions from reports r where r.order_id = ${orderId}`
  return { ...row }
}

test('[RW-07] a resident’s preliminary is over-read: the attending sees what it said, changes it, grades it and signs it', async () => {
  const { orderId } = await readableStudy(screens.department, 'stat')
  const [resident, attending] = [
    await sitDown(screens, 'resident', withoutViewer),
    await sitDown(screens, 'radiologist', withoutViewer),
  ]
  await take(resident, orderId, 'read')
  await section(resident.page, 'Findings').fill('Hyperdense crescent on the left.')
  await section(resident.page, 'Impression').fill('Subdural haematoma on the left.')
  await resident.page.keyboard.press('Alt+g')
  await expect.poll(async () => (await reportOf(orderId)).state, SOON).toBe('WET_READ')
  await resident.page.getByText(/^The wet read of .* is out\.$/).waitFor(SOON)
  await resident.page
    .locator('button[aria-busy="true"]')
    .first()
    .waitFor({ ...SOON, state: 'detached' })
  await resident.page.keyboard.press('Alt+Enter')
  await expect.poll(async () => (await reportOf(orderId)).state, SOON).toBe('PRELIM')

  await take(attending, orderId, 'over-read')
  const { page, password } = attending
  const handedOn = page.getByRole('region', { name: 'What was handed on' })
  await handedOn.getByText(/’s preliminary of .* It is out\.$/).waitFor(SOON)
  await handedOn.getByText('No word of it is changed.').waitFor(SOON)
  await section(page, 'Impression').fill('Subdural haematoma on the right.')
  await expect.poll(() => handedOn.locator('del').allTextContents(), SOON).toEqual(['left.'])
  expect(await handedOn.locator('ins').allTextContents()).toEqual(['right.'])
  expect(await barriers(page)).toEqual([])
  await page.keyboard.press('Alt+Enter')
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent), SOON).toContain('Agree')
  await page.keyboard.press('3')
  await expect
    .poll(() => page.evaluate(() => (document.activeElement as HTMLInputElement).type), SOON)
    .toBe('password')
  await page.keyboard.insertText(password)
  await page.keyboard.press('Enter')
  await expect.poll(async () => (await reportOf(orderId)).state, SOON).toBe('FINAL')
  expect((await reportOf(orderId)).versions).toEqual([
    ['wet-read', null],
    ['preliminary', null],
    ['final', 'major'],
  ])
  // A stat report is out with its signature: whoever got the first word is to be told.
  const critical = await screens.department.sql`
    select level, cause, state from critical_results where order_id = ${orderId}`
  expect([...critical]).toEqual([{ level: 2, cause: 'over-read', state: 'open' }])

  await goTo(resident.page, `${screens.app.url}/my-preliminaries`)
  await resident.page.getByText(/^Major difference · signed by /).click(SOON)
  await resident.page.locator('ins').getByText('right.').waitFor(SOON)
  expect(await barriers(resident.page)).toEqual([])
  expect([...resident.problems, ...attending.problems]).toEqual([])
}, 120_000)

test('[RW-07] what a resident asks a signature for is sent back with words, and comes again', async () => {
  const { orderId } = await readableStudy(screens.department, 'routine')
  const [resident, attending] = [
    await sitDown(screens, 'resident', withoutViewer),
    await sitDown(screens, 'radiologist', withoutViewer),
  ]
  await take(resident, orderId, 'read')
  await section(resident.page, 'Findings').fill('No bleed.')
  await section(resident.page, 'Impression').fill('Normal.')
  await resident.page.keyboard.press('Alt+a')
  await expect.poll(async () => (await reportOf(orderId)).state, SOON).toBe('PENDING_SIGN')

  const { page, password } = attending
  await settleOrder(screens.department, await dutyAct(screens.department), { orderId })
  await page.getByRole('link', { name: /^Over-read/ }).click()
  await page.getByRole('heading', { name: 'Over-read' }).waitFor(SOON)
  await page.locator(`tr[data-order="${orderId}"]`).waitFor(SOON)
  expect(await barriers(page)).toEqual([])
  await page.locator(`tr[data-order="${orderId}"]`).click()
  await page.keyboard.press('Enter')
  await page.getByLabel('Patient and order').getByText('yours').waitFor(SOON)
  await page.getByText(/asked for a signature at .* Nobody outside has seen it\.$/).waitFor(SOON)
  await page.keyboard.press('Alt+x')
  const form = page.getByRole('form', { name: 'Send back: why?' })
  await form.waitFor(SOON)
  await page.keyboard.press('3')
  await page.keyboard.type('Look at the sinuses.')
  await form.getByLabel('Password').fill(password)
  expect(await barriers(page)).toEqual([])
  await page.keyboard.press('Enter')
  await expect.poll(async () => (await reportOf(orderId)).state, SOON).toBe('SIGN_REJECTED')

  await take(resident, orderId, 'sent-back')
  const note = resident.page.getByRole('region', { name: 'What was handed on' })
  await note.getByText('Look at the sinuses.').waitFor(SOON)
  await note.getByText('A finding is missed').waitFor(SOON)
  await section(resident.page, 'Impression').fill('Sinusitis.')
  expect(await barriers(resident.page)).toEqual([])
  await resident.page.keyboard.press('Alt+a')
  await expect.poll(async () => (await reportOf(orderId)).state, SOON).toBe('PENDING_SIGN')
  expect([...resident.problems, ...attending.problems]).toEqual([])
}, 120_000)
