/** Released reports as objects of their study: written once, found by every peer, and never taken for images. */
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dciodvfy } from '#archive/dciodvfy.fixture.ts'
import type { Dataset } from '#archive/dimse/dataset.ts'
import { findscu, openArchive, readDataset, type TestArchive, until } from '#archive/scp/archive.fixture.ts'
import { scopeOf } from '#archive/web/access.ts'
import { ShownObjects } from '#archive/web/shown-objects.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { openAmendment, signAmendment } from '#db/mutations/amendments.ts'
import type { ReportContent } from '#db/mutations/report-versions.ts'
import { issuePreliminary, openReport, recallReport, signReport } from '#db/mutations/reports.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs } from '#db/order.fixture.ts'
import { invariantViolations } from '#db/queries/invariants.ts'
import { loadOrderFacts } from '#db/queries/order-facts.ts'
import { seriesAt } from '#db/queries/stored-headers.ts'
import { storedObjects } from '#db/queries/stored-objects.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import { type ReportTemplate, templateText } from '#domain/report-template.ts'
import { plainSections, type TextMark } from '#domain/report-text.ts'
import type { Priority } from '#domain/words.ts'
import { readPdf } from './pdf-text.fixture.ts'
import { reportPdf } from './report-pdf.ts'
import { writeReports } from './write-reports.ts'

let archive: TestArchive

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
})

afterAll(() => archive.close())

const content = {
  sections: [
    { key: 'findings', text: 'No bleed.\nVentricles of normal width.' },
    { key: 'impression', text: 'Normal.' },
  ],
}

function write(): Promise<number> {
  const { department, ingest } = archive
  const log = pino({ level: 'silent' })
  // In this thread: the test of the PDF starts the one that it has of its own.
  return writeReports({ sql: department.sql, ingest, aeTitle: 'ISOCENTER', log, render: reportPdf })
}

async function written(): Promise<number> {
  const { department } = archive
  const count = await write()
  const owed = () => department.sql`select 1 from report_objects where stored_at is null`
  await until('nothing owed', async () => (await owed()).length === 0)
  return count
}

interface Read {
  orderId: string
  itemId: string
  fence: number
  reportId: string
  studyUid: string
}

/** A study in a radiologist's hands. */
async function reading(priority: Priority = 'stat'): Promise<Read> {
  const { department } = archive
  const name = {
    alphabetic: { family: 'YAMADA', given: 'TAROU' },
    ideographic: { family: '山田', given: '太郎' },
  }
  const patient = {
    identifiers: [{ value: `SYN-${crypto.randomUUID().slice(0, 8)}`, issuer: 'MAIN', type: 'MR' }],
    ...{ name, otherNames: [], birthDate: { value: '1978-02-14', precision: 'day' as const } },
    ...{ sex: 'F' as const, temporaryIdentity: false, comments: [] },
  }
  const { orderId, itemId } = await readableStudy(department, priority, { patient })
  const act = await actAs(department, 'radiologist')
  const held = await claim(department, act, { itemId })
  const { reportId } = await openReport(department, act, held)
  const [row] = await department.sql<{ studyUid: string }[]>`
    select s.study_uid as "studyUid" from study_links l join studies s on s.id = l.study_id where l.order_id = ${orderId}`
  return { orderId, itemId, fence: held.fence, reportId, studyUid: row!.studyUid }
}

async function signed(read: Read, words: ReportContent = content): Promise<void> {
  const { department } = archive
  const { itemId, fence, reportId } = read
  await signReport(department, await actAs(department, 'radiologist'), {
    ...{ itemId, fence, reportId, content: words, reauthenticated: true },
  })
  // Its recall time is over.
  await department.sql`update report_versions set recall_until = now() - interval '1 hour' where report_id = ${reportId} and released_at is null`
  await settleOrder(department, await dutyAct(department), { orderId: read.orderId })
}

interface Kept {
  path: string
  dataset: Dataset
}

/** The report's objects in their study, by version, documents first. */
async function kept(reportId: string): Promise<Kept[]> {
  const rows = await archive.department.sql<{ blob: string }[]>`
    select i.blob from report_objects o join instances i on i.sop_instance_uid = o.sop_instance_uid
    where o.report_id = ${reportId} order by o.version, o.kind desc`
  return rows
    .map(({ blob }) => join(archive.root, blob))
    .map((path) => ({ path, dataset: readDataset(path) }))
}

const named = (dataset: Dataset): string => dataset.item('ConceptNameCodeSequence')!.text('CodeMeaning')!

test('[RP-01] what a template says that its fields mean is signed with their words, stands in the document, and comes back to be corrected', async () => {
  const rid = (value: string, meaning: string) => ({ scheme: 'RADLEX', value, meaning })
  const field = { kind: 'choice' as const, value: '', options: [] as string[] }
  const template: Pick<ReportTemplate, 'sections'> = {
    sections: [
      {
        key: 'findings',
        parts: [
          { text: 'Intracranial haemorrhage: ' },
          {
            field: {
              ...{ ...field, id: 'h', label: 'Haemorrhage', value: 'None' },
              coding: {
                codes: [rid('RID4700', 'hemorrhage'), rid('RID6383', 'intracranial')],
                options: { None: rid('RID28454', 'none') },
              },
            },
          },
          { text: '\nShift: ' },
          {
            field: {
              ...field,
              id: 's',
              label: 'Shift',
              value: '4',
              coding: { codes: [rid('RID5826', 'midline')], options: {} },
            },
          },
          { text: ' mm' },
        ],
      },
    ],
  }
  const marked = { key: 'findings', ...templateText(template, 'findings')! }
  const [findings, impression] = [plainSections([marked]), [{ key: 'impression', text: 'Normal.' }]]
  const read = await reading()
  await signed(read, { sections: [...findings, ...impression] })
  await written()
  const [sr] = (await kept(read.reportId)) as [Kept]
  expect((await dciodvfy(sr.path)).errors).toEqual([])
  const container = sr.dataset.items('ContentSequence').find((item) => named(item) === 'Findings')!
  const [words, bleeding, shift] = container.items('ContentSequence')
  expect(words!.text('TextValue')).toBe('Intracranial haemorrhage: None\r\nShift: 4 mm')
  expect([named(bleeding!), bleeding!.item('ConceptCodeSequence')!.text('CodeValue')]).toEqual([
    'hemorrhage',
    'RID28454',
  ])
  expect(bleeding!.item('ContentSequence')!.item('ConceptCodeSequence')!.text('CodeMeaning')).toBe(
    'intracranial',
  )
  expect([named(shift!), shift!.text('TextValue')]).toEqual(['midline', '4'])

  const { department } = archive
  const { reportId } = read
  await openAmendment(department, await actAs(department, 'radiologist'), { reportId, kind: 'correction' })
  const [draft] = await department.sql<{ marks: TextMark[] }[]>`
    select content->'sections'->0->'marks' as marks from report_drafts where report_id = ${reportId}`
  const fields = marked.marks.filter(({ kind }) => kind === 'field')
  expect(draft!.marks).toEqual(fields)
})

test('[RP-05] a released report stands in its study as a Basic Text SR and a PDF, signed, hashed and without an error', async () => {
  const read = await reading()
  await signed(read)
  expect(await written()).toBe(2)
  const [sr, pdf] = (await kept(read.reportId)) as [Kept, Kept]
  for (const { path } of [sr, pdf]) expect((await dciodvfy(path)).errors).toEqual([])
  expect((await dciodvfy(sr.path)).iod).toBe('BasicTextSR')
  expect((await dciodvfy(pdf.path)).iod).toBe('EncapsulatedPDF')

  const [version] = await archive.department.sql<{ hash: string }[]>`
    select content_hash as hash from report_versions where report_id = ${read.reportId}`
  const { dataset } = sr
  expect(dataset.text('VerificationFlag')).toBe('VERIFIED')
  expect(dataset.text('PreliminaryFlag')).toBe('FINAL')
  const [observer] = dataset.items('VerifyingObserverSequence')
  const [person] = await archive.department
    .sql`select family, given from users where user_name = 'radiologist'`
  expect(observer!.text('VerifyingObserverName')).toContain(`${person!.family}^${person!.given}`)
  const content = dataset.items('ContentSequence')
  const sections = content.filter((item) => item.text('ValueType') === 'CONTAINER')
  expect(sections.map(named)).toEqual(['Findings', 'Impressions'])
  expect(sections[0]!.item('ContentSequence')!.text('TextValue')).toBe(
    'No bleed.\r\nVentricles of normal width.',
  )
  expect(content.at(-1)!.text('TextValue')).toBe(version!.hash)
  const [evidence] = dataset.items('CurrentRequestedProcedureEvidenceSequence')
  expect(evidence!.items('ReferencedSeriesSequence')[0]!.items('ReferencedSOPSequence')).toHaveLength(2)

  expect(pdf.dataset.item('SourceInstanceSequence')!.text('ReferencedSOPInstanceUID')).toBe(
    dataset.text('SOPInstanceUID'),
  )
  const { text } = readPdf(pdf.dataset.bytes('EncapsulatedDocument')!)
  for (const words of ['YAMADA, TAROU', '山田', '太郎', 'Ventricles of normal width.', version!.hash])
    expect(text.replaceAll('\n', '')).toContain(words)
})

test('[RP-05] peers find a report beside the images, and the department counts it as none', async () => {
  const read = await reading()
  const facts = async () => (await loadOrderFacts(archive.department.sql, read.orderId))!
  await signed(read)
  const before = await facts()
  await written()
  const keys = [
    'QueryRetrieveLevel=SERIES',
    `StudyInstanceUID=${read.studyUid}`,
    'Modality',
    'NumberOfSeriesRelatedInstances',
  ]
  const series = await findscu(archive.port, { model: '-S', keys })
  expect(series.map((one) => one.text('Modality')).sort()).toEqual(['CT', 'DOC', 'SR'])
  const all = [
    'QueryRetrieveLevel=STUDY',
    `StudyInstanceUID=${read.studyUid}`,
    'NumberOfStudyRelatedInstances',
  ]
  const [study] = await findscu(archive.port, { model: '-S', keys: all })
  expect(study!.number('NumberOfStudyRelatedInstances')).toBe(4)
  // Neither late images nor an exam that is still going on, nor anything to look at again.
  await settleOrder(archive.department, await dutyAct(archive.department), { orderId: read.orderId })
  const after = await facts()
  expect(after.studies).toEqual(before.studies)
  expect(after.studies[0]).toMatchObject({ storedInstances: 2, visibleInstances: 2, lateBatches: [] })
  const { sql } = archive.department
  expect(await sql`select kind from work_items where order_id = ${read.orderId} and state = 'open'`).toEqual(
    [],
  )
  expect(
    await sql`select 1 from order_events where order_id = ${read.orderId} and type = 'images.late'`,
  ).toEqual([])
  expect(await invariantViolations(sql)).toEqual(
    expect.not.arrayContaining([
      expect.objectContaining({ invariant: '20 counts show only visible instances' }),
    ]),
  )
})

test('[RP-05] whoever may see images and no report finds none beside them', async () => {
  const { sql } = archive.department
  const read = await reading()
  await signed(read)
  await written()
  const [report] = await kept(read.reportId)
  const place = {
    studyUid: read.studyUid,
    seriesUid: report!.dataset.text('SeriesInstanceUID')!,
    sopInstanceUid: report!.dataset.text('SOPInstanceUID')!,
  }
  const seenBy = async (user: string) => {
    const { actor } = await actAs(archive.department, user)
    const scope = scopeOf({ kind: 'launch', launchId: 'L1', actor, studies: [read.studyUid] })
    const at = await new ShownObjects(sql).at(scope, place)
    return {
      objects: (await storedObjects(sql, scope, { studyUid: read.studyUid })).length,
      series: (await seriesAt(sql, scope, { studyUid: read.studyUid })).length,
      report: at !== null,
    }
  }
  expect(await seenBy('radiologist')).toEqual({ objects: 4, series: 3, report: true })
  expect(await seenBy('physicist')).toEqual({ objects: 2, series: 1, report: false })
})

test('[RP-05] a first word is an unverified instance, and each later version names the one before it', async () => {
  const read = await reading()
  const { department } = archive
  const radiologist = await actAs(department, 'radiologist')
  const { itemId, fence, reportId } = read
  await issuePreliminary(department, radiologist, { itemId, fence, reportId, content })
  await written()
  // The words that are signed are a resident's.
  const [resident] = await department.sql<{ id: string; family: string }[]>`
    select id, family from users where user_name = 'resident'`
  await department.sql`update reports set author_id = ${resident!.id} where id = ${reportId}`
  await signed(read)
  await written()
  const amendment = await openAmendment(department, radiologist, { reportId, kind: 'addendum' })
  const added = { sections: [{ key: 'addendum', text: 'Compared with 2024: unchanged.' }] }
  await signAmendment(department, radiologist, {
    ...{ reportId, fence: amendment.fence, kind: 'addendum', content: added, reauthenticated: true },
  })
  await department.sql`update report_versions set recall_until = now() - interval '1 hour' where report_id = ${reportId} and released_at is null`
  await settleOrder(department, await dutyAct(department), { orderId: read.orderId })
  await written()
  const objects = await kept(reportId)
  expect(
    (await Promise.all(objects.map(({ path }) => dciodvfy(path)))).flatMap(({ errors }) => errors),
  ).toEqual([])
  const [first, , final, , last] = objects.map(({ dataset }) => dataset) as [
    Dataset,
    Dataset,
    Dataset,
    Dataset,
    Dataset,
  ]
  expect([first, final, last].map((one) => one.text('VerificationFlag'))).toEqual([
    'UNVERIFIED',
    'VERIFIED',
    'VERIFIED',
  ])
  const authors = (one: Dataset) =>
    one.items('AuthorObserverSequence').map((person) => person.text('PersonName')!.split('^')[0])
  const [signer] = authors(first)
  expect([authors(first), authors(final)]).toEqual([[signer], [resident!.family, signer]])
  expect(first.items('PredecessorDocumentsSequence')).toEqual([])
  const predecessor = (one: Dataset) =>
    one
      .item('PredecessorDocumentsSequence')!
      .item('ReferencedSeriesSequence')!
      .item('ReferencedSOPSequence')!
      .text('ReferencedSOPInstanceUID')
  expect([predecessor(final), predecessor(last)]).toEqual([
    first.text('SOPInstanceUID'),
    final.text('SOPInstanceUID'),
  ])
  // One series for all of them, and the whole report in the newest one.
  expect(new Set([first, final, last].map((one) => one.text('SeriesInstanceUID'))).size).toBe(1)
  const containers = last.items('ContentSequence').filter((item) => item.text('ValueType') === 'CONTAINER')
  expect(containers.map(named)).toEqual(['Findings', 'Impressions', 'Addendum'])
})

test('[RP-05] what a crash left unmarked is written again as the same object', async () => {
  const read = await reading()
  await signed(read)
  await written()
  const before = await kept(read.reportId)
  const { sql } = archive.department
  await sql`update report_objects set stored_at = null where report_id = ${read.reportId}`
  await written()
  await until('nothing waiting', async () => archive.ingest.state().backlog === 0)
  expect((await kept(read.reportId)).map(({ path }) => path)).toEqual(before.map(({ path }) => path))
  expect(await sql`select 1 from quarantine`).toEqual([])
})

test('[RP-05] nothing is owed of a signature that is taken back before it went out', async () => {
  const { department } = archive
  const { itemId, fence, reportId } = await reading('routine')
  const radiologist = await actAs(department, 'radiologist')
  const { version } = await signReport(department, radiologist, {
    ...{ itemId, fence, reportId, content, reauthenticated: true },
  })
  await recallReport(department, radiologist, { reportId, version })
  expect(await department.sql`select 1 from report_objects where report_id = ${reportId}`).toEqual([])
})

test('[RP-05] one object that cannot be written keeps no other waiting', async () => {
  const { sql } = archive.department
  const [read, other] = [await reading(), await reading()]
  for (const one of [read, other]) await signed(one)
  const objects = (of: Read) => sql<{ uid: string; attempts: number; isStored: boolean }[]>`
    select sop_instance_uid as uid, attempts, stored_at is not null as "isStored" from report_objects
    where report_id = ${of.reportId} order by kind`
  // As a bug of ours or a name that no font can take would leave it: an object that cannot be made.
  await sql`update report_objects set kind = 'sr', series_uid = 'x' where report_id = ${read.reportId} and kind = 'sr'`
  await write()
  await until('the others', async () => (await objects(other)).every(({ isStored }) => isStored))
  expect(await objects(read)).toMatchObject([{ isStored: true }, { isStored: false, attempts: 1 }])
  expect(await write()).toBe(0)
})
