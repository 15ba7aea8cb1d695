import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '../department.ts'
import { actAs, seededDepartment } from '../order.fixture.ts'
import { listViews } from '../queries/saved-views.ts'
import type { Act } from './mutate.ts'
import { changeView, keepLayout, retireView, saveView } from './saved-views.ts'

let department: Department
let radiologist: Act
let colleague: Act
let resident: Act

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
  radiologist = await actAs(department, 'radiologist')
  colleague = await actAs(department, 'radiologist2')
  resident = await actAs(department, 'resident')
})

afterAll(async () => department.close())

const seenBy = async ({ actor }: Act) =>
  (await listViews(department.sql, actor, 'reading')).views.map(({ name }) => name)
const view = (name: string, more: { filter?: string; shared?: boolean } = {}) =>
  ({ list: 'reading', name, filter: '', shared: false, ...more }) as const

describe('[RW-10] a saved view', () => {
  test('is its owner’s alone until it is shared, and then everybody’s at the owner’s sites, with the owner named', async () => {
    const { viewId } = await saveView(
      department,
      radiologist,
      view('Neuro CT', { filter: 'modality:CT;area:neuro' }),
    )
    expect(await seenBy(colleague)).not.toContain('Neuro CT')
    await changeView(department, radiologist, { viewId, shared: true })
    const { views } = await listViews(department.sql, colleague.actor, 'reading')
    expect(views.find(({ id }) => id === viewId)).toMatchObject({
      filter: 'area:neuro;modality:CT',
      owner: { id: radiologist.actor.id },
    })
    const elsewhere = { ...colleague.actor, sites: ['NORTH'] }
    expect((await listViews(department.sql, elsewhere, 'reading')).views).toEqual([])
    expect((await listViews(department.sql, colleague.actor, 'late')).views).toEqual([])
  })

  test('is changed and taken off by its owner alone', async () => {
    const { viewId } = await saveView(department, radiologist, view('Chest', { shared: true }))
    for (const act of [colleague, await actAs(department, 'lead')]) {
      await expect(changeView(department, act, { viewId, filter: 'area:msk' })).rejects.toMatchObject({
        code: 'forbidden',
      })
      await expect(retireView(department, act, { viewId })).rejects.toMatchObject({ code: 'forbidden' })
    }
    await retireView(department, radiologist, { viewId })
    expect(await seenBy(colleague)).not.toContain('Chest')
    await expect(changeView(department, radiologist, { viewId, shared: false })).rejects.toMatchObject({
      code: 'not-found',
    })
  })

  test('is shared by those who may: a resident keeps views, and shares none', async () => {
    await expect(saveView(department, resident, view('Mine', { shared: true }))).rejects.toMatchObject({
      code: 'forbidden',
    })
    const { viewId } = await saveView(department, resident, view('Mine'))
    await expect(changeView(department, resident, { viewId, shared: true })).rejects.toMatchObject({
      code: 'forbidden',
    })
    expect(await seenBy(resident)).toContain('Mine')
    const machine = { ...resident, actor: { ...resident.actor, roles: ['integration' as const] } }
    await expect(saveView(department, machine, view('Program'))).rejects.toMatchObject({ code: 'forbidden' })
  })

  test('saved twice under one name is one view, with the newest filter; a name of nothing is refused', async () => {
    const first = await saveView(department, radiologist, view('Night', { filter: 'priority:stat' }))
    const again = await saveView(department, radiologist, view(' night ', { filter: 'priority:stat,urgent' }))
    expect(again).toEqual(first)
    expect((await seenBy(radiologist)).filter((name) => /night/i.test(name))).toEqual(['Night'])
    await expect(saveView(department, radiologist, view('  '))).rejects.toMatchObject({
      code: 'invalid-message',
    })
    await expect(saveView(department, radiologist, view('x'.repeat(41)))).rejects.toMatchObject({
      code: 'invalid-message',
    })
  })

  test('keeps ids and nothing else of a filter that somebody typed', async () => {
    const { viewId } = await saveView(
      department,
      radiologist,
      view('Odd', { filter: 'area:MUSTER^MAX;modality:CT' }),
    )
    const { views } = await listViews(department.sql, radiologist.actor, 'reading')
    expect(views.find(({ id }) => id === viewId)?.filter).toBe('modality:CT')
  })

  test('has each person’s own columns, widths and density, and refuses what is no layout', async () => {
    const layout = {
      columns: ['priority', 'patient', '<b>'],
      widths: { patient: 320, priority: 1 },
      density: 28,
    }
    await keepLayout(department, radiologist, { list: 'reading', viewId: 'stat', layout })
    const own = await listViews(department.sql, radiologist.actor, 'reading')
    expect(own.layouts.stat).toEqual({
      columns: ['priority', 'patient'],
      widths: { patient: 320 },
      density: 28,
    })
    expect((await listViews(department.sql, colleague.actor, 'reading')).layouts).toEqual({})
    await keepLayout(department, radiologist, { list: 'reading', viewId: 'stat', layout: {} })
    expect((await listViews(department.sql, radiologist.actor, 'reading')).layouts.stat).toEqual({})
    await expect(
      keepLayout(department, radiologist, { list: 'reading', viewId: 'stat', layout: 'wide' }),
    ).rejects.toMatchObject({ code: 'invalid-message' })
  })
})
