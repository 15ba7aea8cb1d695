/** The archive as a process of its own, watched from outside: its memory, its descriptors and what is left of a peer. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keptCertificate } from '#bin/certificate.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { freePort } from '#bin/testing/free-port.ts'
import type { Department } from '#db/department.ts'
import { seededDepartment } from '#db/order.fixture.ts'
import { until } from './scp/archive.fixture.ts'

export interface AtRest {
  /** Resident memory in bytes. */
  memory: number
  /** Open files that are no sockets. */
  files: number
  sockets: number
}

export interface ArchiveProcess {
  department: Department
  ports: { plain: number; tls: number }
  isRunning(): boolean
  /** As it stands now; the most memory is measured from here on. */
  rest(): AtRest
  /** The most resident memory since, as the kernel has counted it. */
  mostMemory(): number
  /** Whether it has closed all that it has opened since. */
  hasLetGo(before: AtRest): boolean
  close(): Promise<void>
}

/** Sockets of the database's pool, which come and go. */
const POOL = 12

/** Its timers are short; these AE titles are devices of the department. */
export async function startArchive(devices: readonly string[]): Promise<ArchiveProcess> {
  const home = mkdtempSync(join(tmpdir(), 'isocenter-hostile-'))
  const database = await testDatabase()
  const department = await seededDepartment(database)
  await department.sql`
    insert into devices (id, ae_title, site_id, kind, profile)
    select ae, ae, 'MAIN', 'tool', 'unknown' from unnest(${[...devices]}::text[]) ae`
  mkdirSync(join(home, 'secrets'))
  const { certFile, keyFile } = await keptCertificate(home, '127.0.0.1')
  const ports = { plain: await freePort(), tls: await freePort() }
  const archive = spawn(process.execPath, [new URL('main.ts', import.meta.url).pathname], {
    env: {
      DATABASE_URL: database,
      ISOCENTER_HOME: home,
      ISOCENTER_DICOM_PORT: String(ports.plain),
      ISOCENTER_DICOM_TLS_PORT: String(ports.tls),
      DICOM_TLS_CERT_FILE: certFile,
      DICOM_TLS_KEY_FILE: keyFile,
      DICOM_ARTIM_SECONDS: '2',
      DICOM_IDLE_SECONDS: '2',
      DICOM_STALL_SECONDS: '2',
      DICOM_FLOOR_AFTER_SECONDS: '2',
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let said = ''
  for (const stream of [archive.stdout!, archive.stderr!]) stream.on('data', (chunk) => (said += chunk))
  await until('the archive', async () => said.includes('"ready"'), 30_000)
  const of = (name: string) => `/proc/${archive.pid}/${name}`
  const memory = (field: 'VmRSS' | 'VmHWM') =>
    Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(of('status'), 'utf8'))![1]) * 1024
  function descriptors(): { files: number; sockets: number } {
    const open = readdirSync(of('fd')).flatMap((fd) => {
      try {
        return [readlinkSync(of(`fd/${fd}`))]
      } catch {
        return [] // Closed meanwhile.
      }
    })
    const sockets = open.filter((target) => target.startsWith('socket:')).length
    return { files: open.length - sockets, sockets }
  }
  return {
    department,
    ports,
    isRunning: () => archive.exitCode === null && archive.signalCode === null,
    rest() {
      writeFileSync(of('clear_refs'), '5')
      return { memory: memory('VmRSS'), ...descriptors() }
    },
    mostMemory: () => memory('VmHWM'),
    hasLetGo(before) {
      const now = descriptors()
      return now.files <= before.files && now.sockets <= before.sockets + POOL
    },
    async close() {
      archive.kill('SIGKILL')
      await department.close()
    },
  }
}
