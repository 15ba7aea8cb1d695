/** `isocenter config export | apply FILE [--dry-run] | versions | rollback VERSION`: the department's settings as a file. */
import { readFileSync } from 'node:fs'
import { readConfiguration, writeConfiguration } from '#db/configuration-document.ts'
import {
  applyConfiguration,
  compareConfiguration,
  configurationVersions,
  type Difference,
  rollBackConfiguration,
} from '#db/mutations/configuration.ts'
import { configuration } from '#db/queries/configuration.ts'
import { isRefusal } from '#domain/errors.ts'
import { EXIT, wrongUsage } from './failure.ts'
import { commandAct, withDepartment } from './reach.ts'

export async function exportConfiguration(home: string | undefined): Promise<number> {
  process.stdout.write(
    await withDepartment(home, async ({ sql }) => writeConfiguration(await configuration(sql))),
  )
  return EXIT.stopped
}

/** Prints the difference; with `dryRun` that is all. Takes effect at once: nothing needs a restart. */
export async function applyConfigurationFile(
  home: string | undefined,
  file: string,
  { dryRun }: { dryRun: boolean },
): Promise<number> {
  const change = readChange(file)
  return withDepartment(home, async (department) => {
    if (dryRun) {
      printDifferences(await inWords(file, compareConfiguration(department, change)))
      return EXIT.stopped
    }
    const act = await commandAct(department)
    const { version, differences } = await inWords(file, applyConfiguration(department, act, change))
    printDifferences(differences)
    process.stdout.write(version === null ? 'nothing to change\n' : `applied as version ${version}\n`)
    return EXIT.stopped
  })
}

function readChange(file: string) {
  try {
    return readConfiguration(readFileSync(file, 'utf8'))
  } catch (error) {
    if (isRefusal(error))
      throw wrongUsage(
        `${file}: ${error.refs.at || 'the document'}: ${error.refs.problem ?? 'not understood'}`,
      )
    throw wrongUsage(`${file} cannot be read: ${(error as Error).message}`)
  }
}

export async function rollBack(home: string | undefined, version: number): Promise<number> {
  return withDepartment(home, async (department) => {
    const act = await commandAct(department)
    const result = await inWords(`version ${version}`, rollBackConfiguration(department, act, version))
    printDifferences(result.differences)
    process.stdout.write(
      result.version === null
        ? 'nothing to change\n'
        : `version ${version} applied again as version ${result.version}\n`,
    )
    return EXIT.stopped
  })
}

/** Every version that can be rolled back to, newest first: the number, when, and who. */
export async function listVersions(home: string | undefined): Promise<number> {
  return withDepartment(home, async (department) => {
    for (const { version, appliedAt, appliedBy, rolledBackFrom } of await configurationVersions(department)) {
      const again = rolledBackFrom === null ? '' : `  version ${rolledBackFrom} again`
      process.stdout.write(`${version}  ${appliedAt.toISOString()}  ${appliedBy}${again}\n`)
    }
    return EXIT.stopped
  })
}

/** A refusal is the caller's mistake, and is said in one line. */
async function inWords<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!isRefusal(error)) throw error
    if (error.code === 'not-found') throw wrongUsage(`there is no ${what}; see isocenter config versions`)
    throw wrongUsage(`${what}: ${error.refs.problem ?? error.code}`)
  }
}

const signs = { added: '+', changed: '~', removed: '-' } as const

function printDifferences(differences: Difference[]): void {
  for (const { path, change, before, after } of differences) {
    const detail =
      change === 'changed'
        ? `${JSON.stringify(before)} → ${JSON.stringify(after)}`
        : JSON.stringify(after ?? before)
    process.stdout.write(`${signs[change]} ${path}  ${detail}\n`)
  }
}
