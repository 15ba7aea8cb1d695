import { expect, test } from 'vitest'
import { lateCases } from '#app/server/late-cases.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { type Department, openDepartment } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { issuePreliminary, openReport } from '#db/mutations/reports.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs, seededDepartment } from '#db/order.fixture.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import { HOUR_MS, MINUTE_MS } from '#domain/calendar.ts'
import { POLICY_VERSION_1 } from '#domain/policy.ts'
import { wordFor } from '../../strings/words.ts'
import { ownerOf, whyLate } from './why-late.ts'

async function claimed(
  department: Department,
  { who, orderId, kind }: Record<'who' | 'orderId' | 'kind', string>,
) {
  await settleOrder(department, await dutyAct(department), { orderId })
  const [row] = await department.sql<{ id: string }[]>`
    select id from work_items where order_id = ${orderId} and kind = ${kind} and state = 'open'`
  const act = await actAs(department, who)
  return { act, held: await claim(department, act, { itemId: row!.id }) }
}

async function preliminaryOut(department: Department): Promise<string> {
  const { orderId } = await readableStudy(department, 'stat')
  const { act, held } = await claimed(department, { who: 'resident', orderId, kind: 'read' })
  const { reportId } = await openReport(department, act, held)
  const content = { sections: [{ key: 'impression', text: 'No bleed.' }] }
  await issuePreliminary(department, act, { ...held, reportId, content })
  return orderId
}

test('[RP-08] the late list shows the lead a report that nobody finishes, before it becomes theirs, and says so', async () => {
  const database = await testDatabase()
  const before = await seededDepartment(database)
  const orderId = await preliminaryOut(before)
  const { actor } = await actAs(before, 'lead')
  const [resident] = await before.sql`select name from users where user_name = 'resident'`
  const unfinishedMs = POLICY_VERSION_1.watchdog.wetReadMs + POLICY_VERSION_1.allowances.watchdog.ms

  async function unfinishedAfter(ms: number, time: 'late' | 'soon') {
    await before.sql`
      insert into department_clock (base_machine, base_department, rate)
      select at, at + ${ms} * interval '1 millisecond', 1 from (select now() as at) clock
      on conflict ("only") do update set base_machine = excluded.base_machine, base_department = excluded.base_department`
    const department = openDepartment(database, { name: 'test', max: 2 })
    await settleOrder(department, await dutyAct(department), { orderId })
    const signedIn = { person: { id: actor.id, actor }, server: { department } }
    const filter = { time: [time] }
    const { cases: late } = await lateCases(signedIn as never, { withinMs: HOUR_MS, filter })
    await department.close()
    return late
      .filter(({ kind }) => kind === 'watchdog')
      .map((row) => [row.orderId, wordFor('work', row.kind), ownerOf(row), whyLate(row)])
  }
  const said = [[orderId, 'unfinished report', resident!.name, 'begun, and nobody finishes it']]
  expect(await unfinishedAfter(unfinishedMs - 2 * HOUR_MS, 'soon')).toEqual([])
  expect(await unfinishedAfter(unfinishedMs - 30 * MINUTE_MS, 'soon')).toEqual(said)
  expect(await unfinishedAfter(unfinishedMs + MINUTE_MS, 'late')).toEqual(said)
  await before.close()
})
