/** Two objects under one SOP Instance UID: what the rows of their studies say before and after somebody decides. */
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { KEY_OBJECT_SELECTION, REJECTION_TITLES } from '#domain/rejection-note.ts'
import { actAs, storedImages } from '../order.fixture.ts'
import { search } from '../queries/dicomweb.ts'
import { soundDepartment } from '../sound-department.fixture.ts'
import { deviceAct } from './act.ts'
import { closeException } from './exceptions.ts'
import { uuidUid } from './minting.ts'
import { rejectInstances, revokeRejection } from './rejections.ts'
import { settleDuplicate } from './settle-duplicate.ts'
import { indexInstances, type StoredInstance } from './studies.ts'

const department = await soundDepartment()
const { sql } = department

/** The same object once more, with other bytes. */
function again(image: StoredInstance, header: StoredInstance['header'], studyUid = image.studyUid) {
  const said = { ...image.header, ...header, '0020000D': { vr: 'UI', Value: [studyUid] } }
  return { ...image, studyUid, blob: randomUUID(), sha256: randomUUID(), header: said }
}

const named = (name: string) => ({ '00100010': { vr: 'PN', Value: [{ Alphabetic: name }] } })

async function index(image: StoredInstance): Promise<string> {
  const [outcome] = await indexInstances(department, await deviceAct(department, 'CT1'), [image])
  return outcome!.outcome
}

async function exceptionOf({ sopInstanceUid }: StoredInstance) {
  const [row] = await sql<{ id: string; study: string }[]>`
    select id, refs->>'studyInstanceUid' as study from exceptions
    where refs->>'sopInstanceUid' = ${sopInstanceUid} and state = 'open'`
  return row!
}

async function namesFound(studyUid: string): Promise<string[]> {
  const matches = [{ tag: '0020000D', value: studyUid }]
  const scope = { studies: null, sites: null }
  const found = await search(sql, { level: 'study', scope, matches, limit: 10, offset: 0 })
  return found.map(({ study }) => study.patientName)
}

async function anImage(name: string): Promise<StoredInstance> {
  const [image] = storedImages(uuidUid(), 1)
  const first = again(image!, named(name))
  await index(first)
  return first
}

test('[AR-06] other content that says it is of another study makes no study there, and is asked about where the first is', async () => {
  const first = await anImage('FIRST^ONE')
  const elsewhere = uuidUid()
  expect(await index(again(first, named('OTHER^ONE'), elsewhere))).toBe('conflict')
  expect(await sql`select study_uid from studies where study_uid = ${elsewhere}`).toEqual([])
  expect((await exceptionOf(first)).study).toBe(first.studyUid)
})

test('[AR-06] what comes to a study beside such an object is filed as ever', async () => {
  const first = await anImage('FIRST^ONE')
  const elsewhere = uuidUid()
  const [fresh] = storedImages(elsewhere, 1)
  const batch = [again(first, named('OTHER^ONE'), elsewhere), fresh!]
  const outcomes = await indexInstances(department, await deviceAct(department, 'CT1'), batch)
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['conflict', 'stored'])
  const series = await sql`
    select e.series_uid from series e join studies s on s.id = e.study_id where s.study_uid = ${elsewhere}`
  expect(series).toEqual([{ series_uid: fresh!.seriesUid }])
})

test('[AR-06] a query says of a study what the object says that was taken', async () => {
  const first = await anImage('WRONG^NAME')
  await index(again(first, named('RIGHT^NAME')))
  expect(await namesFound(first.studyUid)).toEqual(['WRONG^NAME'])
  const { id: exceptionId } = await exceptionOf(first)
  await settleDuplicate(department, await actAs(department, 'lead'), { exceptionId, decision: 'take' })
  expect(await namesFound(first.studyUid)).toEqual(['RIGHT^NAME'])
})

test('[AR-06] taken, an object of another study is found there and no longer in the first', async () => {
  const first = await anImage('FIRST^ONE')
  const other = again(first, named('OTHER^ONE'), uuidUid())
  await index(other)
  const { id: exceptionId } = await exceptionOf(first)
  await settleDuplicate(department, await actAs(department, 'lead'), { exceptionId, decision: 'take' })
  expect(await namesFound(first.studyUid)).toEqual([])
  expect(await namesFound(other.studyUid)).toEqual(['OTHER^ONE'])
})

test('[AR-06] a rejection note never takes the place of an image', async () => {
  const first = await anImage('FIRST^ONE')
  const title = { '00080100': { vr: 'SH', Value: ['113037'] }, '00080102': { vr: 'SH', Value: ['DCM'] } }
  const meaning = { '00080104': { vr: 'LO', Value: [REJECTION_TITLES['113037']] } }
  const note = again(first, { '0040A043': { vr: 'SQ', Value: [{ ...title, ...meaning }] } })
  await index({ ...note, sopClassUid: KEY_OBJECT_SELECTION })
  const { id: exceptionId } = await exceptionOf(first)
  const lead = await actAs(department, 'lead')
  const taking = settleDuplicate(department, lead, { exceptionId, decision: 'take' })
  await expect(taking).rejects.toMatchObject({ code: 'illegal-transition' })
  expect(await namesFound(first.studyUid)).toEqual(['FIRST^ONE'])
  await settleDuplicate(department, lead, { exceptionId, decision: 'keep' })
})

test('[AR-07] a query says of a study what its images say that are shown, not those of the wrong patient', async () => {
  const first = await anImage('WRONG^PATIENT')
  const { studyUid } = first
  const [second] = storedImages(studyUid, 1)
  await index(again(second!, named('RIGHT^PATIENT')))
  expect(await namesFound(studyUid)).toEqual(['WRONG^PATIENT'])
  const lead = await actAs(department, 'lead')
  const { sopInstanceUid } = first
  const asked = { studyUid, sopInstanceUid, code: '113038', reason: 'another patient' } as const
  const { rejectionId } = await rejectInstances(department, lead, asked)
  expect(await namesFound(studyUid)).toEqual(['RIGHT^PATIENT'])
  await revokeRejection(department, lead, { rejectionId, reason: 'it was right' })
  expect(await namesFound(studyUid)).toEqual(['WRONG^PATIENT'])
})

test('[AR-06] nobody settles or closes what another site has to decide, and it is not closed without a decision', async () => {
  const first = await anImage('FIRST^ONE')
  await index(again(first, named('OTHER^ONE')))
  const { id: exceptionId } = await exceptionOf(first)
  const lead = await actAs(department, 'lead')
  const elsewhere = { ...lead, actor: { ...lead.actor, sites: ['ELSEWHERE'] } }
  const settling = settleDuplicate(department, elsewhere, { exceptionId, decision: 'keep' })
  await expect(settling).rejects.toMatchObject({ code: 'forbidden' })
  await expect(
    closeException(department, elsewhere, { exceptionId, reason: 'put-right' }),
  ).rejects.toMatchObject({
    code: 'not-found',
  })
  await expect(closeException(department, lead, { exceptionId, reason: 'put-right' })).rejects.toMatchObject({
    code: 'illegal-transition',
  })
  expect((await exceptionOf(first)).id).toBe(exceptionId)
})
