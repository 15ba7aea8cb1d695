/** "Wrong patient or exam" at the scanner, and the way back from it, as a technologist does both. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Department } from '#db/department.ts'
import { openReport, signReport } from '#db/mutations/reports.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs } from '#db/order.fixture.ts'
import { openItem } from '#db/reading.fixture.ts'
import { accepted, arrived, type Ordered, scanned, settle } from '#db/scanned.fixture.ts'
import { until } from './department.ts'
import { barriers, sitDown } from './desk.fixture.ts'
import { openScreens, type Screens } from './screens.fixture.ts'

let screens: Screens
let department: Department
let page: Page

beforeAll(async () => {
  screens = await openScreens('wrong-patient')
  ;({ department } = screens)
}, 180_000)

afterAll(() => screens?.close())

const doneRow = ({ accession }: Ordered) => page.locator(`.done-steps tr[data-accession="${accession}"]`)
const waitingRow = ({ accession }: Ordered) =>
  page.locator(`.worklist tr[data-accession="${accession}"], .worklist [data-accession="${accession}"]`)
const panel = () => page.getByRole('complementary', { name: 'Wrong patient or exam' })

/** What of the queue lies under the bar that takes the move back, as long as it stands. */
async function coveredByUndo(page: Page): Promise<string[]> {
  await page.locator('.undo-bar').waitFor()
  return page.evaluate(() => {
    const box = (selector: string) => document.querySelector(selector)?.getBoundingClientRect()
    const bar = box('.undo-bar')!
    return ['.wristband', '.worklist', '.done-steps', '.on-table', '.room-strip', '.key-bar'].filter(
      (each) => {
        const other = box(each)
        const apart = !other || other.left >= bar.right || other.right <= bar.left
        return !apart && other.top < bar.bottom && other.bottom > bar.top
      },
    )
  })
}

/** A wristband scanner is a keyboard that types faster than anybody can. */
async function scanWristband(text: string): Promise<void> {
  await page.evaluate((code) => {
    for (const key of [...code, 'Enter'])
      document.activeElement!.dispatchEvent(
        new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }),
      )
  }, text)
}

async function imagesOf({ studyUid }: Ordered): Promise<number> {
  const [row] = await department.sql<{ n: number }[]>`
    select coalesce(max(instance_count), 0)::int as n from studies where study_uid = ${studyUid}`
  return row!.n
}

test('[MA-12] one key, a wristband and one press move images to the right patient; one key, or the row, takes it back', async () => {
  const [wrong, right] = [await arrived(department), await arrived(department)]
  await scanned(department, wrong, { count: 3 })
  const desk = await sitDown(screens, 'tech')
  ;({ page } = desk)
  await page.getByRole('button', { name: /^XR 1/ }).click()
  await doneRow(wrong).waitFor()
  await waitingRow(right).first().waitFor()

  // A key acts on what is drawn a moment after it is drawn.
  const opened = async () => {
    await page.keyboard.press('Alt+I')
    return panel().isVisible()
  }
  await until(opened, 15_000, () => 'the panel stayed closed')
  await scanWristband(right.mrn)
  await panel().getByText('scanned', { exact: false }).first().waitFor()
  const differences = panel().getByRole('table')
  expect(await differences.innerText()).toContain(wrong.mrn)
  expect(await differences.innerText()).toContain(right.mrn)
  expect(await barriers(page)).toEqual([])
  await page.keyboard.press('Alt+Enter')
  await doneRow(right).getByText(`from ${wrong.accession}`).waitFor()
  await doneRow(right).getByText('reading blocked, to check').waitFor()
  await waitingRow(wrong).first().waitFor()
  expect([await imagesOf(wrong), await imagesOf(right)]).toEqual([0, 3])
  expect(await barriers(page)).toEqual([])
  expect(await coveredByUndo(page)).toEqual([])

  await page.keyboard.press('Alt+Z')
  await doneRow(wrong).waitFor()
  await waitingRow(right).first().waitFor()
  expect([await imagesOf(wrong), await imagesOf(right)]).toEqual([3, 0])

  // Once more, from the row and with the arrow keys; then the row has the way back until a report is signed.
  await doneRow(wrong).getByRole('button', { name: 'Wrong patient or exam' }).click()
  await panel().getByRole('radio').first().waitFor()
  await panel()
    .getByRole('button', { name: /^Move 3 images/ })
    .click()
  const back = doneRow(right).getByRole('button', { name: 'Undo' })
  await back.waitFor()
  await settle(department, wrong)
  await accepted(department, right)
  await doneRow(right).getByText('accepted').waitFor()
  await back.waitFor()
  await sign(right)
  await back.waitFor({ state: 'detached' })
  expect([await imagesOf(wrong), await imagesOf(right)]).toEqual([0, 3])
  expect(desk.problems).toEqual([])
})

async function sign({ orderId }: Ordered): Promise<void> {
  const act = await actAs(department, 'radiologist')
  const { itemId, fence } = await claim(department, act, {
    itemId: await openItem(department, orderId, 'read'),
  })
  const { reportId } = await openReport(department, act, { itemId })
  const sections = ['findings', 'impression'].map((key) => ({ key, text: 'No fracture.' }))
  await signReport(department, act, {
    ...{ itemId, fence, reportId, reauthenticated: true },
    content: { sections },
  } as never)
}
