import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dutyAct } from '#db/mutations/act.ts'
import { addHandoverLine } from '#db/mutations/handover.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { bookStep } from '#db/mutations/scheduling.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { arrive } from '#db/mutations/steps.ts'
import { actAs, anEnvelope, anOrder, aProcedure } from '#db/order.fixture.ts'
import { timeline } from '#db/queries/orders.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import { MINUTE_MS } from '#domain/calendar.ts'
import { goTo, sitDown } from './desk.fixture.ts'
import { openScreens, type Screens } from './screens.fixture.ts'

let screens: Screens

beforeAll(async () => {
  screens = await openScreens('handover')
}, 180_000)

afterAll(() => screens?.close())

/** Somebody is here for CT 1, in a slot that begins so many minutes from now. */
async function patientHere(minutes: number): Promise<{ orderId: string; stepId: string }> {
  const { department } = screens
  const order = anOrder({ procedures: [aProcedure({ steps: [] })], priority: { level: 'urgent', word: 'A' } })
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [order])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  const [step] = await department.sql<{ id: string }[]>`select id from steps where order_id = ${orderId}`
  const start = new Date((await department.now()).getTime() + minutes * MINUTE_MS)
  await bookStep(department, await dutyAct(department), {
    stepId: step!.id,
    roomId: 'ct-1',
    start,
    minutes: 10,
  })
  await arrive(department, await actAs(department, 'tech'), { stepId: step!.id })
  await settleOrder(department, await dutyAct(department), { orderId })
  return { orderId, stepId: step!.id }
}

test('[MA-13] a colleague takes a line over by name with one key, and it is calm on every screen at once', async () => {
  const { department } = screens
  await patientHere(20)
  const words = 'Ward 3 was promised a call'
  const line = {
    siteId: 'MAIN',
    kind: 'promised',
    waitingFor: null,
    words,
    accession: null,
    roomId: null,
  } as const
  await addHandoverLine(department, await actAs(department, 'tech'), line)

  const [lead, tech] = [await sitDown(screens, 'lead'), await sitDown(screens, 'tech')]
  for (const { page } of [lead, tech]) {
    await goTo(page, `${screens.app.url}/handover`)
    await page.waitForSelector('tr[data-line]')
  }
  const row = (page: Page) => page.locator('tr[data-line]', { hasText: words })
  expect(await row(tech.page).getAttribute('data-state')).toBe('wanted')

  await row(lead.page).click()
  await lead.page.keyboard.press('Alt+Enter')
  await tech.page.waitForSelector(`tr[data-state="acknowledged"]:has-text("${words}")`)
  expect(await row(tech.page).textContent()).toContain('J. Moreau')

  // What is settled goes everywhere, and comes back with the undo key.
  await tech.page.locator('tr[data-line]', { hasText: words }).click()
  await tech.page.keyboard.press('Alt+X')
  await lead.page.waitForFunction((text) => !document.body.innerText.includes(text), words)
  await tech.page.keyboard.press('Alt+Z')
  await row(lead.page).waitFor()
  expect([...lead.problems, ...tech.problems]).toEqual([])
}, 60_000)

test('[DB-08] a lead gives a late case to a reader, moves a patient and calls somebody in from the row, each with one key and a choice', async () => {
  const { department } = screens
  const { orderId, itemId } = await readableStudy(department, 'stat')
  const here = await patientHere(40)
  const [lead, reader] = [await sitDown(screens, 'lead'), await sitDown(screens, 'radiologist2')]
  const { page } = lead
  const row = (id: string) => page.locator(`tr[data-order="${id}"]`).first()
  await row(orderId).click()
  await page.keyboard.press('a')
  await page.getByRole('radio', { name: /Ruiz/ }).waitFor()
  const digit = await page
    .locator('.reasons [role=radio]')
    .evaluateAll((all) => all.findIndex((each) => each.textContent?.includes('Ruiz')))
  await page.keyboard.press(String(digit + 1))
  await page.waitForSelector('.undo-bar')
  await row(orderId).getByText('Ruiz').waitFor()
  const [item] =
    await department.sql`select assigned_to, u.name from work_items w join users u on u.id = w.assigned_to where w.id = ${itemId}`
  expect(item!.name).toContain('Ruiz')

  // The same row, called in: the reader is asked on the screen they are at.
  await row(orderId).click()
  await page.keyboard.press('i')
  await page.getByRole('radio', { name: /Ruiz/ }).click()
  await reader.page.getByText('Called in by J. Moreau').waitFor()
  await reader.page.getByRole('button', { name: 'Coming' }).click()
  await row(orderId).getByText('coming:').waitFor()

  await row(here.orderId).click()
  await page.keyboard.press('m')
  await page.getByRole('radio', { name: /CT 2/ }).waitFor()
  await page.keyboard.press('1')
  await page.getByText('Moved to CT 2.').waitFor()
  const [step] = await department.sql`select room_id, status from steps where id = ${here.stepId}`
  expect([step!.room_id, step!.status]).toEqual(['ct-2', 'ready'])
  await page.keyboard.press('Alt+z')
  await page.getByText('Moved to CT 1.').waitFor()

  const types = (await timeline(department.sql, orderId)).map(({ type }) => type)
  expect(types.filter((type) => /reassigned|call/.test(type))).toEqual([
    'work-item.reassigned',
    'work-item.called-in',
    'work-item.call-answered',
  ])
  expect([...lead.problems, ...reader.problems]).toEqual([])
}, 90_000)
