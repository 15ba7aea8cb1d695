import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { bookStep } from '#db/mutations/scheduling.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { actAs, anEnvelope, anOrder, seededDepartment } from '#db/order.fixture.ts'
import { worklist } from '#db/queries/worklists.ts'
import { type AtTheScreen, sitDown } from '../technologist/screen.fixture.ts'
import { loader as timelineLoader } from './order-timeline.tsx'
import { action as seenAction } from './similar-name.ts'

let department: Department
let at: Record<'radiologist' | 'tech' | 'referrer', AtTheScreen>

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  const sit = (user: string) => sitDown(department, { databaseUrl, user })
  at = { radiologist: await sit('radiologist'), tech: await sit('tech'), referrer: await sit('referrer') }
}, 30_000)

afterAll(() => department.close())

interface Booked {
  family: string
  given: string
  birthDate: string
  /** Hours from now; left out: not booked yet. */
  inHours?: number
}

let rooms = 0

async function orderOf({ family, given, birthDate, inHours }: Booked) {
  const { patient } = anOrder()
  const order = anOrder({
    priority: { level: 'routine', word: 'R' },
    patient: {
      ...patient,
      name: { alphabetic: { family, given } },
      birthDate: { value: birthDate, precision: 'day' },
    },
  })
  const act = await dutyAct(department)
  const received = await receiveOrderMessage(department, act, anEnvelope(), [order])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  await settleOrder(department, act, { orderId })
  const [row] = await department.sql<{ step: string; patient: string }[]>`
    select s.id as step, o.patient_id as patient from steps s join orders o on o.id = s.order_id where o.id = ${orderId}`
  if (inHours !== undefined) {
    rooms += 1
    const start = new Date(act.now.getTime() + inHours * 3_600_000 + rooms * 1_800_000)
    await bookStep(department, act, { stepId: row!.step, roomId: 'ct-1', start })
    await settleOrder(department, act, { orderId })
  }
  return { orderId, patientId: row!.patient }
}

const seenBy = async (screen: AtTheScreen, orderId: string) => {
  const args = { ...screen.args(`/orders/${orderId}`), params: { orderId } }
  return (await timelineLoader(args as never)).similar.map(({ patientId }) => patientId)
}

const ANNA = { family: 'Nguyen', given: 'Anna', birthDate: '1980-05-17' }

test('the banner names whoever is here today under a similar name, until this person has looked', async () => {
  const anna = await orderOf({ ...ANNA, inHours: 1 })
  const anne = await orderOf({ ...ANNA, given: 'Anne', birthDate: '1951-12-30', inHours: 2 })
  await orderOf({ family: 'Nguyen', given: 'Thanh', birthDate: '1951-12-30', inHours: 3 })
  await orderOf({ ...ANNA, given: 'Ana', inHours: 24 * 9 })

  expect(await seenBy(at.radiologist, anna.orderId)).toEqual([anne.patientId])
  const args = at.radiologist.args(`/orders/${anna.orderId}/similar-name`, { patientId: anne.patientId })
  const noted = await seenAction({ ...args, params: { orderId: anna.orderId } } as never)
  expect(noted).toEqual({ ok: true })
  expect(await seenBy(at.radiologist, anna.orderId)).toEqual([])
  // Theirs alone, and of this order alone.
  expect(await seenBy(at.tech, anna.orderId)).toEqual([anne.patientId])
  expect(await seenBy(at.radiologist, anne.orderId)).toContain(anna.patientId)
  const [trail] = await department.sql`
    select data from audit_events where type = 'similar-name.seen' and chain = ${`order:${anna.orderId}`}`
  expect(trail).toEqual({ data: { otherPatient: anne.patientId } })
})

test('a referrer is shown nobody else’s name', async () => {
  const mine = await orderOf({ ...ANNA, inHours: 4 })
  await department.sql`update orders set requester = '{"id": "SYN-D01"}' where id = ${mine.orderId}`
  expect(await seenBy(at.tech, mine.orderId)).not.toEqual([])
  expect(await seenBy(at.referrer, mine.orderId)).toEqual([])
})

test('a list marks the rows of two people with similar names, and no others', async () => {
  const marked = [
    await orderOf({ family: 'Ekström', given: 'Åsa', birthDate: '1944-02-01' }),
    await orderOf({ family: 'EKSTROM', given: 'Asa', birthDate: '1990-10-10' }),
  ]
  const alone = await orderOf({ family: 'Kowalczyk', given: 'Maja', birthDate: '1990-10-10' })
  const { actor } = await actAs(department, 'scheduler')
  const { rows } = await worklist(department.sql, actor, ['schedule'], { now: await department.now() })
  const patients = rows.map(({ order }) => order!.patient)
  const isSimilar = ({ patientId }: { patientId: string }) =>
    patients.find(({ id }) => id === patientId)?.isSimilar
  expect(marked.map(isSimilar)).toEqual([true, true])
  expect(isSimilar(alone)).toBe(false)
})
