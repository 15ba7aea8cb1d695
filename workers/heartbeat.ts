/** What a process says of itself every five seconds, for health to read (machine clock). */
import type { Department } from '#db/department.ts'
import type { Log } from './log.ts'

const EVERY_MS = 5_000

/** Writes the row now and then regularly; `state` holds numbers and words, never patients. Answers how to stop. */
export function startHeartbeat(
  department: Department,
  name: string,
  state: () => Record<string, unknown>,
  log: Log,
): () => Promise<void> {
  const beat = async () => {
    try {
      await department.sql`
        insert into heartbeats (process, pid, at, state)
        values (${name}, ${process.pid}, ${new Date()}, ${department.sql.json(state() as never)})
        on conflict (process, pid) do update set at = excluded.at, state = excluded.state`
    } catch (error) {
      log.warn({ err: error }, 'the heartbeat could not be written')
    }
  }
  void beat()
  const timer = setInterval(() => void beat(), EVERY_MS)
  return async () => {
    clearInterval(timer)
    await department.sql`delete from heartbeats where process = ${name} and pid = ${process.pid}`.catch(
      () => {
        // The database is stopping too; a row without a beat is old within seconds.
      },
    )
  }
}
