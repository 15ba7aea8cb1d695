import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Department } from '#db/department.ts'
import { deviceAct, dutyAct } from '#db/mutations/act.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { bookStep } from '#db/mutations/scheduling.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { indexInstances } from '#db/mutations/studies.ts'
import { anEnvelope, anOrder, aProcedure, storedImages } from '#db/order.fixture.ts'
import { barriers, sitDown } from './desk.fixture.ts'
import { openScreens, type Screens } from './screens.fixture.ts'

let screens: Screens
let department: Department

beforeAll(async () => {
  screens = await openScreens('exam-day')
  ;({ department } = screens)
}, 180_000)

afterAll(() => screens?.close())

interface Ordered {
  orderId: string
  stepId: string
  mrn: string
}

/** An order whose message brought no time; its step waits on the scheduler's list. */
async function ordered(family: string): Promise<Ordered> {
  const order = anOrder({
    priority: { level: 'urgent', word: 'A' },
    procedures: [aProcedure({ steps: [] })],
  })
  order.patient.name = { alphabetic: { family, given: 'Vera' } }
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [order])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  await settleOrder(department, await dutyAct(department), { orderId })
  const [step] = await department.sql<{ id: string }[]>`select id from steps where order_id = ${orderId}`
  return { orderId, stepId: step!.id, mrn: order.patient.identifiers[0]!.value }
}

async function booked(family: string, { roomId, inMinutes }: { roomId: string; inMinutes: number }) {
  const exam = await ordered(family)
  const start = new Date((await department.now()).getTime() + inMinutes * 60_000)
  await bookStep(department, await dutyAct(department), { stepId: exam.stepId, roomId, start, minutes: 10 })
  return exam
}

/** A wristband scanner is a keyboard that types faster than anybody can. */
async function scanWristband(page: Page, text: string): Promise<void> {
  await page.evaluate((code) => {
    for (const key of [...code, 'Enter'])
      document.activeElement!.dispatchEvent(
        new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }),
      )
  }, text)
}

test('[OP-10] whoever signs in reads that this is no cleared medical device', async () => {
  const page = await (await fetch(`${screens.app.url}/sign-in`)).text()
  expect(page).toContain('Not a cleared medical device')
})

test('[MA-08] a scanned wristband opens its order, and another patient’s blocks the beginning until it is scanned again', async () => {
  await booked('ADLER', { roomId: 'mr-1', inMinutes: 10 })
  const second = await booked('BERG', { roomId: 'mr-1', inMinutes: 30 })
  const elsewhere = await booked('CARLSEN', { roomId: 'mr-2', inMinutes: 10 })
  const { page, problems } = await sitDown(screens, 'tech')
  await page.getByRole('button', { name: /^MR 1/ }).click()
  await page.getByRole('row', { name: /ADLER/ }).and(page.locator('[aria-current]')).waitFor()
  await scanWristband(page, second.mrn)
  await page.getByRole('row', { name: /BERG/ }).and(page.locator('[aria-current]')).waitFor()
  await page.getByText('Wristband matches the order').waitFor()

  await scanWristband(page, elsewhere.mrn)
  const begin = page.getByRole('button', { name: 'Begin exam' })
  await page.getByText('This person is booked in MR 2').waitFor()
  expect(await begin.getAttribute('aria-disabled')).toBe('true')
  expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('Scan again')
  expect(await barriers(page)).toEqual([])
  await page.keyboard.press('Escape')
  expect(await begin.getAttribute('aria-disabled')).toBeNull()

  await scanWristband(page, second.mrn)
  await page.getByText('Wristband matches the order').waitFor()
  await page.keyboard.press('Alt+Enter')
  await page.getByRole('region', { name: 'On the table' }).getByText('BERG').waitFor()
  const [step] = await department.sql`select status from steps where id = ${second.stepId}`
  expect(step).toMatchObject({ status: 'started' })

  // On any other of their screens a wristband opens its order.
  await page.getByRole('link', { name: /^Quality check/ }).click()
  await page.getByRole('main', { name: 'Quality check' }).waitFor()
  await scanWristband(page, 'NOBODYS-NUMBER')
  await page.getByText('Nobody in this department has this number.').waitFor()
  await scanWristband(page, elsewhere.mrn)
  await page.waitForURL(`**/orders/${elsewhere.orderId}`)
  expect(problems).toEqual([])
}, 60_000)

test('[MA-07] [QA-01] an exam goes from arrival to an accepted study in at most fourteen inputs', async () => {
  const { orderId, stepId, mrn } = await booked('EKMAN', { roomId: 'us-1', inMinutes: 10 })
  const { page, problems } = await sitDown(screens, 'tech')
  const inputs: string[] = []
  const press = async (chord: string) => {
    inputs.push(chord)
    await page.keyboard.press(chord)
  }
  await page.getByRole('button', { name: /^US 1/ }).click()
  inputs.push('room')
  await page.getByRole('row', { name: /EKMAN/ }).waitFor()
  await scanWristband(page, mrn)
  inputs.push('wristband')
  await page.getByText('Wristband matches the order').waitFor()
  await press('Alt+a')
  await expect.poll(() => statusOf(stepId)).toMatch(/arrived|ready/)
  await page.getByRole('button', { name: 'Begin exam' }).waitFor()
  await press('Alt+Enter')
  await expect.poll(() => statusOf(stepId)).toBe('started')

  const [procedure] = await department.sql<{ study_uid: string }[]>`
    select study_uid from procedures where order_id = ${orderId}`
  const images = storedImages(procedure!.study_uid, 3, { sourceAe: 'US1' })
  await indexInstances(department, await deviceAct(department, 'US1'), images)
  await page.getByRole('region', { name: 'On the table' }).getByText('3', { exact: true }).waitFor()
  // The key that began is deaf until its button has said "End" for a moment.
  await page.waitForTimeout(1_600)
  await press('Alt+Enter')
  await expect.poll(() => statusOf(stepId)).toBe('departed')
  await settleOrder(department, await dutyAct(department), { orderId })

  await page.getByRole('link', { name: /^Quality check/ }).click()
  inputs.push('quality check')
  await page.getByRole('button', { name: 'Check the next exam' }).waitFor()
  await page.waitForTimeout(1_600)
  await press('Alt+Enter')
  await page.getByRole('button', { name: /^Accept/ }).waitFor()
  await page.waitForTimeout(1_600)
  await press('Alt+Enter')
  await expect.poll(() => phaseOf(orderId)).toBe('reading')
  console.log(`from arrival to an accepted study: ${inputs.length} inputs (${inputs.join(' · ')})`)
  expect(inputs.length).toBeLessThanOrEqual(14)
  expect(problems).toEqual([])
}, 60_000)

async function phaseOf(orderId: string): Promise<string> {
  const [order] = await department.sql<{ phase: string }[]>`select phase from orders where id = ${orderId}`
  return order!.phase
}

test('[OS-09] a scheduler books the first free time by keys alone, and takes it back', async () => {
  const { stepId } = await ordered('DAHL')
  const { page, problems } = await sitDown(screens, 'scheduler')
  const option = page.getByRole('option', { name: /DAHL/ })
  await option.waitFor()
  await option.focus()
  await page.keyboard.press('ArrowDown')
  await page.getByRole('button', { name: /^Book \d\d:\d\d, CT/ }).waitFor()
  expect(await barriers(page)).toEqual([])
  await page.keyboard.press('Alt+Enter')
  await page.getByText(/^Booked \d\d:\d\d, CT \d\.$/).waitFor()
  await expect.poll(() => statusOf(stepId)).toBe('scheduled')
  await page.keyboard.press('Alt+Z')
  await expect.poll(() => statusOf(stepId)).toBe('planned')
  expect(problems).toEqual([])
}, 60_000)

async function statusOf(stepId: string): Promise<string> {
  const [step] = await department.sql<{ status: string }[]>`select status from steps where id = ${stepId}`
  return step!.status
}
