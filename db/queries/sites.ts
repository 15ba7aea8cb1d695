/** The sites of the department, the main one first. */
import type { AnySql } from '../client.ts'

export interface Site {
  id: string
  name: string
  zone: string
}

/** Those named, or all; ordered by id, so that the first is the same for everybody. */
export async function sites(sql: AnySql, ids?: readonly string[]): Promise<Site[]> {
  return sql<Site[]>`
    select id, name, zone from sites
    where ${ids === undefined || ids.includes('*')} or id = any(${[...(ids ?? [])]})
    order by id`
}
