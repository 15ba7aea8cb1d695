/** Two exams of one patient, one report: added by a key, taken out by ×, signed once, and each accession is told its own. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anOrder } from '#db/order.fixture.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import { barriers, goTo, SOON, sitDown, withoutViewer } from './desk.fixture.ts'
import { openScreens, type Screens } from './screens.fixture.ts'

let screens: Screens

beforeAll(async () => {
  screens = await openScreens('two-accessions')
}, 180_000)

afterAll(() => screens?.close())

const section = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true })

test('[RP-11] a two-accession report: joined by a key, taken out and joined again, signed once, delivered twice', async () => {
  const { department, app } = screens
  const { sql } = department
  const { patient } = anOrder()
  const first = await readableStudy(department, 'stat', { patient })
  const second = await readableStudy(department, 'stat', { patient })
  const exams = [first.itemId, second.itemId]
  const accessions = await sql<{ accession: string }[]>`
    select accession from orders where id in (${first.orderId}, ${second.orderId}) order by id`
  const [own, other] = accessions.map(({ accession }) => accession) as [string, string]
  const states = async () => {
    const rows = await sql<
      { state: string }[]
    >`select state from work_items where id = any(${exams}) order by id`
    return rows.map(({ state }) => state)
  }

  const { page, password, problems } = await sitDown(screens, 'radiologist', withoutViewer)
  await goTo(page, `${app.url}/reading/${first.itemId}`)
  await page.getByRole('button', { name: 'Claim' }).waitFor(SOON)
  await page.keyboard.press('Alt+Enter')
  const banner = page.getByRole('region', { name: 'Patient and order' })
  const together = page.getByRole('region', { name: 'Read together' })

  // What waits of the same patient is offered beside the name.
  await together.getByRole('button', { name: /^\+ CT head/ }).waitFor(SOON)
  await page.keyboard.press('Alt+t')
  await banner.getByText(`${own} · ${other}`).waitFor(SOON)
  expect(await states()).toEqual(['claimed', 'claimed'])
  await together.getByRole('button', { name: `Take ${other} out of this report` }).click()
  await together.getByRole('button', { name: /^\+ CT head/ }).waitFor(SOON)
  expect(await states()).toEqual(['claimed', 'open'])
  await page.keyboard.press('Alt+t')
  await banner.getByText(`${own} · ${other}`).waitFor(SOON)
  expect(await barriers(page)).toEqual([])

  await section(page, 'Findings').click()
  await page.keyboard.type('No bleed in either exam.')
  await section(page, 'Impression').click()
  await page.keyboard.type('Normal.')
  await page.getByLabel('Password').fill(password)
  await page.keyboard.press('Alt+Enter')
  await expect.poll(states, SOON).toEqual(['completed', 'completed'])
  const deliveries = await sql`
    select o.accession, d.version from deliveries d join orders o on o.id = d.order_id
    where o.id in (${first.orderId}, ${second.orderId}) order by o.id`
  expect(deliveries).toEqual([
    { accession: own, version: 1 },
    { accession: other, version: 1 },
  ])
  const phases =
    await sql`select distinct phase from orders where id in (${first.orderId}, ${second.orderId})`
  expect(phases).toEqual([{ phase: 'final' }])
  expect(problems).toEqual([])
})
