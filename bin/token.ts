/** `isocenter token create NAME [--role R] [--site S…] | list | revoke ID`: tokens for programs. */
import { createToken, revokeToken, TOKEN_ROLES } from '#db/mutations/api-tokens.ts'
import { apiTokens } from '#db/queries/api-tokens.ts'
import { isRefusal } from '#domain/errors.ts'
import { EXIT, wrongUsage } from './failure.ts'
import { commandAct, withDepartment } from './reach.ts'

export async function makeToken(
  home: string | undefined,
  { name, role = 'integration', sites }: { name: string; role?: string; sites: string[] },
): Promise<number> {
  const known = TOKEN_ROLES.find((one) => one === role)
  if (!known)
    throw wrongUsage(`a token has no role ${JSON.stringify(role)}; roles are ${TOKEN_ROLES.join(', ')}`)
  return withDepartment(home, async (department) => {
    const asked = { name, role: known, sites: sites.length > 0 ? sites : ['*'], reauthenticated: true }
    const { id, token } = await createToken(department, await commandAct(department), asked).catch(
      (error) => {
        if (isRefusal(error)) throw wrongUsage(String(error.refs.problem ?? error.code))
        throw error
      },
    )
    process.stdout.write(`${token}\n  id ${id}, role ${known}; it is shown only now\n`)
    return EXIT.stopped
  })
}

export async function listTokens(home: string | undefined): Promise<number> {
  return withDepartment(home, async ({ sql }) => {
    for (const { id, name, role, sites, lastUsedAt, revokedAt } of await apiTokens(sql)) {
      const used = revokedAt ? 'revoked' : lastUsedAt ? `used ${lastUsedAt.toISOString()}` : 'never used'
      process.stdout.write(`${id}  ${role}  ${sites.join(',')}  ${name}  ${used}\n`)
    }
    return EXIT.stopped
  })
}

export async function withdrawToken(home: string | undefined, id: string): Promise<number> {
  return withDepartment(home, async (department) => {
    if (await revokeToken(department, await commandAct(department), { id, reauthenticated: true })) {
      process.stdout.write('revoked\n')
      return EXIT.stopped
    }
    throw wrongUsage(`there is no token ${id} that could be revoked`)
  })
}
