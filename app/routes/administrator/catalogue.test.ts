import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { configurationVersions, rollBackConfiguration } from '#db/mutations/configuration.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { assignRetention } from '#db/mutations/retention.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { actAs, anEnvelope, anOrder, seededDepartment } from '#db/order.fixture.ts'
import { calendarStep } from '#db/queries/calendar.ts'
import { configuration } from '#db/queries/configuration.ts'
import { readableStudy, studyAtTheGate } from '#db/reading.fixture.ts'
import { type AtTheScreen, sitDown } from '../technologist/screen.fixture.ts'
import { action, loader } from './catalogue.tsx'

let department: Department
const at: Record<string, AtTheScreen> = {}

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  for (const user of ['admin', 'lead', 'tech']) at[user] = await sitDown(department, { databaseUrl, user })
})

afterAll(() => department.close())

const HEAD = 'LN 30799-1'
const entryOf = async (key = HEAD, user = 'admin') =>
  (await loader(at[user]!.args('/catalogue'))).entries.find((entry) => entry.key === key)!

/** The form as it stands on the page, with these fields written over. */
async function form(more: Record<string, string>): Promise<Record<string, string>> {
  const { protocols: _, template: __, key: ___, gates, ...entry } = await entryOf()
  const said = Object.entries(entry).map(([name, value]) => [name, value === null ? '' : String(value)])
  const password = at.admin!.password
  return { intent: 'save', ...Object.fromEntries(said), gates: gates.join(', '), password, ...more }
}

const press = (user: string, fields: Record<string, string>) => action(at[user]!.args('/catalogue', fields))

test('[AD-03] an entry shows its codes, times, questions, preparation, protocol, template, RVU, promise and retention', async () => {
  const { entries, mayChange } = await loader(at.lead!.args('/catalogue'))
  expect(mayChange).toBe(false)
  expect(entries).toHaveLength(18)
  expect(entries.find(({ key }) => key === 'LN 36813-4')).toMatchObject({
    ...{
      shortName: 'CT abdomen pelvis w',
      modality: 'CT',
      area: 'abdomen',
      slotMinutes: 20,
      prepMinutes: 45,
    },
    ...{
      gates: ['pregnancy', 'contrast-allergy', 'egfr'],
      preparation: '4 h fasting',
      protocolling: 'reader',
    },
    ...{ loinc: '36813-4', rpid: null, template: null, rvu: null, slaMinutes: null, retentionYears: null },
    protocols: [{ name: 'CT abdomen pelvis w', isDefault: true }],
  })
})

test('[AD-03] a change is a version with who and when, books the next patient accordingly, and is rolled back', async () => {
  const before = await entryOf()
  const more = { slotMinutes: '25', preparation: 'Remove hearing aids', rvu: '1.25', rpid: 'RPID22' }
  expect(await press('admin', await form(more))).toMatchObject({
    ...{ ok: true, version: 1 },
    changed: expect.arrayContaining(['slotMinutes', 'preparation', 'rvu', 'rpid']),
  })
  expect(await entryOf()).toMatchObject({
    slotMinutes: 25,
    preparation: 'Remove hearing aids',
    rvu: 1.25,
    rpid: 'RPID22',
  })
  expect(await press('admin', await form({}))).toMatchObject({ ok: true, version: null, changed: [] })
  const [newest] = await configurationVersions(department)
  expect(newest).toMatchObject({ version: 1, appliedBy: 'P. Novak' })

  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [anOrder()])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const [step] = await department.sql`select id from steps where order_id = ${received.orderIds[0]!}`
  const { actor } = await actAs(department, 'scheduler')
  expect(await calendarStep(department.sql, actor, step!.id)).toMatchObject({ minutes: 25 })

  await rollBackConfiguration(department, await actAs(department, 'admin'), 0)
  expect(await entryOf()).toEqual(before)
})

test('[AD-03] what a file of before did not know stays as it is', async () => {
  await press('admin', await form({ rvu: '2', retentionYears: '30' }))
  const { procedures } = await configuration(department.sql)
  const { rvu: _, retentionYears: __, ...old } = procedures.find(({ code }) => code === '30799-1')!
  const { applyConfiguration } = await import('#db/mutations/configuration.ts')
  await applyConfiguration(department, await actAs(department, 'admin'), {
    procedures: [{ ...old, slotMinutes: 12 }],
  })
  expect(await entryOf()).toMatchObject({ slotMinutes: 12, rvu: 2, retentionYears: 30 })
  await press('admin', await form({ rvu: '', retentionYears: '', slotMinutes: '10' }))
})

test('[AD-03] the promise of a procedure is what its routine reading is due by, and its years lengthen how long it is kept', async () => {
  const dueMinutes = async (orderId: string) =>
    (
      await department.sql`select allowance_ms / 60000 as n from work_items where order_id = ${orderId} and kind = 'read'`
    )[0]!.n
  const usual = await readableStudy(department, 'routine')
  expect(await dueMinutes(usual.orderId)).toBe(12 * 60)
  const underWay = await studyAtTheGate(department, 'routine')
  await press('admin', await form({ slaMinutes: '90', retentionYears: '40' }))
  // What was ordered under the version before keeps its promise, though it is read only now.
  await underWay.accept()
  await settleOrder(department, await dutyAct(department), { orderId: underWay.orderId })
  expect(await dueMinutes(underWay.orderId)).toBe(12 * 60)
  const [routine, urgent] = [
    await readableStudy(department, 'routine'),
    await readableStudy(department, 'urgent'),
  ]
  expect([await dueMinutes(routine.orderId), await dueMinutes(urgent.orderId)]).toEqual([90, 4 * 60])
  expect(await dueMinutes(usual.orderId)).toBe(12 * 60)

  await assignRetention(department, await dutyAct(department), { orderId: routine.orderId })
  const [study] = await department.sql`
    select retention_rule, extract(year from expires_on) - extract(year from first_instance_at) as years from studies
    where id in (select study_id from study_links where order_id = ${routine.orderId})`
  expect([study!.retention_rule, Number(study!.years)]).toEqual(['catalogue', 40])
  await press('admin', await form({ slaMinutes: '', retentionYears: '' }))
})

test('[AD-03] without the password or the right nothing is changed, nor with a value that is none', async () => {
  const before = await entryOf()
  const change = await form({ slotMinutes: '99' })
  expect(await press('admin', { ...change, password: 'not it' })).toMatchObject({
    code: 'reauthentication-required',
  })
  expect(await press('lead', { ...change, password: at.lead!.password })).toMatchObject({ code: 'forbidden' })
  await expect(press('tech', change)).rejects.toMatchObject({ init: { status: 404 } })
  const wrongs: [string, string][] = [
    ['slotMinutes', '0'],
    ['slotMinutes', 'x'],
    ['shortName', 'x'.repeat(31)],
    ['rvu', '-1'],
  ]
  for (const [name, value] of wrongs)
    expect(await press('admin', { ...change, [name]: value })).toMatchObject({ code: 'invalid-message' })
  expect(await entryOf()).toEqual(before)
})

test('[AD-03] a new procedure is a version, can be ordered at once, and is refused in words when it is none or there already', async () => {
  const added = {
    ...{
      intent: 'add',
      scheme: '99LOCAL',
      code: 'KNEE-DYN',
      name: 'MR knee, dynamic',
      shortName: 'MR knee dyn',
    },
    ...{
      modality: 'MR',
      area: 'msk',
      protocolling: 'reader',
      slotMinutes: '35',
      gates: 'implants, contrast-allergy',
    },
  }
  const password = at.admin!.password
  const wrongs: [more: Record<string, string>, sentence: RegExp][] = [
    [{ slotMinutes: '' }, /At the scanner, minutes/],
    [{ gates: 'implants, bad mood' }, /Safety questions/],
    [{ modality: 'XX' }, /Modality/],
    [{ code: '' }, /“Code”/],
  ]
  for (const [more, sentence] of wrongs)
    expect(await press('admin', { ...added, password, ...more })).toMatchObject({
      ...{ ok: false, code: 'invalid-message', sentence: expect.stringMatching(sentence) },
    })
  expect(await press('admin', { ...added, password: 'not it' })).toMatchObject({
    code: 'reauthentication-required',
  })
  expect(await press('lead', { ...added, password: at.lead!.password })).toMatchObject({ code: 'forbidden' })
  expect(await entryOf('99LOCAL KNEE-DYN')).toBeUndefined()

  expect(await press('admin', { ...added, password })).toMatchObject({
    ok: true,
    version: expect.any(Number),
  })
  expect(await entryOf('99LOCAL KNEE-DYN')).toMatchObject({
    ...{ name: 'MR knee, dynamic', slotMinutes: 35, prepMinutes: 0, gates: ['implants', 'contrast-allergy'] },
    protocols: [],
  })
  for (const again of [added, { ...added, name: 'Another name' }])
    expect(await press('admin', { ...again, password })).toMatchObject({
      ...{ ok: false, code: 'message-conflict', sentence: expect.stringMatching(/already/) },
    })
  const order = anOrder()
  const [asked] = order.procedures
  const ordered = { ...asked!, code: 'KNEE-DYN', scheme: '99LOCAL' }
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [
    { ...order, procedures: [ordered] },
  ])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const [step] = await department.sql`select id from steps where order_id = ${received.orderIds[0]!}`
  const { actor } = await actAs(department, 'scheduler')
  expect(await calendarStep(department.sql, actor, step!.id)).toMatchObject({ minutes: 35 })
})

test('[AD-03] an earlier version comes back for the procedures alone, as a version of its own; what was added since stays', async () => {
  const password = at.admin!.password
  const versionsOf = async () => (await loader(at.admin!.args('/catalogue'))).versions
  await press('admin', await form({ slotMinutes: '15' }))
  const [fifteen] = await versionsOf()
  await press('admin', await form({ slotMinutes: '45', rvu: '3' }))
  const { applyConfiguration } = await import('#db/mutations/configuration.ts')
  const { policy } = await configuration(department.sql)
  await applyConfiguration(department, await actAs(department, 'admin'), { policy: { ...policy, oldest: 1 } })
  const added = { ...(await form({})), intent: 'add', code: 'NEW-1', shortName: 'New one' }
  await press('admin', added)

  const listed = await versionsOf()
  expect(listed[0]).toMatchObject({ appliedBy: 'P. Novak', changes: [], stays: [] })
  const back = listed.find(({ version }) => version === fifteen!.version)!
  expect(back).toMatchObject({
    stays: ['New one'],
    changes: [
      {
        key: HEAD,
        fields: expect.arrayContaining([
          { name: 'slotMinutes', now: 45, back: 15 },
          { name: 'rvu', now: 3, back: null },
        ]),
      },
    ],
  })
  const asked = { intent: 'roll-back', version: String(back.version) }
  expect(await press('lead', { ...asked, password: at.lead!.password })).toMatchObject({ code: 'forbidden' })
  expect(await press('admin', { ...asked, password: 'not it' })).toMatchObject({
    code: 'reauthentication-required',
  })
  expect(await press('admin', { ...asked, version: '4711', password })).toMatchObject({ code: 'not-found' })
  await expect(press('admin', { ...asked, version: 'x', password })).rejects.toMatchObject({
    init: { status: 400 },
  })
  expect(await entryOf()).toMatchObject({ slotMinutes: 45 })

  expect(await press('admin', { ...asked, password })).toMatchObject({
    ...{ ok: true, changed: expect.arrayContaining(['slotMinutes', 'rvu']) },
  })
  expect(await entryOf()).toMatchObject({ slotMinutes: 15, rvu: null })
  expect(await entryOf('LN NEW-1')).toBeDefined()
  expect((await configuration(department.sql)).policy).toMatchObject({ oldest: 1 })
  expect((await versionsOf())[0]).toMatchObject({ rolledBackFrom: back.version })
  expect(await press('admin', { ...asked, password })).toMatchObject({ ok: true, version: null })
})

test('[MA-09] a lead keeps the library on the catalogue’s page: a new version, another default, one retired', async () => {
  const [scheme, code] = ['LN', '30799-1']
  const text = {
    intent: 'keep-protocol',
    scheme,
    code,
    protocolCode: 'CTH-DUAL',
    name: 'CT head dual energy',
  }
  const kept = { ...text, parameters: 'tube voltage: 80 kV\nkernels: soft and bone', aliases: '7.1 HeadDE\n' }
  expect(await press('lead', kept)).toMatchObject({ ok: true, version: 1 })
  const added = (await entryOf()).protocols.find(({ name }) => name === text.name)!
  expect(added).toMatchObject({
    parameters: [
      { name: 'tube voltage', value: '80', unit: 'kV' },
      { name: 'kernels', value: 'soft and bone', unit: '' },
    ],
    ...{ aliases: ['7.1 HeadDE'], isDefault: false, madeBy: 'J. Moreau' },
  })
  expect(await press('lead', { ...kept, id: added.id, aliases: '' })).toMatchObject({ version: 2 })
  expect(await press('lead', { intent: 'default-protocol', id: added.id })).toMatchObject({ ok: true })
  expect((await entryOf()).protocols[0]).toMatchObject({ id: added.id, isDefault: true, version: 2 })
  const retire = { intent: 'retire-protocol', id: added.id }
  expect(await press('lead', retire)).toMatchObject({ code: 'illegal-transition' })
  const [usual] = (await entryOf()).protocols.filter(({ isDefault }) => !isDefault)
  await press('lead', { intent: 'default-protocol', id: usual!.id })
  expect(await press('lead', retire)).toMatchObject({ ok: true })
  expect((await entryOf()).protocols.map(({ id }) => id)).not.toContain(added.id)
})
