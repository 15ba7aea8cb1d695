/** A real Postgres database for one test suite, migrated, empty and its own. */
import postgres from 'postgres'
import { inject } from 'vitest'
import { ulid } from '#db/ulid.ts'

const TEMPLATE = 'isocenter_template'

/**
 * Makes a new database from the migrated template and answers its URL. Nothing needs to be cleaned up: the whole
 * cluster goes when the run ends.
 */
export async function testDatabase(): Promise<string> {
  const response = await fetch(`${inject('testServices')}/postgres`)
  if (!response.ok) throw new Error(`the test Postgres did not start: ${await response.text()}`)
  const { url } = (await response.json()) as { url: string }
  const name = `suite_${ulid().toLowerCase()}`
  const sql = postgres(url, { max: 1 })
  try {
    await sql.unsafe(`create database ${name} template ${TEMPLATE} strategy file_copy`)
  } finally {
    await sql.end()
  }
  return url.replace(/\/postgres$/, `/${name}`)
}
