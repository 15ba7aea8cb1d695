import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '../department.ts'
import { actAs, seededDepartment } from '../order.fixture.ts'
import { type Configuration, configuration } from '../queries/configuration.ts'
import {
  applyConfiguration,
  compareConfiguration,
  configurationVersions,
  rollBackConfiguration,
} from './configuration.ts'

let department: Department
let seeded: Configuration

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
  seeded = await configuration(department.sql)
})

afterAll(() => department.close())

const now = () => configuration(department.sql)
const act = () => actAs(department, 'admin')
const apply = async (change: Partial<Configuration>) => applyConfiguration(department, await act(), change)
const rollBack = async (version: number) => rollBackConfiguration(department, await act(), version)

const clinic: Configuration['destinations'][number] = {
  id: 'clinic',
  name: 'Clinic',
  kind: 'hl7-oru',
  host: '127.0.0.1',
  port: 2599,
  receivingApplication: '',
  receivingFacility: '',
  required: true,
  policy: {},
  enabled: true,
}

test('the first change can be rolled back too, with every policy and receiver that it brought', async () => {
  const [emr] = seeded.destinations
  const changed = { destinations: [{ ...emr!, name: 'Renamed' }, clinic], policy: { recallMs: 60_000 } }
  const { version } = await apply(changed)
  expect(version).toBe(1)
  expect((await now()).destinations.map(({ name }) => name).sort()).toEqual(['Clinic', 'Renamed'])

  const back = await rollBack(0)
  expect(back.differences.map(({ path, change }) => [path, change])).toEqual([
    ['destinations/emr', 'changed'],
    ['destinations/clinic', 'removed'],
    ['policy/recallMs', 'removed'],
  ])
  expect(await now()).toEqual(seeded)
  expect(await rollBack(0)).toEqual({ version: null, differences: [] })

  await rollBack(1)
  expect((await now()).policy).toEqual({ ...seeded.policy, recallMs: 60_000 })
  const versions = await configurationVersions(department)
  expect(versions.map((one) => [one.version, one.appliedBy, one.rolledBackFrom])).toEqual([
    [3, 'P. Novak', 1],
    [2, 'P. Novak', 0],
    [1, 'P. Novak', null],
    [0, 'department', null],
  ])
  await rollBack(0)
})

test('a device left out of the file is switched off, and on again by rolling back', async () => {
  const devices = seeded.devices.filter(({ aeTitle }) => aeTitle !== 'CT2')
  await apply({ devices })
  expect((await now()).devices.find(({ aeTitle }) => aeTitle === 'CT2')?.enabled).toBe(false)
  expect((await apply({ devices })).version).toBeNull()
  await rollBack(0)
  expect(await now()).toEqual(seeded)
})

test('a version or a site that is not there is refused, and nothing is changed', async () => {
  await expect(rollBack(99)).rejects.toMatchObject({ code: 'not-found' })
  const [device] = seeded.devices
  const elsewhere = { devices: [...seeded.devices, { ...device!, aeTitle: 'NEW', site: 'NOWHERE' }] }
  await expect(compareConfiguration(department, elsewhere)).rejects.toMatchObject({ code: 'invalid-message' })
  await expect(apply(elsewhere)).rejects.toMatchObject({
    code: 'invalid-message',
    refs: { problem: 'there is no site NOWHERE' },
  })
  expect(await now()).toEqual(seeded)
})

test('a site that says nothing of its hours keeps them, a new one is open day and night, and hours nobody can count by are refused', async () => {
  const [own] = seeded.sites
  const { calendar, ...silent } = own!
  await apply({ sites: [{ ...silent, name: 'Main building' } as typeof own & object] })
  expect((await now()).sites.find(({ id }) => id === own!.id)).toMatchObject({
    name: 'Main building',
    calendar,
  })
  await apply({ sites: [{ id: 'EAST', name: 'East', zone: 'Europe/Berlin' } as typeof own & object] })
  expect((await now()).sites.find(({ id }) => id === 'EAST')).toMatchObject({
    calendar: { windows: expect.arrayContaining([{ weekday: 7, opens: '00:00', closes: '24:00' }]) },
  })
  const refused = { code: 'invalid-message' }
  await expect(apply({ sites: [{ ...own!, zone: 'Europe/Berln' }] })).rejects.toMatchObject(refused)
  await expect(
    apply({ sites: [{ ...own!, calendar: { windows: [], holidays: [] } }] }),
  ).rejects.toMatchObject(refused)
  const late = { windows: [{ weekday: 1, opens: '7', closes: '25:00' }], holidays: [] }
  await expect(apply({ sites: [{ ...own!, calendar: late }] })).rejects.toMatchObject(refused)
  await apply({ sites: [own!] })
})
