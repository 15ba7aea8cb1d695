import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Department } from '#db/department.ts'
import { takeOver } from '#db/mutations/work-items.ts'
import { actAs } from '#db/order.fixture.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import type { Demonstration } from '#db/seed/demo.ts'
import type { OrderMessage } from '#domain/order-message.ts'
import type { RunningApp } from './app.fixture.ts'
import { barriers, goTo, SOON, sitDown, withoutViewer } from './desk.fixture.ts'
import { imagesOf, type PixelStudy, pixelStudy } from './reading-images.fixture.ts'
import { openScreens, type Screens } from './screens.fixture.ts'

let screens: Screens
let department: Department
let demonstration: Demonstration
let app: RunningApp

beforeAll(async () => {
  screens = await openScreens('reading-room')
  ;({ department, demonstration, app } = screens)
}, 180_000)

afterAll(() => screens?.close())

const URGENCY: Record<string, OrderMessage['priority']> = {
  stat: { level: 'stat', word: 'S' },
  urgent: { level: 'urgent', word: 'A' },
  routine: { level: 'routine', word: 'R' },
}

function study(more: Partial<OrderMessage> = {}): Promise<PixelStudy> {
  const archive = { department, dicomweb: `${app.url}/dicom-web`, token: demonstration.tokens.integration }
  return pixelStudy(archive, { objects: imagesOf('ct-head'), order: more })
}

/** Grey levels that the viewer's canvas shows: more than eight are a picture. */
function greyLevels(page: Page): Promise<number> {
  const viewer = page
    .frameLocator('iframe[title="Images"]')
    .locator('[data-cy="viewport-grid"] canvas.cornerstone-canvas')
  return viewer.first().evaluate((canvas: HTMLCanvasElement) => {
    const copy = document.createElement('canvas')
    copy.width = copy.height = 128
    const context = copy.getContext('2d')!
    context.drawImage(canvas, 0, 0, 128, 128)
    const { data } = context.getImageData(0, 0, 128, 128)
    return new Set(data.filter((_, n) => n % 4 === 0)).size
  })
}

const isIn = (itemId: string) => (address: URL) => address.pathname === `/reading/${itemId}`
const section = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true })
const holderTag = (page: Page) => page.getByLabel('Patient and order').getByText('yours')

test('[VW-03][RP-05][RP-12] a normal CT is taken, looked at, written, signed and followed by the next in fourteen inputs, and one key takes a signature back', async () => {
  const first = await study({ priority: URGENCY.stat! })
  const second = await study({ priority: URGENCY.routine! })
  const { page, password, problems } = await sitDown(screens, 'radiologist')
  await page.locator(`tr[data-order="${second.orderId}"]`).waitFor()
  expect(await barriers(page)).toEqual([])

  let inputs = 0
  const press = async (key: string) => {
    inputs += 1
    await page.keyboard.press(key)
  }
  await press('n')
  await page.waitForURL(isIn(first.itemId))
  await expect.poll(() => page.title(), SOON).toBe(`${first.accession} · reading`)
  await expect.poll(() => greyLevels(page), { timeout: 60_000 }).toBeGreaterThan(8)
  await press('F2')
  await press('PageDown')
  await press('F2')
  await expect
    .poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label')), SOON)
    .toBe('Findings')
  await press('Alt+u')
  await expect.poll(() => section(page, 'Impression').textContent(), SOON).toBe('Normal CT of the head.')
  expect(await barriers(page)).toEqual([])
  await press('Alt+Enter')
  await expect
    .poll(() => page.evaluate(() => (document.activeElement as HTMLInputElement).type), SOON)
    .toBe('password')
  // As a password manager or a badge gives it: one act.
  await page.keyboard.insertText(password)
  inputs += 1
  await press('Enter')
  await page.waitForURL(isIn(second.itemId))
  expect(inputs).toBeLessThanOrEqual(14)

  const [signed] = await department.sql`
    select r.state, v.kind, v.reauthenticated, u.user_name, encode(sha256(convert_to(v.content::text, 'UTF8')), 'hex') = v.content_hash as proved
    from reports r join report_versions v on v.report_id = r.id join users u on u.id = v.signer_id where r.order_id = ${first.orderId}`
  expect(signed).toEqual({
    state: 'FINAL',
    kind: 'final',
    reauthenticated: true,
    user_name: 'radiologist',
    proved: true,
  })
  expect(problems).toEqual([])

  // Back to the list, on the same row, which is still ours.
  await page.keyboard.press('Alt+w')
  await page.waitForURL('**/reading')
  await page.locator(`tr[data-item="${second.itemId}"]`).getByText('You', { exact: true }).waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL(isIn(second.itemId))

  // Nothing is left to read: the list comes, with the signature that may still be taken back.
  await holderTag(page).waitFor()
  await page.keyboard.press('Alt+u')
  await expect.poll(() => section(page, 'Impression').textContent(), SOON).toBe('Normal CT of the head.')
  await page.getByLabel('Password').fill(password)
  await page.keyboard.press('Enter')
  await page.waitForURL('**/reading')
  await page.getByText(`Signed ${second.accession}`).waitFor()
  await page.keyboard.press('Alt+z')
  await page.getByText('Recalled.').waitFor()
  const [recalled] = await department.sql`
    select v.recalled_at is not null as recalled, r.state from reports r join report_versions v on v.report_id = r.id
    where r.order_id = ${second.orderId}`
  expect(recalled).toEqual({ recalled: true, state: 'DRAFT' })
  expect(problems).toEqual([])
}, 180_000)

test('[RW-02] a reader whose case is taken over keeps the words and sees who has it', async () => {
  const { itemId } = await study({ priority: URGENCY.stat! })
  const { page } = await sitDown(screens, 'radiologist')
  await page.locator(`tr[data-item="${itemId}"]`).click()
  await page.keyboard.press('Enter')
  await page.waitForURL(isIn(itemId))
  await section(page, 'Findings').fill('Hyperdense middle cerebral artery on the left.')
  await page.getByText('draft, saved').waitFor()
  await section(page, 'Impression').fill('Words of the last second.')

  const [held] = await department.sql<{ fence: number }[]>`select fence from work_items where id = ${itemId}`
  const lead = await actAs(department, 'radiologist2')
  await takeOver(department, lead, { itemId, fenceSeen: held!.fence, reason: 'urgent' })

  const lost = page.getByRole('alert').filter({ hasText: 'not yours any more' })
  await lost.waitFor()
  const [other] = await department.sql<
    { name: string }[]
  >`select name from users where user_name = 'radiologist2'`
  await lost.getByText(other!.name).waitFor()
  await expect.poll(() => section(page, 'Findings').getAttribute('contenteditable'), SOON).toBe('false')
  expect(await section(page, 'Impression').textContent()).toBe('Words of the last second.')
  await expect
    .poll(async () => {
      const kept = await department.sql<{ text: string }[]>`
        select d.content::text as text from report_drafts d join reports r on r.id = d.report_id
          where r.order_id = (select order_id from work_items where id = ${itemId})
        union all select d.content::text from stray_drafts d join reports r on r.id = d.report_id
          where r.order_id = (select order_id from work_items where id = ${itemId})`
      return kept.some(({ text }) => text.includes('Words of the last second.'))
    }, SOON)
    .toBe(true)
}, 120_000)

test('[RW-02] of two windows of one reader the older is told at once, keeps its words, and takes the newest with one key', async () => {
  const { orderId, itemId } = await readableStudy(department, 'stat')
  const { page: older, context, problems } = await sitDown(screens, 'radiologist', withoutViewer)
  const address = `${app.url}/reading/${itemId}`
  await goTo(older, address)
  await older.keyboard.press('Alt+Enter')
  await holderTag(older).waitFor()
  await section(older, 'Findings').fill('Written first.')
  await older.getByText('draft, saved').waitFor()
  const newer = await context.newPage()
  await goTo(newer, address)
  await expect.poll(() => section(newer, 'Findings').textContent(), SOON).toBe('Written first.')

  await section(newer, 'Impression').fill('Written in the newer one.')
  const told = (page: Page) => page.getByRole('alert').filter({ hasText: 'in another window of yours' })
  await told(older).waitFor(SOON)
  await expect.poll(() => section(older, 'Findings').getAttribute('contenteditable'), SOON).toBe('false')
  expect(await barriers(older)).toEqual([])
  await older.keyboard.press('Alt+Enter')
  await expect.poll(() => section(older, 'Impression').textContent(), SOON).toBe('Written in the newer one.')
  await section(older, 'Findings').fill('Written last.')

  // Words that could not be sent when the other window wrote are kept, and can be read beside the report.
  await told(newer).waitFor(SOON)
  await older.getByText('draft, saved').waitFor()
  await older.route('**/reading/draft', (route) => route.abort())
  await section(older, 'Findings').fill('Never sent.')
  await older.getByText('not sent yet, kept in this window').waitFor()
  await newer.keyboard.press('Alt+Enter')
  await expect.poll(() => section(newer, 'Findings').textContent(), SOON).toBe('Written last.')
  await section(newer, 'Findings').fill('Written after all.')
  await newer.getByText('draft, saved').waitFor()
  await older.unroute('**/reading/draft')
  await told(older).waitFor(SOON)
  await older.keyboard.press('Alt+Enter')
  await expect.poll(() => section(older, 'Findings').textContent(), SOON).toBe('Written after all.')
  await older.getByLabel('Kept aside').getByText('Yours, of').click()
  await older.getByLabel('Kept aside').getByText('Never sent.').waitFor()
  expect(await barriers(older)).toEqual([])
  const [draft] = await department.sql`
    select d.content->'sections' as sections from report_drafts d join reports r on r.id = d.report_id
    where r.order_id = ${orderId}`
  expect(JSON.stringify(draft!.sections)).toContain('Written after all.')
  expect(problems).toEqual([])
}, 120_000)

test('[RW-02] words typed while the server is away stay in the window and are saved when it is back', async () => {
  const { itemId, orderId } = await study({ priority: URGENCY.stat! })
  const { page, context, password } = await sitDown(screens, 'radiologist')
  await page.locator(`tr[data-item="${itemId}"]`).click()
  await page.keyboard.press('Enter')
  await page.waitForURL(isIn(itemId))
  await holderTag(page).waitFor()
  await page.route('**/reading/draft', (route) => route.abort())
  await page.route('**/reading/heartbeat', (route) => route.abort())
  await section(page, 'Findings').fill('No haemorrhage.')
  await section(page, 'Impression').fill('Normal.')
  await page.getByText('not sent yet, kept in this window').waitFor()
  await page.keyboard.press('Alt+p')
  await page.getByText('The server does not answer.').waitFor()

  await page.unroute('**/reading/draft')
  await page.unroute('**/reading/heartbeat')
  await page.getByText('draft, saved').waitFor()
  const [draft] = await department.sql<{ content: { sections: { text: string }[] } }[]>`
    select d.content from report_drafts d join reports r on r.id = d.report_id where r.order_id = ${orderId}`
  expect(draft!.content.sections.map(({ text }) => text)).toContain('No haemorrhage.')

  // A radiologist's preliminary goes out, and the case stays where it is.
  await page.keyboard.press('Alt+p')
  await expect
    .poll(
      async () => (await department.sql`select state from reports where order_id = ${orderId}`)[0]?.state,
      SOON,
    )
    .toBe('PRELIM')
  expect(new URL(page.url()).pathname).toBe(`/reading/${itemId}`)
  await holderTag(page).waitFor()
  // What came of it has been told and read: a page asked for without a session would be the sign-in already.
  await page
    .locator('button[aria-busy="true"]')
    .first()
    .waitFor({ ...SOON, state: 'detached' })
  await page.waitForTimeout(2_000)

  // The session ends while the report is written: nothing is decided, and the words are there after signing in again.
  await context.clearCookies()
  await section(page, 'Impression').fill('Normal CT.')
  await page.keyboard.press('Alt+p')
  const over = page.getByText('Your session is over.').or(page.getByRole('form', { name: 'Sign in' }))
  await over.first().waitFor(SOON)
  const again = { userName: 'radiologist', password }
  await context.request.post(`${app.url}/sign-in`, { form: again, maxRedirects: 0 })
  await goTo(page, `${app.url}/reading/${itemId}`)
  await expect.poll(() => section(page, 'Impression').textContent(), SOON).toBe('Normal CT.')
  await expect
    .poll(async () => {
      const [kept] = await department.sql`
        select d.content::text as words from report_drafts d join reports r on r.id = d.report_id where r.order_id = ${orderId}`
      return kept!.words
    }, SOON)
    .toContain('Normal CT.')
}, 120_000)

test('a case is skipped with a reason from the list, and taken again only on purpose', async () => {
  const { itemId } = await study({ priority: URGENCY.stat! })
  const { page } = await sitDown(screens, 'radiologist')
  const row = page.locator(`tr[data-item="${itemId}"]`)
  await row.click()
  await page.keyboard.press('s')
  await page.getByRole('radiogroup', { name: 'Skip' }).waitFor()
  await page.keyboard.press('1')
  await row.getByText('Skipped by you').waitFor()
  const [skipped] = await department.sql`select reason from skips where item_id = ${itemId}`
  expect(skipped).toEqual({ reason: 'other-area' })
}, 120_000)

test('a resident issues a preliminary and is not offered a signature', async () => {
  const { itemId, orderId } = await study({ priority: URGENCY.urgent! })
  const { page } = await sitDown(screens, 'resident')
  await page.locator(`tr[data-item="${itemId}"]`).click()
  await page.keyboard.press('Enter')
  await page.waitForURL(isIn(itemId))
  await section(page, 'Impression').fill('No acute finding.')
  expect(await page.getByRole('button', { name: 'Sign final' }).count()).toBe(0)
  await page.keyboard.press('Alt+Enter')
  await expect
    .poll(
      async () => (await department.sql`select state from reports where order_id = ${orderId}`)[0]?.state,
      SOON,
    )
    .toBe('PRELIM')
  await page.waitForURL((address) => !isIn(itemId)(address))
}, 120_000)

test('[VW-01] a prior of the same patient opens with the case, after it, and its report stands beside', async () => {
  const patient = {
    identifiers: [{ value: 'SYN-PRIOR-1', issuer: 'MAIN', type: 'MR' }],
    name: { alphabetic: { family: 'TESTPERSON', given: 'ADA' } },
    otherNames: [],
    birthDate: { value: '1955-01-04', precision: 'day' as const },
    sex: 'F' as const,
    temporaryIdentity: false,
    comments: [],
  }
  const before = await study({ patient, priority: URGENCY.urgent! })
  const current = await study({ patient, priority: URGENCY.stat! })
  const { page } = await sitDown(screens, 'radiologist')
  await page.locator(`tr[data-item="${current.itemId}"]`).click()
  await page.getByLabel('The case under the cursor').getByText('CT', { exact: false }).first().waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL(isIn(current.itemId))
  const address = new URL((await page.locator('iframe[title="Images"]').getAttribute('src'))!, app.url)
  expect(address.searchParams.get('StudyInstanceUIDs')).toBe(`${current.studyUid},${before.studyUid}`)
  await expect.poll(() => greyLevels(page), { timeout: 60_000 }).toBeGreaterThan(8)
  await expect
    .poll(() => page.getByLabel('Priors', { exact: true }).getByRole('listitem').count(), SOON)
    .toBe(1)
}, 120_000)
