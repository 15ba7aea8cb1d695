/** Words that a reader writes again and again: kept under a name, for themselves or for everybody. */
import { RadiologyError } from '#domain/errors.ts'
import { mustBeAble } from '#domain/permissions.ts'
import type { Department } from '../department.ts'
import { ulid } from '../ulid.ts'
import { type Act, mutate } from './mutate.ts'

export const LONGEST_MACRO_NAME = 40
const LONGEST_MACRO = 4_000

export interface NewMacro {
  name: string
  /** Fields in brackets: `[left|right]`, `[normal]`, `[]`. */
  text: string
  shared: boolean
}

/** A name that the person has already gets the new words. @throws RadiologyError 'invalid-message' for too much or nothing */
export async function keepMacro(
  department: Department,
  act: Act,
  { name: asked, text: written, shared }: NewMacro,
): Promise<{ macroId: string }> {
  mustBeAble(act.actor, 'keep-macro')
  const [name, text] = [asked.trim(), written.trim()]
  if (!name || name.length > LONGEST_MACRO_NAME)
    throw new RadiologyError('invalid-message', { field: 'name' })
  if (!text || text.length > LONGEST_MACRO) throw new RadiologyError('invalid-message', { field: 'text' })
  return mutate(department, act, 'keep-macro', async ({ sql }) => {
    const [row] = await sql<{ id: string }[]>`
      insert into report_macros (id, name, text, owner, shared, changed_at)
      values (${ulid()}, ${name}, ${text}, ${act.actor.id}, ${shared}, ${act.now})
      on conflict (owner, lower(name)) where retired_at is null
      do update set name = excluded.name, text = excluded.text, shared = excluded.shared, changed_at = excluded.changed_at
      returning id`
    return { macroId: row!.id }
  })
}

/** Its owner's alone to give up; what was written with it stays. @throws RadiologyError 'not-found' */
export async function dropMacro(
  department: Department,
  act: Act,
  { macroId }: { macroId: string },
): Promise<void> {
  mustBeAble(act.actor, 'keep-macro')
  await mutate(department, act, 'drop-macro', async ({ sql }) => {
    const [row] = await sql`
      update report_macros set retired_at = ${act.now}
      where id = ${macroId} and owner = ${act.actor.id} and retired_at is null returning id`
    if (!row) throw new RadiologyError('not-found', { macroId })
  })
}
