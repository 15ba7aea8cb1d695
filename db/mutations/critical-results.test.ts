import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#domain/calendar.ts'
import type { CriticalLevel } from '#domain/critical-result.ts'
import type { Department } from '../department.ts'
import { actAs, seededDepartment } from '../order.fixture.ts'
import { invariantViolations } from '../queries/invariants.ts'
import { openItem, readableStudy } from '../reading.fixture.ts'
import { dutyAct } from './act.ts'
import { openAmendment, saveAmendment, signAmendment } from './amendments.ts'
import {
  attemptCritical,
  changeCriticalLevel,
  communicateCritical,
  type ToldCritical,
  withdrawCritical,
} from './critical-results.ts'
import { beginAttempt, laneHead, recordAnswer } from './deliveries.ts'
import { escalateDue } from './escalations.ts'
import { seeNotices } from './notices.ts'
import { raiseCriticalResult } from './raise-critical.ts'
import { issuePreliminary, openReport, recallReport, signReport, type UnderFence } from './reports.ts'
import { closeOrder, settleOrder } from './settle.ts'
import { dropShift, setShift } from './shifts.ts'
import { claim } from './work-items.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

const FINDING = 'Tension pneumothorax on the left.'
const content = {
  sections: [
    { key: 'findings', text: 'A tension pneumothorax on the left.' },
    { key: 'impression', text: 'Tension pneumothorax.' },
  ],
}

const later = (instant: Date, ms: number): Date => new Date(instant.getTime() + ms)

type Held = UnderFence & { orderId: string; at: Date }

/** Held by a radiologist with its report open; `at` is the instant from which the test counts. */
async function held(priority: 'stat' | 'routine' = 'stat', who = 'radiologist'): Promise<Held> {
  const { orderId, itemId } = await readableStudy(department, priority)
  const reader = await actAs(department, who)
  const { fence } = await claim(department, reader, { itemId })
  return { orderId, itemId, fence, ...(await openReport(department, reader, { itemId })), at: reader.now }
}

async function raised({ reportId, at }: Held, level: CriticalLevel = 1, who = 'radiologist') {
  const { criticalId } = await raiseCriticalResult(department, await actAs(department, who, at), {
    ...{ reportId, finding: FINDING, level, foundAt: at },
  })
  return criticalId
}

const told = (criticalId: string, toldAt: Date, more: Partial<ToldCritical> = {}): ToldCritical => ({
  ...{ criticalId, toldAt, recipient: 'Dr Otto Sample', method: 'telephone', readBack: true },
  ...more,
})

async function sign(reading: UnderFence, now: Date, who = 'radiologist') {
  return signReport(department, await actAs(department, who, now), {
    ...{ ...reading, content, reauthenticated: true },
  })
}

async function settleAt(orderId: string, now: Date) {
  return settleOrder(department, await dutyAct(department, { now }), { orderId })
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

async function rowOf(criticalId: string) {
  const [row] = await department.sql<
    { state: string; level: number; dueAt: Date; lateAt: Date | null; recipient: string | null }[]
  >`
    select state, level, due_at as "dueAt", late_at as "lateAt", recipient from critical_results where id = ${criticalId}`
  return { ...row! }
}

const stepsOf = (criticalId: string) => department.sql<{ step: string; minutes: number }[]>`
  select step, (late_by_ms / 60000)::int as minutes from critical_steps where critical_id = ${criticalId}
  order by planned_at`

async function eventsOf(orderId: string): Promise<string[]> {
  const rows = await department.sql<{ type: string }[]>`
    select type from order_events where order_id = ${orderId} and type like 'critical.%' order by rev`
  return rows.map(({ type }) => type)
}

/** Whoever may tell it at the site and is asked to; nobody has the shift. */
const READERS = ['radiologist', 'radiologist2', 'resident']

/** Unseen notices about the order: to whom, of which rung. */
const noticed = async (orderId: string) => {
  const rows = await department.sql<{ who: string; rung: string }[]>`
    select u.user_name as who, n.rung from notices n join users u on u.id = n.user_id join work_items w on w.id = n.item_id
    where w.order_id = ${orderId} and w.kind = 'critical' and n.seen_at is null order by 1`
  return rows.map(({ who, rung }) => [who, rung])
}

const itemsOf = (orderId: string) => department.sql<{ cycle: number; state: string; dueAt: Date }[]>`
  select cycle, state, due_at as "dueAt" from work_items where order_id = ${orderId} and kind = 'critical' order by cycle`

const versionsOf = async (reportId: string) => {
  const rows = await department.sql<{ kind: string; sections: { key: string; text: string }[] }[]>`
    select kind, content->'sections' as sections from report_versions where report_id = ${reportId} order by version`
  return rows.map(({ kind, sections }) => ({ kind, last: sections.at(-1)! }))
}

test('[CR-01] a finding at a level is due after the level’s time, and its order has a duty about it', async () => {
  for (const [level, ms] of [
    [1, HOUR_MS],
    [2, 6 * HOUR_MS],
    [3, 3 * DAY_MS],
  ] as const) {
    const reading = await held()
    const dueAt = later(reading.at, ms)
    expect(await rowOf(await raised(reading, level))).toMatchObject({ state: 'open', level, dueAt })
    await settleAt(reading.orderId, reading.at)
    expect(await itemsOf(reading.orderId)).toEqual([{ cycle: 1, state: 'open', dueAt }])
  }
})

test('[CR-01] a level that is changed counts from found at again, and what was late stays late', async () => {
  const reading = await held()
  const { orderId, at } = reading
  const criticalId = await raised(reading)
  await settleAt(orderId, later(at, 2 * HOUR_MS))
  const lateAt = later(at, HOUR_MS)
  expect(await rowOf(criticalId)).toMatchObject({ lateAt })
  const now = later(at, 3 * HOUR_MS)
  const reader = await actAs(department, 'radiologist', now)
  for (let repeat = 0; repeat < 2; repeat += 1)
    await changeCriticalLevel(department, reader, { criticalId, level: 3 })
  await settleAt(orderId, now)
  expect(await rowOf(criticalId)).toMatchObject({ level: 3, dueAt: later(at, 3 * DAY_MS), lateAt })
  expect(await itemsOf(orderId)).toEqual([
    { cycle: 1, state: 'cancelled', dueAt: lateAt },
    { cycle: 2, state: 'open', dueAt: later(at, 3 * DAY_MS) },
  ])
  await expect(
    department.sql`update critical_results set late_at = null where id = ${criticalId}`,
  ).rejects.toThrow('stays on record')
})

test('[CR-01] the same words twice are one critical result; none is raised without words or from the future', async () => {
  const reading = await held()
  const { reportId, at } = reading
  expect(await raised(reading)).toBe(await raised(reading))
  const reader = await actAs(department, 'radiologist', at)
  const raise = (more: object) =>
    raiseCriticalResult(department, reader, { reportId, finding: FINDING, level: 1, ...more })
  await expect(raise({ finding: ' ' })).rejects.toMatchObject({ refs: { check: 'finding' } })
  await expect(raise({ foundAt: later(at, 1) })).rejects.toMatchObject({ refs: { check: 'found-at' } })
  const technologist = await actAs(department, 'tech', at)
  await expect(
    raiseCriticalResult(department, technologist, { reportId, finding: FINDING, level: 1 }),
  ).rejects.toMatchObject({ code: 'forbidden' })
})

test('[CR-02] it closes with all six fields and the read-back, and with nothing less', async () => {
  const reading = await held()
  const { orderId, at } = reading
  const criticalId = await raised(reading)
  await settleAt(orderId, at)
  const now = later(at, 10 * MINUTE_MS)
  const reader = await actAs(department, 'radiologist', now)
  const tell = (more: Partial<ToldCritical>) =>
    communicateCritical(department, reader, told(criticalId, later(at, 5 * MINUTE_MS), more))
  const lacking: [string, Partial<ToldCritical>][] = [
    ['communicator', { communicatorId: 'nobody' }],
    // Nobody who may not tell one can be written down as having told it.
    ['communicator', { communicatorId: (await actAs(department, 'referrer')).actor.id }],
    ['recipient', { recipient: ' ' }],
    ['told-at', { toldAt: later(now, 1) }],
    ['method', { method: 'pigeon' as never }],
    ['read-back', { readBack: false }],
  ]
  for (const [check, more] of lacking)
    await expect(tell(more), check).rejects.toMatchObject({ code: 'check-failed', refs: { check } })
  expect(await rowOf(criticalId)).toMatchObject({ state: 'open' })
  await tell({})
  expect(await rowOf(criticalId)).toMatchObject({
    state: 'closed',
    recipient: 'Dr Otto Sample',
    lateAt: null,
  })
  expect(await itemsOf(orderId)).toMatchObject([{ cycle: 1, state: 'completed' }])
  expect(await eventsOf(orderId)).toEqual(['critical.raised', 'critical.escalated', 'critical.communicated'])
})

test('[CR-02] told again, the second call is kept beside the first and changes nothing', async () => {
  const reading = await held()
  const { orderId, at } = reading
  const criticalId = await raised(reading)
  const now = later(at, 10 * MINUTE_MS)
  await communicateCritical(department, await actAs(department, 'radiologist', now), told(criticalId, now))
  const before = await rowOf(criticalId)
  const again = told(criticalId, now, { recipient: 'The ward' })
  await communicateCritical(department, await actAs(department, 'lead', later(now, HOUR_MS)), again)
  expect(await rowOf(criticalId)).toEqual(before)
  const attempts =
    await department.sql`select outcome, recipient from critical_attempts where critical_id = ${criticalId}`
  expect([...attempts]).toEqual([{ outcome: 'told-again', recipient: 'The ward' }])
  expect((await eventsOf(orderId)).filter((type) => type !== 'critical.escalated')).toEqual([
    'critical.raised',
    'critical.communicated',
  ])
})

test('[RP-07] nothing is signed while a critical result of it is unsent; a first word goes out, and the final says who was told', async () => {
  const reading = await held()
  const { reportId, at } = reading
  const criticalId = await raised(reading)
  await expect(sign(reading, at)).rejects.toMatchObject({
    code: 'check-failed',
    refs: { check: 'critical' },
  })
  await issuePreliminary(department, await actAs(department, 'radiologist', at), { ...reading, content })
  const now = later(at, 10 * MINUTE_MS)
  await communicateCritical(department, await actAs(department, 'radiologist', now), told(criticalId, now))
  await sign(reading, now)
  const [first, final] = await versionsOf(reportId)
  expect(first).toMatchObject({ kind: 'preliminary', last: { key: 'impression' } })
  expect(final).toMatchObject({ kind: 'final', last: { key: 'communication' } })
  expect(final!.last.text).toContain(FINDING)
  expect(final!.last.text).toMatch(/by telephone by .+ to Dr Otto Sample .+; read back\.$/)
})

test('[CR-02] of a report that is out the words become an addendum, signed with the call by a radiologist', async () => {
  const reading = await held()
  const { orderId, reportId, at } = reading
  await sign(reading, at)
  const [one, two] = [await raised(reading), await raised({ ...reading, at: later(at, 1) }, 2)]
  const now = later(at, 10 * MINUTE_MS)
  const reader = await actAs(department, 'radiologist', now)
  const tell = (criticalId: string) =>
    communicateCritical(department, reader, told(criticalId, now, { reauthenticated: true }))
  expect(await tell(one)).toEqual({ addendum: 'signed' })
  expect(await tell(two)).toEqual({ addendum: 'signed' })
  const versions = await versionsOf(reportId)
  expect(versions.map(({ kind }) => kind)).toEqual(['final', 'addendum', 'addendum'])
  expect(versions[1]!.last.text).toContain('level 1')
  expect(versions[2]!.last.text).toContain('level 2')
  expect(versions[2]!.last.text).not.toContain('level 1')
  await settleAt(orderId, now)
  expect(await versionsOf(reportId)).toHaveLength(3)
})

test('[CR-02] documented by who may not sign, the addendum is opened for the signer with the words in it', async () => {
  const reading = await held()
  const { reportId, at } = reading
  await sign(reading, at)
  const criticalId = await raised(reading)
  const now = later(at, 10 * MINUTE_MS)
  const reader = await actAs(department, 'radiologist', now)
  const lead = await actAs(department, 'lead', now)
  const byReader = told(criticalId, now, { communicatorId: reader.actor.id })
  expect(await communicateCritical(department, lead, byReader)).toEqual({ addendum: 'opened' })
  const [draft] =
    await department.sql`select saved_by, fence, content from report_drafts where report_id = ${reportId}`
  expect(draft).toMatchObject({ saved_by: reader.actor.id, content: { sections: [{ key: 'addendum' }] } })
  const opened = { reportId, kind: 'addendum', fence: draft!.fence, reauthenticated: true } as const
  await signAmendment(department, reader, { ...opened, content: draft!.content })
  const said = (await versionsOf(reportId)).at(-1)!.last
  expect(said.text.split(FINDING)).toHaveLength(2)
})

test('[CR-02] told while a correction is being written, the words are in the correction', async () => {
  const reading = await held()
  const { orderId, reportId, at } = reading
  await sign(reading, at)
  const criticalId = await raised(reading)
  const reader = await actAs(department, 'radiologist', at)
  const { fence } = await openAmendment(department, reader, { reportId, kind: 'correction' })
  const correction = { ...{ reportId, fence, kind: 'correction' as const, reauthenticated: true }, content }
  await expect(signAmendment(department, reader, correction)).rejects.toMatchObject({
    refs: { check: 'critical' },
  })
  await saveAmendment(department, reader, { reportId, fence, content })
  expect(await communicateCritical(department, reader, told(criticalId, at))).toEqual({ addendum: null })
  await signAmendment(department, reader, correction)
  await settleAt(orderId, at)
  const versions = await versionsOf(reportId)
  expect(versions.map(({ kind, last }) => [kind, last.key])).toEqual([
    ['final', 'impression'],
    ['correction', 'communication'],
  ])
})

test('[CR-02] told within the recall time, the addendum is opened when the report goes out; recalled before, its final has the words', async () => {
  const [kept, recalled] = [await held('routine'), await held('routine')]
  const [keptId, recalledId] = [kept.reportId, recalled.reportId]
  for (const reading of [kept, recalled]) {
    const { version, releaseAt } = await sign(reading, reading.at)
    const criticalId = await raised(reading)
    const reader = await actAs(department, 'radiologist', later(reading.at, 1_000))
    const call = told(criticalId, reader.now, { reauthenticated: true })
    expect(await communicateCritical(department, reader, call)).toEqual({ addendum: null })
    if (reading === recalled) await recallReport(department, reader, { reportId: recalledId, version })
    await settleAt(reading.orderId, releaseAt)
  }
  const amendments =
    await department.sql`select id, amendment from reports where id in (${keptId}, ${recalledId})`
  expect(Object.fromEntries(amendments.map(({ id, amendment }) => [id, amendment]))).toEqual({
    [keptId]: 'addendum',
    [recalledId]: null,
  })
  const reader = await actAs(department, 'radiologist', later(recalled.at, HOUR_MS))
  const again = await claim(department, reader, {
    itemId: await openItem(department, recalled.orderId, 'read'),
  })
  await sign({ ...again, reportId: recalledId }, reader.now)
  expect((await versionsOf(recalledId)).map(({ last }) => last.key)).toEqual(['impression', 'communication'])
})

test('[CR-03] untold, its order wakes for every contact, each once, and it is late for ever; a head hears of it last', async () => {
  const reading = await held()
  const { orderId, at } = reading
  const criticalId = await raised(reading)
  const minutes = (await wakings(orderId, at, later(at, 3 * HOUR_MS))).map(
    (woken) => (woken.getTime() - at.getTime()) / MINUTE_MS,
  )
  expect(minutes).toEqual(expect.arrayContaining([30, 45, 60, 90]))
  expect(await stepsOf(criticalId)).toMatchObject(
    ['orderer', 'ward', 'on-call', 'lead', 'head'].map((step) => ({ step, minutes: 0 })),
  )
  expect((await eventsOf(orderId)).filter((type) => type === 'critical.late')).toHaveLength(1)
  // Each of those who can act then was told, of the highest rung and once; what was seen stays seen.
  const told90 = [['head', 'head'], ['lead', 'lead'], ...READERS.map((who) => [who, 'notify'])]
  expect(await noticed(orderId)).toEqual(told90)
  const lead = await actAs(department, 'lead')
  const [item] = await department.sql<{ id: string }[]>`
    select id from work_items where order_id = ${orderId} and kind = 'critical'`
  await seeNotices(department, lead, { itemIds: [item!.id] })
  await settleAt(orderId, later(at, 3 * HOUR_MS))
  expect(await noticed(orderId)).toEqual(told90.filter(([who]) => who !== 'lead'))
  const now = later(at, 4 * HOUR_MS)
  await communicateCritical(department, await actAs(department, 'radiologist2', now), told(criticalId, now))
  expect(await rowOf(criticalId)).toMatchObject({ state: 'closed', lateAt: later(at, HOUR_MS) })
})

test('[CR-03] right after a stop of six hours every contact is called for at once, each once, truthfully late', async () => {
  const reading = await held()
  const { orderId, at } = reading
  const criticalId = await raised(reading)
  const back = later(at, 6 * HOUR_MS)
  await settleAt(orderId, back)
  await settleAt(orderId, later(back, MINUTE_MS))
  expect(await stepsOf(criticalId)).toMatchObject([
    { step: 'orderer', minutes: 0 },
    { step: 'ward', minutes: 330 },
    { step: 'on-call', minutes: 315 },
    { step: 'lead', minutes: 300 },
    { step: 'head', minutes: 270 },
  ])
  const [lead] = await department.sql`
    select (late_by_ms / 60000)::int as minutes from notices n join work_items w on w.id = n.item_id
    where w.order_id = ${orderId} and n.rung = 'lead'`
  expect(lead).toEqual({ minutes: 300 })
})

test('[CR-03] whoever has the shift when a contact is due hears of it, and whoever found it, though theirs is over', async () => {
  const reading = await held()
  const { orderId, at } = reading
  await raised(reading)
  const lead = await actAs(department, 'lead', at)
  const [order] = await department.sql<
    { area: string }[]
  >`select area from procedures where order_id = ${orderId}`
  const shift = async (user: string, from: number, to: number) =>
    setShift(department, lead, {
      ...{ siteId: 'MAIN', area: order!.area, userId: (await actAs(department, user)).actor.id },
      ...{ from: later(at, from * MINUTE_MS), to: later(at, to * MINUTE_MS) },
    })
  await shift('radiologist', -60, 10)
  const { shiftId } = await shift('radiologist2', 10, 50)
  await settleAt(orderId, later(at, MINUTE_MS))
  await settleAt(orderId, later(at, 31 * MINUTE_MS))
  expect(await noticed(orderId)).toEqual([
    ['radiologist', 'notify'],
    ['radiologist2', 'notify'],
  ])
  await dropShift(department, lead, { shiftId })
})

test('[CR-03] nobody’s timer is needed: who documents a call after the time writes the lateness first', async () => {
  const reading = await held()
  const { orderId, at } = reading
  const criticalId = await raised(reading)
  const now = later(at, 2 * HOUR_MS)
  const inTime = told(criticalId, later(at, 5 * MINUTE_MS))
  await communicateCritical(department, await actAs(department, 'radiologist', now), inTime)
  expect((await eventsOf(orderId)).slice(-2)).toEqual(['critical.late', 'critical.communicated'])
})

test('[CR-03] who does not answer is followed by the next contact, and the try is kept', async () => {
  const reading = await held()
  const { orderId, at } = reading
  const criticalId = await raised(reading)
  const reader = await actAs(department, 'radiologist', later(at, 2 * MINUTE_MS))
  const call = { criticalId, method: 'telephone' as const }
  expect(await attemptCritical(department, reader, call)).toEqual({ next: 'ward' })
  const key = { ...reader, key: `attempt ${criticalId}` }
  for (let pressed = 0; pressed < 2; pressed += 1)
    expect(await attemptCritical(department, key, call)).toEqual({ next: 'on-call' })
  const technologist = await actAs(department, 'tech', reader.now)
  await expect(attemptCritical(department, technologist, call)).rejects.toMatchObject({ code: 'forbidden' })
  expect((await eventsOf(orderId)).filter((type) => type === 'critical.attempted')).toHaveLength(2)
  expect(await rowOf(criticalId)).toMatchObject({ state: 'open' })
})

test('[CR-03] it ends in no other way: two radiologists withdraw it with a reason, and it stays on record', async () => {
  const { orderId, ...reading } = await held()
  const criticalId = await raised({ orderId, ...reading })
  await settleAt(orderId, reading.at)
  const reader = await actAs(department, 'radiologist', reading.at)
  const second = (await actAs(department, 'radiologist2', reading.at)).actor
  const withdraw = (more: object, act = reader) =>
    withdrawCritical(department, act, { criticalId, reason: 'a skin fold', secondPerson: second, ...more })
  await expect(withdraw({ reason: ' ' })).rejects.toMatchObject({ code: 'reason-required' })
  await expect(withdraw({ secondPerson: reader.actor })).rejects.toMatchObject({
    code: 'second-person-required',
  })
  const resident = await actAs(department, 'resident', reading.at)
  await expect(withdraw({}, resident)).rejects.toMatchObject({ code: 'forbidden' })
  await withdraw({})
  await expect(withdraw({})).rejects.toMatchObject({ code: 'illegal-transition' })
  await expect(communicateCritical(department, reader, told(criticalId, reading.at))).rejects.toMatchObject({
    code: 'illegal-transition',
  })
  await expect(department.sql`delete from critical_results where id = ${criticalId}`).rejects.toThrow()
  await settleAt(orderId, reading.at)
  expect(await itemsOf(orderId)).toMatchObject([{ state: 'cancelled' }])
  await sign(reading, reading.at)
})

test('[CR-03] an order closes only when nothing critical is open, and one that was closed is open again', async () => {
  const reading = await held()
  const { orderId, reportId, at } = reading
  await sign(reading, at)
  const duty = await dutyAct(department)
  async function acknowledgeAll(now: Date) {
    for (const lane of (await settleAt(orderId, now)).lanes)
      for (let head = await laneHead(department, lane); head; head = await laneHead(department, lane)) {
        await beginAttempt(department, duty, { deliveryId: head.id, bytes: Buffer.from('x') })
        await recordAnswer(department, duty, { deliveryId: head.id, answer: 'acknowledged', code: 'AA' })
      }
  }
  await acknowledgeAll(at)
  const { closesAt } = await settleAt(orderId, await department.now())
  const close = (now: Date) => closeOrder(department, { ...duty, now }, { orderId })
  expect(await close(closesAt!)).toEqual({ closed: true })

  const found = later(closesAt!, HOUR_MS)
  const criticalId = await raised({ ...reading, at: found })
  const untold = later(found, 30 * DAY_MS)
  await settleAt(orderId, untold)
  expect(await close(untold)).toEqual({ closed: false })
  const reader = await actAs(department, 'radiologist', untold)
  await communicateCritical(department, reader, told(criticalId, untold, { reauthenticated: true }))
  await acknowledgeAll(untold)
  expect((await versionsOf(reportId)).map(({ kind }) => kind)).toEqual(['final', 'addendum'])
  expect(await close(later(untold, 30 * DAY_MS))).toEqual({ closed: true })
})

test('the department is sound after all of this', async () => {
  expect(await invariantViolations(department.sql)).toEqual([])
})
