import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { OrderMessage } from '#domain/order-message.ts'
import type { Department } from '../department.ts'
import { actAs, anOrder, seededDepartment, storedImages } from '../order.fixture.ts'
import { amendedReport } from '../queries/amendment.ts'
import { invariantViolations } from '../queries/invariants.ts'
import { priorsOf } from '../queries/reading-room.ts'
import { reportForDelivery } from '../queries/report-content.ts'
import { readableStudy } from '../reading.fixture.ts'
import { deviceAct, dutyAct } from './act.ts'
import { dropAmendment, openAmendment, saveAmendment, signAmendment } from './amendments.ts'
import { issuePreliminary, openReport, recallReport, signReport } from './reports.ts'
import { seeLateImages } from './seen-late-images.ts'
import { settleOrder } from './settle.ts'
import { indexInstances } from './studies.ts'
import { claim } from './work-items.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

const said = (...texts: [key: string, text: string][]) => ({
  sections: texts.map(([key, text]) => ({ key, text })),
})
const FINAL = said(['findings', 'No bleed.'], ['impression', 'Normal.'])

/** A signed order; stat goes out with the signature, routine only after the time for its recall. */
async function signed(
  priority: 'stat' | 'routine' = 'stat',
  more: Partial<OrderMessage> = {},
): Promise<{ orderId: string; reportId: string }> {
  const { orderId, itemId } = await readableStudy(department, priority, more)
  const reader = await actAs(department, 'radiologist')
  const held = await claim(department, reader, { itemId })
  const { reportId } = await openReport(department, reader, held)
  await signReport(department, reader, { ...held, reportId, content: FINAL, reauthenticated: true })
  return { orderId, reportId }
}

const versionsOf = (reportId: string) => department.sql<
  { version: number; kind: string; contentHash: string; released: boolean; signerId: string }[]
>`
  select version, kind, content_hash as "contentHash", released_at is not null as released, signer_id as "signerId"
  from report_versions where report_id = ${reportId} order by version`

const deliveriesOf = (reportId: string, version: number) => department.sql<
  { id: string; destinationId: string; controlId: string }[]
>`
  select id, destination_id as "destinationId", control_id as "controlId" from deliveries
  where report_id = ${reportId} and version = ${version} order by destination_id`

async function stateOf(reportId: string): Promise<{ state: string; amendment: string | null }> {
  const [row] = await department.sql<{ state: string; amendment: string | null }[]>`
    select state, amendment from reports where id = ${reportId}`
  return { ...row! }
}

test('[RP-06] an addendum goes to everybody who has the report, the whole of it again, and the original stays as it was signed', async () => {
  const { orderId, reportId } = await signed()
  const reader = await actAs(department, 'radiologist')
  const [original] = await versionsOf(reportId)
  // The order was over and its workflow gone.
  await department.sql`update orders set closed_at = now() where id = ${orderId}`

  const { fence } = await openAmendment(department, reader, { reportId, kind: 'addendum' })
  expect(await openAmendment(department, reader, { reportId, kind: 'addendum' })).toEqual({ fence })
  await saveAmendment(department, reader, { reportId, fence, content: said(['addendum', 'A clip']) })
  expect(await stateOf(reportId)).toEqual({ state: 'FINAL', amendment: 'addendum' })
  await signAmendment(department, reader, {
    ...{ reportId, fence, kind: 'addendum', reauthenticated: true },
    content: said(['addendum', 'A clip is in place.']),
  })

  expect(await stateOf(reportId)).toEqual({ state: 'ADDENDED', amendment: null })
  const versions = await versionsOf(reportId)
  expect(versions.map(({ version, kind, released }) => [version, kind, released])).toEqual([
    [1, 'final', true],
    [2, 'addendum', true],
  ])
  expect(versions[0]).toEqual(original)
  const [first, second] = [await deliveriesOf(reportId, 1), await deliveriesOf(reportId, 2)]
  expect(first.length).toBeGreaterThan(0)
  expect(second.map(({ destinationId }) => destinationId)).toEqual(
    first.map(({ destinationId }) => destinationId),
  )
  expect(new Set([...first, ...second].map(({ controlId }) => controlId)).size).toBe(2 * first.length)
  const sent = await reportForDelivery(department.sql, second[0]!.id)
  expect(sent?.version.kind).toBe('addendum')
  expect(sent?.sections.map(({ key, text, addendum }) => [key, text, addendum?.by.id ?? null])).toEqual([
    ['findings', 'No bleed.', null],
    ['impression', 'Normal.', null],
    ['addendum', 'A clip is in place.', reader.actor.id],
  ])
  const [order] = await department.sql`select phase, closed_at from orders where id = ${orderId}`
  expect({ ...order }).toEqual({ phase: 'final', closed_at: null })
  expect(await invariantViolations(department.sql)).toEqual([])
})

test('[RP-06] images after the final report are answered by what is added to it, and an order with them can be over', async () => {
  const { orderId, reportId } = await signed()
  const late = async () => {
    await settleOrder(department, await dutyAct(department), { orderId })
    const items = await department.sql`
      select cycle, state from work_items where order_id = ${orderId} and kind = 'late' order by cycle`
    return items.map(({ cycle, state }) => `${cycle} ${state}`)
  }
  const [study] = await department.sql<{ uid: string }[]>`
    select study_uid as uid from procedures where order_id = ${orderId}`
  const more = async () =>
    indexInstances(
      department,
      await deviceAct(department, 'US1'),
      storedImages(study!.uid, 1, { sourceAe: 'US1' }),
    )
  await more()
  expect(await late()).toEqual(['1 open'])
  const reader = await actAs(department, 'radiologist')
  const { fence } = await openAmendment(department, reader, { reportId, kind: 'addendum' })
  await signAmendment(department, reader, {
    ...{ reportId, fence, kind: 'addendum', reauthenticated: true },
    content: said(['addendum', 'The late image shows nothing else.']),
  })
  expect(await late()).toEqual(['1 completed'])
  await more()
  expect(await late()).toEqual(['1 completed', '2 open'])
})

test('[RP-06] images after the final report that say nothing new are answered by a reader who saw them, and those that came since are not', async () => {
  const { orderId, reportId } = await signed()
  const [study] = await department.sql<{ uid: string }[]>`
    select study_uid as uid from procedures where order_id = ${orderId}`
  // The order was over and its workflow gone.
  await department.sql`update orders set closed_at = now() where id = ${orderId}`
  const more = async () => {
    const device = await deviceAct(department, 'US1')
    await indexInstances(department, device, storedImages(study!.uid, 1, { sourceAe: 'US1' }))
    return (await amendedReport(department.sql, reportId))!.lateImages!.until
  }
  const duty = async () => {
    await settleOrder(department, await dutyAct(department), { orderId })
    const items = await department.sql<{ state: string }[]>`
      select state from work_items where order_id = ${orderId} and kind = 'late' order by cycle`
    return items.map(({ state }) => state)
  }
  const until = await more()
  expect(await duty()).toEqual(['open'])
  const see = async (user: string, shown: Date) =>
    seeLateImages(department, await actAs(department, user), { reportId, until: shown })
  for (const user of ['resident', 'tech', 'lead'])
    await expect(see(user, until)).rejects.toMatchObject({ code: 'forbidden' })

  // Whoever writes about the report answers them with words.
  const reader = await actAs(department, 'radiologist')
  const { fence } = await openAmendment(department, reader, { reportId, kind: 'addendum' })
  await expect(see('radiologist2', until)).rejects.toMatchObject({ code: 'illegal-transition' })
  await dropAmendment(department, reader, { reportId, fence })

  // Of what came after the screen was drawn nobody has seen anything.
  const since = await more()
  await see('radiologist', until)
  expect((await amendedReport(department.sql, reportId))!.lateImages).toEqual({ since, until: since })
  expect(await duty()).toEqual(['completed', 'open'])
  await see('radiologist', since)
  await see('radiologist', since)
  expect(await duty()).toEqual(['completed', 'completed'])
  expect((await amendedReport(department.sql, reportId))!.lateImages).toBeNull()
  const told = await department.sql`
    select actor_id, data->>'batches' as batches from order_events
    where order_id = ${orderId} and type in ('images.late-seen') order by rev`
  expect(told).toEqual([
    { actor_id: reader.actor.id, batches: '1' },
    { actor_id: reader.actor.id, batches: '1' },
  ])
  expect(await versionsOf(reportId)).toHaveLength(1)
  expect((await stateOf(reportId)).state).toBe('FINAL')
  expect(await invariantViolations(department.sql)).toEqual([])
})

test('[RP-06] nothing is added to a first word: the report goes on, and is amended once it is signed', async () => {
  const { itemId } = await readableStudy(department, 'stat')
  const reader = await actAs(department, 'radiologist')
  const held = await claim(department, reader, { itemId })
  const { reportId } = await openReport(department, reader, held)
  await issuePreliminary(department, reader, { ...held, reportId, content: FINAL })
  for (const kind of ['addendum', 'correction'] as const)
    await expect(openAmendment(department, reader, { reportId, kind, reason: 'more' })).rejects.toMatchObject(
      { code: 'not-released' },
    )
  expect(await stateOf(reportId)).toEqual({ state: 'PRELIM', amendment: null })
  await signReport(department, reader, { ...held, reportId, content: FINAL, reauthenticated: true })
  await openAmendment(department, reader, { reportId, kind: 'addendum' })
})

test('[RP-06] a correction replaces the text for everybody, and what it corrects can still be read', async () => {
  const { reportId } = await signed()
  const reader = await actAs(department, 'radiologist')
  const { fence } = await openAmendment(department, reader, { reportId, kind: 'correction' })
  const [draft] = await department.sql`select content from report_drafts where report_id = ${reportId}`
  expect(draft!.content.sections).toEqual(FINAL.sections)
  const corrected = said(['findings', 'A small bleed on the left.'], ['impression', 'Subdural haematoma.'])
  await signAmendment(department, reader, {
    ...{ reportId, fence, kind: 'correction', content: corrected, reauthenticated: true },
  })
  expect((await stateOf(reportId)).state).toBe('CORRECTED')
  const [delivery] = await deliveriesOf(reportId, 2)
  const sent = await reportForDelivery(department.sql, delivery!.id)
  expect(sent?.version.kind).toBe('correction')
  expect(sent?.sections.map(({ key, text }) => ({ key, text }))).toEqual(corrected.sections)
  const [first] = await department.sql`
    select content->'sections' as sections from report_versions where report_id = ${reportId} and version = 1`
  expect(first!.sections).toEqual(FINAL.sections)
})

test('[RP-06] nothing is amended before it is out, without a word, without its signer, or by two at once', async () => {
  const waiting = await signed('routine')
  const [reader, other] = [await actAs(department, 'radiologist'), await actAs(department, 'radiologist2')]
  const open = (who: typeof reader, reportId: string, reason?: string) =>
    openAmendment(department, who, { reportId, kind: 'addendum', ...(reason ? { reason } : {}) })
  await expect(open(reader, waiting.reportId)).rejects.toMatchObject({ code: 'not-released' })

  const { reportId } = await signed()
  await expect(open(await actAs(department, 'resident'), reportId)).rejects.toMatchObject({
    code: 'forbidden',
  })
  await expect(open(other, reportId)).rejects.toMatchObject({ code: 'reason-required' })
  const mine = await open(reader, reportId)
  await expect(open(other, reportId, ' ')).rejects.toMatchObject({ code: 'reason-required' })
  const theirs = await open(other, reportId, 'the signer is on leave')
  expect(theirs.fence).toBe(mine.fence + 1)

  const content = said(['addendum', 'Mine.'])
  await expect(saveAmendment(department, reader, { reportId, ...mine, content })).rejects.toMatchObject({
    code: 'stale-fence',
  })
  const [stray] = await department.sql`select content from stray_drafts where report_id = ${reportId}`
  expect(stray!.content).toEqual(content)
  const sign = (who: typeof reader, fence: number, words: string, reauthenticated = true) =>
    signAmendment(department, who, {
      ...{ reportId, fence, kind: 'addendum', content: said(['addendum', words]), reauthenticated },
    })
  await expect(sign(reader, mine.fence, 'Mine.')).rejects.toMatchObject({ code: 'stale-fence' })
  await expect(sign(other, theirs.fence, 'Theirs.', false)).rejects.toMatchObject({
    code: 'reauthentication-required',
  })
  await expect(sign(other, theirs.fence, '  ')).rejects.toMatchObject({ code: 'check-failed' })
  await sign(other, theirs.fence, 'Theirs.')
  expect((await versionsOf(reportId)).map(({ signerId }) => signerId)).toEqual([
    reader.actor.id,
    other.actor.id,
  ])
})

test('[RP-12] an addendum that is recalled was never sent, and is open again with its words', async () => {
  const { reportId } = await signed('routine')
  const later = { now: new Date((await department.now()).getTime() + 3_600_000) }
  const duty = { ...(await dutyAct(department)), ...later }
  const [{ order_id: orderId } = { order_id: '' }] = await department.sql<{ order_id: string }[]>`
    select order_id from reports where id = ${reportId}`
  await settleOrder(department, duty, { orderId })
  const reader = { ...(await actAs(department, 'radiologist')), ...later }
  const [study] = await department.sql<{ uid: string }[]>`
    select study_uid as uid from procedures where order_id = ${orderId}`
  const device = { ...(await deviceAct(department, 'US1')), ...later }
  await indexInstances(department, device, storedImages(study!.uid, 1, { sourceAe: 'US1' }))
  const { fence } = await openAmendment(department, reader, { reportId, kind: 'addendum' })
  const content = said(['addendum', 'See the other side.'])
  const { version } = await signAmendment(department, reader, {
    ...{ reportId, fence, kind: 'addendum', content, reauthenticated: true },
  })
  expect(await stateOf(reportId)).toEqual({ state: 'ADDENDED', amendment: null })
  await recallReport(department, reader, { reportId, version })
  expect(await stateOf(reportId)).toEqual({ state: 'FINAL', amendment: 'addendum' })
  expect(await deliveriesOf(reportId, version)).toEqual([])
  const [draft] =
    await department.sql`select content, saved_by, fence from report_drafts where report_id = ${reportId}`
  expect(draft).toMatchObject({ content, saved_by: reader.actor.id })
  await dropAmendment(department, reader, { reportId, fence: draft!.fence })
  expect(await stateOf(reportId)).toEqual({ state: 'FINAL', amendment: null })
  // What never went out has answered no image that came late.
  await settleOrder(department, duty, { orderId })
  expect(
    await department.sql`select state from work_items where order_id = ${orderId} and kind = 'late'`,
  ).toEqual([{ state: 'open' }])
  expect(await invariantViolations(department.sql)).toEqual([])
})

test('[RP-06] each amendment of a report is under a fence of its own, and whoever loses one is told', async () => {
  const { reportId, orderId } = await signed()
  const reader = await actAs(department, 'radiologist')
  const open = () => openAmendment(department, reader, { reportId, kind: 'addendum' })
  const first = await open()
  const words = said(['addendum', 'Given up.'])
  await saveAmendment(department, reader, { reportId, ...first, content: words })
  await dropAmendment(department, reader, { reportId, ...first })
  const second = await open()
  expect(second.fence).toBeGreaterThan(first.fence)
  // A window of the first is still open somewhere.
  await expect(
    saveAmendment(department, reader, { reportId, ...first, content: words }),
  ).rejects.toMatchObject({ code: 'stale-fence' })
  const told: string[] = []
  const listening = { ...department, announce: (topics: string[]) => void told.push(...topics) }
  const other = await actAs(department, 'radiologist2')
  const third = await openAmendment(listening, other, { reportId, kind: 'addendum', reason: 'absent' })
  expect(told).toContain(`order:${orderId}`)
  const content = said(['addendum', 'A clip is in place.'])
  await signAmendment(department, other, {
    ...{ reportId, ...third, kind: 'addendum', content, reauthenticated: true },
  })
  const fourth = await openAmendment(department, other, { reportId, kind: 'addendum' })
  expect([second.fence, third.fence, fourth.fence]).toEqual([1, 2, 3].map((n) => first.fence + n))
})

test('[RP-11] a prior’s report is read whole: its text and what was added to it', async () => {
  const { patient } = anOrder()
  const { reportId } = await signed('stat', { patient })
  const reader = await actAs(department, 'radiologist')
  for (const words of ['A clip is in place.', 'The clip has moved.']) {
    const { fence } = await openAmendment(department, reader, { reportId, kind: 'addendum' })
    const content = said(['addendum', words])
    await signAmendment(department, reader, {
      ...{ reportId, fence, kind: 'addendum', content, reauthenticated: true },
    })
  }
  const { orderId } = await signed('stat', { patient })
  const [prior] = await priorsOf(department.sql, orderId)
  expect(prior?.report?.map(({ text }) => text)).toEqual([
    ...['No bleed.', 'Normal.', 'A clip is in place.', 'The clip has moved.'],
  ])
})
