/** Rejection notes as objects: written for what is rejected here, taken from those who send them. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Dataset } from '#archive/dimse/dataset.ts'
import { encodeDataset } from '#archive/dimse/encode.ts'
import { encodeFileMeta, readPart10 } from '#archive/dimse/part10.ts'
import { EXPLICIT_LITTLE } from '#archive/dimse/transfer-syntax.ts'
import { newUid } from '#archive/dimse/uid.ts'
import {
  CORPUS,
  dcmtk,
  findscu,
  openArchive,
  readDataset,
  type TestArchive,
  until,
} from '#archive/scp/archive.fixture.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { rejectInstances, revokeRejection } from '#db/mutations/rejections.ts'
import { actAs } from '#db/order.fixture.ts'
import { rejectionsToNote, standingRejections } from '#db/queries/rejections.ts'
import { KEY_OBJECT_SELECTION } from '#domain/rejection-note.ts'
import { noteDataset } from './rejection-note.ts'
import { writeNotes } from './write-notes.ts'

let archive: TestArchive

const files = ['01', '02', '03'].map((name) => `${CORPUS}ct-head/${name}.dcm`)
const studyUid = readDataset(files[0]!).text('StudyInstanceUID')!
const sopUids = files.map((file) => readDataset(file).text('SOPInstanceUID')!)

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
  await send(files)
  const stored = async () => (await archive.department.sql`select 1 from instances`).length
  await until('the images in the index', async () => (await stored()) === files.length)
})

afterAll(() => archive.close())

async function send(paths: string[]): Promise<void> {
  const at = ['127.0.0.1', String(archive.port)]
  const { code, said } = await dcmtk('dcmsend', ['-aet', 'CT1', '-aec', 'ISOCENTER', ...at, ...paths])
  if (code !== 0) throw new Error(said)
}

/** What a workstation finds of the study. */
async function found(aet = 'FINDSCU'): Promise<string[]> {
  const keys = [
    'QueryRetrieveLevel=IMAGE',
    `StudyInstanceUID=${studyUid}`,
    `SeriesInstanceUID=${readDataset(files[0]!).text('SeriesInstanceUID')}`,
    'SOPInstanceUID',
  ]
  const matches = await findscu(archive.port, { aet, model: '-S', keys })
  return matches.map((match) => match.text('SOPInstanceUID')!).sort()
}

const write = () => writeNotes({ sql: archive.department.sql, ingest: archive.ingest, aeTitle: 'ISOCENTER' })

async function noteOf(
  rejectionId: string,
): Promise<{ blob: string; noted: boolean; code: string } | undefined> {
  const [row] = await archive.department.sql<{ blob: string; noted: boolean; code: string }[]>`
    select i.blob, r.noted_at is not null as noted, i.rejected_code as code
    from rejections r join instances i on i.sop_instance_uid = r.note_uid where r.id = ${rejectionId}`
  return row
}

const items = (dataset: Dataset, keyword: string) => dataset.items(keyword)

test('[AR-07] a rejection made here stands in the archive as a key object document that names the images and nobody finds', async () => {
  const { department } = archive
  const technologist = await actAs(department, 'tech')
  const asked = { studyUid, sopInstanceUid: sopUids[0]!, code: '113001', reason: 'blurred' } as const
  const { rejectionId } = await rejectInstances(department, technologist, asked)
  expect(await found()).toEqual(sopUids.slice(1).sort())
  expect(await write()).toBe(1)
  await until('the note in the index', async () => (await noteOf(rejectionId)) !== undefined)
  const { blob, noted, code } = (await noteOf(rejectionId))!
  expect([noted, code]).toEqual([true, '113001'])
  expect(await write()).toBe(0)

  const note = readDataset(join(archive.root, blob))
  expect(note.text('SOPClassUID')).toBe(KEY_OBJECT_SELECTION)
  expect(note.text('StudyInstanceUID')).toBe(studyUid)
  expect(note.text('PatientID')).toBe(readDataset(files[0]!).text('PatientID'))
  const [title] = items(note, 'ConceptNameCodeSequence')
  expect([title!.text('CodeValue'), title!.text('CodeMeaning')]).toEqual([
    '113001',
    'Rejected for Quality Reasons',
  ])
  const [evidence] = items(note, 'CurrentRequestedProcedureEvidenceSequence')
  const [series] = items(evidence!, 'ReferencedSeriesSequence')
  expect(items(series!, 'ReferencedSOPSequence').map((one) => one.text('ReferencedSOPInstanceUID'))).toEqual([
    sopUids[0],
  ])
  // The words of a rejection stay in the department.
  expect(readFileSync(join(archive.root, blob)).includes('blurred')).toBe(false)

  // Neither the study's counts nor its exam know the note.
  const [study] = await department.sql`
    select instance_count, stored_count, series_count, modalities from studies where study_uid = ${studyUid}`
  expect(study).toEqual({ instance_count: 2, stored_count: 3, series_count: 1, modalities: ['CT'] })
  const lead = await actAs(department, 'lead')
  await revokeRejection(department, lead, { rejectionId, reason: 'sharp enough' })
  expect(await found()).toEqual([...sopUids].sort())
})

test('[AR-07] the same note written again after a crash is the same object', async () => {
  const { department } = archive
  const lead = await actAs(department, 'lead')
  const asked = { studyUid, code: '113038', reason: 'another patient' } as const
  const { rejectionId } = await rejectInstances(department, lead, asked)
  expect(await found()).toEqual([])
  await write()
  await until('the note in the index', async () => (await noteOf(rejectionId)) !== undefined)
  const before = (await noteOf(rejectionId))!.blob
  // As a crash between the object and its row's mark leaves it.
  await department.sql`update rejections set noted_at = null where id = ${rejectionId}`
  await write()
  await until('nothing waiting', async () => archive.ingest.state().backlog === 0)
  expect((await noteOf(rejectionId))!.blob).toBe(before)
  await revokeRejection(department, lead, { rejectionId, reason: 'it was the right one' })
  expect(await found()).toEqual([...sopUids].sort())
})

test('[AR-07] a note that a workstation sends takes effect, and what it hides comes back when that is revoked', async () => {
  const { department } = archive
  const lead = await actAs(department, 'lead')
  const asked = { studyUid, sopInstanceUid: sopUids[2]!, code: '113037', reason: 'wrong side' } as const
  const { rejectionId } = await rejectInstances(department, lead, asked)
  await department.sql`
    update rejections set note_uid = ${newUid()}, note_series_uid = ${newUid()} where id = ${rejectionId}`
  const [owed] = await rejectionsToNote(department.sql, 1)
  // What we would write, sent by somebody else under UIDs of their own, once our own rejection is gone.
  const others = noteDataset({ ...owed!, noteUid: newUid(), noteSeriesUid: newUid() })
  await department.sql`delete from rejections where id = ${rejectionId}`
  await department.sql`update instances set rejected_code = null where sop_instance_uid = ${sopUids[2]!}`
  const path = join(mkdtempSync(join(tmpdir(), 'note-')), 'note.dcm')
  const meta = encodeFileMeta({
    sopClassUid: KEY_OBJECT_SELECTION,
    sopInstanceUid: others.text('SOPInstanceUID')!,
    transferSyntaxUid: EXPLICIT_LITTLE,
  })
  writeFileSync(path, Buffer.concat([meta, encodeDataset(others, EXPLICIT_LITTLE)]))
  expect(readPart10(readFileSync(path)).transferSyntaxUid).toBe(EXPLICIT_LITTLE)
  await send([path])
  await until('the image hidden', async () => !(await found()).includes(sopUids[2]!))
  const standing = await standingRejections(department.sql, studyUid)
  expect(standing).toMatchObject([{ code: '113037', by: 'CT1', received: true, instances: 1 }])
  const { actor: secondPerson } = await actAs(department, 'admin')
  await revokeRejection(department, lead, {
    rejectionId: standing[0]!.id,
    reason: 'right side',
    secondPerson,
  })
  expect(await found()).toEqual([...sopUids].sort())
})

test('[AR-07] what replaces rejected images is found in their place, and a rejected one that is sent again stays hidden', async () => {
  const { department } = archive
  const lead = await actAs(department, 'lead')
  const asked = { studyUid, sopInstanceUid: sopUids[1]!, code: '113038', reason: 'other patient' } as const
  const { rejectionId } = await rejectInstances(department, lead, asked)
  const others = sopUids.filter((uid) => uid !== sopUids[1])
  expect(await found()).toEqual([...others].sort())
  // RAD-74: new objects in the same series, sent by whoever has put them right, and beside them the old one once more.
  const replacement = readDataset(files[1]!).set('SOPInstanceUID', newUid())
  const sopInstanceUid = replacement.text('SOPInstanceUID')!
  const path = join(mkdtempSync(join(tmpdir(), 'replacement-')), 'image.dcm')
  const sopClassUid = replacement.text('SOPClassUID')!
  const meta = encodeFileMeta({ sopClassUid, sopInstanceUid, transferSyntaxUid: EXPLICIT_LITTLE })
  writeFileSync(path, Buffer.concat([meta, encodeDataset(replacement, EXPLICIT_LITTLE)]))
  await send([path, files[1]!])
  await until('the replacement', async () => (await found()).includes(sopInstanceUid))
  await until('nothing waiting', async () => archive.ingest.state().backlog === 0)
  expect(await found()).toEqual([...others, sopInstanceUid].sort())
  const keys = ['QueryRetrieveLevel=STUDY', `StudyInstanceUID=${studyUid}`, 'NumberOfStudyRelatedInstances']
  const [study] = await findscu(archive.port, { model: '-S', keys })
  expect(study!.number('NumberOfStudyRelatedInstances')).toBe(3)
  const technologist = await actAs(department, 'tech')
  const blurred = { studyUid, sopInstanceUid, code: '113001', reason: 'blurred' } as const
  await rejectInstances(department, technologist, blurred)
  await revokeRejection(department, lead, { rejectionId, reason: 'done' })
  expect(await found()).toEqual([...sopUids].sort())
})

test('[AR-07] a workstation for quality is set to see what was rejected for quality, by query and by retrieval', async () => {
  const { sql } = archive.department
  await sql`
    insert into devices (id, ae_title, site_id, kind, profile, policy)
    values ('quality', 'QUALITY', 'MAIN', 'tool', 'store', ${sql.json({ seesRejected: ['113001'] })})`
  await archive.reopen()
  const technologist = await actAs(archive.department, 'tech')
  const asked = { studyUid, code: '113001', reason: 'blurred' } as const
  const { rejectionId } = await rejectInstances(archive.department, technologist, asked)
  expect(await found()).toEqual([])
  // The notes of earlier rejections for quality are there for it too.
  expect(await found('QUALITY')).toEqual(expect.arrayContaining(sopUids))
  const got = async (aet: string) => {
    const out = mkdtempSync(join(tmpdir(), 'got-'))
    const keys = ['QueryRetrieveLevel=STUDY', `StudyInstanceUID=${studyUid}`].flatMap((key) => ['-k', key])
    const at = ['127.0.0.1', String(archive.port)]
    await dcmtk('getscu', ['-S', '-aet', aet, '-aec', 'ISOCENTER', '-od', out, ...keys, ...at])
    return readdirSync(out).map((name) => readDataset(join(out, name)).text('SOPInstanceUID')!)
  }
  expect(await got('MOVESCU')).toEqual([])
  expect(await got('QUALITY')).toEqual(expect.arrayContaining(sopUids))
  const lead = await actAs(archive.department, 'lead')
  await revokeRejection(archive.department, lead, { rejectionId, reason: 'looked at' })
})
