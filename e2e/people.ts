/** People at the screens who do not give up: what a screen could not do is done again, until the department says it is done. */
import { type WebSession, webSession } from '#simulator/web-session.ts'
import type { RunningDepartment } from './department.ts'
import { type OrderJson, orderOf } from './order-json.ts'
import { persist } from './persist.ts'

type Answered = { ok: boolean; code?: string }

/** One person's session, opened when first needed and kept through every restart of the app. */
export interface Person {
  session(): Promise<WebSession>
}

export function person(department: RunningDepartment, user: string): Person {
  let opening: Promise<WebSession> | undefined
  return {
    async session() {
      const { password } = department.account(user)
      opening ??= webSession(department.endpoints().app, user, password)
      return opening.catch((error) => {
        opening = undefined
        throw error
      })
    },
  }
}

interface ToSchedule {
  proposals: { roomId: string; start: Date }[]
}

/** Books the first slot that the screen proposes, once the order is on the scheduler's list. */
export async function bookSlot(department: RunningDepartment, scheduler: Person, placer: string) {
  await persist(`the booking of ${placer}`, async () => {
    const [step] = stepsOf(await orderOf(department, placer))
    if (!step) return undefined
    if (step.status !== 'planned') return step
    const session = await scheduler.session()
    const { proposals } = await session.page<ToSchedule>(`/to-schedule?step=${step.id}`)
    const [slot] = proposals
    if (!slot) return undefined
    const booking = { intent: 'book', stepId: step.id, roomId: slot.roomId, start: slot.start.toISOString() }
    succeeded(await session.submit<Answered>('/to-schedule', booking))
    return undefined
  })
}

/** "Patient has arrived" for every step of the order that waits for its patient. */
export async function letIn(department: RunningDepartment, technologist: Person, placer: string) {
  await persist(`the arrival of ${placer}`, async () => {
    const steps = stepsOf(await orderOf(department, placer))
    const [waiting] = steps.filter(({ status }) => status === 'scheduled')
    if (steps.length > 0 && !waiting) return steps
    if (!waiting) return undefined
    const session = await technologist.session()
    succeeded(await session.submit<Answered>('/scan-queue', { intent: 'arrive', stepId: waiting.id }))
    return undefined // the rows decide whether it was done
  })
}

interface QualityScreen {
  check: { item: { fence: number } }
}

/** Claims the quality check as soon as it is there and accepts the study. */
export async function acceptImages(department: RunningDepartment, technologist: Person, placer: string) {
  await persist(`the accepted study of ${placer}`, async () => {
    const order = await orderOf(department, placer)
    if (AFTER_QUALITY.has(order.phase)) return order
    const item = liveItem(order, 'quality')
    if (!item) return undefined
    const session = await technologist.session()
    const address = `/quality-check/${item.id}`
    succeeded(await session.submit<Answered>(address, { intent: 'claim' }))
    const { check } = await session.page<QualityScreen>(address)
    succeeded(await session.submit<Answered>(address, { intent: 'accept', fence: check.item.fence }))
    return undefined
  })
}

interface ReadingRoom {
  room: { item: { fence: number }; report: { id: string } | null }
  sections: { key: string; text: string }[]
}

export interface Words {
  findings: string
  impression: string
}

/** Claims the case as soon as it is on the list, writes, saves and signs. */
export async function readAndSign(
  department: RunningDepartment,
  radiologist: Person,
  placer: string,
  words: Words,
) {
  await persist(`the signed report of ${placer}`, async () => {
    const order = await orderOf(department, placer)
    if (SIGNED.has(order.phase)) return order
    const item = liveItem(order, 'read')
    if (!item) return undefined
    await readCase(await radiologist.session(), item.id, words)
    return undefined
  })
}

async function readCase(session: WebSession, itemId: string, words: Words): Promise<void> {
  const address = `/reading/${itemId}`
  succeeded(await session.submit<Answered>('/reading', { itemId }))
  const { room, sections } = await session.page<ReadingRoom>(address)
  if (!room.report) throw new Error('the holder was given no report')
  const text: Record<string, string> = { ...words }
  const held = {
    fence: room.item.fence,
    reportId: room.report.id,
    sections: JSON.stringify(sections.map((one) => ({ ...one, text: text[one.key] ?? one.text }))),
  }
  succeeded(await session.submit<Answered>(address, { intent: 'save', ...held }))
  succeeded(await session.submit<Answered>(address, { intent: 'sign', ...held, password: session.password }))
}

const SIGNED = new Set(['final', 'delivered', 'closed'])
const AFTER_QUALITY = new Set(['reading', 'preliminary', ...SIGNED])

function succeeded({ data, redirect }: { data: Answered | undefined; redirect: string | undefined }): void {
  if (redirect === undefined && !data?.ok) throw new Error(`the screen answered ${data?.code}`)
}

function stepsOf(order: OrderJson) {
  return order.procedures.flatMap(({ steps }) => steps)
}

function liveItem(order: OrderJson, kind: string) {
  return order.workItems.find((item) => item.kind === kind)
}
