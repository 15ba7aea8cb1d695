import { readdirSync } from 'node:fs'
import postgres from 'postgres'
import { expect, test } from 'vitest'
import { emptyDatabase, testDatabase } from './database.ts'

test('every suite gets a migrated database of its own', async () => {
  const [one, other] = await Promise.all([testDatabase(), testDatabase()])
  expect(one).not.toBe(other)
  const sql = postgres(one!, { max: 1 })
  const rows = await sql<{ name: string }[]>`select name from migrations order by name`
  const [people] = await sql<
    { n: number }[]
  >`select count(*)::int as n from users where password_hash is not null`
  expect(people!.n).toBeGreaterThan(9)
  await sql.end()
  const files = readdirSync(new URL('../../db/migrations/', import.meta.url)).filter((name) =>
    name.endsWith('.sql'),
  )
  expect(rows.map((row) => row.name)).toEqual(files.sort())
})

test('a suite that asks for one without a row gets that', async () => {
  const sql = postgres(await emptyDatabase(), { max: 1 })
  const [people] = await sql<{ n: number }[]>`select count(*)::int as n from users`
  await sql.end()
  expect(people).toEqual({ n: 0 })
})
