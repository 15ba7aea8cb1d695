/** Programs that the tests meet on the wire, or have judge what we write, and that are not ours: from Debian's packages. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Environment, inheritedEnvironment } from '../config.ts'
import { cacheFolder } from './cache.ts'
import { missing } from './failure.ts'

export const PEERS = [
  { program: 'findscu', debianPackage: 'dcmtk' },
  { program: 'storescu', debianPackage: 'dcmtk' },
  { program: 'dciodvfy', debianPackage: 'dicom3tools' },
  { program: 'chromium', debianPackage: 'chromium' },
] as const

/** The path of a program, on PATH or among those unpacked earlier. */
export function findPeer(program: string): string | undefined {
  const places = [...(inheritedEnvironment().PATH ?? '').split(delimiter), unpackedPrograms()]
  return places.map((place) => join(place, program)).find((path) => existsSync(path))
}

/**
 * Installs what is absent, as root into the system, else unpacked into our cache; answers the environment in which
 * all of it is on PATH.
 * @throws CommandFailure 3 when Debian's packages cannot be had
 */
export function requirePeers(): Environment {
  const lacking = () => [
    ...new Set(PEERS.filter(({ program }) => !findPeer(program)).map(({ debianPackage }) => debianPackage)),
  ]
  const wanted = lacking()
  if (wanted.length) {
    process.stdout.write(`fetching ${wanted.join(' and ')} from Debian's packages …\n`)
    if (process.getuid?.() === 0) installAsRoot(wanted)
    else for (const name of wanted) unpack(name)
  }
  const still = lacking()
  if (still.length)
    throw missing(`the tests need ${still.join(' and ')}; install: apt-get install ${still.join(' ')}`)
  const inherited = inheritedEnvironment()
  return { ...inherited, PATH: `${inherited.PATH}${delimiter}${unpackedPrograms()}` }
}

function installAsRoot(packages: string[]): void {
  run('apt-get', ['-qq', 'update'])
  run('env', [
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '-qq',
    '-y',
    'install',
    '--no-install-recommends',
    ...packages,
  ])
}

/** Unpacks a package and what it depends on and this machine lacks, with starters that find their libraries there. */
function unpack(debianPackage: string): void {
  const folder = cacheFolder('peers')
  const root = join(folder, debianPackage)
  const unfinished = `${root}.new`
  rmSync(unfinished, { recursive: true, force: true })
  const archives = join(unfinished, 'archives')
  mkdirSync(archives, { recursive: true })
  const apt = ownPackageLists(folder)
  run('apt-get', [...apt, '-qq', 'update'])
  const plan = run('apt-get', [
    ...apt,
    '-qq',
    '-y',
    '--no-install-recommends',
    '--print-uris',
    'install',
    debianPackage,
  ])
  const packages = [...plan.matchAll(/^'[^']*' ([^_\s]+)_/gm)].map(([, name]) => name ?? '')
  run('apt-get', [...apt, '-qq', 'download', ...packages], archives)
  for (const file of readdirSync(archives)) run('dpkg-deb', ['-x', join(archives, file), unfinished])
  rmSync(archives, { recursive: true, force: true })
  rmSync(root, { recursive: true, force: true })
  renameSync(unfinished, root)
  writeStarters(root)
}

/** An ordinary user may not refresh the system's package lists, and on a fresh machine there are none. */
function ownPackageLists(folder: string): string[] {
  const lists = join(folder, 'apt', 'lists')
  const cache = join(folder, 'apt', 'cache')
  for (const part of [lists, cache])
    mkdirSync(join(part, part === lists ? 'partial' : 'archives/partial'), { recursive: true })
  return ['-o', `Dir::State::lists=${lists}`, '-o', `Dir::Cache=${cache}`, '-o', 'Debug::NoLocking=true']
}

/** Debian's programs look below /usr; a starter for each says where else. */
function writeStarters(root: string): void {
  mkdirSync(unpackedPrograms(), { recursive: true })
  const libraries = [
    'usr/lib/x86_64-linux-gnu',
    'usr/lib/aarch64-linux-gnu',
    'lib/x86_64-linux-gnu',
    'usr/lib',
  ]
  const variables = [`LD_LIBRARY_PATH=${libraries.map((path) => join(root, path)).join(':')}`]
  const dictionary = readdirSync(join(root, 'usr/share')).find((name) => /^libdcmtk\d+$/.test(name))
  if (dictionary) variables.push(`DCMDICTPATH=${join(root, 'usr/share', dictionary, 'dicom.dic')}`)
  const fonts = join(root, 'etc/fonts/fonts.conf')
  if (existsSync(fonts)) variables.push(`FONTCONFIG_FILE=${fonts}`)
  const browser = join(root, 'usr/lib/chromium/chromium')
  for (const name of readdirSync(join(root, 'usr/bin'))) {
    // Debian's /usr/bin/chromium is a script with /usr/lib/chromium written into it.
    const program = name === 'chromium' && existsSync(browser) ? browser : join(root, 'usr/bin', name)
    const starter = join(unpackedPrograms(), name)
    writeFileSync(starter, `#!/bin/sh\nexec env ${variables.map(quoted).join(' ')} ${quoted(program)} "$@"\n`)
    chmodSync(starter, 0o755)
  }
}

function unpackedPrograms(): string {
  return join(cacheFolder('peers'), 'bin')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function run(command: string, args: string[], cwd?: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  if (status === 0) return stdout
  const reason = error?.message ?? stderr.trim().split('\n').at(-1)
  throw missing(
    `${command} could not fetch what the tests need (${reason}); install dcmtk, dicom3tools and chromium, then start again`,
  )
}
