/** What a person keeps for themselves on the server, so that it follows them to every workstation. */
import type { Department } from '../department.ts'
import type { Act } from './mutate.ts'

/** Keeps one of the actor's own settings; the others stay. */
export async function keepSetting(
  { sql }: Department,
  { actor }: Act,
  { name, value }: { name: string; value: string },
): Promise<void> {
  await sql`update users set settings = settings || ${sql.json({ [name]: value })} where id = ${actor.id}`
}
