import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import { arrive } from '#db/mutations/steps.ts'
import { actAs, anOrder } from '#db/order.fixture.ts'
import type { NameSaid, OrderPatient } from '#domain/order-message.ts'
import {
  type BookedOrder,
  bookedOrder,
  dcmtk,
  findscu,
  openArchive,
  type TestArchive,
} from './archive.fixture.ts'

let archive: TestArchive

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
})

afterAll(() => archive.close())

const STEP = '(0040,0100)[0]'

function patientNamed(name: NameSaid, more: Partial<OrderPatient> = {}): OrderPatient {
  return { ...anOrder().patient, name, ...more }
}

async function accessions(aet: string, keys: string[]): Promise<(string | undefined)[]> {
  const isAsked = keys.some((key) => key.startsWith('0008,0050'))
  const found = await findscu(archive.port, { aet, keys: isAsked ? keys : [...keys, '0008,0050'] })
  return found.map((item) => item.text('AccessionNumber'))
}

async function cancelled({ orderId }: BookedOrder): Promise<void> {
  const { sql } = archive.department
  await sql`update orders set end_kind = 'cancelled', ended_at = ${new Date()} where id = ${orderId}`
}

test('[MA-01] a worklist item carries every key a scanner needs to identify patient, order and step', async () => {
  const order = await bookedOrder(archive.department, { reason: { text: 'Known mass', codes: [] } })
  const [item] = await findscu(archive.port, {
    keys: [
      `0008,0050=${order.accession}`,
      '0008,0090',
      '0010,0010',
      '0010,0020',
      '0010,0021',
      '0010,0030',
      '0010,0040',
      '0020,000d',
      '0032,1032',
      '0032,1060',
      '0032,1064',
      '0038,0010',
      '0040,1001',
      '0040,1002',
      '0040,1003',
      '0040,2017',
      `${STEP}.0040,0001`,
      `${STEP}.0040,0002`,
      `${STEP}.0040,0003`,
      `${STEP}.0008,0060`,
      `${STEP}.0040,0006`,
      `${STEP}.0040,0007`,
      `${STEP}.0040,0008`,
      `${STEP}.0040,0009`,
      `${STEP}.0040,0010`,
      `${STEP}.0040,0020`,
    ],
  })
  expect(item!.text('PatientID')).toBe(order.patientId)
  expect(item!.text('IssuerOfPatientID')).toBe('MAIN')
  expect(item!.text('PatientBirthDate')).toBe('19780214')
  expect(item!.text('PatientSex')).toBe('F')
  expect(item!.text('StudyInstanceUID')).toBe(order.studyUid)
  expect(item!.text('RequestedProcedureID')).toBe(order.requestedProcedureId)
  expect(item!.text('RequestedProcedureDescription')).toBe('CT head')
  expect(item!.text('RequestedProcedurePriority')).toBe('STAT')
  expect(item!.text('ReasonForTheRequestedProcedure')).toBe('Known mass')
  expect(item!.text('ReferringPhysicianName')).toBe('SAMPLE^OTTO')
  expect(item!.item('RequestedProcedureCodeSequence')!.text('CodeValue')).toBe('30799-1')
  const step = item!.item('ScheduledProcedureStepSequence')!
  expect(step.text('ScheduledStationAETitle')).toBe('CT1')
  expect(step.text('ScheduledProcedureStepStartDate')).toMatch(/^\d{8}$/)
  expect(step.text('ScheduledProcedureStepStartTime')).toMatch(/^\d{6}$/)
  expect(step.text('Modality')).toBe('CT')
  expect(step.text('ScheduledProcedureStepID')).toBe(order.stepNumber)
  expect(step.text('ScheduledStationName')).toBe('CT 1')
  expect(step.item('ScheduledProtocolCodeSequence')!.text('CodeMeaning')).toBe('CT head w/o')
  expect(step.has('ScheduledPerformingPhysicianName')).toBe(true)
  // Only what was asked for comes back.
  expect(item!.has('FillerOrderNumberImagingServiceRequest')).toBe(true)
  expect(item!.has('PlacerOrderNumberImagingServiceRequest')).toBe(false)
})

test('[MA-01] start times are local to the site of the order', async () => {
  const start = new Date('2031-07-01T08:30:00Z')
  const order = await bookedOrder(archive.department, { start })
  const keys = [`0008,0050=${order.accession}`, `${STEP}.0040,0002`, `${STEP}.0040,0003`]
  const [item] = await findscu(archive.port, { keys })
  const step = item!.item('ScheduledProcedureStepSequence')!
  expect([
    step.text('ScheduledProcedureStepStartDate'),
    step.text('ScheduledProcedureStepStartTime'),
  ]).toEqual(['20310701', '103000'])
})

test('[MA-01] a range of dates and of times is one period, from its first moment to its last', async () => {
  const at = (time: string) => bookedOrder(archive.department, { start: new Date(`2031-03-${time}:00Z`) })
  const [early, first, last, late] = [
    await at('03T08:59'),
    await at('03T09:00'),
    await at('05T17:00'),
    await at('05T17:01'),
  ]
  const period = (dates: string, times: string) =>
    accessions('FINDSCU', [`${STEP}.0040,0002=${dates}`, `${STEP}.0040,0003=${times}`])
  // 10:00 in Berlin is 09:00 UTC before the end of March.
  expect(await period('20310303-20310305', '1000-1800')).toEqual([first.accession, last.accession])
  expect(await period('20310303-20310305', '')).toEqual(
    [early, first, last, late].map(({ accession }) => accession),
  )
  expect(await period('20310304-20310305', '1000-180000')).toEqual([last.accession])
  expect(await period('20310304-', '1000-180000')).toEqual(
    expect.arrayContaining([last.accession, late.accession]),
  )
  expect(await period('-20310304', '-095900')).toContain(early.accession)
  expect(await period('20310305', '180100')).toEqual([late.accession])
})

test('[MA-01] a range that is no date is refused, not taken for everything', async () => {
  const keys = ['-k', '0008,0050', '-k', `${STEP}.0040,0002=soon`]
  const { said } = await dcmtk('findscu', [
    '-v',
    '-W',
    '-aec',
    'ISOCENTER',
    ...keys,
    '127.0.0.1',
    String(archive.port),
  ])
  expect(said).toMatch(/0xa900|DataSetDoesNotMatch/i)
})

test('[MA-01] without a date key the slot lies between yesterday and the day after tomorrow', async () => {
  const days = (count: number) => new Date(Date.now() + count * 86_400_000)
  const soon = await bookedOrder(archive.department, { start: days(1), roomId: 'mr-1' })
  const nextWeek = await bookedOrder(archive.department, { start: days(7), roomId: 'mr-1' })
  const { sql } = archive.department
  const old = await bookedOrder(archive.department, { start: days(2), roomId: 'mr-1' })
  await sql`update steps set planned_start = ${days(-3)}, planned_end = ${days(-2.9)} where id = ${old.stepId}`
  expect(await accessions('MR1', [])).toEqual([soon.accession])
  // Who names one order means it whenever it is due.
  expect(await accessions('MR1', [`0008,0050=${nextWeek.accession}`])).toEqual([nextWeek.accession])
})

test('[MA-01] names match by wildcard, without regard to case and accents, in any script', async () => {
  const muller = await bookedOrder(archive.department, {
    patient: patientNamed({ alphabetic: { family: 'MÜLLER', given: 'Änne' } }),
  })
  const yamada = await bookedOrder(archive.department, {
    patient: patientNamed({
      alphabetic: { family: 'YAMADA', given: 'TARO' },
      ideographic: { family: '山田', given: '太郎' },
      phonetic: { family: 'やまだ', given: 'たろう' },
    }),
  })
  const named = (name: string) => accessions('FINDSCU', ['0008,0005=ISO_IR 192', `0010,0010=${name}`])
  expect(await named('müll*')).toEqual([muller.accession])
  expect(await named('MULLER^A*')).toEqual([muller.accession])
  expect(await named('M?ller')).toEqual([muller.accession])
  expect(await named('山田*')).toEqual([yamada.accession])
  expect(await named('yamada^taro')).toEqual([yamada.accession])
  expect(await named('Nobody*')).toEqual([])
})

test('[MA-01] names come in UTF-8, or in the character set that was asked for when it can hold them', async () => {
  const patient = patientNamed({ alphabetic: { family: 'GRÖẞEN', given: 'Zoë' } })
  const order = await bookedOrder(archive.department, { patient })
  const asked = async (...sets: string[]) => {
    const keys = [...sets.map((set) => `0008,0005=${set}`), `0008,0050=${order.accession}`, '0010,0010']
    const [item] = await findscu(archive.port, { keys })
    return [item!.text('SpecificCharacterSet'), item!.text('PatientName')]
  }
  expect(await asked()).toEqual(['ISO_IR 192', 'GRÖẞEN^Zoë'])
  // ẞ is not in Latin-1: wrong letters would be worse than another set.
  expect(await asked('ISO_IR 100')).toEqual(['ISO_IR 192', 'GRÖẞEN^Zoë'])
  const latin = await bookedOrder(archive.department, {
    patient: patientNamed({ alphabetic: { family: 'GRÖN', given: 'Zoë' } }),
  })
  const [item] = await findscu(archive.port, {
    keys: ['0008,0005=ISO_IR 100', `0008,0050=${latin.accession}`, '0010,0010'],
  })
  expect(item!.text('SpecificCharacterSet')).toBe('ISO_IR 100')
  expect(item!.bytes('PatientName')!.includes(0xd6)).toBe(true)
})

test('[MA-01] patient id, accession number, modality and station narrow the list', async () => {
  const ct = await bookedOrder(archive.department)
  const key = `0010,0020=${ct.patientId}`
  expect(await accessions('FINDSCU', [key])).toEqual([ct.accession])
  expect(await accessions('FINDSCU', [`0010,0020=${ct.patientId.slice(0, -1)}*`])).toEqual([ct.accession])
  expect(await accessions('FINDSCU', [key, `${STEP}.0008,0060=CT`])).toEqual([ct.accession])
  expect(await accessions('FINDSCU', [key, `${STEP}.0008,0060=MR`])).toEqual([])
  expect(await accessions('FINDSCU', [key, `${STEP}.0040,0001=CT1`])).toEqual([ct.accession])
  expect(await accessions('FINDSCU', [key, `${STEP}.0040,0001=CT2`])).toEqual([])
})

test('[MA-01] a birth date that is not known to the day is left empty', async () => {
  const patient = patientNamed(
    { alphabetic: { family: 'VAGUE' } },
    { birthDate: { value: '1963-05', precision: 'month' } },
  )
  const order = await bookedOrder(archive.department, { patient })
  const [item] = await findscu(archive.port, { keys: [`0008,0050=${order.accession}`, '0010,0030'] })
  expect(item!.has('PatientBirthDate')).toBe(true)
  expect(item!.text('PatientBirthDate')).toBeUndefined()
})

test('[MA-02] a scanner that names no station gets its own room, a tool every room', async () => {
  const inRoom1 = await bookedOrder(archive.department, { roomId: 'ct-1' })
  const inRoom2 = await bookedOrder(archive.department, { roomId: 'ct-2' })
  expect(await accessions('CT2', [])).toEqual([inRoom2.accession])
  expect(await accessions('CT1', [])).toContain(inRoom1.accession)
  expect(await accessions('CT1', [])).not.toContain(inRoom2.accession)
  expect(await accessions('FINDSCU', [])).toEqual(
    expect.arrayContaining([inRoom1.accession, inRoom2.accession]),
  )
  // A scanner may look over the wall of its own site when it says so, and never into another site.
  expect(await accessions('CT1', [`${STEP}.0040,0001=CT2`])).toEqual([inRoom2.accession])
  expect(await accessions('CTW', [`${STEP}.0040,0001=CT2`])).toEqual([])
})

test('[OS-11] the step status climbs its ladder, and a departed step leaves the worklist', async () => {
  const order = await bookedOrder(archive.department)
  const { department } = archive
  const status = async (aet = 'CT1') => {
    const found = await findscu(archive.port, {
      aet,
      keys: [`0008,0050=${order.accession}`, `${STEP}.0040,0020`],
    })
    return found.map((item) =>
      item.item('ScheduledProcedureStepSequence')!.text('ScheduledProcedureStepStatus'),
    )
  }
  expect(await status()).toEqual(['SCHEDULED'])
  await department.sql`update steps set status = 'arrived' where id = ${order.stepId}`
  expect(await status()).toEqual(['ARRIVED'])
  await department.sql`update steps set status = 'scheduled' where id = ${order.stepId}`
  await arrive(department, await actAs(department, 'tech'), { stepId: order.stepId })
  expect(await status()).toEqual(['READY'])
  await department.sql`update steps set status = 'started' where id = ${order.stepId}`
  expect(await status()).toEqual(['STARTED'])
  // Somebody else's scanner must not offer a patient who lies in another one.
  expect(await status('CT2')).toEqual([])
  for (const gone of ['departed', 'cancelled', 'no-show', 'planned', 'discontinued']) {
    await department.sql`update steps set status = ${gone} where id = ${order.stepId}`
    expect(await status()).toEqual([])
  }
})

test('[MA-01] a cancelled order is off the worklist at once', async () => {
  const order = await bookedOrder(archive.department)
  await cancelled(order)
  expect(await accessions('CT1', [`0008,0050=${order.accession}`])).toEqual([])
})

test('[MA-01] a merged patient is scanned under the name and number of the survivor', async () => {
  const { sql, now } = archive.department
  const survivor = await bookedOrder(archive.department)
  const merged = await bookedOrder(archive.department)
  const patientOf = async ({ orderId }: BookedOrder) =>
    (await sql<{ patient_id: string }[]>`select patient_id from orders where id = ${orderId}`)[0]!.patient_id
  await sql`
    insert into merge_links (id, from_patient, to_patient, at, by)
    values ('link', ${await patientOf(merged)}, ${await patientOf(survivor)}, ${await now()}, 'test')`
  const [item] = await findscu(archive.port, { keys: [`0008,0050=${merged.accession}`, '0010,0020'] })
  expect(item!.text('PatientID')).toBe(survivor.patientId)
})

test('[MA-01] a long answer stops when the scanner cancels it', async () => {
  const { sql } = archive.department
  const { stepId } = await bookedOrder(archive.department)
  await sql`
    insert into steps
    select (jsonb_populate_record(s, jsonb_build_object('id', 'many-' || n, 'step_number', 'M' || n, 'planned_end', null))).*
    from steps s, generate_series(1, 1000) n where s.id = ${stepId}`
  try {
    const { said } = await dcmtk('findscu', [
      ...['-d', '-W', '--cancel', '3', '-aet', 'FINDSCU', '-aec', 'ISOCENTER', '-k', 'PatientName'],
      ...['-k', 'ScheduledProcedureStepSequence[0].Modality', '127.0.0.1', String(archive.port)],
    ])
    expect(said).toMatch(/0xfe00/i)
    expect(said.match(/Find Response:? *\d+/gi)!.length).toBeLessThan(1000)
  } finally {
    await sql`delete from steps where id like 'many-%'`
  }
})

test('[MA-01] every query of the worklist is in the audit trail, by number of matches and without a patient', async () => {
  const order = await bookedOrder(archive.department)
  await accessions('CT1', [`0010,0020=${order.patientId}`])
  const [row] = await archive.department.sql`
    select data, actor_id from audit_events where type = 'worklist.queried' and chain = 'device:CT1' order by id desc limit 1`
  expect(row).toEqual({ actor_id: 'CT1', data: { matches: 1 } })
})
