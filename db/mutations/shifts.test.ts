import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Actor } from '#domain/permissions.ts'
import type { Department } from '../department.ts'
import { actAs, seededDepartment } from '../order.fixture.ts'
import { onShiftAt, plannedShifts } from '../queries/shifts.ts'
import { readableStudy } from '../reading.fixture.ts'
import type { Act } from './mutate.ts'
import { dropShift, setShift } from './shifts.ts'
import { claim, release } from './work-items.ts'

let department: Department
let lead: Act
let radiologist: Act
const HOUR_MS = 3_600_000

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
  lead = await actAs(department, 'lead')
  radiologist = await actAs(department, 'radiologist')
})

afterAll(async () => department.close())

const at = (hours: number) => new Date(lead.now.getTime() + hours * HOUR_MS)
const shift = (from: number, to: number, more: { area?: string; userId?: string } = {}) => ({
  ...{ siteId: 'MAIN', area: 'neuro', userId: radiologist.actor.id, from: at(from), to: at(to) },
  ...more,
})

describe('[RW-03] a shift', () => {
  test('is set by who leads, for somebody who reads that area there', async () => {
    await expect(setShift(department, radiologist, shift(0, 8))).rejects.toMatchObject({ code: 'forbidden' })
    const elsewhere = { ...lead, actor: { ...lead.actor, sites: ['NORTH'] } }
    await expect(setShift(department, elsewhere, shift(0, 8))).rejects.toMatchObject({ code: 'forbidden' })
    const technologist = (await actAs(department, 'tech')).actor.id
    await expect(setShift(department, lead, shift(0, 8, { userId: technologist }))).rejects.toMatchObject({
      code: 'not-eligible',
    })
    await expect(setShift(department, lead, shift(0, 8, { area: 'dental' }))).rejects.toMatchObject({
      code: 'not-eligible',
    })
    for (const [from, to] of [
      [8, 0],
      [0, 0],
      [0, 24 * 8],
    ] as const)
      await expect(setShift(department, lead, shift(from, to))).rejects.toMatchObject({
        code: 'invalid-message',
      })
  })

  test('begins and ends at its instants, and ends at once when it is dropped', async () => {
    const { shiftId } = await setShift(department, lead, shift(1, 9, { area: 'msk' }))
    const onShift = async (hours: number) => (await onShiftAt(department.sql, at(hours)))('MAIN', 'msk')
    const me = [radiologist.actor.id]
    expect([await onShift(0.9), await onShift(1), await onShift(8.9), await onShift(9)]).toEqual([
      [],
      me,
      me,
      [],
    ])
    // Set again it is the same shift, with another end.
    expect(await setShift(department, lead, shift(1, 10, { area: 'msk' }))).toEqual({ shiftId })
    expect(await onShift(9)).toEqual(me)
    await dropShift(department, lead, { shiftId })
    expect(await onShift(2)).toEqual([])
    expect(await plannedShifts(department.sql, null, { now: at(0), until: at(24) })).not.toContainEqual(
      expect.objectContaining({ id: shiftId }),
    )
    await expect(dropShift(department, radiologist, { shiftId })).rejects.toMatchObject({ code: 'forbidden' })
  })

  test('keeps a case of its area from spilling; without one, half the allowance opens it to readers of other areas', async () => {
    const { itemId } = await readableStudy(department, 'urgent')
    const halfway = at(3)
    const other: Act = {
      ...radiologist,
      now: halfway,
      actor: { ...radiologist.actor, areas: ['chest'] } satisfies Actor,
    }
    const take = async () => release(department, other, await claim(department, other, { itemId }))
    await expect(take()).resolves.toBeUndefined()
    const { shiftId } = await setShift(department, lead, shift(2, 6))
    await expect(take()).rejects.toMatchObject({ code: 'not-eligible' })
    await dropShift(department, lead, { shiftId })
    await expect(take()).resolves.toBeUndefined()
  })
})
