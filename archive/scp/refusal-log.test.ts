import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { seededDepartment } from '#db/order.fixture.ts'
import { RefusalLog } from './refusal-log.ts'
import { incidentOf } from './refusals.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

afterAll(() => department.close())

const refusal = (callingAe: string) =>
  incidentOf({
    at: new Date(),
    kind: 'rejected',
    remoteAddress: '203.0.113.9',
    callingAe,
    calledAe: 'ISOCENTER',
    rejection: { result: 1, source: 1, reason: 3 },
    why: 'No device has this AE title',
    setting: 'devices, or policy unknownCallingAe',
  })

test('a flood of refusals under ever new names costs few rows, fills no list, and every one of them is counted', async () => {
  const log = new RefusalLog(department, pino({ level: 'silent' }), { waiting: 10, listed: 4 })
  for (let n = 0; n < 300; n++) log.note(refusal(`FLOOD${n}`))
  for (let n = 0; n < 50; n++) log.note(refusal('FLOOD1'))
  await log.close()
  expect(log.noted).toBe(350)
  const { sql } = department
  const audited = await sql<{ times: number }[]>`
    select coalesce((data->>'times')::int, 1) as times from audit_events where type = 'association.refused'`
  expect(audited.length).toBeLessThanOrEqual(12)
  expect(audited.reduce((sum, { times }) => sum + times, 0)).toBe(350)
  const listed = await sql<{ key: string; reason: string; times: number }[]>`
    select key, reason, times from exceptions where kind = 'refused-association' order by key`
  expect(listed).toHaveLength(5)
  expect(listed.reduce((sum, { times }) => sum + times, 0)).toBe(350)
  expect(listed.find(({ key }) => key === 'many')?.reason).toContain('the audit trail has each of them')
})

test('a name that is no name is written down as plain text, and cannot be mistaken for another', async () => {
  const incident = refusal('\u0000<b>\u00e9\u0007')
  expect(incident.aeTitle).toBe('?<b>??')
  expect(incident.exception?.reason).toContain('?<b>?? from 203.0.113.9, calling ISOCENTER, was refused.')
  expect(refusal('   ').aeTitle).toBe('(none)')
})

test('what the database cannot take now is written when it can, and what came meanwhile is counted with it', async () => {
  const { sql } = department
  const log = new RefusalLog(department, pino({ level: 'silent' }), { waiting: 10, listed: 100 })
  const told = () => sql<{ times: number }[]>`
    select times from exceptions where kind = 'refused-association' and refs->>'aeTitle' = 'LATER'`
  await sql`alter table exceptions rename to exceptions_away`
  try {
    log.note(refusal('LATER'))
    await expect.poll(() => log.failed).toBeGreaterThan(0)
    log.note(refusal('LATER'))
  } finally {
    await sql`alter table exceptions_away rename to exceptions`
  }
  await expect.poll(told, { timeout: 5_000 }).toEqual([{ times: 2 }])
  await log.close()
})
