/** `isocenter token create NAME [--role R] [--site S…] | list | revoke ID`: tokens for programs. */
import { createToken, revokeToken } from '#db/mutations/api-tokens.ts'
import { ROLES, type Role } from '#domain/words.ts'
import { EXIT, wrongUsage } from './failure.ts'
import { commandAct, withDepartment } from './reach.ts'

export async function makeToken(
  home: string | undefined,
  { name, role = 'integration', sites }: { name: string; role?: string; sites: string[] },
): Promise<number> {
  const known = ROLES.find((one): one is Role => one === role)
  if (!known) throw wrongUsage(`there is no role ${JSON.stringify(role)}; roles are ${ROLES.join(', ')}`)
  return withDepartment(home, async (department) => {
    const { id, token } = await createToken(department, await commandAct(department), {
      name,
      role: known,
      sites: sites.length > 0 ? sites : ['*'],
    })
    process.stdout.write(`${token}\n  id ${id}, role ${known}; it is shown only now\n`)
    return EXIT.stopped
  })
}

export async function listTokens(home: string | undefined): Promise<number> {
  return withDepartment(home, async ({ sql }) => {
    const rows = await sql<{ id: string; name: string; role: string; revoked_at: Date | null }[]>`
      select id, name, role, revoked_at from api_tokens order by id`
    for (const { id, name, role, revoked_at } of rows)
      process.stdout.write(`${id}  ${role}  ${name}${revoked_at ? '  revoked' : ''}\n`)
    return EXIT.stopped
  })
}

export async function withdrawToken(home: string | undefined, id: string): Promise<number> {
  return withDepartment(home, async (department) => {
    if (await revokeToken(department, await commandAct(department), { id })) {
      process.stdout.write('revoked\n')
      return EXIT.stopped
    }
    throw wrongUsage(`there is no token ${id} that could be revoked`)
  })
}
