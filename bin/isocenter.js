#!/usr/bin/env node
/**
 * The door that any Node from 20 on can open: installs the locked dependencies when they are missing or stale, then
 * goes on in the project's own Node 24. Plain JavaScript without dependencies, since it runs before there are any.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const stampFile = join(modules, '.isocenter-lock-hash')
const MISSING = 3

const installedMs = await installIfStale()
const node = ownNode()
const script = join(root, 'bin', 'isocenter.ts')
const timing = installedMs === undefined ? [] : [`--installed-ms=${installedMs}`]
runToTheEnd(
  spawn(node, [script, ...process.argv.slice(2), ...timing], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    // Each process compiles what it imports once, and the next one finds it done: types stripped, code ready.
    env: { NODE_COMPILE_CACHE: join(modules, '.cache', 'compiled'), ...process.env },
  }),
)

/** Answers how long the installation took, or undefined when nothing had to be installed. */
async function installIfStale() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  if (isInstalled(wanted)) return undefined
  const lock = join(root, '.isocenter-install.lock')
  await takeInstallLock(lock)
  try {
    return isInstalled(wanted) ? undefined : install(wanted)
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function isInstalled(wanted) {
  if (existsSync(stampFile)) return readFileSync(stampFile, 'utf8') === wanted
  // Somebody ran `npm ci` by hand: npm's own record is then newer than the lock file it was made from.
  const record = join(modules, '.package-lock.json')
  return existsSync(record) && statSync(record).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs
}

function install(wanted) {
  const begun = Date.now()
  console.log('isocenter: installing the locked dependencies (about a minute) …')
  // npm tells its children where it is; calling that file spares us whichever npm stands first on PATH.
  const npm = process.env.npm_execpath?.endsWith('.js')
    ? [process.execPath, process.env.npm_execpath]
    : ['npm']
  const args = [...npm.slice(1), 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const { status, error } = spawnSync(npm[0], args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) {
    const why = error ? error.message : `npm ci ended with ${status}`
    fail(
      `the dependencies could not be installed (${why}); see above, check the package registry, then start again`,
    )
  }
  writeFileSync(stampFile, wanted)
  return Date.now() - begun
}

/** mkdir is atomic: of two that start at once, one installs and the other waits for it. */
async function takeInstallLock(lock) {
  for (;;) {
    try {
      mkdirSync(lock)
      writeFileSync(join(lock, 'pid'), String(process.pid))
      process.once('exit', () => rmSync(lock, { recursive: true, force: true }))
      return
    } catch (error) {
      if (error.code === 'EACCES' || error.code === 'EROFS') {
        fail(
          `${root} is not writable and its dependencies are not installed; run it once as the owner of the checkout`,
        )
      }
      if (error.code !== 'EEXIST') throw error
    }
    if (holderIsGone(lock)) rmSync(lock, { recursive: true, force: true })
    else await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

function holderIsGone(lock) {
  try {
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0)
    return false
  } catch (error) {
    if (error.code === 'EPERM') return false
    // A lock without a pid file is one that is just being taken, unless it has been so for a while.
    return (
      error.code === 'ESRCH' || Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0) > 5000
    )
  }
}

function ownNode() {
  const locked = join(modules, '.bin', 'node')
  if (majorVersion(locked) >= 24) return locked
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  fail(
    `Node 24 is needed: the one in node_modules does not run on this platform and this is Node ${process.versions.node}; install Node 24 or newer, then start again`,
  )
}

function majorVersion(path) {
  const { status, stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  return status === 0 ? Number(stdout.slice(1).split('.')[0]) : 0
}

/** Passes signals on and ends as the program ends. The program sees our own death as the end of its IPC channel. */
function runToTheEnd(child) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  stopWithNpm(child)
  child.on('error', (error) => fail(`${node} could not be started (${error.message})`))
  child.on('exit', (code, signal) =>
    process.exit(signal ? 128 + ({ SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 1) : code),
  )
}

/** A killed npm passes nothing on; without this its department would run on with nobody in front of it. */
function stopWithNpm(child) {
  const parent = process.ppid
  if (process.env.npm_lifecycle_event === undefined) return
  setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), 1000).unref()
}

function fail(why) {
  console.error(`isocenter: ${why}`)
  process.exit(MISSING)
}
