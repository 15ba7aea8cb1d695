/** A reader's question on the technologist's screen, and the answer on the reader's. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs, seededDepartment } from '#db/order.fixture.ts'
import { openItem } from '#db/reading.fixture.ts'
import { accepted, arrived, type Ordered, scanned, settle } from '#db/scanned.fixture.ts'
import { action as readingAction, loader as roomLoader } from '../radiologist/reading-room.tsx'
import { action, loader } from './retakes.tsx'
import { type AtTheScreen, sitDown } from './screen.fixture.ts'

let department: Department
let tech: AtTheScreen
let reader: AtTheScreen

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  tech = await sitDown(department, { databaseUrl, user: 'tech' })
  reader = await sitDown(department, { databaseUrl, user: 'radiologist' })
})

afterAll(() => department.close())

async function inHand() {
  const order = await arrived(department)
  const { images } = await scanned(department, order)
  await accepted(department, order)
  const itemId = await openItem(department, order.orderId, 'read')
  const { fence } = await claim(department, await actAs(department, 'radiologist'), { itemId })
  return { order, itemId, fence, marked: images[1]!.sopInstanceUid }
}

async function ask(fields: Record<string, string>) {
  const held = await inHand()
  const more = { intent: 'ask-return', fence: String(held.fence), instances: held.marked, ...fields }
  const answered = await readingAction(reader.args(`/reading/${held.itemId}`, more))
  await settle(department, held.order)
  return { ...held, answered }
}

const questions = async () => (await loader(tech.args('/retakes'))).open
const questionOf = async ({ orderId }: Ordered) => (await questions()).find((one) => one.orderId === orderId)

const opened = (returnId: string, fields?: Record<string, string>, who = tech) => ({
  ...who.args(`/retakes/${returnId}`, fields),
  params: { returnId },
})

test('[QA-03] what a reader asks stands among the retakes with its marked image; the answer stands beside the report', async () => {
  const { order, itemId, marked, answered } = await ask({
    kind: 'clarify',
    reason: 'side',
    words: 'Which side is it?',
  })
  // On to the next case, or to the list.
  expect(answered).toBeInstanceOf(Response)
  const row = await questionOf(order)
  expect(row).toMatchObject({ kind: 'clarify', reason: 'side', accession: order.accession })
  const page = await loader(opened(row!.id))
  expect(page.asked).toMatchObject({ words: 'Which side is it?', isOpen: true })
  expect(page.asked?.marked.map(({ uid }) => uid)).toEqual([marked])

  expect(await action(opened(row!.id, { intent: 'answer', words: ' ' }))).toMatchObject({
    ok: false,
    code: 'reason-required',
  })
  expect(await action(opened(row!.id, { intent: 'answer', words: 'The left one.' }))).toBeInstanceOf(Response)
  expect(await questionOf(order)).toBeUndefined()
  const room = await roomLoader(reader.args(`/reading/${itemId}`))
  expect(room.returns).toMatchObject([{ answer: 'answered', answerWords: 'The left one.', marked: 1 }])
})

test('[QA-03] a retake says that its step waits; that there can be none is said with the reason', async () => {
  const { order } = await ask({ kind: 'retake', reason: 'motion' })
  const row = await questionOf(order)
  const { asked } = await loader(opened(row!.id))
  expect(asked).toMatchObject({ kind: 'retake', step: { status: 'planned', plannedStart: null } })
  const words = { intent: 'not-possible', words: 'The patient has left.' }
  expect(await action(opened(row!.id, words))).toBeInstanceOf(Response)
  expect(await questionOf(order)).toBeUndefined()
})

test('[QA-03] readers have no place among the retakes, and an unknown question is not there', async () => {
  await expect(loader(reader.args('/retakes'))).rejects.toMatchObject({ init: { status: 404 } })
  await expect(loader(opened('unknown'))).rejects.toMatchObject({ init: { status: 404 } })
})
