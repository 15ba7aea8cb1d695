/** Reaches the department that runs in a home, for commands that ask or change something while it runs. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Department, openDepartment } from '#db/department.ts'
import type { Act } from '#db/mutations/mutate.ts'
import { config, inheritedEnvironment, readConfig } from '../config.ts'
import { missing } from './failure.ts'

/** Works on the running department's database and closes it. @throws CommandFailure 3 when none runs there */
export async function withDepartment<T>(
  home: string | undefined,
  work: (department: Department) => Promise<T>,
): Promise<T> {
  const department = openDepartment(databaseUrlOf(home), { name: 'command', max: 2 })
  try {
    return await work(department)
  } finally {
    await department.close()
  }
}

function databaseUrlOf(home: string | undefined): string {
  if (config.databaseIsManaged) return config.databaseUrl
  const folder = home ? resolve(home) : readConfig(inheritedEnvironment()).home
  const file = join(folder, 'endpoints.json')
  if (!existsSync(file))
    throw missing(
      `no department runs in ${folder}; start it with npm run up, or name another home with --home`,
    )
  return (JSON.parse(readFileSync(file, 'utf8')) as { postgres: string }).postgres
}

/** Whoever may run commands on this machine acts as an administrator, and the trail says from where. */
export async function commandAct(department: Department): Promise<Act> {
  const actor: Act['actor'] = {
    kind: 'user',
    id: 'command-line',
    roles: ['admin'],
    sites: ['*'],
    areas: [],
    credentials: [],
  }
  return { actor, source: 'config', now: await department.now(), machineNow: new Date() }
}
