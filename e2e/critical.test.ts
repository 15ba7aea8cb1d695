import { afterAll, beforeAll, expect, test } from 'vitest'
import { raiseCriticalResult } from '#db/mutations/raise-critical.ts'
import { openReport, saveDraft, signReport } from '#db/mutations/reports.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs } from '#db/order.fixture.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import { barriers, goTo, SOON, sitDown, withoutViewer } from './desk.fixture.ts'
import { openScreens, type Screens } from './screens.fixture.ts'

let screens: Screens

beforeAll(async () => {
  screens = await openScreens('critical')
}, 180_000)

afterAll(() => screens?.close())

const FINDING = 'Acute large-vessel stroke.'
const sections = [
  { key: 'findings', text: 'Dense left M1.' },
  { key: 'impression', text: 'Acute left MCA ischaemia.' },
]

/** A STAT case in the radiologist's hands, its report written. */
async function caseInHand() {
  const { department } = screens
  const { orderId, itemId } = await readableStudy(department, 'stat')
  const reader = await actAs(department, 'radiologist')
  const held = { ...(await claim(department, reader, { itemId })), orderId }
  const { reportId } = await openReport(department, reader, held)
  await saveDraft(department, reader, { ...held, reportId, content: { sections } })
  return { ...held, reportId }
}

const rowOf = async (reportId: string) => {
  const [row] = await screens.department.sql`
    select state, recipient, method, read_back, level from critical_results where report_id = ${reportId}`
  return row
}

test('[CR-01][CR-02][RP-07] a critical result is raised by one key, keeps the report unsigned, is called in, read back, and stands in the report', async () => {
  const { itemId, reportId } = await caseInHand()
  const { page, password, problems } = await sitDown(screens, 'radiologist', withoutViewer)
  await goTo(page, `${screens.app.url}/reading/${itemId}`)
  await page.getByText('No critical result waits to be told').waitFor(SOON)
  await page.keyboard.press('Alt+c')
  await page.getByLabel('Finding', { exact: true }).waitFor(SOON)
  await page.keyboard.type(FINDING)
  await page.keyboard.press('Enter')
  const panel = page.getByRole('region', { name: 'Critical result, level 1' })
  await panel.getByText(/^0:5\d left$/).waitFor(SOON)
  await page.getByText('A critical result has not been told').waitFor(SOON)
  await panel.getByText('Now tell the ordering person:').waitFor(SOON)
  expect(await barriers(page)).toEqual([])

  await panel.getByRole('button', { name: 'No answer' }).click()
  await panel.getByText(/no answer: OTTO SAMPLE/).waitFor(SOON)
  await panel.getByText('Now tell the ward or team:').waitFor(SOON)

  await page.keyboard.press('Alt+c')
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.type('Nurse Exempel, stroke unit')
  await page.keyboard.press('Alt+c')
  await panel.getByText('The time of the call is hh:mm').waitFor(SOON)
  await panel.getByLabel('Read back to me').check()
  await panel.getByLabel('Told to').focus()
  await page.keyboard.press('Alt+c')
  await page.getByText(/told Nurse Exempel, stroke unit at .+ It goes into the report\./).waitFor(SOON)
  await page.getByText('No critical result waits to be told').waitFor(SOON)
  expect(await rowOf(reportId)).toMatchObject({ state: 'closed', method: 'telephone', read_back: true })
  expect(await barriers(page)).toEqual([])

  await page.getByLabel('Password').fill(password)
  await page.keyboard.press('Alt+Enter')
  const said = async () => {
    const [version] = await screens.department.sql<{ content: { sections: typeof sections } }[]>`
      select content from report_versions where report_id = ${reportId} and kind = 'final'`
    return version?.content.sections.at(-1)
  }
  await expect.poll(said, SOON).toMatchObject({ key: 'communication' })
  expect((await said())!.text).toContain(`Critical result (level 1): ${FINDING}`)
  expect((await said())!.text).toMatch(/by telephone .+ to Nurse Exempel, stroke unit .+; read back\.$/)
  expect(problems).toEqual([])
})

test('[CR-01][CR-03] on the list the least time left stands first and lateness stays; a lead documents the call of a report that is out, and its addendum waits for the signer', async () => {
  const { department } = screens
  const signed = await caseInHand()
  const reader = await actAs(department, 'radiologist')
  await signReport(department, reader, { ...signed, content: { sections }, reauthenticated: true })
  const { page, problems } = await sitDown(screens, 'lead')
  await goTo(page, `${screens.app.url}/critical-results`)
  await page.getByText('0 open').waitFor(SOON)
  expect(await barriers(page)).toEqual([])

  const raise = async (reportId: string, level: 1 | 2, minutesAgo: number, finding: string) =>
    raiseCriticalResult(department, reader, {
      ...{ reportId, level, finding },
      foundAt: new Date(reader.now.getTime() - minutesAgo * 60_000),
    })
  await raise((await caseInHand()).reportId, 2, 0, 'New lung nodule.')
  await raise(signed.reportId, 1, 130, 'Free air under the diaphragm.')
  const rows = page.getByRole('row').filter({ hasText: /nodule|Free air/ })
  await expect.poll(() => rows.count(), SOON).toBe(2)
  expect(await rows.first().innerText()).toMatch(/late 1:1\d[\s\S]*Free air/)
  await rows.first().click()
  const panel = page.getByRole('region', { name: 'Critical result, level 1' })
  // Three contacts' hours have passed, the lead's and the head's among them.
  await panel.getByText('Now tell the department head:').waitFor(SOON)
  await panel.getByText('There is no further contact.').waitFor(SOON)
  expect(await barriers(page)).toEqual([])
  await page.keyboard.press('Alt+c')
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.type('Dr Exempel, on call')
  await panel.getByLabel('Told by').selectOption(reader.actor.id)
  await panel.getByLabel('Read back to me').check()
  await panel.getByRole('button', { name: 'Record' }).click()
  await expect.poll(async () => (await rowOf(signed.reportId))?.state, SOON).toBe('closed')
  await page
    .getByRole('row')
    .filter({ hasText: 'Free air' })
    .getByText(/^told \d\d:\d\d/)
    .waitFor(SOON)
  const [report] = await department.sql`select amendment from reports where id = ${signed.reportId}`
  expect(report).toEqual({ amendment: 'addendum' })
  expect(problems).toEqual([])

  // Nobody else has this place, and who reads may not withdraw alone.
  const technologist = await sitDown(screens, 'tech')
  const answer = await technologist.page.goto(`${screens.app.url}/critical-results`)
  expect(answer?.status()).toBe(404)
})
