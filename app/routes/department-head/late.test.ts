import { expect, test } from 'vitest'
import { lateAnswer, lateCases, lateList } from '#app/server/late-cases.ts'
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
import { allRows } from '../../worklist/list-source.ts'
import { sitDown } from '../technologist/screen.fixture.ts'
import { loader as rowsLoader } from './late-rows.ts'
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

test('[RW-10] the late list goes on below its first page to its very end, each row once while work comes and goes', async () => {
  const database = await testDatabase()
  const department = await seededDepartment(database)
  const { sql } = department
  const { itemId } = await readableStudy(department, 'routine')
  const now = await department.now()
  const copy = (name: string, count: number, secondsLate: ReturnType<typeof sql>) => sql`
    insert into work_items select (jsonb_populate_record(w, jsonb_build_object('id', ${name} || i, 'subject_id', ${name} || i,
      'due_at', ${now}::timestamptz - ${secondsLate} * interval '1 second'))).*
    from work_items w, generate_series(1, ${count}) i where w.id = ${itemId}`
  await copy('copy', 1250, sql`(i * 7919 % 1250 + 60)`)
  const { actor } = await actAs(department, 'lead')
  const signedIn = { person: { ...actor, roles: ['lead'], actor }, server: { department } } as never
  const pages = (n: number) => lateList(signedIn, new URLSearchParams({ view: 'late', pages: String(n) }))
  const ids = ({ late }: Awaited<ReturnType<typeof pages>>) => late.map(({ id }) => id)

  const first = await pages(1)
  expect([first.late.length, first.bar.shown]).toEqual([200, 1250])
  const all = await pages(7)
  expect(all.late).toHaveLength(1250)
  expect(new Set(ids(all)).size).toBe(1250)
  expect(all.late.map(({ dueAt }) => dueAt!)).toEqual(all.late.map(({ dueAt }) => dueAt!).sort())
  expect(ids(all).slice(0, 200)).toEqual(ids(first))

  // The first is done and a later one becomes the latest of all, while somebody reads on.
  const [gone] = ids(all)
  await sql`update work_items set state = 'cancelled' where id = ${gone!}`
  await copy('new', 1, sql`86400`)
  const then = await pages(7)
  expect(ids(then)).toEqual(['new1', ...ids(all).slice(1)])

  // What the screen has does not travel again: one row came.
  const search = new URLSearchParams({ view: 'late', pages: '7' })
  const { list } = JSON.parse(await lateAnswer(signedIn, '', search))
  expect(allRows<{ id: string }>(list).map(({ id }) => id)).toEqual(ids(then))
  await sql`update work_items set state = 'cancelled' where id = 'new1'`
  const { list: next } = JSON.parse(await lateAnswer(signedIn, list.version, search))
  expect([next.order.length, Object.keys(next.rows)]).toEqual([1249, []])

  const tech = await sitDown(department, { databaseUrl: database, user: 'tech' })
  await expect(rowsLoader(tech.args('/late/rows'))).rejects.toMatchObject({ init: { status: 404 } })
  await department.close()
})
