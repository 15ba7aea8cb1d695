/** What a person keeps of the viewer on the server, so that it follows them: keys, and how images are hung. */
import { RadiologyError } from '#domain/errors.ts'
import { readLayout, VIEWER_PLACES, type ViewerPlace } from '#domain/hanging-layout.ts'
import { mustBeAble } from '#domain/permissions.ts'
import type { Department } from '../department.ts'
import { ulid } from '../ulid.ts'
import type { Act } from './mutate.ts'

const MOST_KEYS = 200
const COMMAND = /^[0-9a-f]{40}$/
/** Long String of DICOM (PS3.5 section 6.2). */
const LONGEST_WORDS = 64
const CHORD = /^[\x21-\x7e]{1,24}$/

/** By the hash of a viewer's command, the keys that somebody wants for it instead of the viewer's own. */
export type ViewerKeys = Readonly<Record<string, readonly string[]>>

/** Keeps the actor's own keys, all of them at once. @throws RadiologyError 'invalid-message' for what are no keys */
export async function keepViewerKeys({ sql }: Department, { actor }: Act, keys: unknown): Promise<void> {
  const kept = readKeys(keys)
  await sql`
    update users set settings = settings || ${sql.json({ viewerKeys: kept } as never)} where id = ${actor.id}`
}

function readKeys(value: unknown): ViewerKeys {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  const entries = Object.entries(isObject ? value : { '': null })
  const read = entries.map(([command, keys]) => [command, [keys].flat()] as const)
  const isKeys = ([command, keys]: (typeof read)[number]) =>
    COMMAND.test(command) && keys.length <= 4 && keys.every((key) => typeof key === 'string' && isChord(key))
  if (read.length > MOST_KEYS || !read.every(isKeys))
    throw new RadiologyError('invalid-message', { field: 'keys' })
  return Object.fromEntries(read) as ViewerKeys
}

// Empty: somebody wants no key for it.
const isChord = (key: string) => key === '' || CHORD.test(key)

export interface LayoutToKeep {
  modality: string
  /** Null: for every procedure of the modality. */
  procedure: { scheme: string; code: string } | null
  place: ViewerPlace
  layout: unknown
  /** As a Hanging Protocol is called; without them a layout keeps the ones it has. */
  name?: string
  description?: string
}

/**
 * Keeps how the actor wants images hung, in the place of what they kept before for the same. Safe to repeat.
 * @throws RadiologyError 'forbidden' for who reads no images; 'invalid-message' for no layout
 */
export async function keepHanging(
  { sql }: Department,
  { actor, now }: Act,
  { modality, procedure, place, layout, name = '', description = '' }: LayoutToKeep,
): Promise<void> {
  mustBeAble(actor, 'keep-hanging', { ownerId: actor.id })
  const kept = readLayout(layout)
  const isNamed = [name, description].every((words) => words.length <= LONGEST_WORDS && !words.includes('\0'))
  if (!kept || !isNamed || !VIEWER_PLACES.includes(place) || !/^[A-Z]{2,16}$/.test(modality))
    throw new RadiologyError('invalid-message', { field: 'layout' })
  await sql`
    insert into hanging_layouts as before
      (id, user_id, modality, procedure_scheme, procedure_code, place, layout, saved_at, name, description)
    values (${ulid()}, ${actor.id}, ${modality}, ${procedure?.scheme ?? null}, ${procedure?.code ?? null}, ${place},
      ${sql.json(kept as never)}, ${now}, ${name}, ${description})
    on conflict (user_id, modality, procedure_scheme, procedure_code, place)
      do update set layout = excluded.layout, saved_at = excluded.saved_at,
        name = coalesce(nullif(excluded.name, ''), before.name),
        description = coalesce(nullif(excluded.description, ''), before.description)`
}

/** @throws RadiologyError 'not-found' for a layout that is gone or somebody else's */
export async function dropHanging(
  { sql }: Department,
  { actor }: Act,
  { layoutId }: { layoutId: string },
): Promise<void> {
  mustBeAble(actor, 'keep-hanging', { ownerId: actor.id })
  const [row] = await sql`
    delete from hanging_layouts where id = ${layoutId} and user_id = ${actor.id} returning id`
  if (!row) throw new RadiologyError('not-found', { layoutId })
}
