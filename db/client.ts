/** The connection to Postgres: one pool per process, instants as Date, counts as number. */
import postgres from 'postgres'

export type Sql = postgres.Sql<{ bigint: number }>
export type TransactionSql = postgres.TransactionSql<{ bigint: number }>
/** What a read needs: works inside a transaction and outside. */
export type AnySql = Sql | TransactionSql

/** Opens a pool; `name` stands in pg_stat_activity, so that an operator sees which process holds what. */
export function connect(databaseUrl: string, { name, max = 10 }: { name: string; max?: number }): Sql {
  return postgres(databaseUrl, {
    max,
    connection: { application_name: `isocenter-${name}` },
    onnotice: () => {},
    // Postgres' bigint counts (bytes, rows) stay far below 2^53.
    types: { bigint: { to: 20, from: [20], serialize: String, parse: Number } },
  }) as Sql
}

/** Classes 22 and 23 of SQLSTATE: data exception, integrity constraint violation. Everything else may pass. */
export function isAboutTheData(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && /^2[23]/.test(code)
}
