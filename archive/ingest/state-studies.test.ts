/** Queries answer of a study what goes out of it: after its images came, and after its order or its patient changed. */
import { pino } from 'pino'
import { beforeEach, expect, test } from 'vitest'
import { coercionsFor } from '#archive/storage/outgoing.ts'
import { deviceAct, dutyAct } from '#db/mutations/act.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { mutate } from '#db/mutations/mutate.ts'
import { indexInstances, type StoredInstance } from '#db/mutations/studies.ts'
import { unlinkStudy } from '#db/mutations/study-links.ts'
import { anEnvelope, anOrder, storedImages } from '#db/order.fixture.ts'
import { search } from '#db/queries/dicomweb.ts'
import { patientCounts, retrievable } from '#db/queries/dimse-query.ts'
import { health } from '#db/queries/health.ts'
import { REGULAR_VIEW } from '#db/queries/visibility.ts'
import { soundDepartment } from '#db/sound-department.fixture.ts'
import { ulid } from '#db/ulid.ts'
import { stateStudies } from './state-studies.ts'

const department = await soundDepartment()
const { sql } = department
const log = pino({ level: 'silent' })
const state = () => stateStudies({ sql, log })

interface Exam {
  patientRow: string
  patientId: string
  accession: string
  studyUid: string
  image: StoredInstance
}

let typed = 0
let exam: Exam

/** An exam whose patient was typed at the console by hand, without an accession number. */
beforeEach(async () => {
  typed += 1
  const said = anOrder()
  const act = await dutyAct(department, { source: 'hl7' })
  const received = await receiveOrderMessage(department, act, anEnvelope(), [said])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const [order] = await sql<{ patientRow: string; accession: string; studyUid: string }[]>`
    select o.patient_id as "patientRow", o.accession, p.study_uid as "studyUid"
    from orders o join procedures p on p.order_id = o.id where o.id = ${received.orderIds[0]!}`
  const [image] = storedImages(order!.studyUid, 1)
  const header = {
    ...image!.header,
    '00100010': { vr: 'PN', Value: [{ Alphabetic: 'WRONG^NAME' }] },
    '00100020': { vr: 'LO', Value: [`CONSOLE-${typed}`] },
  }
  exam = { ...order!, patientId: said.patient.identifiers[0]!.value, image: { ...image!, header } }
  await indexInstances(department, await deviceAct(department, 'CT1'), [exam.image])
})

async function foundBy(tag: string, value: string): Promise<string[]> {
  const matches = [{ tag, value }]
  const scope = { studies: null, sites: null }
  const found = await search(sql, { level: 'series', scope, matches, limit: 10, offset: 0 })
  return found.map(({ study }) => study.studyUid)
}

const byNumber = (id: string) => foundBy('00100020', id)

async function retrievedBy(patientId: string): Promise<number> {
  const none = { issuers: [], studyUids: [], seriesUids: [], sopInstanceUids: [] }
  const asked = {
    level: 'patient',
    sites: null,
    view: REGULAR_VIEW,
    patientIds: [patientId],
    ...none,
  } as const
  return (await retrievable(sql, asked)).length
}

test('[AR-05] a study is found, counted and retrieved under the number, name and accession number of its order', async () => {
  const { studyUid, patientId, accession } = exam
  expect(await byNumber(patientId)).toEqual([])
  await state()
  expect(await byNumber(patientId)).toEqual([studyUid])
  expect(await foundBy('00080050', accession)).toEqual([studyUid])
  expect(await byNumber(`CONSOLE-${typed}`)).toEqual([])
  expect(await retrievedBy(patientId)).toBe(1)
  const [counts] = await patientCounts(sql, [{ patientId, issuer: 'MAIN' }], { sites: null })
  expect(counts).toEqual({ studies: 1, series: 1, instances: 1 })
  const scope = { studies: [studyUid], sites: null }
  const [found] = await search(sql, { level: 'series', scope, matches: [], limit: 1, offset: 0 })
  expect(found!.study.patientName).toMatch(/^TESTPERSON\^VERA/)
  const [request] = found!.series!.attributes['00400275']!.Value as Record<string, { Value: unknown[] }>[]
  expect(request!['00080050']!.Value).toEqual([accession])
})

test('[AR-05] what its objects say of the patient is still corrected once the row says it right', async () => {
  await state()
  const { sopInstanceUid, studyUid } = exam.image
  const coercion = (await coercionsFor(sql, [{ sopInstanceUid, studyUid }])).get(sopInstanceUid)
  expect(coercion!.attributes['00100020']!.Value).toEqual([exam.patientId])
})

test('[AR-05] a patient renamed later is found by the new name, and a merged one by the survivor’s number', async () => {
  await state()
  const name = sql.json({
    alphabetic: { family: `RENAMED${String.fromCharCode(64 + typed)}`, given: 'VERA' },
  })
  await sql`update patients set name = ${name} where id = ${exam.patientRow}`
  await state()
  expect(await foundBy('00100010', `RENAMED${String.fromCharCode(64 + typed)}^VERA`)).toEqual([exam.studyUid])

  const survivor = ulid()
  await sql`
    insert into patients (id, trust, name, name_key, created_at)
    select ${survivor}, 'trusted', name, name_key, created_at from patients where id = ${exam.patientRow}`
  await sql`insert into patient_identifiers (value, issuer, patient_id) values (${survivor}, 'MAIN', ${survivor})`
  const link = ulid()
  await sql`
    insert into merge_links (id, from_patient, to_patient, at, by)
    values (${link}, ${exam.patientRow}, ${survivor}, now(), 'test')`
  await state()
  expect([await byNumber(survivor), await byNumber(exam.patientId)]).toEqual([[exam.studyUid], []])
  await sql`update merge_links set undone_at = now() where id = ${link}`
  await state()
  expect([await byNumber(survivor), await byNumber(exam.patientId)]).toEqual([[], [exam.studyUid]])
})

test('[AR-05] a study of images that were moved to it is its order’s, and says of nobody else', async () => {
  const { studyUid, patientId, image } = exam
  await sql`
    update instances set attributes = jsonb_set(attributes, '{0020000D,Value,0}', '"9.9"')
    where sop_instance_uid = ${image.sopInstanceUid}`
  await state()
  expect(await byNumber(patientId)).toEqual([studyUid])
  expect(await sql`select said from studies where study_uid = ${studyUid}`).toEqual([{ said: null }])
})

test('[AR-05] a study that is taken from its order says again what its objects say', async () => {
  await state()
  const [study] = await sql<{ id: string }[]>`select id from studies where study_uid = ${exam.studyUid}`
  await mutate(department, await dutyAct(department), 'move-images', (scope) => unlinkStudy(scope, study!.id))
  await state()
  expect(await byNumber(`CONSOLE-${typed}`)).toEqual([exam.studyUid])
  expect(await byNumber(exam.patientId)).toEqual([])
})

test('[AR-05] nothing that goes on in a department is waited for twice, and a study that says what it should stays as it is', async () => {
  await state()
  const rev = async () => (await sql`select rev from studies where study_uid = ${exam.studyUid}`)[0]!.rev
  const before = await rev()
  expect(await state()).toBe(0)
  await sql`
    insert into studies_to_state (study_id) select id from studies, generate_series(1, 3) where study_uid = ${exam.studyUid}`
  expect(await state()).toBe(1)
  expect(await rev()).toBe(before)
})

test('[AR-05] a study that cannot be stated keeps nobody from their turn, is seen on the health page, and is tried again', async () => {
  const [study] = await sql<{ id: string }[]>`select id from studies where study_uid = ${exam.studyUid}`
  await sql.unsafe(`
    create function refuse_study() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
    create trigger refuse_study before update on studies for each row when (old.id = '${study!.id}') execute function refuse_study()`)
  const unstated = async () =>
    (await health(sql, new Date())).faults.filter(({ id }) => id === 'studies-unstated')
  try {
    expect(await state()).toBeGreaterThan(0)
    expect(await unstated()).toMatchObject([{ values: { count: 1 } }])
    expect(await state()).toBe(0)
  } finally {
    await sql.unsafe('drop trigger refuse_study on studies; drop function refuse_study')
  }
  // Stated for another reason before its time, it is no fault any more and not stated twice.
  await sql`insert into studies_to_state (study_id) values (${study!.id})`
  expect(await state()).toBe(1)
  expect(await unstated()).toEqual([])
  await sql`insert into studies_to_state (study_id, try_again_at) values (${study!.id}, now() - interval '1 second')`
  expect(await state()).toBe(1)
  expect(await byNumber(exam.patientId)).toEqual([exam.studyUid])
})

test('while scanners send, a few of the studies that wait are stated in a round', async () => {
  await state()
  await sql`insert into studies_to_state (study_id) select 'none-' || n from generate_series(1, 30) n`
  expect(await stateStudies({ sql, log, isBusy: true })).toBe(20)
  expect(await state()).toBe(10)
})
