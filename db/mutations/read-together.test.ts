/** Exams of one patient under one report: held together, signed together, delivered each to its own accession. */
import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import { refusalCode } from '#domain/errors.ts'
import type { Department } from '../department.ts'
import { actAs, anOrder, seededDepartment } from '../order.fixture.ts'
import { invariantViolations } from '../queries/invariants.ts'
import { readingGroup } from '../queries/reading-group.ts'
import { readingRoom } from '../queries/reading-room.ts'
import { reportForDelivery } from '../queries/report-content.ts'
import { readableStudy } from '../reading.fixture.ts'
import { dutyAct } from './act.ts'
import type { Act } from './mutate.ts'
import { readApart, readTogether } from './read-together.ts'
import { openReport, recallReport, saveDraft, signReport } from './reports.ts'
import { settleOrder } from './settle.ts'
import { claim, heartbeat, release, takeOver } from './work-items.ts'

let department: Department
let people: { radiologist: Act; colleague: Act }

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
  people = {
    radiologist: await actAs(department, 'radiologist'),
    colleague: await actAs(department, 'radiologist2'),
  }
})

/** Each act at its own instant of the machine. */
const by = (who: 'radiologist' | 'colleague'): Act => ({ ...people[who], machineNow: new Date() })

const content = {
  sections: [
    { key: 'findings', text: 'No bleed in either exam.' },
    { key: 'impression', text: 'Normal.' },
  ],
}

interface Exam {
  orderId: string
  itemId: string
}

/** Two exams of one person, each under an order of its own, and the first in the radiologist's hands. */
async function twoExams(
  priority: 'stat' | 'routine' = 'stat',
): Promise<{ exams: [Exam, Exam]; fence: number; reportId: string }> {
  const { patient } = anOrder()
  const exams: [Exam, Exam] = [
    await readableStudy(department, priority, { patient }),
    await readableStudy(department, priority, { patient }),
  ]
  const { fence } = await claim(department, by('radiologist'), exams[0])
  const { reportId } = await openReport(department, by('radiologist'), exams[0])
  return { exams, fence, reportId }
}

const joined = async (priority: 'stat' | 'routine' = 'stat') => {
  const { exams, fence, reportId } = await twoExams(priority)
  const [{ itemId }, { itemId: otherItemId }] = exams
  const beside = await readTogether(department, by('radiologist'), { itemId, fence, otherItemId })
  return { exams, itemId, fence, reportId, beside: [{ itemId: otherItemId, fence: beside.fence }] }
}

const items = (exams: readonly Exam[]) =>
  department.sql<{ state: string; holder: string | null; fence: number; lease_until: Date | null }[]>`
    select state, holder, fence, lease_until from work_items where id = any(${exams.map(({ itemId }) => itemId)}) order by id`

const group = (itemId: string) => readingGroup(department.sql, { itemId, machineNow: new Date() })

const refused = (act: Promise<unknown>) =>
  act.then(
    () => 'done',
    (error) => refusalCode(error),
  )

test('[RP-11] another accepted exam of the same patient is offered, claimed with the first and taken out again', async () => {
  const { exams, fence, reportId } = await twoExams()
  const [{ itemId }, { itemId: otherItemId, orderId }] = exams
  expect((await group(itemId)).offers).toMatchObject([{ itemId: otherItemId, orderId }])
  await readTogether(department, by('radiologist'), { itemId, fence, otherItemId })
  expect(await group(itemId)).toMatchObject({
    others: [{ orderId }],
    together: [{ itemId: otherItemId, fence: 1 }],
    offers: [],
  })
  expect(await items(exams)).toMatchObject([
    { holder: people.radiologist.actor.id },
    { holder: people.radiologist.actor.id },
  ])
  // Seen from either exam it is one report, and the images of both.
  const room = (await readingRoom(department.sql, otherItemId))!
  expect(room.report?.id).toBe(reportId)
  expect(room.studies).toHaveLength(2)
  expect(room.priors).toEqual([])

  await readApart(department, by('radiologist'), { itemId, fence, otherItemId })
  expect(await items(exams)).toMatchObject([{ state: 'claimed' }, { state: 'open', holder: null }])
  expect(await group(itemId)).toMatchObject({ together: [], offers: [{ itemId: otherItemId }] })
  const alone = (await readingRoom(department.sql, otherItemId))!
  expect([alone.report, alone.studies.length]).toEqual([null, 1])
})

test('[RP-11] one signature completes both readings under their fences, and each accession has its delivery and its phase', async () => {
  const { exams, itemId, fence, reportId, beside } = await joined()
  const { version } = await signReport(department, by('radiologist'), {
    ...{ itemId, fence, reportId, content, beside, reauthenticated: true },
  })
  for (const { orderId } of exams) await settleOrder(department, await dutyAct(department), { orderId })
  const { sql } = department
  expect(await items(exams)).toMatchObject([{ state: 'completed' }, { state: 'completed' }])
  const deliveries = await sql<{ id: string; order_id: string; version: number }[]>`
    select id, order_id, version from deliveries where report_id = ${reportId} order by order_id`
  expect(deliveries).toMatchObject(exams.map(({ orderId }) => ({ order_id: orderId, version })))
  const accessions = await sql<{ accession: string }[]>`
    select accession from orders where id = any(${exams.map(({ orderId }) => orderId)}) order by id`
  const told = await Promise.all(deliveries.map(({ id }) => reportForDelivery(sql, id)))
  expect(told.map((one) => [one!.accession, one!.procedures.length])).toEqual(
    accessions.map(({ accession }) => [accession, 1]),
  )
  expect(
    await sql`select distinct phase from orders where id = any(${exams.map(({ orderId }) => orderId)})`,
  ).toEqual([{ phase: 'final' }])
  // One document and one PDF in each of the two studies.
  expect(await sql`select study_id, kind from report_objects where report_id = ${reportId}`).toHaveLength(4)
  expect(await invariantViolations(sql)).toEqual([])
})

test('[RP-11] a fence that is another one by now, or an exam that the screen did not show, refuses the whole signature', async () => {
  const { exams, itemId, fence, reportId, beside } = await joined()
  const signature = { itemId, fence, reportId, content, reauthenticated: true }
  const sign = (more: object) => refused(signReport(department, by('radiologist'), { ...signature, ...more }))
  expect(await sign({})).toBe('stale-fence')
  expect(await sign({ beside: [{ ...beside[0]!, fence: 7 }] })).toBe('stale-fence')
  expect(await department.sql`select 1 from report_versions where report_id = ${reportId}`).toEqual([])
  expect(await items(exams)).toMatchObject([{ state: 'claimed' }, { state: 'claimed' }])
  // One of the orders turned out to be somebody else's: two people never share a signature.
  const { sql } = department
  const [stranger, second] = [await readableStudy(department, 'stat'), exams[1].orderId]
  const give = (to: string) =>
    sql`update orders set patient_id = (select patient_id from orders where id = ${to}) where id = ${second}`
  await give(stranger.orderId)
  expect(await sign({ beside })).toBe('identity-provisional')
  await give(exams[0].orderId)
  expect(await sign({ beside })).toBe('done')
})

test('[RP-11] what is read together is renewed, taken over, given back and claimed again together', async () => {
  const { exams, itemId, fence, beside } = await joined()
  const later = { ...people.radiologist, machineNow: new Date(Date.now() + 60_000) }
  const until = await heartbeat(department, later, { itemId, fence })
  expect((await items(exams)).map(({ lease_until }) => lease_until)).toEqual([until, until])
  // The colleague takes over the second one, and with it the report and the first.
  const taken = await takeOver(department, by('colleague'), {
    ...{ itemId: beside[0]!.itemId, fenceSeen: beside[0]!.fence, reason: 'not here' },
  })
  expect(await items(exams)).toMatchObject([
    { holder: people.colleague.actor.id },
    { holder: people.colleague.actor.id },
  ])
  expect(await refused(release(department, by('radiologist'), { itemId, fence }))).toBe('stale-fence')
  // A lead, who reads no cases, frees both from hands that have gone home.
  const lead = await actAs(department, 'lead')
  const freed = await takeOver(department, lead, {
    ...{ itemId: taken.itemId, fenceSeen: taken.fence, reason: 'gone home' },
  })
  expect(await items(exams)).toMatchObject([{ holder: lead.actor.id }, { holder: lead.actor.id }])
  await release(department, lead, freed)
  expect(await items(exams)).toMatchObject([{ state: 'open' }, { state: 'open' }])
  await claim(department, by('radiologist'), { itemId })
  expect(await items(exams)).toMatchObject([
    { holder: people.radiologist.actor.id },
    { holder: people.radiologist.actor.id },
  ])
  expect(await invariantViolations(department.sql)).toEqual([])
})

test('[RP-11] another patient, words of its own, another holder and a report that has spoken keep an exam apart', async () => {
  const { exams, fence, reportId } = await twoExams()
  const [{ itemId }, { itemId: otherItemId }] = exams
  const join = (other: string) =>
    refused(readTogether(department, by('radiologist'), { itemId, fence, otherItemId: other }))
  const stranger = await readableStudy(department, 'stat')
  expect(await join(stranger.itemId)).toBe('identity-mismatch')

  const theirs = await claim(department, by('colleague'), { itemId: otherItemId })
  expect((await group(itemId)).offers).toEqual([])
  expect(await join(otherItemId)).toBe('already-claimed')
  const own = await openReport(department, by('colleague'), { itemId: otherItemId })
  await saveDraft(department, by('colleague'), { ...theirs, ...own, content })
  await release(department, by('colleague'), theirs)
  expect(await join(otherItemId)).toBe('illegal-transition')
  expect((await group(itemId)).offers).toEqual([])

  const technologist = await actAs(department, 'tech')
  const asked = { itemId, fence, otherItemId }
  expect(await refused(readTogether(department, technologist, asked))).toBe('stale-fence')
  const third = await readableStudy(department, 'stat', { patient: await patientOf(exams[0]) })
  expect((await group(itemId)).offers).toMatchObject([{ itemId: third.itemId }])
  await department.sql`update reports set state = 'PRELIM' where id = ${reportId}`
  expect((await group(itemId)).offers).toEqual([])
  expect(await join(third.itemId)).toBe('illegal-transition')
  await department.sql`update reports set state = 'DRAFT' where id = ${reportId}`
  expect(await join(third.itemId)).toBe('done')
})

test('[RP-11] a signature over both that was recalled opens both again, and both stay under it', async () => {
  const { exams, itemId, fence, reportId, beside } = await joined('routine')
  const { version } = await signReport(department, by('radiologist'), {
    ...{ itemId, fence, reportId, content, beside, reauthenticated: true },
  })
  await recallReport(department, by('radiologist'), { reportId, version })
  const settled = async () => {
    for (const { orderId } of exams) await settleOrder(department, await dutyAct(department), { orderId })
    return department.sql<{ id: string; cycle: number }[]>`
      select id, cycle from work_items where order_id = any(${exams.map(({ orderId }) => orderId)}) and kind = 'read'
        and state in ('open', 'claimed') order by order_id`
  }
  const [one, other] = await settled()
  expect([one!.cycle, other!.cycle]).toEqual([2, 2])
  const again = await claim(department, by('radiologist'), { itemId: one!.id })
  const apart = { ...again, otherItemId: other!.id }
  expect(await refused(readApart(department, by('radiologist'), apart))).toBe('illegal-transition')
  expect(await settled()).toHaveLength(2)
})

async function patientOf({ orderId }: Exam) {
  const [row] = await department.sql<{ value: string; issuer: string }[]>`
    select i.value, i.issuer from orders o join patient_identifiers i on i.patient_id = o.patient_id
    where o.id = ${orderId} limit 1`
  const { patient } = anOrder()
  const [name] = await department.sql<{ name: typeof patient.name }[]>`
    select p.name from orders o join patients p on p.id = o.patient_id where o.id = ${orderId}`
  return { ...patient, name: name!.name, identifiers: [{ ...row!, type: 'MR' }] }
}
