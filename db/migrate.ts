/** Brings a database to the newest schema: one runner at a time, each file once, in name order, in its own transaction. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { connect, type Sql, type TransactionSql } from './client.ts'

const folder = new URL('./migrations/', import.meta.url)
const MIGRATION_LOCK = 7_316_301

/**
 * Runs what has not run yet and returns its names. Old code must run on the new schema (expand, backfill,
 * contract), so a migration never renames or drops what the previous release reads.
 * @throws when a file that already ran has been changed since
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const sql = connect(databaseUrl, { name: 'migrate', max: 1 })
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`
    return await runPending(sql)
  } finally {
    await sql.end()
  }
}

async function runPending(sql: Sql): Promise<string[]> {
  await sql`create table if not exists migrations (
    name text primary key, hash text not null, applied_at timestamptz not null default clock_timestamp())`
  const applied = new Map(
    (await sql<{ name: string; hash: string }[]>`select name, hash from migrations`).map((row) => [
      row.name,
      row.hash,
    ]),
  )
  const ran: string[] = []
  for (const name of (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()) {
    const text = await readFile(new URL(name, folder), 'utf8')
    const hash = createHash('sha256').update(text).digest('hex')
    if (applied.get(name) === hash) continue
    if (applied.has(name)) throw new Error(`migration ${name} has been changed after it ran`)
    await sql.begin((tx) => runOne(tx as TransactionSql, name, hash, text))
    ran.push(name)
  }
  return ran
}

async function runOne(tx: TransactionSql, name: string, hash: string, text: string): Promise<void> {
  await tx.unsafe(text)
  await tx`insert into migrations (name, hash) values (${name}, ${hash})`
}
