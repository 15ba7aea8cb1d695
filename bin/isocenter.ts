/** The `isocenter` command: finds the subcommand, reads its flags, and turns failures into one line and an exit code. */
import { parseArgs } from 'node:util'
import { ConfigError, explainConfig } from '../config.ts'
import { CommandFailure, EXIT, wrongUsage } from './failure.ts'
import { NoTemporal } from './temporal.ts'

const USAGE = `isocenter <command>
  up [--home DIR] [--base-port N] [--simulate] [--speed X] [--no-demo]   run the department in the foreground
  check [--home DIR]        what must always hold in the running department
  doctor                    what this machine has of what is needed
  config --explain          every environment variable
  config export | apply FILE [--dry-run] | versions | rollback VERSION [--home DIR]   the running department's settings as a file
  token create NAME [--role ROLE] [--site SITE,…] | list | revoke ID [--home DIR]   tokens for programs
  test, test:corpus         run the tests`

const commands: Record<string, (args: string[]) => Promise<number>> = {
  up: runUp,
  doctor: async () => (await import('./doctor.ts')).doctor(),
  check: runCheck,
  config: runConfig,
  token: runToken,
  test: async (args) => (await import('./test.ts')).test(args),
  'test:corpus': async (args) => (await import('./test.ts')).testCorpus(args),
}

/** Handed over by the launcher, which cannot know which command wants it. */
const INSTALLED = '--installed-ms='

process.exit(await main(process.argv.slice(2)))

async function main(argv: string[]): Promise<number> {
  const [name, ...args] = argv.filter((arg) => !arg.startsWith(INSTALLED))
  try {
    if (name === undefined || name.startsWith('-')) {
      process.stdout.write(`${USAGE}\n`)
      return name === '--help' || name === '-h' ? EXIT.stopped : EXIT.usage
    }
    const command = commands[name]
    if (!command) throw wrongUsage(`there is no command ${JSON.stringify(name)}\n${USAGE}`)
    return await command(args)
  } catch (error) {
    return explainFailure(error)
  }
}

function explainFailure(error: unknown): number {
  if (error instanceof CommandFailure) return complain(error.message, error.exitCode)
  if (error instanceof ConfigError) return complain(error.message, EXIT.usage)
  if (error instanceof NoTemporal) return complain(error.message, EXIT.missing)
  throw error
}

function complain(message: string, exitCode: number): number {
  process.stderr.write(`isocenter: ${message}\n`)
  return exitCode
}

async function runUp(args: string[]): Promise<number> {
  const flags = readFlags(args, {
    home: { type: 'string' },
    'base-port': { type: 'string' },
    simulate: { type: 'boolean' },
    speed: { type: 'string' },
    'no-demo': { type: 'boolean' },
  })
  const { up } = await import('./up.ts')
  return up({
    home: text(flags.home),
    basePort: number(
      '--base-port',
      flags['base-port'],
      'a port',
      (n) => Number.isInteger(n) && n > 0 && n <= 65_400,
    ),
    simulate: flags.simulate === true,
    speed: number('--speed', flags.speed, 'a number above 0', (n) => n > 0),
    demo: flags['no-demo'] !== true,
    installedMs: installedMs(),
  })
}

function installedMs(): number | undefined {
  const given = process.argv.find((arg) => arg.startsWith(INSTALLED))
  return given === undefined ? undefined : Number(given.slice(INSTALLED.length))
}

async function runConfig(args: string[]): Promise<number> {
  const { flags, words } = readWords(args, {
    explain: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    home: { type: 'string' },
  })
  const [verb, what] = words
  if (flags.explain) {
    process.stdout.write(`${explainConfig()}\n`)
    return EXIT.stopped
  }
  const { applyConfigurationFile, exportConfiguration, listVersions, rollBack } = await import(
    './configure.ts'
  )
  const home = text(flags.home)
  if (verb === 'export') return exportConfiguration(home)
  if (verb === 'apply' && what)
    return applyConfigurationFile(home, what, { dryRun: flags['dry-run'] === true })
  if (verb === 'versions') return listVersions(home)
  if (verb === 'rollback' && Number.isInteger(Number(what))) return rollBack(home, Number(what))
  throw wrongUsage(`config: expected --explain, export, apply FILE, versions or rollback VERSION\n${USAGE}`)
}

async function runToken(args: string[]): Promise<number> {
  const { flags, words } = readWords(args, {
    role: { type: 'string' },
    site: { type: 'string' },
    home: { type: 'string' },
  })
  const [verb, what] = words
  const { listTokens, makeToken, withdrawToken } = await import('./token.ts')
  const home = text(flags.home)
  const sites = (text(flags.site) ?? '').split(',').filter(Boolean)
  if (verb === 'create' && what) return makeToken(home, { name: what, role: text(flags.role), sites })
  if (verb === 'list') return listTokens(home)
  if (verb === 'revoke' && what) return withdrawToken(home, what)
  throw wrongUsage(`token: expected create NAME, list or revoke ID\n${USAGE}`)
}

async function runCheck(args: string[]): Promise<number> {
  const flags = readFlags(args, { home: { type: 'string' } })
  const { check } = await import('./check.ts')
  return check(text(flags.home))
}

type Flags = Record<string, { type: 'string' | 'boolean' }>

function readFlags(args: string[], options: Flags): Record<string, string | boolean | undefined> {
  const { flags, words } = readWords(args, options)
  if (words.length > 0) throw wrongUsage(`found ${JSON.stringify(words[0])}, expected only flags\n${USAGE}`)
  return flags
}

function readWords(
  args: string[],
  options: Flags,
): { flags: Record<string, string | boolean | undefined>; words: string[] } {
  try {
    const { values, positionals } = parseArgs({ args, options, strict: true, allowPositionals: true })
    return { flags: values as Record<string, string>, words: positionals }
  } catch (error) {
    throw wrongUsage(`${(error as Error).message}\n${USAGE}`)
  }
}

function text(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function number(
  flag: string,
  value: string | boolean | undefined,
  expected: string,
  isRight: (n: number) => boolean,
): number | undefined {
  if (value === undefined) return undefined
  const parsed = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
  if (Number.isNaN(parsed) || !isRight(parsed)) {
    throw wrongUsage(`${flag}: found ${JSON.stringify(value)}, expected ${expected}`)
  }
  return parsed
}
