/** A day in a seeded department, for tests: an order ordered, scanned, checked, read and signed by direct mutations. */
import { createHash } from 'node:crypto'
import { emptyDatabase } from '#bin/testing/database.ts'
import { type Department, openDepartment } from '#db/department.ts'
import { actOf, deviceAct } from '#db/mutations/act.ts'
import { openAmendment, signAmendment } from '#db/mutations/amendments.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { beginPerformedStep, changePerformedStep } from '#db/mutations/performed-steps.ts'
import { acceptQuality, rejectQuality } from '#db/mutations/quality.ts'
import { openReport, signReport } from '#db/mutations/reports.ts'
import { bookStep } from '#db/mutations/scheduling.ts'
import { arrive } from '#db/mutations/steps.ts'
import { indexInstances, type StoredInstance } from '#db/mutations/studies.ts'
import { claim } from '#db/mutations/work-items.ts'
import { seedDemo } from '#db/seed/demo.ts'
import { ulid } from '#db/ulid.ts'
import type { Actor } from '#domain/permissions.ts'
import { connection } from '#interop/v2/connection.ts'
import { readInbound } from '#interop/v2/intake.ts'

export const SECRET_KEY = '5ecdeba7a5f1e0d1c2b3a49586776859405132231405162738495a6b7c8d9eaf'
const MPPS_UID = '2.25.7'

export interface Patient {
  family: string
  given: string
  number: string
}

/** A migrated, seeded department of the suite's own whose reports go to `emrPort`. */
export async function openTestDepartment(
  emrPort: number,
): Promise<{ department: Department; databaseUrl: string }> {
  const databaseUrl = await emptyDatabase()
  const ports = { emr: emrPort, storeScp: 1, moveScu: 1, testScu: 1 }
  await seedDemo(databaseUrl, { secretKey: SECRET_KEY, listen: '127.0.0.1', ports })
  return { department: openDepartment(databaseUrl, { name: 'test' }), databaseUrl }
}

/** Makes a patient that no other test has. */
export function newPatient(): Patient {
  const number = ulid()
  return { family: `PLANTED${number.slice(-6)}`, given: 'VERA', number: `MRN${number}` }
}

/** ORM^O01 through the real reader and mutation; answers the order's id. */
export async function order(
  department: Department,
  patient: Patient = newPatient(),
  { control = 'NW', placer = `P${ulid().slice(-12)}`, priority = 'S' } = {},
): Promise<{ orderId: string; placer: string }> {
  const bytes = Buffer.from(
    [
      `MSH|^~\\&|RIS|SITE|ISOCENTER|MAIN|20261122083000+0100||ORM^O01^ORM_O01|${ulid()}|P|2.5.1`,
      `PID|1||${patient.number}^^^MAIN^MR||${patient.family}^${patient.given}||19780214|F`,
      'PV1|1|E|ER^1^^MAIN',
      `ORC|${control}|${placer}^RIS||||||||||1001^SAMPLE^OTTO^^^DR`,
      `OBR|1|${placer}^RIS||36643-5^XR chest 2 views^LN|||||||||||||||||||||||^^^^^${priority}`,
      '',
    ].join('\r'),
  )
  const read = readInbound(bytes, connection({ zone: 'Europe/Berlin', authority: 'RIS' }))
  if (read.kind !== 'order') throw new Error(`the test's own message is refused: ${JSON.stringify(read)}`)
  const received = await receiveOrderMessage(
    department,
    await actOf(department, { ...(await deviceAct(department, 'RIS')).actor, kind: 'token' }, 'hl7'),
    {
      application: read.key.sendingApplication,
      facility: read.key.sendingFacility,
      controlId: read.key.controlId,
      messageType: read.type,
      hash: read.hash,
      raw: bytes,
      connectionId: 'default',
      siteId: 'MAIN',
      peer: '127.0.0.1',
    },
    read.orders,
  )
  if (received.outcome === 'accepted') return { orderId: received.orderIds[0]!, placer }
  throw new Error(
    `the order was not accepted: ${received.outcome === 'refused' ? received.error.message : 'repeat'}`,
  )
}

/** Booked for now in XR 1, and the patient is here. */
export async function bookAndArrive(department: Department, orderId: string): Promise<void> {
  const [step] = await department.sql<
    { id: string }[]
  >`select id from steps where order_id = ${orderId} and status <> 'departed'`
  const scheduler = await actOf(department, await person(department, 'scheduler'), 'app')
  // One room and one minute each, so that orders of one suite never meet in it.
  const [last] = await department.sql<
    { at: Date }[]
  >`select greatest(max(planned_end), ${scheduler.now}) as at from steps`
  await bookStep(department, scheduler, { stepId: step!.id, roomId: 'xr-1', start: last!.at, minutes: 1 })
  await arrive(department, await actOf(department, await person(department, 'tech'), 'app'), {
    stepId: step!.id,
  })
}

/** MPPS begun, two images stored, MPPS completed naming both. */
export async function scan(department: Department, orderId: string): Promise<void> {
  const [row] = await department.sql<{ study_uid: string; step_number: string; accession: string }[]>`
    select p.study_uid, s.step_number, o.accession from orders o join procedures p on p.order_id = o.id
      join steps s on s.procedure_id = p.id where o.id = ${orderId} and s.status <> 'departed'`
  const { study_uid: studyUid, step_number: stepNumber, accession } = row!
  const act = await deviceAct(department, 'XR1')
  const sopInstanceUid = uid()
  const scheduled = [{ stepNumber, accession, studyUid }]
  await beginPerformedStep(department, act, {
    sopInstanceUid,
    stationAe: 'XR1',
    studyUid,
    scheduled,
    startedAt: act.now,
    dataset: {},
  })
  const seriesUid = uid()
  const images = [1, 2].map((number) => image({ studyUid, seriesUid, accession, number }))
  await indexInstances(department, act, images)
  await changePerformedStep(department, act, {
    sopInstanceUid,
    status: 'COMPLETED',
    endedAt: act.now,
    series: [{ seriesUid, instances: images.map((one) => one.sopInstanceUid) }],
    dataset: {},
  })
}

function image(of: {
  studyUid: string
  seriesUid: string
  accession: string
  number: number
}): StoredInstance {
  const sopInstanceUid = uid()
  return {
    blob: `test/${sopInstanceUid}`,
    bytes: 100,
    datasetOffset: 0,
    sha256: createHash('sha256').update(sopInstanceUid).digest('hex'),
    transferSyntaxUid: '1.2.840.10008.1.2.1',
    sopInstanceUid,
    sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1',
    seriesUid: of.seriesUid,
    studyUid: of.studyUid,
    header: {
      '00080050': { vr: 'SH', Value: [of.accession] },
      '00080060': { vr: 'CS', Value: ['DX'] },
      '00200013': { vr: 'IS', Value: [of.number] },
    },
    pixel: null,
    frames: 1,
    sourceAe: 'XR1',
    peer: '127.0.0.1',
  }
}

/** The technologist accepts the open quality item of the order. */
export async function acceptStudy(department: Department, orderId: string): Promise<void> {
  const act = await actOf(department, await person(department, 'tech'), 'app')
  await acceptQuality(
    department,
    act,
    await claim(department, act, { itemId: await openItem(department, orderId, 'quality') }),
  )
}

/** The technologist rejects every image of the open quality item; the exam is repeated at once. */
export async function rejectForRepeat(department: Department, orderId: string): Promise<void> {
  const act = await actOf(department, await person(department, 'tech'), 'app')
  const held = await claim(department, act, { itemId: await openItem(department, orderId, 'quality') })
  await rejectQuality(department, act, { ...held, reasonCodes: ['111209'], instances: [], repeated: true })
}

/** The radiologist claims, writes and signs; answers the report. */
export async function readAndSign(department: Department, orderId: string): Promise<{ reportId: string }> {
  const radiologist = await person(department, 'radiologist')
  const act = async () => actOf(department, radiologist, 'app')
  const itemId = await openItem(department, orderId, 'read')
  const { fence } = await claim(department, await act(), { itemId })
  const { reportId } = await openReport(department, await act(), { itemId })
  const sections = [
    { key: 'findings', text: 'No consolidation.' },
    { key: 'impression', text: 'Normal chest.' },
  ]
  await signReport(department, await act(), {
    itemId,
    fence,
    reportId,
    content: { sections },
    reauthenticated: true,
  })
  return { reportId }
}

/** The radiologist adds words to a report that is out. */
export async function addAndSign(department: Department, reportId: string, text: string): Promise<void> {
  const radiologist = await person(department, 'radiologist')
  const act = async () => actOf(department, radiologist, 'app')
  const { fence } = await openAmendment(department, await act(), { reportId, kind: 'addendum' })
  const content = { sections: [{ key: 'addendum', text }] }
  await signAmendment(department, await act(), {
    ...{ reportId, fence, kind: 'addendum', content, reauthenticated: true },
  })
}

export async function openItem({ sql }: Department, orderId: string, kind: string): Promise<string> {
  const [item] = await sql<{ id: string }[]>`
    select id from work_items where order_id = ${orderId} and kind = ${kind} and state in ('open', 'claimed')`
  if (!item) throw new Error(`no open ${kind} item`)
  return item.id
}

export async function hasItem({ sql }: Department, orderId: string, kind: string): Promise<boolean> {
  const rows = await sql`
    select 1 from work_items where order_id = ${orderId} and kind = ${kind} and state in ('open', 'claimed')`
  return rows.length > 0
}

export async function phaseOf({ sql }: Department, orderId: string): Promise<string> {
  const [row] = await sql<{ phase: string }[]>`select phase from orders where id = ${orderId}`
  return row!.phase
}

export async function person({ sql }: Department, userName: string): Promise<Actor> {
  const [row] = await sql<Omit<Actor, 'kind'>[]>`
    select id, roles, sites, areas, credentials from users where user_name = ${userName}`
  return { kind: 'user', ...row! }
}

/** Waits for a condition, never for a time. */
export async function until(what: string, holds: () => Promise<boolean>, withinMs = 20_000): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`after ${withinMs} ms still not so: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Moves the department's clock on. */
export async function advanceClock({ sql }: Department, ms: number): Promise<void> {
  await sql`update department_clock set base_department = base_department + ${ms} * interval '1 millisecond'`
}

let uids = 0

function uid(): string {
  uids += 1
  return `${MPPS_UID}.${Date.now()}.${process.pid}.${uids}`
}
