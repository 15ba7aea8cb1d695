/** The tokens that programs come in by: whose, for what, and whether one is still used. Never the token itself. */
import type { Role } from '#domain/words.ts'
import type { AnySql } from '../client.ts'

export interface ApiToken {
  id: string
  name: string
  role: Role
  sites: string[]
  createdBy: string
  createdAt: Date
  /** To the minute. */
  lastUsedAt: Date | null
  revokedAt: Date | null
}

/** Those that work first, each part newest first. */
export async function apiTokens(sql: AnySql): Promise<ApiToken[]> {
  return await sql<ApiToken[]>`
    select t.id, t.name, t.role, t.sites, coalesce(u.name, t.created_by) as "createdBy", t.created_at as "createdAt",
      t.last_used_at as "lastUsedAt", t.revoked_at as "revokedAt"
    from api_tokens t left join users u on u.id = t.created_by
    order by (t.revoked_at is not null), t.created_at desc, t.id desc`
}
