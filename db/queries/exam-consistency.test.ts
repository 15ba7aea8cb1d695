import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { ExamFacts } from '#domain/report-consistency.ts'
import type { Department } from '../department.ts'
import { deviceAct, dutyAct } from '../mutations/act.ts'
import { receiveOrderMessage } from '../mutations/inbound-messages.ts'
import { reportChecks } from '../mutations/reports.ts'
import { indexInstances } from '../mutations/studies.ts'
import { anEnvelope, anOrder, aProcedure, seededDepartment, storedImages } from '../order.fixture.ts'
import { ulid } from '../ulid.ts'
import { examConsistency } from './exam-consistency.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

type Asked = Partial<ReturnType<typeof aProcedure>>
type Header = Record<string, { vr: string; Value?: unknown[] }>

const CT = { '00080060': { vr: 'CS', Value: ['CT'] } }
const XR = { '00080060': { vr: 'CS', Value: ['DX'] } }
const AGENT = { '00180010': { vr: 'LO', Value: ['Iomeprol'] } }
const said = (key: string, text: string) => ({ sections: [{ key, text }] })

/** A report over what was asked, with one series of two images for each header. */
async function reported(asked: Asked, ...headers: Header[]): Promise<{ reportId: string; studyUid: string }> {
  const { sql } = department
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [
    anOrder({ procedures: [aProcedure(asked)] }),
  ])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  const [procedure] = await sql<{ id: string; study_uid: string; site: string }[]>`
    select p.id, p.study_uid, o.site_id as site from procedures p join orders o on o.id = p.order_id where o.id = ${orderId}`
  const { id, study_uid: studyUid, site } = procedure!
  for (const header of headers) await store(studyUid, header)
  const reportId = ulid()
  await sql`insert into reports (id, order_id, site_id, created_at) values (${reportId}, ${orderId}, ${site}, now())`
  await sql`insert into report_procedures values (${reportId}, ${id})`
  return { reportId, studyUid }
}

async function store(studyUid: string, more: Header, count = 2): Promise<void> {
  const images = storedImages(studyUid, count).map((image) => ({
    ...image,
    header: { ...image.header, ...more },
  }))
  await indexInstances(department, await deviceAct(department, 'CT1'), images)
}

async function factsOf(asked: Asked, ...headers: Header[]): Promise<ExamFacts> {
  const { reportId } = await reported(asked, ...headers)
  return examConsistency(department.sql, reportId)
}

test('[RP-07] the side of an exam is what was asked for, in a modifier or in the words', async () => {
  expect(await factsOf({ side: 'right' })).toEqual({ sex: 'F', sides: ['R'], contrast: 'unknown' })
  expect((await factsOf({ side: 'both' })).sides).toEqual(['L', 'R'])
  expect((await factsOf({ code: 'X-77', text: 'XR wrist left' })).sides).toEqual(['L'])
  expect((await factsOf({})).sides).toEqual([])
})

test('[RP-07] the side of an exam is what was imaged, of a series, an image or a frame', async () => {
  const series = { ...XR, '00200060': { vr: 'CS', Value: ['L'] } }
  const image = { ...XR, '00200062': { vr: 'CS', Value: ['R'] } }
  const frame = { '00209072': { vr: 'CS', Value: ['R'] } }
  const anatomy = { '00209071': { vr: 'SQ', Value: [frame] } }
  const enhanced = { ...XR, '52009229': { vr: 'SQ', Value: [anatomy] } }
  expect((await factsOf({}, series)).sides).toEqual(['L'])
  expect((await factsOf({}, image)).sides).toEqual(['R'])
  expect((await factsOf({}, enhanced)).sides).toEqual(['R'])
  expect((await factsOf({}, { ...XR, '00200062': { vr: 'CS', Value: ['B'] } })).sides).toEqual(['L', 'R'])
  expect((await factsOf({}, { ...XR, '00200062': { vr: 'CS', Value: ['U'] } })).sides).toEqual([])
  expect((await factsOf({ side: 'left' }, image)).sides).toEqual(['L', 'R'])
})

test('[RP-07] contrast was given where any series names an agent, not where CT and MR name none, and else nobody knows', async () => {
  expect((await factsOf({}, CT, { ...CT, ...AGENT })).contrast).toBe('given')
  expect((await factsOf({}, CT, { ...CT, '00180012': { vr: 'SQ', Value: [{}] } })).contrast).toBe('given')
  expect((await factsOf({}, { ...CT, '00180010': { vr: 'LO', Value: [' '] } })).contrast).toBe('not-given')
  expect((await factsOf({}, { ...CT, '00180010': { vr: 'LO' } })).contrast).toBe('not-given')
  const swallowed = { ...CT, ...AGENT, '00181040': { vr: 'LO', Value: ['ORAL'] } }
  expect((await factsOf({}, swallowed)).contrast).toBe('unknown')
  expect((await factsOf({}, XR)).contrast).toBe('unknown')
  expect((await factsOf({})).contrast).toBe('unknown')
})

test('[RP-07] images that were withdrawn say nothing of the exam', async () => {
  const { reportId, studyUid } = await reported({}, CT)
  await store(studyUid, { ...CT, ...AGENT })
  expect((await examConsistency(department.sql, reportId)).contrast).toBe('given')
  await department.sql`
    update instances set rejected_code = '113001' where study_id = (select id from studies where study_uid = ${studyUid})
      and attributes ? '00180010'`
  expect((await examConsistency(department.sql, reportId)).contrast).toBe('not-given')
})

test('[RP-07] words that contradict the exam are to be looked at before signing, and named with their place', async () => {
  const { reportId } = await reported({ side: 'right' }, CT)
  const checks = async (key: string, text: string) => {
    const answered = await reportChecks(department, reportId, said(key, text))
    return answered.checks
      .filter(({ at }) => at)
      .map(({ id, state, at }) => [id, state, at!.section, at!.word])
  }
  expect(await checks('findings', 'Fracture on the left.')).toEqual([
    ['laterality', 'look', 'findings', 'left'],
  ])
  expect(await checks('impression', 'The prostate is enlarged.')).toEqual([
    ['sex', 'look', 'impression', 'prostate'],
  ])
  expect(await checks('technique', 'CT with contrast.')).toEqual([
    ['contrast', 'look', 'technique', 'with contrast'],
  ])
  expect(await checks('findings', 'Fracture on the right, without contrast. Normal ovaries.')).toEqual([])
})
