/** A small archive for tests: a database, blobs, files stored in it, and DICOMweb over a real socket. */
import { once } from 'node:events'
import { mkdtemp, readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testDatabase } from '#bin/testing/database.ts'
import { type Department, openDepartment } from '#db/department.ts'
import { indexInstances } from '#db/mutations/studies.ts'
import { identityOf, scanHeader } from '../dimse/header-scan.ts'
import { DerivedStore } from '../storage/derived-store.ts'
import { FileStore } from '../storage/file-store.ts'
import { storedHeader } from '../storage/stored-header.ts'
import type { Access, Denial } from './access.ts'
import { type Dicomweb, dicomweb } from './dicomweb.ts'
import { answerHttp } from './node-http.ts'
import type { Incoming, Ingested } from './stow-rs.ts'

const CORPUS = fileURLToPath(new URL('../../corpus/', import.meta.url))

export interface TestArchive {
  department: Department
  blobs: FileStore
  service: Dicomweb
  denials: Denial[]
  failures: unknown[]
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
  whole: Buffer
}

export async function testArchive(
  options: { ingest?: (incoming: Incoming) => Promise<Ingested> } = {},
): Promise<TestArchive> {
  const department = openDepartment(await testDatabase(), { name: 'dicomweb-test' })
  await department.sql`insert into sites (id, name, zone) values ('MAIN', 'Main', 'Europe/Berlin')`
  await department.sql`insert into department_clock (base_machine, base_department, rate) values (now(), now(), 1)`
  await department.sql`insert into policies (version, body, approved_by, approved_at) values (1, '{}', 'test', now())`
  const root = await mkdtemp(join(tmpdir(), 'isocenter-archive-'))
  const blobs = new FileStore(root)
  const denials: Denial[] = []
  const failures: unknown[] = []
  const service = dicomweb({
    sql: department.sql,
    blobs,
    derived: new DerivedStore(root),
    ingest: options.ingest ?? (() => Promise.reject(new Error('nothing is stored in this test'))),
    denied: async (denial) => void denials.push(denial),
    failed: (error) => void failures.push(error),
  })
  const store = async (...files: string[]) => {
    const stored: Stored[] = []
    for (const file of files) stored.push(await storeFile({ department, blobs, file: join(CORPUS, file) }))
    return stored
  }
  return { department, blobs, service, denials, failures, store, close: () => department.close() }
}

async function storeFile({
  department,
  blobs,
  file,
}: {
  department: Department
  blobs: FileStore
  file: string
}): Promise<Stored> {
  const whole = await readFile(file)
  const scan = scanHeader(whole)
  const { datasetOffset, transferSyntaxUid } = scan
  const {
    sopClassUid,
    sopInstanceUid,
    studyInstanceUid: studyUid,
    seriesInstanceUid: seriesUid,
  } = identityOf(scan.dataset)
  const dataset = whole.subarray(datasetOffset)
  const writer = await blobs.create()
  await writer.writeHeader(whole.subarray(0, datasetOffset))
  await writer.write(dataset)
  const blob = await writer.commit()
  const now = await department.now()
  const actor = { kind: 'device', id: 'CT1', roles: ['device'], sites: ['MAIN'], areas: [], credentials: [] }
  await indexInstances(department, { actor: actor as never, source: 'dimse', now, machineNow: new Date() }, [
    {
      blob: blob.key,
      bytes: blob.bytes,
      datasetOffset,
      sha256: blob.sha256,
      transferSyntaxUid,
      sopInstanceUid,
      sopClassUid,
      seriesUid,
      studyUid,
      ...storedHeader(scan),
      sourceAe: 'CT1',
      peer: '127.0.0.1',
    },
  ])
  return { studyUid, seriesUid, sopInstanceUid, dataset, whole }
}

export interface Served {
  url: string
  close(): void
}

/** The archive under `/dicom-web` for everybody it is told of, on a socket. */
export async function serve(
  archive: TestArchive,
  accessOf: () => Access,
  root = '/dicom-web',
): Promise<Served> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    void answerHttp(request, response, {
      service: archive.service,
      blobs: archive.blobs,
      root,
      access: accessOf(),
    })
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
