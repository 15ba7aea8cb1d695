/** A reader asks the technologist: the reading waits, the clock is the technologist's, and what comes back stands higher. */
import { expect, test } from 'vitest'
import { actAs, storedImages } from '../order.fixture.ts'
import { worklist } from '../queries/worklists.ts'
import { openItem } from '../reading.fixture.ts'
import { accepted, arrived, type Ordered, scanned, settle } from '../scanned.fixture.ts'
import { soundDepartment } from '../sound-department.fixture.ts'
import { deviceAct, dutyAct } from './act.ts'
import { submitReport } from './hand-on.ts'
import { rejectQuality } from './quality.ts'
import { issueWetRead, openReport, signReport } from './reports.ts'
import { answerReturn, askReturn, type ReturnAsked } from './returns.ts'
import { settleOrder } from './settle.ts'
import { indexInstances } from './studies.ts'
import { claim } from './work-items.ts'

const department = await soundDepartment()

interface Held {
  order: Ordered
  itemId: string
  fence: number
  images: string[]
}

/** A routine exam in a reader's hands. */
async function inHand(): Promise<Held> {
  const order = await arrived(department, { priority: { level: 'routine', word: 'R' } })
  const { images } = await scanned(department, order)
  await accepted(department, order)
  const itemId = await openItem(department, order.orderId, 'read')
  const { fence } = await claim(department, await actAs(department, 'radiologist'), { itemId })
  return { order, itemId, fence, images: images.map(({ sopInstanceUid }) => sopInstanceUid) }
}

async function ask(held: Held, more: Partial<ReturnAsked> = {}, at?: Date): Promise<string> {
  const { itemId, fence, images } = held
  const act = await actAs(department, 'radiologist', at)
  const asked = { itemId, fence, kind: 'clarify', reason: 'side', instances: [images[0]!], ...more } as const
  const { returnId } = await askReturn(department, act, asked)
  await settleOrder(department, await dutyAct(department, at ? { now: at } : {}), {
    orderId: held.order.orderId,
  })
  return returnId
}

async function standing({ order, itemId }: Held) {
  const [row] = await department.sql`
    select o.phase, w.state, w.blocked_by as blocked, w.due_at as due,
      array(select kind from work_items x where x.order_id = o.id and x.state in ('open', 'claimed') order by kind) as kinds
    from work_items w join orders o on o.id = w.order_id where w.id = ${itemId} and o.id = ${order.orderId}`
  return row!
}

/** One more image comes and is rejected at the gate. */
async function lateImageRejected(order: Ordered, { repeated }: { repeated: boolean }): Promise<void> {
  const image = storedImages(order.studyUid, 1, { sourceAe: 'XR1' })
  await indexInstances(department, await deviceAct(department, 'XR1'), image)
  await settle(department, order)
  const tech = await actAs(department, 'tech')
  const itemId = await openItem(department, order.orderId, 'quality')
  const check = await claim(department, tech, { itemId })
  await rejectQuality(department, tech, { ...check, reasonCodes: ['111209'], instances: [], repeated })
  await settle(department, order)
}

const pausesOf = ({ itemId }: Held) => department.sql`
  select reason, owner, to_at is null as open from pauses where item_id = ${itemId}`

test('[QA-03] a question blocks the reading, goes to the technologist with its image, and answered comes back higher', async () => {
  const held = await inHand()
  const asked = new Date((await department.now()).getTime() + 60_000)
  const before = (await standing(held)).due
  const returnId = await ask(held, { words: 'Which side is this?' }, asked)
  expect(await standing(held)).toMatchObject({
    phase: 'quality-check',
    state: 'open',
    blocked: 'clarify',
    kinds: ['clarify', 'read'],
  })
  expect(await pausesOf(held)).toEqual([
    { reason: 'waiting-technologist', owner: 'technologist', open: true },
  ])
  const reader = await actAs(department, 'radiologist')
  await expect(claim(department, reader, { itemId: held.itemId })).rejects.toMatchObject({ code: 'blocked' })
  const [marked] = await department.sql`select instances, words from returns where id = ${returnId}`
  expect(marked).toEqual({ instances: [held.images[0]], words: 'Which side is this?' })

  const later = new Date(asked.getTime() + 20 * 60_000)
  const said = { returnId, answer: 'answered', words: 'The left one.' } as const
  await answerReturn(department, await actAs(department, 'tech', later), said)
  await settleOrder(department, await dutyAct(department, { now: later }), { orderId: held.order.orderId })
  expect(await standing(held)).toMatchObject({ blocked: null, kinds: ['quality', 'read'] })
  expect(await pausesOf(held)).toEqual([
    { reason: 'waiting-technologist', owner: 'technologist', open: false },
  ])
  // The clock stood still for as long as the technologist had it, in the hours that the reading's allowance counts.
  expect((await standing(held)).due.getTime()).toBeGreaterThanOrEqual(before.getTime())
  const row = await listed(held)
  expect(row.why.map(({ id }) => id)).toContain('sent-back')
})

async function listed({ itemId }: Held) {
  const { rows } = await worklist(department.sql, (await actAs(department, 'radiologist')).actor, ['read'], {
    now: await department.now(),
  })
  return rows.find((row) => row.itemId === itemId)!
}

test('[QA-03] a retake is a new step; made and checked, the reading comes back one tier up', async () => {
  const held = await inHand()
  expect((await listed(held)).key.tier).toBe(2)
  await ask(held, { kind: 'retake', reason: 'positioning' })
  expect(await standing(held)).toMatchObject({ blocked: 'retake', kinds: ['read', 'schedule'] })
  const [repeat] = await department.sql<{ stepId: string }[]>`
    select id as "stepId" from steps where order_id = ${held.order.orderId} and retake_of is not null`
  await scanned(department, { ...held.order, stepId: repeat!.stepId })
  expect(await standing(held)).toMatchObject({ blocked: 'retake', kinds: ['quality', 'read'] })
  const [answered] = await department.sql`select answer from returns where item_id = ${held.itemId}`
  expect(answered).toEqual({ answer: 'retaken' })
  await accepted(department, held.order)
  expect(await standing(held)).toMatchObject({ phase: 'reading', blocked: null, kinds: ['read'] })
  const row = await listed(held)
  expect([row.key.tier, row.key.paused]).toEqual([1, 0])
  expect(row.why).toContainEqual({ id: 'raised', by: 'returned' })
})

test('[QA-03] a retake that cannot be made is answered with the reason, and its step is given up', async () => {
  const held = await inHand()
  const returnId = await ask(held, { kind: 'retake', reason: 'motion' })
  const tech = await actAs(department, 'tech')
  const answer = { returnId, answer: 'not-possible', words: '' } as const
  await expect(answerReturn(department, tech, answer)).rejects.toMatchObject({ code: 'reason-required' })
  await answerReturn(department, tech, { ...answer, words: 'The patient has left.' })
  await answerReturn(department, tech, { ...answer, words: 'The patient has left.' })
  await settle(department, held.order)
  await accepted(department, held.order)
  expect(await standing(held)).toMatchObject({ phase: 'reading', blocked: null, kinds: ['read'] })
})

test('[QA-03] with every image rejected for a repeat the reading waits for it, and is read when it was made', async () => {
  const held = await inHand()
  const { order, itemId, fence } = held
  await lateImageRejected(order, { repeated: true })
  expect(await standing(held)).toMatchObject({ blocked: 'retake', kinds: ['read', 'schedule'] })

  // Whoever has the case in hand is kept from signing what is being made again.
  const reader = await actAs(department, 'radiologist')
  const { reportId } = await openReport(department, reader, { itemId })
  const sections = ['findings', 'impression'].map((key) => ({ key, text: 'Normal.' }))
  const signature = { itemId, fence, reportId, content: { sections }, reauthenticated: true }
  await expect(signReport(department, reader, signature)).rejects.toMatchObject({ code: 'blocked' })
  await expect(submitReport(department, reader, signature)).rejects.toMatchObject({ code: 'blocked' })

  const [repeat] = await department.sql<{ stepId: string }[]>`
    select id as "stepId" from steps where order_id = ${order.orderId} and retake_of is not null`
  await scanned(department, { ...order, stepId: repeat!.stepId })
  await accepted(department, order)
  expect(await standing(held)).toMatchObject({ state: 'claimed', blocked: null, kinds: ['read'] })
  await signReport(department, reader, signature)
})

test('[QA-03] an exam whose last image is rejected after a first word about it went out asks a lead to tell whoever got it', async () => {
  const held = await inHand()
  const { order, itemId, fence } = held
  const reader = await actAs(department, 'radiologist')
  const { reportId } = await openReport(department, reader, { itemId })
  const content = { sections: [{ key: 'impression', text: 'No bleed.' }] }
  await issueWetRead(department, reader, { itemId, fence, reportId, content })
  await lateImageRejected(order, { repeated: false })
  const [ended] = await department.sql`
    select o.phase, e.reason_code as why, w.state from orders o join exceptions e on e.order_id = o.id
      join work_items w on w.subject_id = e.id where o.id = ${order.orderId}`
  expect(ended).toEqual({ phase: 'discontinued', why: 'reported-before-end', state: 'open' })
})

test('[QA-03] only the reader who holds it asks, one question at a time, and only a technologist answers', async () => {
  const held = await inHand()
  const { itemId, fence } = held
  const question = { itemId, fence, kind: 'clarify', reason: 'history', instances: [] } as const
  const other = await actAs(department, 'radiologist2')
  await expect(askReturn(department, other, question)).rejects.toMatchObject({ code: 'stale-fence' })
  const tech = await actAs(department, 'tech')
  await expect(askReturn(department, tech, question)).rejects.toMatchObject({ code: 'forbidden' })
  const reader = await actAs(department, 'radiologist')
  const vague = { ...question, reason: 'other' } as const
  await expect(askReturn(department, reader, vague)).rejects.toMatchObject({ code: 'reason-required' })
  const { returnId } = await askReturn(department, reader, question)
  expect(await askReturn(department, reader, question)).toEqual({ returnId })
  const more = { ...question, kind: 'retake' } as const
  await expect(askReturn(department, reader, more)).rejects.toMatchObject({ code: 'illegal-transition' })
  const words = { returnId, answer: 'answered', words: 'Left.' } as const
  await expect(answerReturn(department, reader, words)).rejects.toMatchObject({ code: 'forbidden' })
})

test('[QA-03] a pause ends by itself at its limit, and the clock runs on', async () => {
  const held = await inHand()
  const asked = await department.now()
  await ask(held, {}, asked)
  const after = new Date(asked.getTime() + 5 * 3_600_000)
  const { wakeAt } = await settleOrder(department, await dutyAct(department, { now: asked }), {
    orderId: held.order.orderId,
  })
  expect(wakeAt!.getTime()).toBeLessThanOrEqual(asked.getTime() + 4 * 3_600_000)
  await settleOrder(department, await dutyAct(department, { now: after }), { orderId: held.order.orderId })
  expect(await pausesOf(held)).toEqual([
    { reason: 'waiting-technologist', owner: 'technologist', open: false },
  ])
  expect(await standing(held)).toMatchObject({ blocked: 'clarify' })
})
