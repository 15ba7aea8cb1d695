/** What the application serves and nobody committed: the built screens and the prepared viewer, made when stale. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { missing } from './failure.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const SCREEN_SOURCES = [
  'public',
  'app',
  'domain',
  'vite.config.ts',
  'react-router.config.ts',
  'package-lock.json',
  'tsconfig.json',
]
const BUILT_FOR = 'production'
const STAMP = join(ROOT, 'build', '.screens-stamp')

/** Builds the screens unless their sources are those of the last build; answers whether it did. */
export async function buildScreens(logFile: string): Promise<boolean> {
  const wanted = fingerprint(SCREEN_SOURCES)
  if (isBuilt(wanted)) return false
  return withBuildLock(() => {
    if (isBuilt(wanted)) return false
    try {
      mkdirSync(join(ROOT, 'build'), { recursive: true })
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      throw missing(
        `${ROOT}build cannot be written to (${code}); run \`npm run up\` once as the owner of the checkout`,
      )
    }
    const log = openSync(logFile, 'a')
    const program = join(ROOT, 'node_modules', '@react-router', 'dev', 'bin.cjs')
    const { status } = spawnSync(process.execPath, [program, 'build'], {
      cwd: ROOT,
      // Whoever asks for it, and be it a test: one build serves all, and React's own for developers is ten times slower.
      env: { ...process.env, NODE_ENV: BUILT_FOR },
      stdio: ['ignore', log, log],
    })
    if (status !== 0)
      throw missing(`the screens could not be built (exit code ${status}); ${logFile} says why`)
    writeFileSync(STAMP, wanted)
    return true
  })
}

/** Prepares the viewer unless it is prepared; answers whether anything was made. */
export async function buildViewer(): Promise<boolean> {
  return withBuildLock(async () => {
    const { prepareViewer } = await import('../app/viewer/prepare.ts')
    const { made } = await prepareViewer()
    return made
  })
}

function isBuilt(wanted: string): boolean {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted
}

function fingerprint(sources: string[]): string {
  const hash = createHash('sha256').update(`${BUILT_FOR}\0`)
  for (const file of sources.flatMap(filesOf).sort()) {
    if (/\.test\.tsx?$/.test(file)) continue
    hash.update(`${file}\0`).update(readFileSync(join(ROOT, file)))
  }
  return hash.digest('hex')
}

function filesOf(source: string): string[] {
  if (source.includes('.')) return existsSync(join(ROOT, source)) ? [source] : []
  return readdirSync(join(ROOT, source), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
}

/** Two departments may start from one checkout at the same time; the kernel frees the name when its holder dies. */
async function withBuildLock<T>(work: () => T | Promise<T>): Promise<T> {
  const name = `\0isocenter-build-${createHash('sha256').update(ROOT).digest('hex').slice(0, 32)}`
  const server = createServer()
  while (!(await listens(server, name))) await sleep(250)
  try {
    return await work()
  } finally {
    server.close()
  }
}

async function listens(server: ReturnType<typeof createServer>, name: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error)
    server.once('error', onError)
    server.listen(name, () => {
      server.off('error', onError)
      resolve(true)
    })
  })
}
