/** `npm test` and `npm run test:corpus`: fetch the peers, check types, form and imports, run the tests, count them. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Environment } from '../config.ts'
import { missing } from './failure.ts'
import { requirePeers } from './peers.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const CORPUS = join(ROOT, '..', 'shared', 'data')

interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** Runs everything, or with arguments only the tests they name. Answers 0 when all of it passed, else 1. */
export async function test(args: string[]): Promise<number> {
  const environment = requirePeers()
  const failedChecks = args.length ? [] : checks().filter((check) => !passes(check, environment))
  const { counts, isGood } = runTests(args, environment)
  for (const { name } of failedChecks) process.stdout.write(`${name} failed, see above\n`)
  process.stdout.write(`${closingLine(counts)}\n`)
  return isGood && failedChecks.length === 0 ? 0 : 1
}

/** Runs the tests over the large corpus. @throws CommandFailure 3 when the corpus is not there */
export async function testCorpus(args: string[]): Promise<number> {
  if (!existsSync(join(CORPUS, 'MANIFEST.tsv'))) {
    throw missing(
      `the corpus is not at ${CORPUS}, so nothing was tested; put it there, then run test:corpus again`,
    )
  }
  const { counts, isGood } = runTests(args, { ...requirePeers(), ISOCENTER_TEST_CORPUS: '1' })
  process.stdout.write(`${closingLine(counts)}\n`)
  return isGood ? 0 : 1
}

interface Check {
  name: string
  commands: string[][]
}

function checks(): Check[] {
  const bin = (path: string) => join(ROOT, 'node_modules', path)
  return [
    {
      name: 'types',
      commands: [
        [bin('@react-router/dev/bin.cjs'), 'typegen'],
        [bin('typescript/bin/tsc'), '--noEmit'],
        [bin('typescript/bin/tsc'), '--noEmit', '-p', 'workflows'],
      ],
    },
    { name: 'lint', commands: [[bin('@biomejs/biome/bin/biome'), 'check', '.']] },
    {
      name: 'imports',
      commands: [
        [bin('dependency-cruiser/bin/dependency-cruise.mjs'), '--config', '.dependency-cruiser.cjs', '.'],
      ],
    },
  ]
}

function passes({ name, commands }: Check, environment: Environment): boolean {
  const begun = Date.now()
  const isGood = commands.every((args) => runNode(args, environment) === 0)
  process.stdout.write(
    `${name}: ${isGood ? 'passed' : 'FAILED'} (${((Date.now() - begun) / 1000).toFixed(1)} s)\n`,
  )
  return isGood
}

function runTests(args: string[], environment: Environment): { counts: Counts; isGood: boolean } {
  const folder = mkdtempSync(join(tmpdir(), 'isocenter-results-'))
  const results = join(folder, 'results.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`]
  const status = runNode(
    [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', ...reporters, ...args],
    environment,
  )
  try {
    return { counts: count(results), isGood: status === 0 }
  } catch {
    // Without its report the runner itself has failed, and no number would be true.
    return { counts: { passed: 0, failed: 1, skipped: 0 }, isGood: false }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A file that fails to load holds no tests but is a failure all the same. */
function count(results: string): Counts {
  const report = JSON.parse(readFileSync(results, 'utf8')) as Record<string, number> & {
    testResults: { status: string; assertionResults: unknown[] }[]
  }
  const unloadable = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.length,
  )
  return {
    passed: report.numPassedTests ?? 0,
    failed: (report.numFailedTests ?? 0) + unloadable.length,
    skipped: (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0),
  }
}

function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`
}

/** Runs a program in this same Node, which is also the one that the program finds on PATH. */
function runNode(args: string[], environment: Environment): number {
  const env = { ...environment, PATH: `${dirname(process.execPath)}${delimiter}${environment.PATH}` }
  return (
    spawnSync(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'inherit', 'inherit'] }).status ?? 1
  )
}
