/** `isocenter config export | apply FILE [--dry-run] | rollback VERSION`: the department's settings as a file. */
import { readFileSync } from 'node:fs'
import { readConfiguration, writeConfiguration } from '#db/configuration-document.ts'
import {
  applyConfiguration,
  compareConfiguration,
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
      printDifferences(await compareConfiguration(department, change))
      return EXIT.stopped
    }
    const { version, differences } = await applyConfiguration(
      department,
      await commandAct(department),
      change,
    )
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
    const result = await rollBackConfiguration(department, await commandAct(department), version)
    printDifferences(result.differences)
    process.stdout.write(
      result.version === null
        ? 'nothing to change\n'
        : `version ${version} applied again as version ${result.version}\n`,
    )
    return EXIT.stopped
  })
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
