import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deviceAct, dutyAct } from '#db/mutations/act.ts'
import { openAmendment } from '#db/mutations/amendments.ts'
import { openReport, signReport } from '#db/mutations/reports.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { indexInstances } from '#db/mutations/studies.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs, storedImages } from '#db/order.fixture.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import { listens } from './app.fixture.ts'
import { barriers, goTo, SOON, sitDown } from './desk.fixture.ts'
import { openScreens, type Screens } from './screens.fixture.ts'

let screens: Screens

beforeAll(async () => {
  screens = await openScreens('amendment')
}, 180_000)

afterAll(() => screens?.close())

const section = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true })

/** A stat report is out with its signature. */
async function reportThatIsOut(): Promise<{ orderId: string; reportId: string }> {
  const { department } = screens
  const { orderId, itemId } = await readableStudy(department, 'stat')
  const reader = await actAs(department, 'radiologist')
  const held = await claim(department, reader, { itemId })
  const { reportId } = await openReport(department, reader, held)
  const sections = [
    { key: 'findings', text: 'No bleed.' },
    { key: 'impression', text: 'Normal CT of the head.' },
  ]
  await signReport(department, reader, { ...held, reportId, content: { sections }, reauthenticated: true })
  return { orderId, reportId }
}

const versions = (reportId: string) => screens.department.sql<
  { kind: string; content: unknown; released: boolean }[]
>`
  select kind, content->'sections' as content, released_at is not null as released from report_versions
  where report_id = ${reportId} order by version`

test('[RP-06] an addendum is written beside the report that is out, signed with the password, and sent to everybody who has it', async () => {
  const { orderId, reportId } = await reportThatIsOut()
  const { page, password, problems } = await sitDown(screens, 'radiologist')
  await goTo(page, `${screens.app.url}/orders/${orderId}`)
  await page.getByRole('link', { name: 'Amend the report' }).click()
  // The order's page shows the report too: the keys are this page's once its buttons stand.
  await page.getByRole('button', { name: 'Correct the report' }).waitFor(SOON)
  await page.getByText('Normal CT of the head.').first().waitFor(SOON)
  await listens(page)
  expect(await barriers(page)).toEqual([])
  await page.keyboard.press('Alt+a')
  await section(page, 'Addendum').waitFor(SOON)
  await expect
    .poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label')), SOON)
    .toBe('Addendum')
  await page.keyboard.type('A clip is in place.')
  expect(await barriers(page)).toEqual([])
  await page.getByLabel('Password').fill(password)
  await page.keyboard.press('Enter')
  await page.getByText(/^Version 2, addendum: /).waitFor(SOON)
  expect((await versions(reportId)).map(({ kind, released }) => [kind, released])).toEqual([
    ['final', true],
    ['addendum', true],
  ])
  expect(problems).toEqual([])
})

test('[RP-06][RP-07] somebody else corrects a report with a reason; the words they left stand there when they come back, and the original beside them', async () => {
  const { reportId } = await reportThatIsOut()
  const { page, password, problems } = await sitDown(screens, 'radiologist2')
  await goTo(page, `${screens.app.url}/reports/${reportId}/amend`)
  await page.getByRole('button', { name: 'Correct the report' }).waitFor(SOON)
  await page.keyboard.press('Alt+o')
  await page.getByText('The report has an error').click(SOON)
  await section(page, 'Findings').fill('A small bleed on the left.')
  await section(page, 'Impression').fill('Small bleed on the right.')
  const doubt = page.getByRole('button', { name: 'Impression: “right”; the findings name the left' })
  await doubt.waitFor(SOON)
  expect(await barriers(page)).toEqual([])
  await doubt.press('Enter')
  await expect.poll(() => page.evaluate(() => String(document.getSelection())), SOON).toBe('right')
  await page.keyboard.type('left')
  await doubt.waitFor({ ...SOON, state: 'detached' })
  expect(await section(page, 'Impression').textContent()).toBe('Small bleed on the left.')
  await section(page, 'Impression').fill('Subdural haematoma.')
  await expect
    .poll(async () => {
      const [draft] = await screens.department
        .sql`select content from report_drafts where report_id = ${reportId}`
      return JSON.stringify(draft?.content)
    }, SOON)
    .toContain('Subdural haematoma.')
  await page.reload()
  await listens(page)
  await expect.poll(() => section(page, 'Impression').textContent(), SOON).toBe('Subdural haematoma.')
  await page.getByLabel('Amend the report').getByText('Normal CT of the head.').first().waitFor(SOON)
  expect(await barriers(page)).toEqual([])

  const first = await sitDown(screens, 'radiologist')
  await goTo(first.page, `${screens.app.url}/reports/${reportId}/amend`)
  await first.page.getByText(/has been correcting this report since/).waitFor(SOON)

  // Taken over, the words stay before the eyes of whoever wrote them, and cannot be changed there any more.
  const signer = await actAs(screens.department, 'radiologist')
  await openAmendment(screens.department, signer, { reportId, kind: 'correction', reason: 'error' })
  await page.getByText(/ has it now\. Your text is kept aside\.$/).waitFor(SOON)
  await expect.poll(() => section(page, 'Impression').getAttribute('contenteditable'), SOON).toBe('false')
  expect(await section(page, 'Impression').textContent()).toBe('Subdural haematoma.')
  await page.getByRole('button', { name: 'Take over, with reason' }).click()
  await page.getByText('The report has an error').click(SOON)
  await expect.poll(() => section(page, 'Impression').getAttribute('contenteditable'), SOON).toBe('true')

  await page.getByLabel('Password').fill(password)
  await page.keyboard.press('Alt+Enter')
  await page.getByText(/^Version 2, correction: /).waitFor(SOON)
  const [original, corrected] = await versions(reportId)
  expect(JSON.stringify(original!.content)).toContain('Normal CT of the head.')
  expect(JSON.stringify(corrected!.content)).toContain('Subdural haematoma.')
  expect([...problems, ...first.problems]).toEqual([])
})

test('[RP-06] images that come after a report stand on its signer’s reading list; one key opens them beside it, and one says they add nothing', async () => {
  const { department } = screens
  const { orderId, reportId } = await reportThatIsOut()
  const [study] = await department.sql<{ uid: string }[]>`
    select study_uid as uid from studies s join study_links l on l.study_id = s.id where l.order_id = ${orderId}`
  await indexInstances(
    department,
    await deviceAct(department, 'US1'),
    storedImages(study!.uid, 1, { sourceAe: 'US1' }),
  )
  await settleOrder(department, await dutyAct(department), { orderId })
  const [duty] = await department.sql<{ id: string }[]>`
    select id from work_items where order_id = ${orderId} and kind = 'late'`
  const other = await sitDown(screens, 'radiologist2')
  await other.page.locator('.reading-list').waitFor()
  const row = (page: Page) => page.locator(`tr[data-item="${duty!.id}"]`)
  expect(await row(other.page).count()).toBe(0)

  const { page, problems } = await sitDown(screens, 'radiologist')
  await row(page).click()
  expect(await row(page).innerText()).toContain('Images after the report')
  await page.getByRole('button', { name: 'Open the report' }).waitFor()
  expect(await barriers(page)).toEqual([])
  await page.keyboard.press('Enter')
  await page.waitForURL(({ pathname }) => pathname === `/reports/${reportId}/amend`)
  await page.getByRole('button', { name: 'Seen, nothing to add' }).waitFor(SOON)
  await listens(page)
  await page.keyboard.press('Alt+s')
  await expect
    .poll(async () => {
      await settleOrder(department, await dutyAct(department), { orderId })
      const [item] = await department.sql`select state from work_items where id = ${duty!.id}`
      return item!.state
    }, SOON)
    .toBe('completed')
  await goTo(page, `${screens.app.url}/reading`)
  expect(await row(page).count()).toBe(0)
  // Of a report that does not stand any more there is nothing to amend.
  await department.sql`update reports set state = 'DRAFT' where id = ${reportId}`
  await page.goto(`${screens.app.url}/reading/${duty!.id}`)
  expect(new URL(page.url()).pathname).toBe(`/orders/${orderId}`)
  expect([...problems, ...other.problems]).toEqual([])
})
