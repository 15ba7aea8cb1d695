import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '../department.ts'
import { actAs, seededDepartment, storedImages } from '../order.fixture.ts'
import { invariantViolations } from '../queries/invariants.ts'
import { keptAside } from '../queries/kept-aside.ts'
import { readingRoom } from '../queries/reading-room.ts'
import { reportForDelivery } from '../queries/report-content.ts'
import { readableStudy } from '../reading.fixture.ts'
import { deviceAct, dutyAct } from './act.ts'
import { openAmendment } from './amendments.ts'
import type { Act } from './mutate.ts'
import { issuePreliminary, issueWetRead, openReport, saveDraft, signReport } from './reports.ts'
import { type Retraction, retractReport } from './retractions.ts'
import { settleOrder } from './settle.ts'
import { indexInstances } from './studies.ts'
import { claim } from './work-items.ts'

let department: Department
let me: Act
let second: Act

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
  me = await actAs(department, 'radiologist')
  second = await actAs(department, 'radiologist2')
})

const said = (impression: string) => ({
  sections: [
    { key: 'findings', text: 'A bleed.' },
    { key: 'impression', text: impression },
  ],
})

async function held(who: Act, priority: 'stat' | 'routine' = 'stat') {
  const { orderId, itemId } = await readableStudy(department, priority)
  const item = await claim(department, who, { itemId })
  return { orderId, ...item, ...(await openReport(department, who, item)) }
}

const retract = (reportId: string, more: Partial<Retraction> = {}, act = me) =>
  retractReport(department, act, {
    ...{ reportId, version: 1, reason: 'wrong-patient', reauthenticated: true, secondPerson: second.actor },
    ...more,
  })

async function worksOn(orderId: string): Promise<string[]> {
  await settleOrder(department, await dutyAct(department), { orderId })
  const rows = await department.sql<{ kind: string; cycle: number; state: string }[]>`
    select kind, cycle, state from work_items where order_id = ${orderId}
      and kind in ('read', 'over-read', 'sign') order by opened_at, id`
  return rows.map(({ kind, cycle, state }) => `${kind} ${cycle} ${state}`)
}

const versionsOf = async (reportId: string) =>
  (
    await department.sql<{ kind: string; released: boolean; state: string }[]>`
      select v.kind, v.released_at is not null as released, r.state from report_versions v
      join reports r on r.id = v.report_id where r.id = ${reportId} order by v.version`
  ).map(({ kind, released, state }) => `${kind} ${released ? 'out' : 'kept'} ${state}`)

test('[RW-07] a wet read of the wrong patient is withdrawn by two radiologists with a reason; who got it hears so, and the case is read on', async () => {
  const { orderId, itemId, fence, reportId } = await held(me)
  await expect(retract(reportId, { version: 0 })).rejects.toMatchObject({ code: 'illegal-transition' })
  await issueWetRead(department, me, { itemId, fence, reportId, content: said('Bleed on the left.') })
  await saveDraft(department, me, { itemId, fence, reportId, content: said('Words beside it.') })

  await expect(retract(reportId, { reason: null })).rejects.toMatchObject({ code: 'reason-required' })
  await expect(retract(reportId, { reauthenticated: false })).rejects.toMatchObject({
    code: 'reauthentication-required',
  })
  const lead = (await actAs(department, 'lead')).actor
  for (const secondPerson of [null, me.actor, lead])
    await expect(retract(reportId, { secondPerson })).rejects.toMatchObject({
      code: 'second-person-required',
    })
  for (const user of ['resident', 'lead', 'tech'])
    await expect(retract(reportId, {}, await actAs(department, user))).rejects.toMatchObject({
      code: 'forbidden',
    })
  // Words that came since were not on the screen of whoever withdraws.
  await issueWetRead(department, me, { itemId, fence, reportId, content: said('Bleed on the right.') })
  await expect(retract(reportId)).rejects.toMatchObject({ code: 'illegal-transition' })

  expect(await retract(reportId, { version: 2 })).toEqual({ version: 3 })
  expect(await versionsOf(reportId)).toEqual([
    'wet-read out CANCELLED',
    'wet-read out CANCELLED',
    'withdrawal out CANCELLED',
  ])
  const deliveries = await department.sql<{ id: string; version: number; destination: string }[]>`
    select id, version, destination_id as destination from deliveries where report_id = ${reportId} order by version`
  const to = (version: number) => deliveries.filter((one) => one.version === version)
  expect(to(3).map(({ destination }) => destination)).toEqual(to(2).map(({ destination }) => destination))
  const sent = await reportForDelivery(department.sql, to(3)[0]!.id)
  expect([sent?.version.kind, sent?.sections.map(({ text }) => text)]).toEqual([
    'withdrawal',
    ['Bleed on the right.'],
  ])
  await expect(retract(reportId, { version: 3 })).rejects.toMatchObject({ code: 'illegal-transition' })

  // The reader goes on under the same claim, with a new report and nothing of the old in it.
  expect(await worksOn(orderId)).toEqual(['read 1 claimed'])
  const content = said('Normal.')
  await expect(saveDraft(department, me, { itemId, fence, reportId, content })).rejects.toMatchObject({
    code: 'stale-fence',
  })
  const next = await openReport(department, me, { itemId })
  expect(next.reportId).not.toBe(reportId)
  expect((await readingRoom(department.sql, itemId))!.report).toMatchObject({ draft: null, versions: [] })
  const aside = await keptAside(department.sql, { ...next, userId: me.actor.id })
  expect(aside.map(({ sections }) => sections[1]!.text)).toContain('Words beside it.')
  await signReport(department, me, { itemId, fence, ...next, content, reauthenticated: true })
  const [event] = await department.sql`
    select actor_id as who, data->>'reason' as reason, data->>'second' as second from order_events
    where order_id = ${orderId} and type = 'report.retracted'`
  expect(event).toEqual({ who: me.actor.id, reason: 'wrong-patient', second: second.actor.id })
  expect(await invariantViolations(department.sql)).toEqual([])
})

test('[RP-03] a final report is withdrawn once it is out, also with an addendum being written and its order over; its exam is read again and it is no prior any more', async () => {
  const early = await held(me, 'routine')
  await signReport(department, me, { ...early, content: said('Bleed.'), reauthenticated: true })
  await expect(retract(early.reportId)).rejects.toMatchObject({ code: 'not-released' })

  const { orderId, reportId, itemId, fence } = await held(me)
  await signReport(department, me, {
    itemId,
    fence,
    reportId,
    content: said('Bleed.'),
    reauthenticated: true,
  })
  await openAmendment(department, second, { reportId, kind: 'correction', reason: 'error' })
  await department.sql`update orders set closed_at = now() where id = ${orderId}`
  await department.sql`
    update orders set patient_id = (select patient_id from orders where id = ${orderId}) where id = ${early.orderId}`
  await department.sql`
    update studies set patient_id = (select patient_id from orders where id = ${orderId})
    where id in (select study_id from study_links where order_id in ${department.sql([orderId, early.orderId])})`
  const prior = async () => {
    const { priors } = (await readingRoom(department.sql, early.itemId))!
    return priors.find((one) => one.orderId === orderId)!.report
  }
  expect(JSON.stringify(await prior())).toContain('Bleed.')
  await retract(reportId)
  expect(await versionsOf(reportId)).toEqual(['final out CANCELLED', 'withdrawal out CANCELLED'])
  expect(await prior()).toBeNull()
  expect(await worksOn(orderId)).toEqual(['read 1 completed', 'read 2 open'])
  // Images that come now are late for no report: somebody checks them before the exam is read.
  const [study] = await department.sql<{ uid: string }[]>`
    select study_uid as uid from procedures where order_id = ${orderId}`
  const device = await deviceAct(department, 'US1')
  await indexInstances(department, device, storedImages(study!.uid, 1, { sourceAe: 'US1' }))
  const [batches] = await department.sql`
    select late_batches as late, appended_batches as appended from studies where study_uid = ${study!.uid}`
  expect(batches).toEqual({ late: [], appended: 1 })
  const [left] = await department.sql`
    select o.closed_at, r.amendment, (select count(*)::int from report_drafts where report_id = r.id) as drafts
    from reports r join orders o on o.id = ${orderId} where r.id = ${reportId}`
  expect(left).toEqual({ closed_at: null, amendment: null, drafts: 0 })
  expect(await keptAside(department.sql, { reportId, userId: second.actor.id })).toHaveLength(1)
  expect(await invariantViolations(department.sql)).toEqual([])
})

test('[RW-07] a resident’s preliminary that is withdrawn asks nobody for an over-read, and is read anew', async () => {
  const resident = await actAs(department, 'resident')
  const { orderId, ...reading } = await held(resident)
  await issuePreliminary(department, resident, { ...reading, content: said('Bleed.') })
  expect(await worksOn(orderId)).toEqual(['read 1 completed', 'over-read 1 open'])
  await retract(reading.reportId)
  expect(await worksOn(orderId)).toEqual(['read 1 completed', 'over-read 1 cancelled', 'read 2 open'])
})
