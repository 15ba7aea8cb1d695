import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import { refusalCode } from '#domain/errors.ts'
import { POLICY_VERSION_1 } from '#domain/policy.ts'
import type { Department } from '../department.ts'
import { actAs, seededDepartment } from '../order.fixture.ts'
import { invariantViolations } from '../queries/invariants.ts'
import { recallableVersions } from '../queries/reading-room.ts'
import { openItem, readableStudy } from '../reading.fixture.ts'
import { dutyAct } from './act.ts'
import { openReport, recallReport, signReport } from './reports.ts'
import { settleOrder } from './settle.ts'
import { claim } from './work-items.ts'

const RECALL_MS = 120_000
const TRIES = 20
let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
  // The head of the department approved two minutes.
  const body = { recallMs: { ...POLICY_VERSION_1.recallMs, routine: RECALL_MS } }
  await department.sql`
    insert into policies (version, body, approved_by, approved_at)
    select max(version) + 1, ${department.sql.json(body)}, 'head', now() from policies`
})

const content = {
  sections: [
    { key: 'findings', text: 'No bleed.' },
    { key: 'impression', text: 'Normal.' },
  ],
}

/** An order on the reading list. */
const readable = async () => (await readableStudy(department, 'routine')).orderId

interface Signed {
  orderId: string
  reportId: string
  version: number
  releaseAt: Date
}

/** Read and signed, for the first time or after its recall. */
async function signed(orderId: string): Promise<Signed> {
  await settleOrder(department, await dutyAct(department), { orderId })
  const act = await actAs(department, 'radiologist')
  const held = await claim(department, act, { itemId: await openItem(department, orderId, 'read') })
  const { reportId } = await openReport(department, act, held)
  const { version, releaseAt } = await signReport(department, act, {
    ...{ ...held, reportId, content, reauthenticated: true },
  })
  expect(releaseAt.getTime() - act.now.getTime()).toBe(RECALL_MS)
  return { orderId, reportId, version, releaseAt }
}

const beforeIts = (instant: Date) => new Date(instant.getTime() - 1)

async function recallAt(report: Signed, now: Date): Promise<void> {
  await recallReport(department, await actAs(department, 'radiologist', now), report)
}

async function settleAt({ orderId }: Signed, now: Date) {
  return settleOrder(department, await dutyAct(department, { now }), { orderId })
}

async function fateOf({ reportId, version }: Signed) {
  const [row] = await department.sql<{ recalled: boolean; released: boolean; deliveries: number }[]>`
    select recalled_at is not null as recalled, released_at is not null as released,
      (select count(*)::int from deliveries d where d.report_id = v.report_id and d.version = v.version) as deliveries
    from report_versions v where report_id = ${reportId} and version = ${version}`
  return { ...row! }
}

const RECALLED = { recalled: true, released: false, deliveries: 0 }
const RELEASED = { recalled: false, released: true, deliveries: 1 }

test('[RP-12] what is recalled to the last moment of the policy’s time is never sent, and from then on it is out', async () => {
  const report = await signed(await readable())
  const { actor } = await actAs(department, 'radiologist')
  const mayRecall = async (now: Date) =>
    (await recallableVersions(department.sql, actor.id, now)).map(({ reportId }) => reportId)
  expect(await settleAt(report, beforeIts(report.releaseAt))).toMatchObject({
    wakeAt: report.releaseAt,
    lanes: [],
  })
  expect(await mayRecall(beforeIts(report.releaseAt))).toEqual([report.reportId])
  await recallAt(report, beforeIts(report.releaseAt))
  await settleAt(report, report.releaseAt)
  expect(await fateOf(report)).toEqual(RECALLED)

  const again = await signed(report.orderId)
  expect(again.version).toBe(report.version + 1)
  // Nobody has released it yet; it is too late all the same.
  await expect(recallAt(again, again.releaseAt)).rejects.toMatchObject({ code: 'recall-expired' })
  expect(await mayRecall(again.releaseAt)).toEqual([])
  await settleAt(again, again.releaseAt)
  await expect(recallAt(again, beforeIts(again.releaseAt))).rejects.toMatchObject({ code: 'recall-expired' })
  expect(await fateOf(again)).toEqual(RELEASED)
  expect(await fateOf(report)).toEqual(RECALLED)
})

test('[RP-12] what is recalled is in its signer’s hands again before anybody’s next case could find it', async () => {
  const report = await signed(await readable())
  await recallAt(report, beforeIts(report.releaseAt))
  // No workflow has looked yet.
  const [item] = await department.sql`
    select w.cycle, w.state, u.user_name as holder from work_items w join users u on u.id = w.holder
    where w.order_id = ${report.orderId} and w.kind = 'read' and w.state in ('open', 'claimed')`
  expect({ ...item }).toEqual({ cycle: 2, state: 'claimed', holder: 'radiologist' })
})

test('[RP-12] of a recall and a release in the same moment exactly one happens, twenty times over', async () => {
  let orderId = await readable()
  for (let round = 0; round < TRIES; round += 1) {
    const report = await signed(orderId)
    const signer = await actAs(department, 'radiologist', beforeIts(report.releaseAt))
    const duty = await dutyAct(department, { now: report.releaseAt })
    const releasing = async () => {
      // It asks for the order's lock a query earlier: held back in every other round, either may win.
      if (round % 2 === 1) await sleep(1)
      await settleOrder(department, duty, report)
    }
    const outcomes = await Promise.allSettled([releasing(), recallReport(department, signer, report)])
    const refusals = outcomes.flatMap((one) => (one.status === 'rejected' ? [refusalCode(one.reason)] : []))
    const fate = await fateOf(report)
    expect(fate).toEqual(refusals.length === 0 ? RECALLED : RELEASED)
    expect(refusals).toEqual(fate.released ? ['recall-expired'] : [])
    if (fate.released) orderId = await readable()
  }
  expect(await invariantViolations(department.sql)).toEqual([])
})
