/** "Wrong patient or exam": images go to the order they were made for, and back until a final report. */
import { expect, test } from 'vitest'
import { addDays, localDate, startOfDay } from '#domain/calendar.ts'
import { actAs, storedImages } from '../order.fixture.ts'
import { criticalResultsOfCase } from '../queries/critical-results.ts'
import { search } from '../queries/dicomweb.ts'
import { unseenNotices } from '../queries/notices.ts'
import { openItem } from '../reading.fixture.ts'
import { accepted, arrived, type Exam, type Ordered, scanned, settle } from '../scanned.fixture.ts'
import { soundDepartment } from '../sound-department.fixture.ts'
import { deviceAct, dutyAct } from './act.ts'
import { attemptCritical, communicateCritical } from './critical-results.ts'
import { uuidUid } from './minting.ts'
import { type MoveReason, moveImages, undoMove } from './moved-images.ts'
import { cancelOrder } from './orders.ts'
import { raiseCriticalResult } from './raise-critical.ts'
import { readTogether } from './read-together.ts'
import { issuePreliminary, openReport, saveDraft, signReport } from './reports.ts'
import { retractReport } from './retractions.ts'
import { keepSetting } from './settings.ts'
import { settleOrder } from './settle.ts'
import { beginStep, endExam } from './steps.ts'
import { indexInstances } from './studies.ts'
import { claim } from './work-items.ts'

const department = await soundDepartment()

async function move(exam: Exam, to: Ordered, reason: MoveReason = 'wrong-patient', who = 'tech') {
  const asked = { performedStepId: exam.performedStepId, toStepId: to.stepId, reason }
  return moveImages(department, await actAs(department, who), asked)
}

async function standing({ orderId, stepId, studyUid }: Ordered) {
  const [row] = await department.sql<
    { phase: string; step: string; images: number; read: string | null; kinds: string[] }[]
  >`
    select o.phase, s.status as step,
      coalesce((select instance_count from studies where study_uid = ${studyUid}), 0) as images,
      (select coalesce(blocked_by, 'free') from work_items where order_id = o.id and kind = 'read' and state in ('open', 'claimed')) as read,
      array(select kind from work_items where order_id = o.id and state in ('open', 'claimed') order by kind) as kinds
    from orders o join steps s on s.id = ${stepId} where o.id = ${orderId}`
  return row!
}

/** What a query for the study answers: whose it is, and how many images. */
async function found(studyUid: string) {
  const hits = await search(department.sql, {
    level: 'study',
    scope: { studies: null, sites: null },
    matches: [{ tag: '0020000D', value: studyUid }],
    limit: 10,
    offset: 0,
  })
  return hits.map(({ study }) => ({
    patientId: study.patientId,
    accession: study.accession,
    images: study.instanceCount,
  }))
}

test('[MA-12] images made under another patient go to the right order, and the wrong one stands as before its exam', async () => {
  const [wrong, right] = [await arrived(department), await arrived(department)]
  const exam = await scanned(department, wrong)
  expect(await standing(wrong)).toMatchObject({ phase: 'quality-check', step: 'departed', images: 2 })

  await move(exam, right)
  await settle(department, wrong, right)
  expect(await standing(wrong)).toEqual({
    phase: 'arrived',
    step: 'ready',
    images: 0,
    read: null,
    kinds: ['perform'],
  })
  expect(await standing(right)).toEqual({
    phase: 'quality-check',
    step: 'departed',
    images: 2,
    read: null,
    kinds: ['quality'],
  })
  expect(await found(wrong.studyUid)).toEqual([])
  expect(await found(right.studyUid)).toEqual([
    { patientId: right.mrn, accession: right.accession, images: 2 },
  ])
})

test('[MA-12][MA-03] images that were moved here hide no question about those made here under the number of another patient', async () => {
  const { sql } = department
  const [other, own] = [await arrived(department), await arrived(department)]
  const exam = await scanned(department, other)
  const said = { '00100020': { vr: 'LO', Value: [other.mrn] } }
  await sql`
    update instances set attributes = attributes || ${sql.json(said)}
    where study_id = (select id from studies where study_uid = ${other.studyUid})`
  await move(exam, own)
  const doubts = async () =>
    (await sql`select state from exceptions where kind = 'identity' and order_id = ${own.orderId}`).length
  expect(await doubts()).toBe(0)
  const made = storedImages(own.studyUid, 1, { sourceAe: 'XR1' }).map((one) => ({
    ...one,
    header: { ...one.header, ...said },
  }))
  await indexInstances(department, await deviceAct(department, 'XR1'), made)
  expect(await doubts()).toBe(1)
})

test('[MA-12] reading is blocked on both orders until the quality check has seen what each holds now', async () => {
  const [wrong, right] = [await arrived(department), await arrived(department)]
  const stays = await scanned(department, wrong)
  await accepted(department, wrong)
  await scanned(department, right)
  await accepted(department, right)
  // One order's exam, and one more made under its entry that was the other patient's.
  const goes = await scanned(department, wrong, { count: 3 })
  await accepted(department, wrong)
  expect(await standing(wrong)).toMatchObject({ phase: 'reading', images: 5, read: 'free' })

  await move(goes, right)
  await settle(department, wrong, right)
  expect(await standing(wrong)).toMatchObject({
    phase: 'quality-check',
    step: 'departed',
    images: 2,
    read: 'move',
  })
  expect(await standing(right)).toMatchObject({ phase: 'quality-check', images: 5, read: 'move' })
  const kept = await department.sql<{ uid: string }[]>`
    select i.sop_instance_uid as uid from instances i join studies s on s.id = i.study_id where s.study_uid = ${wrong.studyUid}`
  expect(kept.map(({ uid }) => uid).sort()).toEqual(
    stays.images.map(({ sopInstanceUid }) => sopInstanceUid).sort(),
  )

  await accepted(department, wrong)
  expect(await standing(wrong)).toMatchObject({ phase: 'reading', read: 'free' })
  expect(await standing(right)).toMatchObject({ read: 'move' })
  await accepted(department, right)
  expect(await standing(right)).toMatchObject({ phase: 'reading', read: 'free' })
})

test('[MA-12] whoever had the case in hand before the move signs nothing until its images are checked anew', async () => {
  const [wrong, right] = [await arrived(department), await arrived(department)]
  await scanned(department, wrong)
  const goes = await scanned(department, wrong)
  await accepted(department, wrong)
  const reader = await actAs(department, 'radiologist')
  const { itemId, fence } = await claim(department, reader, {
    itemId: await openItem(department, wrong.orderId, 'read'),
  })
  const { reportId } = await openReport(department, reader, { itemId })
  const sections = ['findings', 'impression'].map((key) => ({ key, text: 'Normal.' }))
  const signature = { itemId, fence, reportId, content: { sections }, reauthenticated: true }
  await move(goes, right)
  // No timer has looked yet.
  await expect(signReport(department, reader, signature)).rejects.toMatchObject({ code: 'blocked' })
  await accepted(department, wrong)
  await signReport(department, reader, signature)
})

test('[MA-12] a move is taken back, and the patient who was really scanned then is read', async () => {
  const [one, other] = [await arrived(department), await arrived(department)]
  const exam = await scanned(department, one)
  await accepted(department, one)
  expect(await standing(one)).toMatchObject({ phase: 'reading', read: 'free' })
  const { moveId } = await move(exam, other)
  await settle(department, one, other)
  expect(await standing(one)).toMatchObject({ phase: 'arrived', step: 'ready', read: null })

  await undoMove(department, await actAs(department, 'tech'), { moveId })
  await settle(department, one, other)
  expect(await standing(one)).toMatchObject({
    phase: 'quality-check',
    step: 'departed',
    images: 2,
    kinds: ['quality'],
  })
  expect(await standing(other)).toEqual({
    phase: 'arrived',
    step: 'ready',
    images: 0,
    read: null,
    kinds: ['perform'],
  })
  await accepted(department, one)
  expect(await standing(one)).toMatchObject({ phase: 'reading', read: 'free' })
  expect(await found(one.studyUid)).toEqual([{ patientId: one.mrn, accession: one.accession, images: 2 }])

  // And the other patient's own exam goes its way as if nothing had been.
  await scanned(department, other)
  await accepted(department, other)
  expect(await standing(other)).toMatchObject({ phase: 'reading', step: 'departed', images: 2, read: 'free' })
})

test('[MA-12] what comes late of a moved exam follows it, and what the wrong patient’s own exam makes does not', async () => {
  const [wrong, right] = [await arrived(department), await arrived(department)]
  const exam = await scanned(department, wrong)
  await move(exam, right)
  const { header, ...late } = exam.images[0]!
  const act = await deviceAct(department, 'XR1')
  const more = { ...late, header, sopInstanceUid: uuidUid(), blob: uuidUid(), sha256: uuidUid() }
  const [outcome, repeat] = await indexInstances(department, act, [more, exam.images[1]!])
  expect([outcome!.outcome, repeat!.outcome]).toEqual(['stored', 'stored'])
  await settle(department, wrong, right)
  expect(await standing(right)).toMatchObject({ images: 3 })
  await scanned(department, wrong)
  expect(await standing(wrong)).toMatchObject({ step: 'departed', images: 2 })
  expect(await standing(right)).toMatchObject({ images: 3 })
})

test('[MA-12] a running exam, a signed report and an ended order are refused; a repeat of the same move has no effect', async () => {
  const [wrong, right] = [await arrived(department), await arrived(department)]
  const exam = await scanned(department, wrong)
  const { moveId } = await move(exam, right)
  expect(await move(exam, right)).toEqual({ moveId })
  await expect(move(exam, wrong)).rejects.toMatchObject({ code: 'illegal-transition' })
  await accepted(department, right)
  await signed(right)
  const tech = await actAs(department, 'tech')
  await expect(undoMove(department, tech, { moveId })).rejects.toMatchObject({ code: 'report-final' })
  expect(await standing(right)).toMatchObject({ images: 2 })

  const [began, cancelled] = [await arrived(department), await arrived(department)]
  await beginStep(department, tech, { stepId: began.stepId })
  const [running] = await department.sql<{ id: string }[]>`
    select performed_step_id as id from performed_step_links where step_id = ${began.stepId}`
  const run = { ...exam, performedStepId: running!.id }
  await expect(move(run, wrong)).rejects.toMatchObject({ code: 'procedure-begun' })
  await endExam(department, tech, { stepId: began.stepId })
  await cancelOrder(department, await actAs(department, 'scheduler'), {
    orderId: cancelled.orderId,
    reason: 'asked',
  })
  await expect(move(run, cancelled)).rejects.toMatchObject({ code: 'order-ended' })
  await expect(move(run, right)).rejects.toMatchObject({ code: 'report-final' })
})

test('[MA-12] a technologist moves what was made today in their own room, a lead what was made anywhere, a reader nothing', async () => {
  const [wrong, right] = [await arrived(department), await arrived(department)]
  const exam = await scanned(department, wrong)
  await expect(move(exam, right, 'wrong-patient', 'radiologist')).rejects.toMatchObject({ code: 'forbidden' })
  await keepSetting(department, await actAs(department, 'tech2'), { name: 'scanRoom', value: 'ct-1' })
  await expect(move(exam, right, 'wrong-patient', 'tech2')).rejects.toMatchObject({ code: 'forbidden' })
  await keepSetting(department, await actAs(department, 'tech2'), { name: 'scanRoom', value: 'xr-1' })
  await move(exam, right, 'wrong-patient', 'tech2')
  const [move2] = await department.sql<{ id: string }[]>`
    select id from moved_images where performed_step_id = ${exam.performedStepId}`
  await undoMove(department, await actAs(department, 'lead'), { moveId: move2!.id })
  expect(await standing(wrong)).toMatchObject({ images: 2 })
})

test('[MA-12] a night shift moves after midnight what it made before, and the next night nothing of it', async () => {
  const [wrong, right] = [await arrived(department), await arrived(department)]
  const exam = await scanned(department, wrong)
  const tomorrow = addDays(localDate('Europe/Berlin', await department.now()), 1)
  const before = new Date(startOfDay('Europe/Berlin', tomorrow).getTime() - 10 * 60_000)
  await department.sql`update performed_steps set started_at = ${before} where id = ${exam.performedStepId}`
  const asked = {
    performedStepId: exam.performedStepId,
    toStepId: right.stepId,
    reason: 'wrong-exam',
  } as const
  const nextNight = await actAs(department, 'tech', new Date(before.getTime() + 24 * 3_600_000))
  await expect(moveImages(department, nextNight, asked)).rejects.toMatchObject({ code: 'forbidden' })
  const afterMidnight = await actAs(department, 'tech', new Date(before.getTime() + 20 * 60_000))
  await moveImages(department, afterMidnight, asked)
  expect(await standing(right)).toMatchObject({ images: 2 })
})

test('[MA-12] a draft over images that were another’s is set aside, and a word that went out waits for its withdrawal', async () => {
  const [drafted, told, right] = [
    await arrived(department),
    await arrived(department),
    await arrived(department),
  ]
  const first = await scanned(department, drafted)
  await accepted(department, drafted)
  const draft = await reading(drafted)
  const reader = await actAs(department, 'radiologist')
  await saveDraft(department, reader, { ...draft, content: CONTENT })
  await move(first, right)
  await settle(department, drafted)
  const [report] = await department.sql`
    select r.state, (select count(*) from stray_drafts where report_id = r.id) as stray,
      (select count(*) from report_drafts where report_id = r.id) as drafts from reports r where r.id = ${draft.reportId}`
  expect(report).toEqual({ state: 'CANCELLED', stray: 1, drafts: 0 })

  const second = await scanned(department, told)
  await accepted(department, told)
  const word = await reading(told)
  await issuePreliminary(department, reader, { ...word, content: CONTENT })
  await move(second, right)
  const [doubt] = await department.sql`
    select kind, state, refs->>'reportId' as report from exceptions where key = ${`moved:${word.reportId}`}`
  expect(doubt).toEqual({ kind: 'conflict', state: 'open', report: word.reportId })
  await retractReport(department, reader, {
    ...{ reportId: word.reportId, version: 1, reason: 'wrong-patient', reauthenticated: true },
    secondPerson: (await actAs(department, 'radiologist2')).actor,
  })
  const [settled] = await department.sql`select state from exceptions where key = ${`moved:${word.reportId}`}`
  expect(settled).toEqual({ state: 'closed' })
})

test('[MA-12][CR-01] an open critical result goes with its images: both orders show it, about the right patient, and whoever tells it hears so', async () => {
  const { sql } = department
  const [wrong, right] = [await arrived(department), await arrived(department)]
  const exam = await scanned(department, wrong)
  await accepted(department, wrong)
  const { reportId } = await reading(wrong)
  const reader = await actAs(department, 'radiologist')
  const { criticalId } = await raiseCriticalResult(department, reader, {
    reportId,
    finding: 'A bleed.',
    level: 1,
  })
  await settle(department, wrong)
  const { moveId } = await move(exam, right)
  await settle(department, wrong, right)

  const now = await department.now()
  const shown = async ({ orderId }: Ordered) =>
    (await criticalResultsOfCase(sql, { orderId, reportId: null }, now)).map((one) => [
      one.id,
      one.accession,
      one.state,
    ])
  const about = { right: right.accession, wrong: wrong.accession, whole: true }
  expect([await shown(wrong), await shown(right)]).toEqual(
    [wrong, right].map(() => [[criticalId, right.accession, 'open']]),
  )
  const [there] = await criticalResultsOfCase(sql, { orderId: right.orderId, reportId: null }, now)
  expect([there!.moved, there!.orderId]).toEqual([about, right.orderId])
  const notices = await unseenNotices(sql, reader.actor.id)
  expect(notices.filter(({ kind }) => kind === 'critical').map(({ rung }) => rung)).toEqual(['moved'])
  for (const { orderId } of [wrong, right]) {
    const [event] =
      await sql`select data from order_events where order_id = ${orderId} and type = 'critical.moved'`
    expect(event!.data).toMatchObject({ criticalId, undone: false })
  }

  // What becomes of it stands on both timelines: the tries, its contacts, its lateness, its end.
  const late = new Date(reader.now.getTime() + 61 * 60_000)
  await attemptCritical(department, reader, { criticalId, method: 'telephone' })
  await settleOrder(department, await dutyAct(department, { now: late }), { orderId: wrong.orderId })

  // The right report waits for it, and its words are written there.
  await accepted(department, right)
  const word = await reading(right)
  const sign = () => signReport(department, reader, { ...word, content: CONTENT, reauthenticated: true })
  await expect(sign()).rejects.toMatchObject({ code: 'check-failed' })
  const told = { recipient: 'Ward 3', method: 'telephone', readBack: true, toldAt: reader.now } as const
  await communicateCritical(department, await actAs(department, 'radiologist'), { criticalId, ...told })
  await sign()
  const [said] = await sql<{ text: string }[]>`
    select content->>'sections' as text from report_versions where report_id = ${word.reportId} and kind = 'final'`
  expect(said!.text).toContain('Critical result (level 1): A bleed.')
  const since = async ({ orderId }: Ordered) =>
    (
      await sql<
        { type: string }[]
      >`select type from order_events where order_id = ${orderId} and type like 'critical.%' order by rev`
    ).map(({ type }) => type.split('.')[1])
  const [ours, theirs] = [await since(wrong), await since(right)]
  expect(ours).toEqual(['raised', 'escalated', ...theirs])
  expect(theirs).toEqual([
    ...['moved', 'attempted', 'escalated', 'escalated', 'escalated', 'late', 'communicated'],
  ])
  await expect(undoMove(department, await actAs(department, 'lead'), { moveId })).rejects.toMatchObject({
    code: 'report-final',
  })
})

test('[MA-12][CR-01] with the move undone an open critical result is about its first patient again', async () => {
  const { sql } = department
  const [wrong, right] = [await arrived(department), await arrived(department)]
  const exam = await scanned(department, wrong)
  await accepted(department, wrong)
  const { reportId } = await reading(wrong)
  const reader = await actAs(department, 'radiologist')
  await raiseCriticalResult(department, reader, { reportId, finding: 'A bleed.', level: 1 })
  const { moveId } = await move(exam, right)
  await undoMove(department, await actAs(department, 'lead'), { moveId })
  await settle(department, wrong, right)
  const now = await department.now()
  const shown = async ({ orderId }: Ordered) =>
    (await criticalResultsOfCase(sql, { orderId, reportId: null }, now)).map(({ accession, moved }) => [
      accession,
      moved,
    ])
  expect([await shown(wrong), await shown(right)]).toEqual([[[wrong.accession, null]], []])
})

test('[MA-12][CR-01] what was told about another’s images is asked to be put right, until they are back', async () => {
  const { wrong, right, exam, reportId, reader, criticalId } = await aBleedOfAnother()
  const told = { recipient: 'Ward 3', method: 'telephone', readBack: true, toldAt: reader.now } as const
  await communicateCritical(department, await actAs(department, 'radiologist'), { criticalId, ...told })
  const { moveId } = await move(exam, right)
  const asked = () => department.sql`
    select e.reason_code as why, e.state, w.state as work, (select count(*)::int from tenures t where t.item_id = w.id and t.ended_at is null) as hands
    from exceptions e join work_items w on w.subject_id = e.id where e.key = ${`moved-critical:${reportId}`}`
  expect(await asked()).toEqual([{ why: 'critical-before-move', state: 'open', work: 'open', hands: 0 }])
  await settle(department, wrong, right)
  // Somebody has it in hand when the move turns out to be the mistake.
  const lead = await actAs(department, 'lead')
  await claim(department, lead, { itemId: await openItem(department, wrong.orderId, 'mend') })
  await undoMove(department, lead, { moveId })
  expect(await asked()).toEqual([
    { why: 'critical-before-move', state: 'closed', work: 'completed', hands: 0 },
  ])
})

const CONTENT = {
  sections: [
    { key: 'findings', text: 'A bleed.' },
    { key: 'impression', text: 'Tell the ward.' },
  ],
}

async function reading({ orderId }: Ordered) {
  const act = await actAs(department, 'radiologist')
  const { itemId, fence } = await claim(department, act, {
    itemId: await openItem(department, orderId, 'read'),
  })
  const { reportId } = await openReport(department, act, { itemId })
  return { itemId, fence, reportId }
}

async function signed(order: Ordered): Promise<void> {
  const act = await actAs(department, 'radiologist')
  const under = await reading(order)
  await signReport(department, act, { ...under, content: CONTENT, reauthenticated: true } as never)
}

test('[MA-12] both timelines and the receivers of both orders hear of the move and of its undoing', async () => {
  const [wrong, right] = [await arrived(department), await arrived(department)]
  const exam = await scanned(department, wrong)
  const { moveId } = await move(exam, right)
  await undoMove(department, await actAs(department, 'tech'), { moveId })
  const told = ({ orderId }: Ordered) => department.sql`
    select data->>'side' as side, data->>'undone' as undone, data->>'reasonCode' as reason from order_events
    where order_id = ${orderId} and type = 'performed-step.moved' order by rev`
  const reason = 'wrong-patient'
  expect(await told(wrong)).toEqual([
    { side: 'from', undone: 'false', reason },
    { side: 'to', undone: 'true', reason },
  ])
  expect(await told(right)).toEqual([
    { side: 'to', undone: 'false', reason },
    { side: 'from', undone: 'true', reason },
  ])
  const statuses = ({ orderId }: Ordered) => department.sql<{ status: string; message_type: string }[]>`
    select status, message_type from deliveries where order_id = ${orderId} order by lane_position`
  const message_type = 'ORM^O01'
  expect(await statuses(wrong)).toEqual([
    { status: 'arrived', message_type },
    { status: 'acquired', message_type },
  ])
  expect(await statuses(right)).toEqual([
    { status: 'acquired', message_type },
    { status: 'arrived', message_type },
  ])
})

test('[MA-12][CR-01] a call that told of images which then went back is asked to be put right where it was made', async () => {
  const { right, exam, reader, criticalId } = await aBleedOfAnother()
  const { moveId } = await move(exam, right)
  const told = { recipient: 'Ward 3', method: 'telephone', readBack: true, toldAt: reader.now } as const
  await communicateCritical(department, await actAs(department, 'radiologist'), { criticalId, ...told })
  const asked = () => department.sql`
    select order_id, state, refs->>'criticalId' as critical from exceptions where key = ${`told-elsewhere:${criticalId}`}`
  expect(await asked()).toEqual([])
  await undoMove(department, await actAs(department, 'lead'), { moveId })
  expect(await asked()).toEqual([{ order_id: right.orderId, state: 'open', critical: criticalId }])
})

test('[MA-12][RP-11] of a report over two exams, one of which loses its images, each order hears once, and a finding is not wholly the other’s', async () => {
  const { sql } = department
  const [one, other, right] = [
    await arrived(department),
    await arrived(department),
    await arrived(department),
  ]
  await sql`update orders set patient_id = (select patient_id from orders where id = ${one.orderId}) where id = ${other.orderId}`
  const exam = await scanned(department, one)
  await accepted(department, one)
  await scanned(department, other)
  await accepted(department, other)
  const held = await reading(one)
  const reader = await actAs(department, 'radiologist')
  const otherItemId = await openItem(department, other.orderId, 'read')
  await readTogether(department, reader, { ...held, otherItemId })
  await saveDraft(department, reader, { ...held, content: CONTENT })
  const raised = { reportId: held.reportId, finding: 'A bleed.', level: 1 } as const
  const { criticalId } = await raiseCriticalResult(department, reader, raised)
  await move(exam, right)
  const [carried] = await sql`select whole from critical_moves where critical_id = ${criticalId}`
  expect(carried).toEqual({ whole: false })
  const cancelled = async ({ orderId }: Ordered) =>
    (await sql`select 1 from order_events where order_id = ${orderId} and type = 'report.cancelled'`).length
  expect([await cancelled(one), await cancelled(other), await cancelled(right)]).toEqual([1, 1, 0])
})

/** Images that are another patient's, read as this one's, and a critical result raised of them. */
async function aBleedOfAnother() {
  const [wrong, right] = [await arrived(department), await arrived(department)]
  const exam = await scanned(department, wrong)
  await accepted(department, wrong)
  const { reportId } = await reading(wrong)
  const reader = await actAs(department, 'radiologist')
  const raised = { reportId, finding: 'A bleed.', level: 1 } as const
  const { criticalId } = await raiseCriticalResult(department, reader, raised)
  return { wrong, right, exam, reportId, reader, criticalId }
}
