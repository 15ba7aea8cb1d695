/** An archive as its peers meet it: a seeded department, a folder for blobs and the DICOM port on a free number. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { bufferSource } from '#archive/dimse/byte-source.ts'
import type { Dataset } from '#archive/dimse/dataset.ts'
import { decodeDataset } from '#archive/dimse/decode.ts'
import { scanHeader } from '#archive/dimse/header-scan.ts'
import { Ingest } from '#archive/ingest/ingest.ts'
import { FileStore } from '#archive/storage/file-store.ts'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { bookStep } from '#db/mutations/scheduling.ts'
import { actAs, anEnvelope, anOrder, seededDepartment } from '#db/order.fixture.ts'
import type { OrderMessage } from '#domain/order-message.ts'
import { CommitmentReports, type ReportTimings } from './commitment-reports.ts'
import { type ArchiveDoors, type ArchivePort, listenArchive } from './listen.ts'

export const CORPUS = new URL('../../corpus/', import.meta.url).pathname

export interface TestArchive {
  department: Department
  store: FileStore
  ingest: Ingest
  reports: CommitmentReports
  listener: ArchiveDoors
  port: number
  root: string
  /** Restarts the process' part of it: a new journal reader on the same folders. */
  reopen(): Promise<void>
  close(): Promise<void>
}

export interface ArchiveMore {
  backlogLimit?: number
  gatherMs?: number
  door?: Partial<ArchivePort>
  timings?: Partial<ReportTimings>
}

export async function openArchive(
  databaseUrl: string,
  { door, timings, ...more }: ArchiveMore = {},
): Promise<TestArchive> {
  const department = await seededDepartment(databaseUrl)
  const root = mkdtempSync(join(tmpdir(), 'isocenter-archive-'))
  const log = pino({ level: 'silent' })
  const archive = { department, root } as TestArchive
  async function start(): Promise<void> {
    archive.store = new FileStore(root)
    const journalDirectory = join(root, 'journal')
    archive.ingest = await Ingest.open({
      department,
      store: archive.store,
      journalDirectory,
      aeTitle: 'ISOCENTER',
      log,
      gatherMs: 50,
      ...more,
    })
    const { ingest, store } = archive
    archive.reports = new CommitmentReports({
      department,
      store,
      ourselves: { aeTitle: 'ISOCENTER', ...(door?.tls ? { tls: door.tls } : {}) },
      log,
      flush: () => ingest.flush(),
      timings: { patienceMs: 300, recheckMs: 50, retryMs: [100], pollMs: 100, ...timings },
    })
    archive.listener = await listenArchive({
      department,
      ingest,
      store,
      reports: archive.reports,
      log,
      host: '127.0.0.1',
      port: 0,
      aeTitle: 'ISOCENTER',
      ...door,
    })
    archive.port = archive.listener.port
  }
  async function stop(): Promise<void> {
    await archive.listener.close(2_000)
    await archive.reports.close(2_000)
    await archive.ingest.close(2_000)
  }
  archive.reopen = async () => {
    await stop()
    await start()
  }
  archive.close = async () => {
    await stop()
    await department.close()
  }
  await start()
  return archive
}

export interface BookedOrder {
  orderId: string
  stepId: string
  stepNumber: string
  accession: string
  studyUid: string
  requestedProcedureId: string
  patientId: string
}

/** An order received as a message and its first step booked in a room; `start` null leaves it planned. */
export async function bookedOrder(
  department: Department,
  { roomId = 'ct-1', start, ...order }: Partial<OrderMessage> & { roomId?: string; start?: Date | null } = {},
): Promise<BookedOrder> {
  const said = anOrder(order)
  const act = await dutyAct(department, { source: 'hl7' })
  const received = await receiveOrderMessage(department, act, anEnvelope(), [said])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  const [row] = await department.sql<BookedOrder[]>`
    select s.id as "stepId", s.step_number as "stepNumber", o.accession, p.study_uid as "studyUid",
      p.requested_procedure_id as "requestedProcedureId"
    from steps s join procedures p on p.id = s.procedure_id join orders o on o.id = s.order_id
    where s.order_id = ${orderId} order by s.step_number limit 1`
  if (start !== null) {
    const scheduler = await actAs(department, 'scheduler')
    await bookStep(department, scheduler, { stepId: row!.stepId, roomId, start: start ?? slot(), minutes: 1 })
  }
  return { ...row!, orderId, patientId: said.patient.identifiers[0]!.value }
}

let slots = 0

/** A minute of its own from a quarter past the present hour on, so that bookings of one suite never collide. */
function slot(): Date {
  slots += 1
  return new Date(Date.now() + slots * 60_000)
}

const run = promisify(execFile)

export interface ToolRun {
  code: number
  /** Both streams. */
  said: string
}

/** Runs one of DCMTK's tools against the archive; a failure is a result, not a throw. */
export async function dcmtk(tool: string, args: string[], cwd?: string): Promise<ToolRun> {
  try {
    const { stdout, stderr } = await run(tool, args, {
      maxBuffer: 2 ** 26,
      ...(cwd ? { cwd } : {}),
    })
    return { code: 0, said: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, said: stdout + stderr }
  }
}

/** What findscu was answered, one data set a match, read from the files it wrote. */
export async function findscu(
  port: number,
  { aet = 'FINDSCU', model = '-W', keys }: FindArgs,
): Promise<Dataset[]> {
  const out = mkdtempSync(join(tmpdir(), 'findscu-'))
  const args = [model, '-X', '-od', out, '-aet', aet, '-aec', 'ISOCENTER']
  const { code, said } = await dcmtk('findscu', [
    ...args,
    ...keys.flatMap((key) => ['-k', key]),
    '127.0.0.1',
    String(port),
  ])
  if (code !== 0) throw new Error(said)
  return readdirSync(out)
    .sort()
    .map((name) => readDataset(join(out, name)))
}

export interface FindArgs {
  aet?: string
  model?: '-W' | '-S' | '-P'
  /** As findscu takes them: `(0040,0100)[0].Modality=CT`. */
  keys: string[]
}

/** A file's whole data set, in memory. */
export function readDataset(path: string): Dataset {
  const bytes = readFileSync(path)
  const { transferSyntaxUid, datasetOffset } = scanHeader(bytes)
  return decodeDataset(bufferSource(bytes), transferSyntaxUid, { offset: datasetOffset })
}

/** Polls until a condition holds; the message names what was waited for. */
export async function until(what: string, holds: () => Promise<boolean>, withinMs = 5_000): Promise<void> {
  for (const end = Date.now() + withinMs; Date.now() < end; ) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`waited ${withinMs} ms in vain for ${what}`)
}
