/**
 * Departments of many orders, filled once and kept outside the repository: to fill a million takes minutes, to measure them
 * again takes none of it. What fills them is part of their name, so that another filling makes others.
 */
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { type Cluster, clusterUrl, endStrayPostmaster, prepareCluster, startCluster } from '#bin/postgres.ts'
import { DEMONSTRATION } from '#bin/testing/demonstration.ts'
import { freePort } from '#bin/testing/free-port.ts'
import { openDepartment } from '#db/department.ts'
import { migrate } from '#db/migrate.ts'
import { seedDemo } from '#db/seed/demo.ts'
import { fillOrders } from './young-and-old-orders.ts'

export const KEPT_IN = join(tmpdir(), 'isocenter-bench-lists')

export interface KeptDepartments {
  /** A department with so many orders, and the instant at which its newest arrived. */
  department(orders: number, say: (words: string) => void): Promise<{ url: string; now: Date }>
  stop(): Promise<void>
}

/** @param fresh forgets what was filled before */
export async function keptDepartments({ fresh }: { fresh: boolean }): Promise<KeptDepartments> {
  if (fresh) rmSync(KEPT_IN, { recursive: true, force: true })
  mkdirSync(KEPT_IN, { recursive: true })
  chmodSync(KEPT_IN, 0o711)
  const cluster = prepareCluster({ home: KEPT_IN, port: await freePort() })
  await endStrayPostmaster(cluster.dataDir)
  await startCluster(cluster, join(KEPT_IN, 'postgres.log'))
  return {
    async department(orders, say) {
      const name = `orders_${orders}_${fillingMark()}`
      const url = clusterUrl(cluster, name)
      if (!(await isUsable(cluster, name, url))) await fill(cluster, { name, url, orders, say })
      return { url, now: await newestOf(url) }
    },
    stop: async () => void (await endStrayPostmaster(cluster.dataDir)),
  }
}

/** Of what is filled in, so that a kept department is never one of another filling. */
function fillingMark(): string {
  const text = readFileSync(new URL('./young-and-old-orders.ts', import.meta.url))
  return createHash('sha256').update(text).digest('hex').slice(0, 10)
}

/** Whether it was filled to the end and can be brought to the newest schema. */
async function isUsable(cluster: Cluster, name: string, url: string): Promise<boolean> {
  const filled = await asAdmin(
    cluster,
    (sql) => sql`
    select 1 from pg_database where datname = ${name} and shobj_description(oid, 'pg_database') = 'filled'`,
  )
  if (filled.length === 0) return false
  try {
    await migrate(url)
    return true
  } catch {
    return false // a migration was changed after it ran: filled anew
  }
}

async function fill(
  cluster: Cluster,
  { name, url, orders, say }: { name: string; url: string; orders: number; say: (words: string) => void },
): Promise<void> {
  await dropFillings(cluster, orders)
  await asAdmin(cluster, (sql) => sql.unsafe(`create database ${name}`))
  await migrate(url)
  await seedDemo(url, DEMONSTRATION)
  const department = openDepartment(url, { name: 'bench', max: 1 })
  const now = await department.now()
  await department.close()
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  await fillOrders(sql, { orders, now, say })
  await sql.unsafe(`comment on database ${name} is 'filled'`)
  await sql.end()
}

/** Of one size, one is kept: those of an older filling, and what a run that was stopped left, give their room back. */
async function dropFillings(cluster: Cluster, orders: number): Promise<void> {
  await asAdmin(cluster, async (sql) => {
    const kept = await sql<{ name: string }[]>`
      select datname as name from pg_database where starts_with(datname, ${`orders_${orders}_`})`
    for (const { name } of kept) await sql`drop database ${sql(name)} with (force)`
  })
}

async function newestOf(url: string): Promise<Date> {
  const sql = postgres(url, { max: 1 })
  // What a run that was stopped let arrive is not of the filling.
  await sql`delete from orders where id like 'Z%'`
  const [row] = await sql<{ at: Date }[]>`select max(received_at) as at from orders`
  await sql.end()
  return row!.at
}

async function asAdmin<T>(cluster: Cluster, ask: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(clusterUrl(cluster, 'postgres'), { max: 1, onnotice: () => {} })
  try {
    return await ask(sql)
  } finally {
    await sql.end()
  }
}
