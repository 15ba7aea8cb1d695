/** A real Postgres database for one test suite, migrated and its own: the demonstration department, or nothing at all. */
import postgres from 'postgres'
import { inject } from 'vitest'
import { ulid } from '#db/ulid.ts'
import { TEMPLATES } from './templates.ts'

/**
 * Makes a new database with the demonstration department in it and answers its URL; to seed it once more changes
 * nothing, and costs no password its hash. Nothing needs to be cleaned up: the whole cluster goes when the run ends.
 */
export function testDatabase(): Promise<string> {
  return copyOf(TEMPLATES.demonstration)
}

/** The same without a row in it. */
export function emptyDatabase(): Promise<string> {
  return copyOf(TEMPLATES.empty)
}

async function copyOf(template: string): Promise<string> {
  const response = await fetch(`${inject('testServices')}/postgres`)
  if (!response.ok) throw new Error(`the test Postgres did not start: ${await response.text()}`)
  const { url } = (await response.json()) as { url: string }
  const name = `suite_${ulid().toLowerCase()}`
  const sql = postgres(url, { max: 1 })
  try {
    await sql.unsafe(`create database ${name} template ${template} strategy file_copy`)
  } finally {
    await sql.end()
  }
  return url.replace(/\/postgres$/, `/${name}`)
}
