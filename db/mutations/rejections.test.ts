/** Withdrawing images by a note, by a person, and bringing them back. */
import { expect, test } from 'vitest'
import { KEY_OBJECT_SELECTION, REJECTION_TITLES } from '#domain/rejection-note.ts'
import type { RejectionCode } from '#domain/study-visibility.ts'
import { actAs, storedImages } from '../order.fixture.ts'
import { type Found, search } from '../queries/dicomweb.ts'
import { patientCounts } from '../queries/dimse-query.ts'
import { instanceShown, levelShown, viewOf } from '../queries/visibility.ts'
import { soundDepartment } from '../sound-department.fixture.ts'
import { deviceAct, dutyAct } from './act.ts'
import { uuidUid } from './minting.ts'
import { rejectInstances, revokeRejection } from './rejections.ts'
import { indexInstances, type StoredInstance } from './studies.ts'

const department = await soundDepartment()

/** A rejection note as a workstation sends it, in the DICOM JSON that the index sees. */
function aNote(code: RejectionCode, images: readonly StoredInstance[], sourceAe = 'CT1'): StoredInstance {
  const studyUid = images[0]!.studyUid
  const [note] = storedImages(studyUid, 1, { sopClassUid: KEY_OBJECT_SELECTION, sourceAe })
  const references = images.map(({ sopInstanceUid, sopClassUid }) => ({
    '00081150': { vr: 'UI', Value: [sopClassUid] },
    '00081155': { vr: 'UI', Value: [sopInstanceUid] },
  }))
  const series = {
    '0020000E': { vr: 'UI', Value: [images[0]!.seriesUid] },
    '00081199': { vr: 'SQ', Value: references },
  }
  const evidence = {
    '0020000D': { vr: 'UI', Value: [studyUid] },
    '00081115': { vr: 'SQ', Value: [series] },
  }
  const title = {
    '00080100': { vr: 'SH', Value: [code] },
    '00080102': { vr: 'SH', Value: ['DCM'] },
    '00080104': { vr: 'LO', Value: [REJECTION_TITLES[code]] },
  }
  const header = {
    '00080060': { vr: 'CS', Value: ['KO'] },
    '0020000D': { vr: 'UI', Value: [studyUid] },
    '0040A043': { vr: 'SQ', Value: [title] },
    '0040A375': { vr: 'SQ', Value: [evidence] },
  }
  return { ...note!, header }
}

async function index(...batch: StoredInstance[]): Promise<void> {
  await indexInstances(department, await deviceAct(department, batch[0]!.sourceAe), batch)
}

/** What a query at instance level finds of a study. */
async function seen(studyUid: string): Promise<string[]> {
  const found: Found[] = await search(department.sql, {
    level: 'instance',
    scope: { studies: null, sites: null },
    matches: [{ tag: '0020000D', value: studyUid }],
    limit: 100,
    offset: 0,
  })
  return found.map(({ instance }) => instance!.sopInstanceUid)
}

const uids = (images: readonly StoredInstance[]) => images.map(({ sopInstanceUid }) => sopInstanceUid)

async function rejectionOf(studyUid: string): Promise<string> {
  const [row] = await department.sql<{ id: string }[]>`
    select r.id from rejections r join studies s on s.id = r.study_id where s.study_uid = ${studyUid}
    order by r.at desc, r.id desc limit 1`
  return row!.id
}

test('[AR-07] a rejection note that a workstation sends hides what it names and itself, and revoking brings the images back', async () => {
  const images = storedImages(uuidUid(), 3)
  const { studyUid } = images[0]!
  await index(...images)
  await index(aNote('113001', images.slice(0, 2)))
  expect(await seen(studyUid)).toEqual([images[2]!.sopInstanceUid])
  const [study] = await department.sql`
    select instance_count, stored_count, modalities from studies where study_uid = ${studyUid}`
  expect(study).toEqual({ instance_count: 1, stored_count: 3, modalities: ['CT'] })
  const lead = await actAs(department, 'lead')
  await revokeRejection(department, lead, {
    rejectionId: await rejectionOf(studyUid),
    reason: 'they are fine',
  })
  expect(await seen(studyUid)).toEqual(uids(images))
  const trail = await department.sql<{ type: string }[]>`
    select type from audit_events where chain = ${`study:${studyUid}`} order by chain_rev`
  expect(trail.map(({ type }) => type)).toEqual(['study.rejected', 'study.revoked'])
})

test('[AR-07] a note that overtakes its images hides them when they come', async () => {
  const images = storedImages(uuidUid(), 2)
  await index(aNote('113038', images))
  await index(...images)
  expect(await seen(images[0]!.studyUid)).toEqual([])
  const studies = await search(department.sql, {
    level: 'study',
    scope: { studies: null, sites: null },
    matches: [{ tag: '0020000D', value: images[0]!.studyUid }],
    limit: 1,
    offset: 0,
  })
  expect(studies).toEqual([])
})

test('an image rejected twice shows the stronger rejection, and revoking that leaves the other', async () => {
  const images = storedImages(uuidUid(), 1)
  const { studyUid, sopInstanceUid } = images[0]!
  await index(...images)
  await index(aNote('113001', images))
  await index(aNote('113037', images))
  const shown = async () =>
    (await department.sql`select rejected_code from instances where sop_instance_uid = ${sopInstanceUid}`)[0]!
      .rejected_code
  expect(await shown()).toBe('113037')
  const [safety] = await department.sql<{ id: string }[]>`
    select id from rejections where code = '113037' and ${sopInstanceUid} = any(instances)`
  const lead = await actAs(department, 'lead')
  const asked = { rejectionId: safety!.id, reason: 'read again' }
  await expect(revokeRejection(department, lead, asked)).rejects.toMatchObject({
    code: 'second-person-required',
  })
  const { actor: secondPerson } = await actAs(department, 'admin')
  await revokeRejection(department, lead, { ...asked, secondPerson })
  expect(await shown()).toBe('113001')
  expect(await seen(studyUid)).toEqual([])
})

test('a note from a stranger, or of an expired retention of a held study, has no effect and somebody is told', async () => {
  const images = storedImages(uuidUid(), 1)
  const { studyUid } = images[0]!
  await index(...images)
  await index(aNote('113001', images, 'STRANGER'))
  await department.sql`update studies set legal_hold = true where study_uid = ${studyUid}`
  await index(aNote('113039', images))
  expect(await seen(studyUid)).toEqual(uids(images))
  const told = await department.sql<{ reason_code: string }[]>`
    select reason_code from exceptions where refs->>'studyInstanceUid' = ${studyUid} and kind = 'conflict' order by at, id`
  expect(told.map((row) => row.reason_code)).toEqual(['rejection-unknown-sender', 'rejection-held'])
})

test('[AR-07] a scanner withdraws no images of another site by its note, and somebody is told', async () => {
  const images = storedImages(uuidUid(), 1)
  const { studyUid } = images[0]!
  await index(...images)
  const { sql } = department
  const [elsewhere] = await sql<{ id: string }[]>`
    insert into sites (id, name, zone) values ('ELSEWHERE', 'Elsewhere', 'UTC') returning id`
  await sql`update studies set site_id = ${elsewhere!.id} where study_uid = ${studyUid}`
  await index(aNote('113037', images))
  expect(await seen(studyUid)).toEqual(uids(images))
  const told = await sql<{ reason_code: string }[]>`
    select reason_code from exceptions where refs->>'studyInstanceUid' = ${studyUid} and kind = 'conflict'`
  expect(told.map((row) => row.reason_code)).toEqual(['rejection-other-site'])
})

test('[AR-07] a person withdraws a series only with the right and a reason, and nothing twice', async () => {
  const images = storedImages(uuidUid(), 2)
  const { studyUid, seriesUid } = images[0]!
  await index(...images)
  const asked = { studyUid, seriesUid, code: '113038', reason: 'another patient' } as const
  const technologist = await actAs(department, 'tech')
  await expect(rejectInstances(department, technologist, asked)).rejects.toMatchObject({ code: 'forbidden' })
  const lead = await actAs(department, 'lead')
  await expect(rejectInstances(department, lead, { ...asked, reason: ' ' })).rejects.toMatchObject({
    code: 'reason-required',
  })
  await expect(rejectInstances(department, lead, { ...asked, code: '113039' })).rejects.toMatchObject({
    code: 'forbidden',
  })
  expect((await rejectInstances(department, lead, asked)).instances).toBe(2)
  expect(await seen(studyUid)).toEqual([])
  await expect(rejectInstances(department, lead, asked)).rejects.toMatchObject({ code: 'not-found' })
})

test('[AR-07] a device set to see what was rejected for quality sees that, and never what has outlived its retention', async () => {
  const images = storedImages(uuidUid(), 2)
  const { studyUid } = images[0]!
  await index(...images)
  await index(aNote('113001', [images[0]!]))
  const act = await dutyAct(department)
  await rejectInstances(department, act, {
    studyUid,
    sopInstanceUid: images[1]!.sopInstanceUid,
    code: '113039',
    reason: 'expired',
  })
  const { sql } = department
  const seenBy = async (seesRejected: string[]) => {
    const view = viewOf({ seesRejected })
    const rows = await sql<{ uid: string }[]>`
      select i.sop_instance_uid as uid from instances i join studies s on s.id = i.study_id
      where s.study_uid = ${studyUid} and not i.is_note and ${levelShown(sql, 'study', view)} and ${instanceShown(sql, view)}`
    return rows.map(({ uid }) => uid)
  }
  expect(await seenBy([])).toEqual([])
  expect(await seenBy(['113001', '113039'])).toEqual([images[0]!.sopInstanceUid])
})

test('[AR-07] whoever sees rejected images finds their modality and counts them, and nobody else does', async () => {
  const [ct, mr] = storedImages(uuidUid(), 2)
  const { studyUid } = ct!
  const patient = { '00100020': { vr: 'LO', Value: [`P-${studyUid.slice(-12)}`] } }
  const said = (image: StoredInstance, modality: string) => ({
    ...image,
    header: { ...image.header, ...patient, '00080060': { vr: 'CS', Value: [modality] } },
  })
  await index(said(ct!, 'CT'), { ...said(mr!, 'MR'), seriesUid: uuidUid() })
  await rejectInstances(department, await actAs(department, 'lead'), {
    studyUid,
    sopInstanceUid: mr!.sopInstanceUid,
    code: '113038',
    reason: 'another exam',
  })
  const foundBy = async (seesRejected: string[]) => {
    const scope = { studies: null, sites: null, view: viewOf({ seesRejected }) }
    const find = (level: 'study' | 'series', modality: string) =>
      search(department.sql, {
        level,
        scope,
        matches: [
          { tag: '0020000D', value: studyUid },
          { tag: '00080061', value: modality },
        ],
        limit: 10,
        offset: 0,
      })
    const [study] = await find('study', '')
    const { patientId, issuer, modalities, seriesCount, instanceCount } = study!.study
    const series = (await find('series', '')).map((one) => one.series!.instanceCount)
    const [counts] = await patientCounts(department.sql, [{ patientId, issuer }], scope)
    const ofMr = (await find('study', 'MR')).length
    return { modalities, seriesCount, instanceCount, inEach: series, ...counts!, ofMr }
  }
  const regular = { modalities: ['CT'], seriesCount: 1, instanceCount: 1, inEach: [1], ofMr: 0 }
  expect(await foundBy([])).toEqual({ ...regular, studies: 1, series: 1, instances: 1 })
  const all = { modalities: ['CT', 'MR'], seriesCount: 2, instanceCount: 2, inEach: [1, 1], ofMr: 1 }
  expect(await foundBy(['113038'])).toEqual({ ...all, studies: 1, series: 2, instances: 2 })
})
