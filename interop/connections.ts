/** Which agreement holds for a message: the connection configured for its sender, else the department's default. */
import type { AnySql } from '#db/client.ts'
import { type Connection, connection } from './v2/connection.ts'
import { parseMessage } from './v2/message.ts'

export interface KnownConnection {
  id: string
  siteId: string
  agreement: Connection
}

interface Row {
  id: string
  sending_application: string | null
  sending_facility: string | null
  site_id: string
  zone: string
  policy: Partial<Connection>
}

const CACHE_MS = 1_000

/** Reads the connections table at most once a second, so that a change needs no restart. */
export function connectionsOf(sql: AnySql): (bytes: Buffer) => Promise<KnownConnection> {
  let cached: { at: number; rows: Promise<Row[]> } | undefined
  async function rows(): Promise<Row[]> {
    if (!cached || Date.now() - cached.at > CACHE_MS) {
      const fresh = sql<Row[]>`
        select c.*, s.zone from connections c join sites s on s.id = c.site_id
        order by (sending_application is null), (sending_facility is null), c.id`.then((found) => [...found])
      fresh.catch(() => {
        cached = undefined
      })
      cached = { at: Date.now(), rows: fresh }
    }
    return cached.rows
  }
  return async (bytes) => {
    const { application, facility } = senderOf(bytes)
    const row = (await rows()).find((candidate) => matches(candidate, application, facility))
    if (!row) throw new Error('no connection is configured, not even a default one')
    return {
      id: row.id,
      siteId: row.site_id,
      agreement: connection({ name: row.id, facility: row.site_id, zone: row.zone, ...row.policy }),
    }
  }
}

function matches(row: Row, application: string, facility: string): boolean {
  return (
    (row.sending_application ?? application) === application &&
    (row.sending_facility ?? facility) === facility
  )
}

function senderOf(bytes: Buffer): { application: string; facility: string } {
  const header = parseMessage(bytes.subarray(0, 2_048), connection({})).first('MSH')
  return { application: header?.value('3.1') ?? '', facility: header?.value('4.1') ?? '' }
}
