import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '../department.ts'
import { actAs, seededDepartment } from '../order.fixture.ts'
import { amendedReport } from '../queries/amendment.ts'
import { keptAside } from '../queries/kept-aside.ts'
import { readingRoom } from '../queries/reading-room.ts'
import { readableStudy } from '../reading.fixture.ts'
import { openAmendment, saveAmendment, signAmendment } from './amendments.ts'
import { submitReport } from './hand-on.ts'
import type { Act } from './mutate.ts'
import { issuePreliminary, issueWetRead, openReport, saveDraft, signReport } from './reports.ts'
import { claim } from './work-items.ts'

let department: Department
let me: Act

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
  me = await actAs(department, 'radiologist')
})

const said = (impression: string) => ({
  sections: [
    { key: 'findings', text: 'No bleed.' },
    { key: 'impression', text: impression },
  ],
})
const OTHER_WINDOW = { code: 'stale-fence', refs: { by: 'window' } }

async function held() {
  const { itemId } = await readableStudy(department, 'stat')
  const item = await claim(department, me, { itemId })
  return { ...item, ...(await openReport(department, me, item)) }
}

const aside = async (reportId: string) =>
  (await keptAside(department.sql, { reportId, userId: me.actor.id })).map(
    ({ sections }) => sections.at(-1)!.text,
  )

test('[RW-02] of two windows on one reading the one that did not see the newest words writes over none of them', async () => {
  const reading = await held()
  const { itemId, reportId } = reading
  const save = (window: string, revision: number, impression: string) =>
    saveDraft(department, me, { ...reading, content: said(impression), writtenIn: { window, revision } })
  expect(await save('one', 0, 'Normal.')).toMatchObject({ revision: 1 })
  // Its answer was lost on the way: the same window sends the words again, and more.
  expect(await save('one', 0, 'Normal. No fracture.')).toMatchObject({ revision: 2 })
  expect(await save('other', 2, 'Small bleed.')).toMatchObject({ revision: 3 })

  await expect(save('one', 2, 'Normal after all.')).rejects.toMatchObject(OTHER_WINDOW)
  const shown = async () => (await readingRoom(department.sql, itemId))!.report!.draft!
  expect(await shown()).toMatchObject({ ...said('Small bleed.'), revision: 3, window: 'other' })
  expect(await aside(reportId)).toEqual(['Normal after all.'])

  // Nothing goes out that the newest words were not seen for.
  const stale = { ...reading, content: said('Normal after all.'), writtenIn: { window: 'one', revision: 2 } }
  for (const act of [
    () => issueWetRead(department, me, stale),
    () => issuePreliminary(department, me, stale),
    () => submitReport(department, me, stale),
    () => signReport(department, me, { ...stale, reauthenticated: true }),
  ])
    await expect(act()).rejects.toMatchObject(OTHER_WINDOW)

  // Brought over, it writes on, and the other one is told.
  expect(await save('one', 3, 'Small bleed.')).toMatchObject({ revision: 4 })
  await expect(save('other', 3, 'Small bleed on the left.')).rejects.toMatchObject(OTHER_WINDOW)
  expect(await aside(reportId)).toEqual(['Small bleed on the left.', 'Normal after all.'])
  await signReport(department, me, {
    ...{ ...reading, content: said('Small bleed.'), reauthenticated: true },
    writtenIn: { window: 'one', revision: 4 },
  })

  const { fence } = await openAmendment(department, me, { reportId, kind: 'correction' })
  const amend = (window: string, revision: number, impression: string) =>
    saveAmendment(department, me, {
      ...{ reportId, fence, content: said(impression), writtenIn: { window, revision } },
    })
  expect(await amend('one', 1, 'Bleed.')).toMatchObject({ revision: 2 })
  await expect(amend('other', 1, 'No bleed.')).rejects.toMatchObject(OTHER_WINDOW)
  expect((await amendedReport(department.sql, reportId))!.open).toMatchObject({ revision: 2, window: 'one' })
  await expect(
    signAmendment(department, me, {
      ...{ reportId, fence, kind: 'correction', content: said('No bleed.'), reauthenticated: true },
      writtenIn: { window: 'other', revision: 1 },
    }),
  ).rejects.toMatchObject(OTHER_WINDOW)
  expect(await amend('other', 2, 'Small bleed.')).toMatchObject({ revision: 3 })
})

test('[RW-02] words that were kept aside are shown to whoever wrote them and to nobody else', async () => {
  const reading = await held()
  const save = (window: string, words: string) =>
    saveDraft(department, me, { ...reading, content: said(words), writtenIn: { window, revision: 0 } })
  await save('one', 'First.')
  await expect(save('other', 'Second.')).rejects.toMatchObject(OTHER_WINDOW)
  await expect(save('other', 'Second.')).rejects.toMatchObject(OTHER_WINDOW)
  expect(await aside(reading.reportId)).toEqual(['Second.'])
  const colleague = await actAs(department, 'radiologist2')
  const theirs = { reportId: reading.reportId, userId: colleague.actor.id }
  expect(await keptAside(department.sql, theirs)).toEqual([])
})

// The last one: it leaves the clock turned.
test('a draft’s time is the department’s, however its clock was turned', async () => {
  const reading = await held()
  const { savedAt } = await saveDraft(department, me, { ...reading, content: said('Normal.') })
  expect(savedAt).toEqual(me.now)
  const clock = { base_machine: me.machineNow, base_department: new Date('2031-06-01T08:00:00Z'), rate: 60 }
  await department.sql`insert into department_clock ${department.sql(clock)}
    on conflict ("only") do update set base_machine = excluded.base_machine,
      base_department = excluded.base_department, rate = excluded.rate`
  const shown = (await readingRoom(department.sql, reading.itemId))!.report!.draft!.savedAt
  expect(shown).toEqual(clock.base_department)
})
