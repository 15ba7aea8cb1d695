/** The numbers in the bar: each as many as the list behind it shows. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { sendBackReport, submitReport } from '#db/mutations/hand-on.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { raiseCriticalResult } from '#db/mutations/raise-critical.ts'
import { openReport } from '#db/mutations/reports.ts'
import { askReturn } from '#db/mutations/returns.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs, anEnvelope, anOrder, aProcedure, seededDepartment } from '#db/order.fixture.ts'
import { openItem, readableStudy, studyAtTheGate } from '#db/reading.fixture.ts'
import { loader as lateLoader } from '../routes/department-head/late.tsx'
import { loader as repeatsLoader } from '../routes/physicist/repeats.tsx'
import { loader as criticalLoader } from '../routes/radiologist/critical-results.tsx'
import { loader as secondLoader } from '../routes/radiologist/second-readings.tsx'
import { loader as calendarLoader } from '../routes/scheduler/calendar.tsx'
import { loader as qualityLoader } from '../routes/technologist/quality-check.tsx'
import { loader as retakesLoader } from '../routes/technologist/retakes.tsx'
import { type AtTheScreen, sitDown } from '../routes/technologist/screen.fixture.ts'
import { allRows } from '../worklist/list-source.ts'
import { requireUser } from './guard.ts'
import { readingAnswer } from './reading-answer.ts'
import { placesWithCounts } from './waiting.ts'

let department: Department
const at: Record<string, AtTheScreen> = {}

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  for (const user of ['tech', 'radiologist', 'resident', 'scheduler', 'lead', 'physicist'])
    at[user] = await sitDown(department, { databaseUrl, user })
  await studyAtTheGate(department, 'stat')
  await readableStudy(department, 'urgent')
  await waitingForATime()
  // Two handed on by the resident; one of them came back.
  await handedOn()
  const back = await taken('radiologist', await handedOn(), 'over-read')
  const sentBack = { ...back, reason: 'missed', words: 'The sinuses.', reauthenticated: true }
  await sendBackReport(department, await actAs(department, 'radiologist'), sentBack)
  await settle(back.orderId)
  // A question, a retake, and a finding that somebody must hear of.
  for (const kind of ['clarify', 'retake'] as const) {
    const { itemId, fence, orderId } = await taken(
      'radiologist',
      (await readableStudy(department, 'urgent')).orderId,
      'read',
    )
    const asked = {
      itemId,
      fence,
      kind,
      reason: kind === 'clarify' ? 'side' : 'motion',
      instances: [],
    } as const
    await askReturn(department, await actAs(department, 'radiologist'), asked)
    await settle(orderId)
  }
  const { reportId, orderId } = await taken(
    'radiologist',
    (await readableStudy(department, 'stat')).orderId,
    'read',
  )
  const reader = await actAs(department, 'radiologist')
  await raiseCriticalResult(department, reader, { reportId, finding: 'Bleed', level: 1 })
  await settle(orderId)
  const past = new Date((await department.now()).getTime() - 60_000)
  await department.sql`update work_items set due_at = ${past} where kind in ('over-read', 'quality', 'clarify')`
}, 60_000)

afterAll(() => department.close())

const settle = async (orderId: string) => settleOrder(department, await dutyAct(department), { orderId })

async function waitingForATime(): Promise<void> {
  const order = anOrder({
    priority: { level: 'routine', word: 'R' },
    procedures: [aProcedure({ steps: [] })],
  })
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [order])
  if (received.outcome === 'accepted') await settle(received.orderIds[0]!)
}

async function taken(user: string, orderId: string, kind: string) {
  await settle(orderId)
  const act = await actAs(department, user)
  const held = await claim(department, act, { itemId: await openItem(department, orderId, kind) })
  const { reportId } = await openReport(department, act, held)
  return { orderId, ...held, reportId }
}

async function handedOn(): Promise<string> {
  const { orderId } = await readableStudy(department, 'stat')
  const held = await taken('resident', orderId, 'read')
  const content = { sections: [{ key: 'impression', text: 'No bleed.' }] }
  await submitReport(department, await actAs(department, 'resident'), { ...held, content })
  await settle(orderId)
  return orderId
}

const args = (user: string, path: string) => ({ ...at[user]!.args(path), params: {} }) as never

/** What stands on the list behind each place, as its screen is given it. */
async function listed(user: string, placeId: string): Promise<number> {
  const path = (address: string) => args(user, address)
  switch (placeId) {
    case 'reading': {
      const signedIn = await requireUser(path('/reading'))
      return allRows(JSON.parse(await readingAnswer(signedIn, '')).list).length
    }
    case 'over-read':
    case 'sent-back':
      return (await secondLoader(path(`/${placeId}`))).rows.length
    case 'quality-check':
      return (await qualityLoader(path('/quality-check'))).toCheck.length
    case 'retakes':
      return (await retakesLoader(path('/retakes'))).open.length
    case 'critical-results':
      return (await criticalLoader(path('/critical-results'))).results.filter(({ state }) => state === 'open')
        .length
    case 'late':
      return (await lateLoader(path('/late?view=late'))).late.length
    case 'repeats':
      return (await repeatsLoader(path('/repeats'))).alarms.length
    case 'calendar':
      return (await calendarLoader(path('/to-schedule'))).waiting.length
    default:
      throw new Error(`${placeId} has a number and no list`)
  }
}

test.each([
  ['tech', { 'quality-check': 1, retakes: 2 }],
  ['radiologist', { reading: 4, 'over-read': 1, 'critical-results': 1 }],
  ['resident', { reading: 4, 'sent-back': 1, 'critical-results': 1 }],
  // The retake wants a time too.
  ['scheduler', { calendar: 2 }],
  ['lead', { late: 3, retakes: 2, reading: 6, 'critical-results': 1, repeats: 0 }],
  ['physicist', { repeats: 0 }],
])(
  '[RW-10] the numbers in the bar of a %s are those of the lists behind them, each row once',
  async (user, numbers) => {
    const places = await placesWithCounts(await requireUser(args(user, '/')))
    const counted = places.filter(({ waiting }) => waiting !== undefined)
    expect(Object.fromEntries(counted.map(({ id, waiting }) => [id, waiting]))).toEqual(numbers)
    for (const { id, waiting } of counted) expect([id, await listed(user, id)]).toEqual([id, waiting])
  },
)

test('no case stands on two lists of one person, and a number is red only where something is late', async () => {
  const inBar = async (user: string) => placesWithCounts(await requireUser(args(user, '/')))
  for (const user of ['radiologist', 'resident']) {
    const kinds = (await inBar(user)).flatMap((place) => place.kinds ?? [])
    expect(kinds).toHaveLength(new Set(kinds).size)
  }
  const red = (await inBar('radiologist')).filter(({ late }) => late).map(({ id }) => id)
  expect(red).toEqual(['over-read'])
})
