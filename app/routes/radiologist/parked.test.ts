import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { raiseCriticalResult } from '#db/mutations/raise-critical.ts'
import { openReport } from '#db/mutations/reports.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs, seededDepartment } from '#db/order.fixture.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import { type AtTheScreen, sitDown } from '../technologist/screen.fixture.ts'
import { action as criticalAction } from './critical-results.tsx'
import { action as macroAction } from './macros.ts'
import { action, loader } from './parked.ts'

let department: Department
let reader: AtTheScreen
let technologist: AtTheScreen
let colleague: AtTheScreen

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  reader = await sitDown(department, { databaseUrl, user: 'radiologist' })
  colleague = await sitDown(department, { databaseUrl, user: 'radiologist2' })
  technologist = await sitDown(department, { databaseUrl, user: 'tech' })
})

afterAll(() => department.close())

const PATH = '/reading/parked'
const PLACE = JSON.stringify({ cursor: { section: 'findings', from: 1, to: 2 }, layout: { rows: 1 } })

async function press(fields: Record<string, string>, screen = reader) {
  const answered = await action(screen.args(PATH, fields) as never)
  return answered.json() as Promise<Record<string, unknown>>
}

const waiting = async () => (await loader(reader.args(PATH) as never)).cases.map(({ itemId }) => itemId)

async function held() {
  const { itemId } = await readableStudy(department, 'stat')
  const { fence } = await claim(department, await actAs(department, 'radiologist'), { itemId })
  return { itemId, fence: String(fence) }
}

test('[RP-10] a case changes places with the one that waits, whose place comes with the answer', async () => {
  const [one, other] = [await held(), await held()]
  expect(await press({ intent: 'park', ...one, place: PLACE })).toMatchObject({ ok: true })
  expect(await waiting()).toEqual([one.itemId])
  const swapped = await press({ intent: 'park', ...other, place: PLACE, instead: one.itemId })
  expect(swapped).toMatchObject({ ok: true, place: JSON.parse(PLACE) })
  expect(await waiting()).toEqual([other.itemId])
  expect(await press({ intent: 'give-back', ...one })).toEqual({ ok: true })
  const [given] = await department.sql`select state from work_items where id = ${one.itemId}`
  expect(given).toEqual({ state: 'open' })
})

test('[CR-02] a key that somebody else has used before keeps no try of one’s own from being written down', async () => {
  const one = await held()
  const { reportId } = await openReport(department, await actAs(department, 'radiologist'), one)
  const { criticalId } = await raiseCriticalResult(department, await actAs(department, 'radiologist'), {
    ...{ reportId, finding: 'A bleed.', level: 1 },
  })
  const attempt = { intent: 'attempt', criticalId, method: 'telephone', recipient: '', key: 'the-same' }
  for (const screen of [reader, colleague, reader])
    expect(await criticalAction(screen.args('/critical-results', attempt) as never)).toMatchObject({
      ok: true,
    })
  const tries = await department.sql`select by from critical_attempts where critical_id = ${criticalId}`
  expect(tries).toHaveLength(2)
})

test('[RP-10] what is no place is not kept, and who reads no cases parks none', async () => {
  const one = await held()
  for (const place of [
    '',
    '[]',
    JSON.stringify({ cursor: { section: 1 }, layout: null }),
    `"${'x'.repeat(60_001)}"`,
  ])
    await expect(press({ intent: 'park', ...one, place })).rejects.toMatchObject({ init: { status: 400 } })
  await expect(press({ intent: 'park', ...one, place: PLACE }, technologist)).rejects.toMatchObject({
    init: { status: 404 },
  })
  await expect(loader(technologist.args(PATH) as never)).rejects.toMatchObject({ init: { status: 404 } })
})

test('[RP-02] macros are kept from the reading room, and by nobody else', async () => {
  const macro = { intent: 'keep', name: 'Effusion', text: 'No effusion.', shared: 'true' }
  expect(await macroAction(reader.args('/reading/macros', macro) as never)).toMatchObject({ ok: true })
  await expect(macroAction(technologist.args('/reading/macros', macro) as never)).rejects.toMatchObject({
    init: { status: 404 },
  })
})
