import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import { HOUR_MS } from '#domain/calendar.ts'
import { POLICY_VERSION_1 } from '#domain/policy.ts'
import type { Department } from '../department.ts'
import { actAs, seededDepartment } from '../order.fixture.ts'
import { invariantViolations } from '../queries/invariants.ts'
import { worklist } from '../queries/worklists.ts'
import { openItem, readableStudy } from '../reading.fixture.ts'
import { dutyAct } from './act.ts'
import { dropAmendment, openAmendment, signAmendment } from './amendments.ts'
import { beginAttempt, laneHead, recordAnswer } from './deliveries.ts'
import { escalateDue } from './escalations.ts'
import { submitReport } from './hand-on.ts'
import { issuePreliminary, openReport, saveDraft, signReport, type UnderFence } from './reports.ts'
import { closeOrder, type Settled, settleOrder } from './settle.ts'
import { claim } from './work-items.ts'

const { draftSilenceMs, wetReadMs, amendmentMs } = POLICY_VERSION_1.watchdog

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

const content = {
  sections: [
    { key: 'findings', text: 'No bleed.' },
    { key: 'impression', text: 'Normal.' },
  ],
}

const later = (instant: Date, ms: number): Date => new Date(instant.getTime() + ms)

async function settleAt(orderId: string, now?: Date): Promise<Settled> {
  return settleOrder(department, await dutyAct(department, now ? { now } : {}), { orderId })
}

/** A study on the reading list, held by somebody with its report open. */
async function held(reader: string): Promise<{ orderId: string } & UnderFence> {
  const { orderId, itemId: waiting } = await readableStudy(department, 'stat')
  const act = await actAs(department, reader)
  const { itemId, fence } = await claim(department, act, { itemId: waiting })
  return { orderId, itemId, fence, ...(await openReport(department, act, { itemId })) }
}

async function sign(who: string, reading: UnderFence, now: Date): Promise<void> {
  const act = await actAs(department, who, now)
  await signReport(department, act, { ...reading, content, reauthenticated: true, agreement: 'agree' })
}

async function signOver(orderId: string, reportId: string, kind: 'over-read' | 'sign', now: Date) {
  const act = await actAs(department, 'radiologist2', now)
  const { itemId, fence } = await claim(department, act, {
    itemId: await openItem(department, orderId, kind),
  })
  await sign('radiologist2', { itemId, fence, reportId }, now)
}

interface Unfinished {
  orderId: string
  author: string
  since: Date
  finish: (now: Date) => Promise<unknown>
}

async function silentDraft(): Promise<Unfinished> {
  const reading = await held('radiologist')
  const act = await actAs(department, 'radiologist')
  await saveDraft(department, act, { ...reading, content })
  const finish = (now: Date) => sign('radiologist', reading, now)
  return { orderId: reading.orderId, author: act.actor.id, since: act.machineNow, finish }
}

async function preliminary(): Promise<Unfinished> {
  const { orderId, ...reading } = await held('resident')
  const act = await actAs(department, 'resident')
  await issuePreliminary(department, act, { ...reading, content })
  const finish = (now: Date) => signOver(orderId, reading.reportId, 'over-read', now)
  return { orderId, author: act.actor.id, since: act.now, finish }
}

async function submission(): Promise<Unfinished> {
  const { orderId, ...reading } = await held('radiologist')
  const { reportId } = reading
  const act = await actAs(department, 'radiologist')
  await submitReport(department, act, { ...reading, content })
  const finish = (now: Date) => signOver(orderId, reportId, 'sign', now)
  return { orderId, author: act.actor.id, since: act.now, finish }
}

async function openedAmendment(): Promise<Unfinished> {
  const { orderId, ...reading } = await held('radiologist')
  const { reportId } = reading
  await sign('radiologist', reading, await department.now())
  const act = await actAs(department, 'radiologist')
  const { fence } = await openAmendment(department, act, { reportId, kind: 'addendum' })
  const finish = async (now: Date) =>
    signAmendment(department, await actAs(department, 'radiologist', now), {
      ...{ reportId, fence, kind: 'addendum' as const, reauthenticated: true },
      content: { sections: [{ key: 'addendum', text: 'A clip is in place.' }] },
    })
  return { orderId, author: act.actor.id, since: act.now, finish }
}

/** What the order's workflow does: looks, waits until it is to look again, and looks; up to an instant. */
async function wakings(orderId: string, from: Date, until: Date): Promise<Date[]> {
  const woken: Date[] = []
  let { wakeAt } = await settleAt(orderId, from)
  while (wakeAt !== null && wakeAt <= until && woken.length < 20) {
    woken.push(wakeAt)
    await escalateDue(department, await dutyAct(department, { now: wakeAt }), { orderId })
    wakeAt = (await settleAt(orderId, wakeAt)).wakeAt
  }
  return woken
}

const watchdogsOf = (orderId: string) => department.sql<
  { cycle: number; state: string; author: string; dueFrom: Date }[]
>`
  select cycle, state, audience->>'userId' as author, due_from as "dueFrom" from work_items
  where order_id = ${orderId} and kind = 'watchdog' order by cycle`

async function seenBy(userName: string, orderId: string, now: Date): Promise<number> {
  const { actor } = await actAs(department, userName)
  const { rows } = await worklist(department.sql, actor, ['watchdog'], { now })
  return rows.filter(({ order }) => order?.id === orderId).length
}

test.each([
  ['a draft that fell silent', silentDraft, draftSilenceMs],
  ['a preliminary that nobody finishes', preliminary, wetReadMs],
  ['a report that waits for a signature', submission, wetReadMs],
  ['an amendment that is left open', openedAmendment, amendmentMs],
])(
  '[RP-08] %s wakes its order after the policy’s time, is its author’s and then the lead’s, and ends when it is finished',
  async (_, leave, allowedMs) => {
    const { orderId, author, since, finish } = await leave()
    const forgottenAt = later(since, allowedMs)
    await wakings(orderId, since, later(forgottenAt, -1))
    expect(await watchdogsOf(orderId)).toEqual([])
    const woken = await wakings(orderId, later(forgottenAt, -1), forgottenAt)
    expect(woken).toEqual([forgottenAt])
    expect(await watchdogsOf(orderId)).toEqual([{ cycle: 1, state: 'open', author, dueFrom: forgottenAt }])

    expect(await seenBy('lead', orderId, forgottenAt)).toBe(1)
    const lead = await actAs(department, 'lead', forgottenAt)
    const itemId = await openItem(department, orderId, 'watchdog')
    await expect(claim(department, lead, { itemId })).rejects.toMatchObject({ code: 'forbidden' })
    const theirs = later(forgottenAt, POLICY_VERSION_1.widenMs.author)
    await expect(claim(department, { ...lead, now: theirs }, { itemId })).resolves.toMatchObject({ fence: 1 })

    await finish(theirs)
    await settleAt(orderId, theirs)
    expect(await watchdogsOf(orderId)).toMatchObject([{ cycle: 1, state: 'completed' }])
  },
)

test('[RP-08] a draft that was taken up and fell silent once more is asked after once more', async () => {
  const { orderId, ...reading } = await held('radiologist')
  const act = await actAs(department, 'radiologist')
  await saveDraft(department, act, { ...reading, content })
  await settleAt(orderId, later(act.now, draftSilenceMs + HOUR_MS))
  const machineNow = later(act.machineNow, draftSilenceMs + 2 * HOUR_MS)
  await saveDraft(department, { ...act, machineNow }, { ...reading, content })
  await settleAt(orderId, machineNow)
  expect(await watchdogsOf(orderId)).toMatchObject([{ cycle: 1, state: 'completed' }])
  await settleAt(orderId, later(machineNow, draftSilenceMs))
  expect(await watchdogsOf(orderId)).toMatchObject([
    { cycle: 1, state: 'completed' },
    { cycle: 2, state: 'open' },
  ])
})

test('[RP-08] an order that was closed is open again for as long as an amendment is, and asked after like any other', async () => {
  const { sql } = department
  const { orderId, ...reading } = await held('radiologist')
  await sign('radiologist', reading, await department.now())
  const duty = await dutyAct(department)
  for (const lane of (await settleAt(orderId)).lanes) {
    const { id: deliveryId } = (await laneHead(department, lane))!
    await beginAttempt(department, duty, { deliveryId, bytes: Buffer.from('x') })
    await recordAnswer(department, duty, { deliveryId, answer: 'acknowledged', code: 'AA' })
  }
  const over = (await settleAt(orderId)).closesAt!
  const close = (now: Date) => closeOrder(department, { ...duty, now }, { orderId })
  expect(await close(over)).toEqual({ closed: true })

  const { reportId } = reading
  const author = await actAs(department, 'radiologist', later(over, HOUR_MS))
  const { fence } = await openAmendment(department, author, { reportId, kind: 'addendum' })
  const [order] = await sql`select phase, closed_at from orders where id = ${orderId}`
  expect(order).toEqual({ phase: 'delivered', closed_at: null })
  expect(await close(author.now)).toEqual({ closed: false })
  const forgottenAt = later(author.now, amendmentMs)
  expect(await wakings(orderId, author.now, forgottenAt)).toEqual([forgottenAt])
  expect(await watchdogsOf(orderId)).toMatchObject([{ cycle: 1, state: 'open' }])

  await dropAmendment(department, { ...author, now: forgottenAt }, { reportId, fence })
  await settleAt(orderId, forgottenAt)
  expect(await watchdogsOf(orderId)).toMatchObject([{ cycle: 1, state: 'completed' }])
  expect(await close(forgottenAt)).toEqual({ closed: true })
})

test('[RP-08] the silence of a draft is counted on the department’s clock, however fast it runs', async () => {
  const { sql } = department
  const { orderId, ...reading } = await held('radiologist')
  const act = await actAs(department, 'radiologist')
  await saveDraft(department, act, { ...reading, content })
  const [clock] = await sql`select base_machine, base_department, rate from department_clock`
  const month = 30 * 24 * HOUR_MS
  try {
    // A month ahead, and an hour a minute since a minute before the draft was saved.
    const began = later(act.machineNow, -60_000)
    await sql`
      insert into department_clock (base_machine, base_department, rate) values (${began}, ${later(began, month)}, 60)
      on conflict ("only") do update set base_machine = excluded.base_machine,
        base_department = excluded.base_department, rate = excluded.rate`
    const forgottenAt = later(began, month + HOUR_MS + draftSilenceMs)
    await settleAt(orderId, later(forgottenAt, -1))
    expect(await watchdogsOf(orderId)).toEqual([])
    await settleAt(orderId, forgottenAt)
    expect(await watchdogsOf(orderId)).toMatchObject([{ state: 'open', dueFrom: forgottenAt }])
  } finally {
    await sql`delete from department_clock`
    if (clock) await sql`insert into department_clock ${sql(clock)}`
  }
})

test('the department is sound after all of this', async () => {
  expect(await invariantViolations(department.sql)).toEqual([])
})
