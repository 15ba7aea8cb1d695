/** An empty department: one site, the catalogue and an administrator, whose password is answered once. */
import { randomBytes } from 'node:crypto'
import { connect, type TransactionSql } from '../client.ts'
import { hashPassword } from '../password.ts'
import { ulid } from '../ulid.ts'
import { seedBase } from './base.ts'

/** Answers the administrator's generated password the first time, undefined ever after. */
export async function seedEmpty(databaseUrl: string): Promise<{ password: string | undefined }> {
  const sql = connect(databaseUrl, { name: 'seed', max: 1 })
  try {
    return (await sql.begin(async (tx) => {
      const seed = tx as TransactionSql
      await seedBase(seed, { policy: {}, sites: ['MAIN'] })
      await seed`
        insert into connections (id, site_id, policy)
        values ('default', 'MAIN', ${seed.json({ application: 'ISOCENTER', authority: 'MAIN', localScheme: '99MAIN' })}) on conflict do nothing`
      const [known] = await seed`select 1 from users limit 1`
      if (known) return { password: undefined }
      const password = randomBytes(12).toString('base64url')
      await seed`
        insert into users (id, user_name, name, family, given, password_hash, roles, sites, created_at)
        values (${ulid()}, 'admin', 'Administrator', 'Administrator', '', ${await hashPassword(password)}, ${['admin']}, ${['MAIN']}, ${new Date()})`
      return { password }
    })) as { password: string | undefined }
  } finally {
    await sql.end()
  }
}
