import { rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { COMMAND } from '#archive/dimse/command.ts'
import { Dataset } from '#archive/dimse/dataset.ts'
import { encodeDataset } from '#archive/dimse/encode.ts'
import { type Listener, listenDimse } from '#archive/dimse/listener.ts'
import type { Services } from '#archive/dimse/services.ts'
import {
  CT_IMAGE_STORAGE,
  MR_IMAGE_STORAGE,
  STORAGE_COMMITMENT_PUSH,
  STORAGE_COMMITMENT_PUSH_INSTANCE,
} from '#archive/dimse/sop-class.ts'
import { EXPLICIT_LITTLE } from '#archive/dimse/transfer-syntax.ts'
import { newUid } from '#archive/dimse/uid.ts'
import { openAssociation, withAssociation } from '#archive/scu/association.ts'
import {
  COMMITMENT_CONTEXT,
  type CommitmentReport,
  type Reference,
  readReport,
  requestCommitment,
  requestCommitmentOn,
} from '#archive/scu/commitment.ts'
import { type Storable, storableDataset, store } from '#archive/scu/store.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { openArchive, type TestArchive, until } from './archive.fixture.ts'

/** Renewed a quarter of it later. */
const LEASE_MS = 2_500

let archive: TestArchive
const listeners: Listener[] = []

beforeAll(async () => {
  archive = await openArchive(await testDatabase(), {
    gatherMs: 10_000,
    timings: { leaseMs: LEASE_MS, patienceMs: 5_000 },
  })
})

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close()))
})

afterAll(() => archive.close())

const peer = (callingAe = 'CT1') => ({
  host: '127.0.0.1',
  port: archive.port,
  callingAe,
  calledAe: 'ISOCENTER',
})

function image(studyUid = newUid()): Storable {
  const uids = { StudyInstanceUID: studyUid, SeriesInstanceUID: `${studyUid.slice(0, 50)}.1` }
  const dataset = Dataset.of({
    SOPClassUID: CT_IMAGE_STORAGE,
    SOPInstanceUID: newUid(),
    ...uids,
    Modality: 'CT',
    PatientID: 'P1',
  })
  return storableDataset(dataset.set('PixelData', Buffer.alloc(40_000, 7), 'OW'))
}

async function stored(...images: Storable[]): Promise<void> {
  const results = await store(peer(), images)
  expect(results.map(({ status }) => status)).toEqual(images.map(() => 0))
}

const referenceTo = ({ sopClassUid, sopInstanceUid }: Storable): Reference => ({
  sopClassUid,
  sopInstanceUid,
})

const aRequest = (...images: Storable[]) => ({
  transactionUid: newUid(),
  instances: images.map(referenceTo),
})

interface Told {
  reports: { event: number; report: CommitmentReport; callingAe: string; roles: readonly unknown[] }[]
  services: Services
}

/** What a modality does with reports: keeps them, or answers otherwise when told to. */
function told(answers: number[] = []): Told {
  const reports: Told['reports'] = []
  const services: Services = {
    nEventReport({ dataset, command, association }) {
      const { callingAe, roles } = association.agreement
      const event = command.set.number('EventTypeID') ?? 0
      reports.push({ event, report: readReport(dataset), callingAe, roles })
      return { status: answers.shift() ?? 0x0000 }
    },
  }
  return { reports, services }
}

/** The modality's own port, under a title of its own; `takesRole` false: it will not be SCU to our SCP. */
async function listening({ services }: Told, { port = 0, takesRole = true } = {}): Promise<number> {
  const listener = await listenDimse({
    host: '127.0.0.1',
    port,
    authorise: () => ({
      accept: true,
      supports: () => ({ transferSyntaxes: [EXPLICIT_LITTLE], requestorMayBeScp: takesRole }),
      services,
    }),
  })
  listeners.push(listener)
  return listener.port
}

let titles = 0

async function modality(port: number | null): Promise<string> {
  titles += 1
  const title = `SC${titles}`
  await archive.department.sql`
    insert into devices (id, ae_title, site_id, kind, profile, host, port)
    values (${title}, ${title}, 'MAIN', 'modality', 'full', ${port === null ? null : '127.0.0.1'}, ${port})`
  return title
}

/** What is here is in the index, and for the rest that a device named nobody waits any longer. */
async function nothingMoreComes(title: string, ...here: Storable[]): Promise<void> {
  const { sql } = archive.department
  const uids = here.map(({ sopInstanceUid }) => sopInstanceUid)
  await until('the index', async () => {
    archive.ingest.flush()
    return (await sql`select 1 from instances where sop_instance_uid = any(${uids})`).length === uids.length
  })
  await sql`update commitments set patience_until = requested_at where ae_title = ${title}`
}

const reported = (asked: { reports: unknown[] }, count = 1) =>
  until(`${count} reports`, async () => asked.reports.length >= count)

test('[AR-03] what is stored is committed on the association that it was asked on', async () => {
  const images = [image(), image()]
  await stored(...images)
  const modalitys = told()
  const request = aRequest(...images)
  const options = { contexts: [COMMITMENT_CONTEXT], services: modalitys.services }
  await withAssociation(peer(), options, async (association) => {
    expect((await requestCommitmentOn(association, request)).status).toBe(0x0000)
    await reported(modalitys)
  })
  expect(modalitys.reports.map(({ event, report }) => ({ event, report }))).toEqual([
    {
      event: 1,
      report: {
        transactionUid: request.transactionUid,
        retrieveAe: 'ISOCENTER',
        committed: request.instances,
        failed: [],
      },
    },
  ])
})

test('[AR-03] a modality that has left is called back, and we propose to be the SCP there', async () => {
  const one = image()
  await stored(one)
  const modalitys = told()
  const title = await modality(await listening(modalitys))
  const request = aRequest(one)
  expect(await requestCommitment(peer(title), request)).toBe(0x0000)
  await reported(modalitys)
  const [first] = modalitys.reports
  expect(first).toMatchObject({ event: 1, callingAe: 'ISOCENTER', report: { committed: request.instances } })
  expect(first!.roles).toEqual([{ sopClassUid: STORAGE_COMMITMENT_PUSH, scu: false, scp: true }])
  // Written when the modality has answered, which is after it has the report.
  await until('the audit row', async () => {
    const [trail] = await archive.department.sql<{ data: Record<string, unknown> }[]>`
      select data from audit_events where type = 'commitment.reported' and chain = ${`device:${title}`}`
    return trail?.data.instances === 1 && trail.data.failed === 0 && trail.data.onSameAssociation === false
  })
})

test('[AR-03] what is missing, of another class or damaged is not committed, each with its reason', async () => {
  const [good, other, damaged, gone] = [image(), image(), image(), image()] as const
  await stored(good, other, damaged, gone)
  archive.ingest.flush()
  const blobOf = async ({ sopInstanceUid }: Storable) => {
    let blob = ''
    await until('the index', async () => {
      const [row] = await archive.department.sql<{ blob: string }[]>`
        select blob from instances where sop_instance_uid = ${sopInstanceUid}`
      blob = row?.blob ?? ''
      return blob !== ''
    })
    return join(archive.root, blob)
  }
  truncateSync(await blobOf(damaged), 20_000)
  rmSync(await blobOf(gone))
  const never = image()
  const modalitys = told()
  const title = await modality(await listening(modalitys))
  const request = aRequest(good, other, damaged, gone, never)
  const instances = request.instances.map((one) =>
    one.sopInstanceUid === other.sopInstanceUid ? { ...one, sopClassUid: MR_IMAGE_STORAGE } : one,
  )
  expect(await requestCommitment(peer(title), { ...request, instances })).toBe(0x0000)
  await nothingMoreComes(title, good, other, damaged, gone)
  await reported(modalitys)
  const [{ event, report }] = modalitys.reports as [Told['reports'][number]]
  expect(event).toBe(2)
  expect(report.committed).toEqual([referenceTo(good)])
  expect(report.failed.map(({ sopInstanceUid, reason }) => [sopInstanceUid, reason])).toEqual([
    [other.sopInstanceUid, 0x0119],
    [damaged.sopInstanceUid, 0x0110],
    [gone.sopInstanceUid, 0x0110],
    [never.sopInstanceUid, 0x0112],
  ])
})

test('[AR-03] what is on its way when commitment is asked for is waited for', async () => {
  const [here, late] = [image(), image()]
  await stored(here)
  const modalitys = told()
  const title = await modality(await listening(modalitys))
  expect(await requestCommitment(peer(title), aRequest(here, late))).toBe(0x0000)
  await stored(late)
  await reported(modalitys)
  expect(modalitys.reports[0]).toMatchObject({ event: 1, report: { failed: [] } })
})

test('[AR-03] a modality that is away for a day hears it when it is back, after a restart of ours too', async () => {
  const one = image()
  await stored(one)
  const modalitys = told()
  const port = await listening(modalitys)
  await listeners.pop()!.close()
  const title = await modality(port)
  expect(await requestCommitment(peer(title), aRequest(one))).toBe(0x0000)
  const attempts = async () => {
    const [row] = await archive.department.sql<{ attempts: number }[]>`
      select attempts from commitments where ae_title = ${title}`
    return row!.attempts
  }
  await until('two attempts', async () => (await attempts()) >= 2)
  // A day later.
  await archive.department.sql`
    update commitments set patience_until = patience_until - interval '25 hours' where ae_title = ${title}`
  await archive.reopen()
  await until('somebody is told that it cannot be reached', async () => (await attempts()) >= 8)
  const open = () => archive.department.sql`
    select reason from exceptions where kind = 'delivery' and key = ${`commitment:${title}`} and state = 'open'`
  await until('the exception', async () => (await open()).length === 1)
  await listening(modalitys, { port })
  await reported(modalitys)
  expect(modalitys.reports[0]).toMatchObject({ event: 1, report: { committed: [referenceTo(one)] } })
  await until('the exception is closed', async () => (await open()).length === 0)
})

test('[AR-03] a report that was refused is told again, and nothing is told to who does not give us the role', async () => {
  const one = image()
  await stored(one)
  const busy = told([0x0110])
  const first = await modality(await listening(busy))
  expect(await requestCommitment(peer(first), aRequest(one))).toBe(0x0000)
  await reported(busy, 2)
  expect(busy.reports[0]!.report).toEqual(busy.reports[1]!.report)
  const strict = told()
  const second = await modality(await listening(strict, { takesRole: false }))
  expect(await requestCommitment(peer(second), aRequest(one))).toBe(0x0000)
  await until('an attempt', async () => {
    const [row] = await archive.department.sql`select attempts from commitments where ae_title = ${second}`
    return Number(row!.attempts) >= 1
  })
  expect(strict.reports).toEqual([])
})

test('[AR-03] a report that a modality is slow to answer is told once', async () => {
  const one = image()
  await stored(one)
  const slow = told()
  const answer = Promise.withResolvers<void>()
  const { nEventReport } = slow.services
  slow.services.nEventReport = async (request) => {
    const outcome = await nEventReport!(request)
    await answer.promise
    return outcome
  }
  const title = await modality(await listening(slow))
  expect(await requestCommitment(peer(title), aRequest(one))).toBe(0x0000)
  await reported(slow)
  const due = async () => {
    const [row] = await archive.department.sql<{ due: Date }[]>`
      select next_attempt_at as due from commitments where ae_title = ${title}`
    return row!.due
  }
  const first = await due()
  await until('the lease is renewed', async () => (await due()).getTime() > first.getTime())
  // By who has it, before it ran out: taken anew it would last a whole lease longer.
  expect((await due()).getTime()).toBeLessThan(first.getTime() + LEASE_MS)
  answer.resolve()
  await until('it is told', async () => (await due()) === null)
  expect(slow.reports).toHaveLength(1)
})

test('[AR-03] what a modality sent with other content than is filed is not committed to it until somebody decided', async () => {
  const one = image()
  await stored(one)
  const dataset = Dataset.of({
    ...{ SOPClassUID: CT_IMAGE_STORAGE, SOPInstanceUID: one.sopInstanceUid },
    ...{ StudyInstanceUID: newUid(), SeriesInstanceUID: newUid(), Modality: 'CT', PatientID: 'P1' },
  })
  const modalitys = told()
  const title = await modality(await listening(modalitys))
  const [other] = await store(peer(title), [storableDataset(dataset)])
  expect(other!.status).toBe(0x0000)
  await until('it is kept aside', async () => {
    archive.ingest.flush()
    const rows = await archive.department.sql`select 1 from quarantine where source_ae = ${title}`
    return rows.length === 1
  })
  expect(await requestCommitment(peer(title), aRequest(one))).toBe(0x0000)
  await reported(modalitys)
  expect(modalitys.reports[0]).toMatchObject({
    event: 2,
    report: { committed: [], failed: [{ reason: 0x0110 }] },
  })
  await archive.department.sql`update quarantine set decision = 'kept-first' where source_ae = ${title}`
  expect(await requestCommitment(peer(title), aRequest(one))).toBe(0x0000)
  await reported(modalitys, 2)
  expect(modalitys.reports[1]).toMatchObject({ event: 1 })
})

test('[AR-03] the same request again is answered again; a Transaction UID in use for others is refused', async () => {
  const [one, other] = [image(), image()]
  await stored(one, other)
  const modalitys = told()
  const title = await modality(await listening(modalitys))
  const request = aRequest(one)
  expect(await requestCommitment(peer(title), request)).toBe(0x0000)
  await reported(modalitys)
  expect(await requestCommitment(peer(title), { ...request, instances: [referenceTo(other)] })).toBe(0x0110)
  expect(await requestCommitment(peer(title), request)).toBe(0x0000)
  await reported(modalitys, 2)
  expect(modalitys.reports[1]!.report).toEqual(modalitys.reports[0]!.report)
})

test('[AR-03] what is no request for commitment is refused', async () => {
  const association = await openAssociation(peer(), { contexts: [COMMITMENT_CONTEXT] })
  const [context] = association.agreement.contexts
  const asking = async (more: Record<string, string | number>, information: Dataset) => {
    const fields = {
      CommandField: COMMAND.nAction,
      RequestedSOPClassUID: STORAGE_COMMITMENT_PUSH,
      RequestedSOPInstanceUID: STORAGE_COMMITMENT_PUSH_INSTANCE,
      ActionTypeID: 1,
      ...more,
    }
    return (await association.request(context!, fields, encodeDataset(information, context!.transferSyntax)))
      .status
  }
  const reference = Dataset.of({
    ReferencedSOPClassUID: CT_IMAGE_STORAGE,
    ReferencedSOPInstanceUID: newUid(),
  })
  const whole = Dataset.of({ TransactionUID: newUid(), ReferencedSOPSequence: [reference] })
  expect(await asking({ RequestedSOPInstanceUID: newUid() }, whole)).toBe(0x0112)
  expect(await asking({ ActionTypeID: 2 }, whole)).toBe(0x0123)
  expect(await asking({}, Dataset.of({ TransactionUID: newUid() }))).toBe(0x0115)
  expect(await asking({}, Dataset.of({ ReferencedSOPSequence: [reference] }))).toBe(0x0115)
  const half = Dataset.of({ ReferencedSOPInstanceUID: newUid() })
  expect(await asking({}, Dataset.of({ TransactionUID: newUid(), ReferencedSOPSequence: [half] }))).toBe(
    0x0115,
  )
  await association.release()
  const [row] = await archive.department.sql`select count(*) from commitments where ae_title = 'CT1'`
  expect(row!.count).toBe(1)
})

test('[MA-06] what commitment was asked for is evidence of what belongs to the study', async () => {
  const studyUid = newUid()
  const [here, missing] = [image(studyUid), image(studyUid)]
  await stored(here)
  const modalitys = told()
  const title = await modality(await listening(modalitys))
  await requestCommitment(peer(title), aRequest(here, missing))
  await nothingMoreComes(title, here)
  await reported(modalitys)
  const { sql } = archive.department
  const named = await sql`select sop_instance_uid as uid from named_instances where study_uid = ${studyUid}`
  expect(named.map(({ uid }) => uid).sort()).toEqual([here, missing].map((one) => one.sopInstanceUid).sort())
  const answered = () => sql`
    select 1 from commitments where study_uids @> array[${studyUid}] and failures = '{}'`
  expect(await answered()).toHaveLength(0)
  await stored(missing)
  await requestCommitment(peer(title), aRequest(here, missing))
  await reported(modalitys, 2)
  expect(await answered()).toHaveLength(1)
})
