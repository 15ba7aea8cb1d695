import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Department } from '#db/department.ts'
import { deviceAct, dutyAct } from '#db/mutations/act.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { askReturn } from '#db/mutations/returns.ts'
import { bookStep } from '#db/mutations/scheduling.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { endExam } from '#db/mutations/steps.ts'
import { indexInstances } from '#db/mutations/studies.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs, anEnvelope, anOrder, aProcedure, storedImages } from '#db/order.fixture.ts'
import { openItem } from '#db/reading.fixture.ts'
import { accepted, arrived, scanned } from '#db/scanned.fixture.ts'
import { barriers, goTo, sitDown } from './desk.fixture.ts'
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

test('[MA-08] a wristband is over with the exam it was scanned for: one that begins by itself alarms nobody, and its panel hears when it ends', async () => {
  const first = await booked('FALK', { roomId: 'us-1', inMinutes: 40 })
  const second = await booked('GRAF', { roomId: 'us-1', inMinutes: 60 })
  await booked('HOLM', { roomId: 'us-1', inMinutes: 80 })
  const { page, problems } = await sitDown(screens, 'tech')
  await page.getByRole('button', { name: /^US 1/ }).click()
  const selected = (name: RegExp) => page.getByRole('row', { name }).and(page.locator('[aria-current]'))
  const matches = page.getByText('Wristband matches the order')
  const unscanned = page.getByText('Wristband not scanned yet')
  const alarm = page.getByRole('complementary', { name: 'Wristband' }).getByRole('alert')
  await selected(/FALK/).waitFor()

  // With this wristband in hand nobody else is begun.
  await scanWristband(page, second.mrn)
  await matches.waitFor()
  await page.getByRole('row', { name: /HOLM/ }).click()
  await selected(/HOLM/).waitFor()
  await alarm.getByText('Begin is blocked', { exact: false }).waitFor()
  expect(await alarm.textContent()).not.toContain('Nobody in this department')
  await page.locator('.worklist').getByRole('row', { name: /GRAF/ }).click()
  await selected(/GRAF/).waitFor()
  await matches.waitFor()

  await scanWristband(page, first.mrn)
  await selected(/FALK/).waitFor()
  await matches.waitFor()
  const [procedure] = await department.sql<{ study_uid: string }[]>`
    select study_uid from procedures where order_id = ${first.orderId}`
  const images = storedImages(procedure!.study_uid, 1, { sourceAe: 'US1' })
  await indexInstances(department, await deviceAct(department, 'US1'), images)
  await page.getByRole('region', { name: 'On the table' }).getByText('FALK').waitFor()
  await page.getByRole('row', { name: /GRAF/ }).click()
  await selected(/GRAF/).waitFor()
  await unscanned.waitFor()
  expect(await alarm.count()).toBe(0)

  // Whoever holds the wristband of the one on the table to the next is told, and whose it is.
  await scanWristband(page, first.mrn)
  await alarm.getByText('This person is on the table in US 1 now').waitFor()
  expect(await alarm.textContent()).toContain('The wristband belongs to somebody else')

  // Opened while they lie there, the panel lets their images go as soon as the exam has ended.
  await page.keyboard.press('Escape')
  await page.keyboard.press('Alt+I')
  const panel = page.getByRole('complementary', { name: 'Wrong patient or exam' })
  const runs = panel.getByText('End the exam first')
  await runs.waitFor()
  await endExam(department, await actAs(department, 'tech'), { stepId: first.stepId })
  await runs.waitFor({ state: 'detached' })
  await panel.getByRole('button', { name: /^Move 1 image/ }).waitFor()
  expect(problems).toEqual([])
}, 60_000)

test('[QA-03] what is typed for one question stands beside no other, and a question opened by keys is answered by keys', async () => {
  const asked = [await anAskedReturn('Which side is it?'), await anAskedReturn('Is this the grid?')]
  const { page, problems } = await sitDown(screens, 'tech')
  await goTo(page, `${screens.app.url}/retakes`)
  const field = page.getByRole('textbox', { name: 'Your answer' })
  const question = (accession: string) => page.locator(`.retakes-list [data-accession="${accession}"] a`)
  await question(asked[0]!.accession).click()
  await page.getByText('Which side is it?').waitFor()
  expect(await field.evaluate((each) => each === document.activeElement)).toBe(true)
  await page.keyboard.type('The left one.')
  expect(await field.inputValue()).toBe('The left one.')

  await question(asked[1]!.accession).click()
  await page.getByText('Is this the grid?').waitFor()
  expect(await field.inputValue()).toBe('')
  expect(await field.evaluate((each) => each === document.activeElement)).toBe(true)
  await page.keyboard.press('Alt+Enter')
  await question(asked[0]!.accession).click()
  await page.getByText('Which side is it?').waitFor()
  expect(await field.inputValue()).toBe('The left one.')
  await page.waitForTimeout(1_600)
  await page.keyboard.press('Alt+Enter')
  await page.waitForURL('**/retakes')
  const answers = await department.sql`
    select answer_words from returns where id = any(${asked.map(({ returnId }) => returnId)}) order by asked_at`
  expect(answers.map((each) => each.answer_words)).toEqual(['The left one.', null])
  expect(problems).toEqual([])
}, 60_000)

/** A reader asks about images that were accepted. */
async function anAskedReturn(words: string): Promise<{ returnId: string; accession: string }> {
  const order = await arrived(department)
  await scanned(department, order)
  await accepted(department, order)
  const itemId = await openItem(department, order.orderId, 'read')
  const act = await actAs(department, 'radiologist')
  const { fence } = await claim(department, act, { itemId })
  const question = { itemId, fence, kind: 'clarify', reason: 'side', words, instances: [] } as const
  const { returnId } = await askReturn(department, act, question)
  await settleOrder(department, await dutyAct(department), { orderId: order.orderId })
  return { returnId, accession: order.accession }
}

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
  // Where the time came late, the key is deaf until its button has said it for a moment.
  await page.waitForTimeout(1_600)
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
