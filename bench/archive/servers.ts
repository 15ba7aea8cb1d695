/** The servers of the archive's benches, ours and others', each started on folders and ports of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { freePort } from '#bin/testing/free-port.ts'
import { startDepartment } from '#e2e/department.ts'

export interface Server {
  name: string
  /** What Success means there. */
  durability: string
  host: string
  dicomPort: number
  calledAe: string
  /** DICOMweb's root and the headers it wants; absent where there is none. */
  web?: { url: string; headers: Record<string, string> }
  /** Processes that do the work, for memory and processor time. */
  pids(): number[]
  /** Throws away what it has received, where nothing but files is kept of it. */
  makeRoom?(): void
  stop(): Promise<void>
}

export interface Department {
  server: Server
  /** Where its demonstration expects a storescp that it may send to. */
  storescpPort: number
  postgres: string
}

/** A whole department, as `up` starts it; `tmp` is where its home goes. */
export async function isocenter(tmp: string): Promise<Department> {
  const before = process.env.TMPDIR
  process.env.TMPDIR = tmp
  const department = await startDepartment({ failpoints: false }).finally(() => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  })
  const { app, dicom, dicomweb, tokens, postgres } = department.endpoints()
  const server = {
    name: 'Isocenter',
    durability: 'object, directory and journal synced; indexed within a second',
    host: dicom.host,
    dicomPort: dicom.port,
    calledAe: dicom.aeTitle,
    web: { url: dicomweb, headers: { Authorization: `Bearer ${tokens.integration}` } },
    pids: () => department.endpoints().processes.archive ?? [],
    stop: () => department.stop(),
  }
  return { server, postgres, storescpPort: Number(new URL(app).port) + STORESCP_ABOVE_BASE }
}

/** config.ts: from a base port, which is the app's, to where a storescp is expected. */
const STORESCP_ABOVE_BASE = 91

/**
 * Orthanc from Debian, with Nagle's algorithm off: with it on, which is Debian's default, each answer waits 40 ms and
 * every comparison would flatter us.
 */
export async function orthanc(
  tmp: string,
  { postgres, moveTo }: { postgres?: string; moveTo?: { aeTitle: string; port: number } } = {},
): Promise<Server> {
  const folder = mkdtempSync(join(tmp, 'orthanc-'))
  const [dicomPort, httpPort] = [await freePort(), await freePort()]
  const plugins = '/usr/share/orthanc/plugins/'
  const at = postgres ? new URL(postgres) : undefined
  const configuration = {
    Name: 'bench',
    StorageDirectory: join(folder, 'storage'),
    IndexDirectory: join(folder, 'index'),
    DicomPort: dicomPort,
    DicomAet: 'ORTHANC',
    DicomCheckCalledAet: false,
    DicomAlwaysAllowStore: true,
    DicomAlwaysAllowGet: true,
    DicomAlwaysAllowMove: true,
    DicomAlwaysAllowFind: true,
    DicomCheckModalityHost: false,
    HttpPort: httpPort,
    RemoteAccessAllowed: false,
    AuthenticationEnabled: false,
    DicomModalities: moveTo ? { target: [moveTo.aeTitle, '127.0.0.1', moveTo.port] } : {},
    DicomWeb: { Enable: true, Root: '/dicom-web/' },
    Plugins: [`${plugins}libOrthancDicomWeb.so`, ...(at ? [`${plugins}libOrthancPostgreSQLIndex.so`] : [])],
    ...(at
      ? {
          PostgreSQL: {
            EnableIndex: true,
            EnableStorage: false,
            Host: at.hostname,
            Port: Number(at.port),
            Database: at.pathname.slice(1),
            Username: decodeURIComponent(at.username),
            Password: decodeURIComponent(at.password),
            Lock: false,
          },
        }
      : {}),
  }
  mkdirSync(join(folder, 'storage'))
  mkdirSync(join(folder, 'index'))
  const file = join(folder, 'orthanc.json')
  writeFileSync(file, JSON.stringify(configuration))
  const child = spawn('Orthanc', [file], {
    env: { ...process.env, TCP_NODELAY: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (text: Buffer) => {
    said = (said + text).slice(-4000)
  })
  await answering(httpPort, child, () => said)
  return {
    name: postgres ? 'Orthanc on Postgres' : 'Orthanc on SQLite',
    durability: postgres ? 'object synced, Postgres committed' : 'object synced, SQLite not',
    host: '127.0.0.1',
    dicomPort,
    calledAe: 'ORTHANC',
    web: { url: `http://127.0.0.1:${httpPort}/dicom-web`, headers: {} },
    pids: () => [child.pid!],
    stop: () => ended(child, folder),
  }
}

/** DCMTK's storescp, a process for each association: it writes files and keeps no index. */
export async function storescp(tmp: string, dicomPort: number): Promise<Server & { folder: string }> {
  const folder = mkdtempSync(join(tmp, 'storescp-'))
  const child = spawn('storescp', ['--fork', '-pdu', '131072', '-od', folder, String(dicomPort)], {
    env: { ...process.env, TCP_NODELAY: '1' },
    stdio: 'ignore',
  })
  await answering(dicomPort, child, () => '')
  return {
    name: 'DCMTK storescp',
    folder,
    durability: 'nothing synced, no index',
    host: '127.0.0.1',
    dicomPort,
    calledAe: 'STORESCP',
    pids: () => [child.pid!, ...childrenOf(child.pid!)],
    makeRoom() {
      for (const name of readdirSync(folder)) truncateSync(join(folder, name))
    },
    stop: () => ended(child, folder),
  }
}

/** From here on `peakBytes` counts anew: what it took to start is not what it takes to work. */
export function forgetPeak(server: Server): void {
  for (const pid of server.pids()) writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** Highest resident memory of the server's processes since `forgetPeak`, in bytes. */
export function peakBytes(server: Server): number {
  return sum(server.pids(), (pid) => {
    const found = /^VmHWM:\s+(\d+) kB/m.exec(readOr(`/proc/${pid}/status`))
    return Number(found?.[1] ?? 0) * 1024
  })
}

async function answering(port: number, child: ChildProcess, said: () => string): Promise<void> {
  const { connect } = await import('node:net')
  for (let tries = 0; tries < 300; tries += 1) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended: ${said()}`)
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
        .once('connect', () => resolve(true))
        .once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${child.spawnfile} does not answer: ${said()}`)
}

async function ended(child: ChildProcess, folder: string): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  if (child.exitCode === null && child.signalCode === null) await gone
  rmSync(folder, { recursive: true, force: true })
}

function childrenOf(pid: number): number[] {
  const tasks = `/proc/${pid}/task`
  if (!existsSync(tasks)) return []
  return readdirSync(tasks).flatMap((task) =>
    readOr(`${tasks}/${task}/children`).split(' ').filter(Boolean).map(Number),
  )
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // the process has just ended
  }
}

function sum(pids: readonly number[], of: (pid: number) => number): number {
  return pids.reduce((total, pid) => total + of(pid), 0)
}
