/** A small archive for tests: a database, blobs, files stored in it, and DICOMweb over a real socket. */
import { once } from 'node:events'
import { mkdtemp, readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { type Department, openDepartment } from '#db/department.ts'
import type { Actor } from '#domain/permissions.ts'
import { Dataset, type Value } from '../dimse/dataset.ts'
import { encodeDataset } from '../dimse/encode.ts'
import { identityOf, scanHeader } from '../dimse/header-scan.ts'
import { encodeFileMeta } from '../dimse/part10.ts'
import { EXPLICIT_LITTLE } from '../dimse/transfer-syntax.ts'
import { newUid } from '../dimse/uid.ts'
import { Ingest } from '../ingest/ingest.ts'
import type { Access } from './access.ts'
import { answerHttp } from './node-http.ts'
import { type DicomwebService, openDicomweb } from './service.ts'

const CORPUS = fileURLToPath(new URL('../../corpus/', import.meta.url))

/** Somebody whom the archive serves. */
export const anActor = (id: string, roles: Actor['roles'] = []): Actor => ({
  kind: 'user',
  id,
  roles,
  sites: ['*'],
  areas: [],
  credentials: [],
})
/** A program of another vendor with its token: it may see and store everything. */
export const program: Extract<Access, { kind: 'program' }> = {
  kind: 'program',
  actor: anActor('integration'),
  sites: null,
  mayStore: true,
}

export interface TestArchive {
  department: Department
  service: DicomwebService
  /** Where the blobs lie. */
  folder: string
  /** Stores files of the corpus and says what they are. */
  store(...files: string[]): Promise<Stored[]>
  close(): Promise<void>
}

export interface Stored {
  studyUid: string
  seriesUid: string
  sopInstanceUid: string
  /** The data set as it stands in the file. */
  dataset: Buffer
}

export async function testArchive(
  databaseUrl: string,
  options: { largestBytes?: number } = {},
): Promise<TestArchive> {
  const department = openDepartment(databaseUrl, { name: 'dicomweb-test' })
  await department.sql`insert into sites (id, name, zone) values ('MAIN', 'Main', 'Europe/Berlin')`
  await department.sql`insert into department_clock (base_machine, base_department, rate) values (now(), now(), 1)`
  await department.sql`insert into policies (version, body, approved_by, approved_at) values (1, '{}', 'test', now())`
  const root = await mkdtemp(join(tmpdir(), 'isocenter-archive-'))
  const log = pino({ level: 'silent' })
  const service = await openDicomweb({ department, blobFolder: root, aeTitle: 'ISOCENTER', log, ...options })
  const journalDirectory = join(root, 'journal')
  const ingest = await Ingest.open({
    department,
    store: service.blobs,
    journalDirectory,
    aeTitle: 'ISOCENTER',
    log,
    backlogLimit: 0,
    gatherMs: 1,
  })
  const store = async (...files: string[]) => {
    const stored: Stored[] = []
    for (const file of files) stored.push(await storeFile(ingest, join(CORPUS, file)))
    return stored
  }
  const close = async () => {
    await service.close()
    await ingest.close(1000)
    await department.close()
  }
  return { department, service, folder: root, store, close }
}

async function storeFile(ingest: Ingest, file: string): Promise<Stored> {
  const whole = await readFile(file)
  const scan = scanHeader(whole)
  const { transferSyntaxUid } = scan
  const { sopClassUid, sopInstanceUid, studyInstanceUid, seriesInstanceUid } = identityOf(scan.dataset)
  const dataset = whole.subarray(scan.datasetOffset)
  const from = { sourceAe: 'CT1', peer: '127.0.0.1' }
  const coming = await ingest.begin({ sopClassUid, sopInstanceUid, transferSyntaxUid, ...from })
  await coming.write(dataset)
  const fault = await coming.finish()
  if (fault) throw new Error(`${file}: ${fault.reason}`)
  return { studyUid: studyInstanceUid, seriesUid: seriesInstanceUid, sopInstanceUid, dataset }
}

export interface Served {
  url: string
  close(): void
}

/** The archive under `/dicom-web` for everybody it is told of, on a socket. */
export async function serve(
  archive: Pick<TestArchive, 'service'>,
  accessOf: () => Access,
  { root = '/dicom-web', isBehindTls = false } = {},
): Promise<Served> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    answerHttp(request, response, {
      service: archive.service,
      root,
      access: accessOf(),
      isBehindTls,
    }).catch(() => response.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${root}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A small file made of its values, of a study of its own unless they say otherwise. */
export function madeFile(values: Record<string, Value>): Buffer {
  const all = {
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.7',
    SOPInstanceUID: newUid(),
    StudyInstanceUID: newUid(),
    SeriesInstanceUID: newUid(),
    Modality: 'OT',
    PatientName: 'MADE^UP',
    PatientID: 'MADE-1',
    ...values,
  }
  const meta = encodeFileMeta({
    sopClassUid: all.SOPClassUID,
    sopInstanceUid: all.SOPInstanceUID,
    transferSyntaxUid: EXPLICIT_LITTLE,
  })
  return Buffer.concat([meta, encodeDataset(Dataset.of(all), EXPLICIT_LITTLE)])
}

/** Stores a file over the web and answers what became of it. */
export const sendFile = (served: Served, bytes: Buffer, headers: Record<string, string> = {}) =>
  fetch(`${served.url}/studies`, {
    method: 'POST',
    headers: { 'content-type': 'application/dicom', ...headers },
    body: new Uint8Array(bytes),
  })
