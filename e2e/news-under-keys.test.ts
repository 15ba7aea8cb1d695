/** What somebody else does while a hand is on the keys: no key does what it did not say when the hand went to it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { beginStep } from '#db/mutations/steps.ts'
import { actAs } from '#db/order.fixture.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import { arrived } from '#db/scanned.fixture.ts'
import { goTo, SOON, sitDown } from './desk.fixture.ts'
import { openScreens, type Screens } from './screens.fixture.ts'

let screens: Screens

beforeAll(async () => {
  screens = await openScreens('news-under-keys')
}, 180_000)

afterAll(() => screens?.close())

test('a press meant for “Begin” does not end the exam that somebody else began in that moment', async () => {
  const { department } = screens
  const { stepId } = await arrived(department)
  const [room] = await department.sql<{ name: string }[]>`
    select r.name from steps s join rooms r on r.id = s.room_id where s.id = ${stepId}`
  const { page, problems } = await sitDown(screens, 'tech')
  await page.getByRole('button', { name: new RegExp(`^${room!.name}`) }).click()
  await page.getByRole('button', { name: 'Begin exam' }).waitFor()
  // The hand rests.
  await page.evaluate(() => new Promise((rested) => setTimeout(rested, 1_000)))
  await beginStep(department, await actAs(department, 'tech2'), { stepId })
  const end = page.getByRole('button', { name: 'End exam' })
  await end.waitFor()
  await page.keyboard.press('Alt+Enter')
  await page.evaluate(() => new Promise((told) => setTimeout(told, 500)))
  const status = async () => (await department.sql`select status from steps where id = ${stepId}`)[0]!.status
  expect(await status()).toBe('started')
  await page.evaluate(() => new Promise((stood) => setTimeout(stood, 1_500)))
  await page.keyboard.press('Alt+Enter')
  await expect.poll(status, SOON).not.toBe('started')
  expect(problems).toEqual([])
})

test('the page of another order begins anew: its replay stands at now, and nothing begun on the last one stands there', async () => {
  const { department, app } = screens
  const [first, second] = [await readableStudy(department, 'stat'), await readableStudy(department, 'stat')]
  const [order] = await department.sql<{ accession: string }[]>`
    select accession from orders where id = ${second.orderId}`
  const { page, problems } = await sitDown(screens, 'radiologist')
  await goTo(page, `${app.url}/orders/${first.orderId}`)
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('ArrowLeft')
  await page.getByText('replay', { exact: true }).first().waitFor()
  await page.keyboard.press('Control+k')
  await page.keyboard.insertText(order!.accession)
  await page.keyboard.press('Enter')
  await page.waitForURL(`**/orders/${second.orderId}`)
  await page.getByText(order!.accession).first().waitFor()
  expect(await page.getByText('replay', { exact: true }).count()).toBe(0)
  expect(problems).toEqual([])
})
