/** A case whose clock stands still: every list says so, and none counts it as late. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { answerReturn, askReturn } from '#db/mutations/returns.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs, seededDepartment } from '#db/order.fixture.ts'
import { worklist } from '#db/queries/worklists.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import { MINUTE_MS } from '#domain/calendar.ts'
import { whyLate } from '../routes/department-head/why-late.ts'
import { timeLeftOf } from '../ui/time-left.ts'
import { allowanceOf, listedCases } from './listed-case.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

afterAll(() => department.close())

test('[RW-06] a case that waits for the technologist says on every list that its clock stands still, and is not late by it', async () => {
  const { sql } = department
  const { orderId, itemId } = await readableStudy(department, 'routine')
  const asked = await department.now()
  const at = (minutes: number) => new Date(asked.getTime() + minutes * MINUTE_MS)
  await sql`
    update work_items set business = false, due_from = ${at(-55)}, allowance_ms = ${60 * MINUTE_MS}, due_at = ${at(5)}
    where id = ${itemId}`
  const { fence } = await claim(department, await actAs(department, 'radiologist'), { itemId })
  const question = { itemId, fence, kind: 'clarify', reason: 'side', instances: [] } as const
  const { returnId } = await askReturn(department, await actAs(department, 'radiologist', asked), question)
  await settleOrder(department, await dutyAct(department, { now: asked }), { orderId })

  async function rowAt(now: Date) {
    const { actor } = await actAs(department, 'lead')
    const late = { late: { time: ['late'] } } as const
    const { rows, counts } = await worklist(sql, actor, ['read'], { now, counted: late })
    const [row] = listedCases(rows, { userId: actor.id, machineNow: now })
    return { row: row!, late: counts.late!.count, state: timeLeftOf(allowanceOf(row!), now).state }
  }
  const waiting = await rowAt(at(10))
  expect([waiting.row.paused, waiting.state, waiting.late]).toEqual(['waiting-technologist', 'paused', 0])
  expect(allowanceOf(waiting.row).paused).toBe('Waiting: technologist')
  expect(whyLate(waiting.row)).toBe('Waiting: technologist')

  const said = { returnId, answer: 'answered', words: 'The left one.' } as const
  await answerReturn(department, await actAs(department, 'tech', at(20)), said)
  await settleOrder(department, await dutyAct(department, { now: at(20) }), { orderId })
  const [item] = await sql<{ due_at: Date }[]>`select due_at from work_items where id = ${itemId}`
  // Exactly the twenty minutes that it stood still.
  expect(item!.due_at).toEqual(at(25))
  const running = await rowAt(at(26))
  expect([running.row.paused, running.state, running.late]).toEqual([null, 'late', 1])
})
