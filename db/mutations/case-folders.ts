/** Folders of cases that a person keeps (teaching, to follow up): theirs alone; what is put in is an order they may see. */
import { RadiologyError } from '#domain/errors.ts'
import { mustBeAble } from '#domain/permissions.ts'
import type { Department } from '../department.ts'
import { requesterOf } from '../queries/requester.ts'
import { ulid } from '../ulid.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { mustBeAbleOnOrder } from './permission.ts'

const LONGEST_NAME = 40
/** A folder is read whole. */
const MOST_IN_A_FOLDER = 1_000

/**
 * Into a folder of the actor's own, named by its id or by its name; one that is not there yet is made. Safe to repeat.
 * @throws RadiologyError 'not-found' for an order or a folder that is not theirs to see; 'invalid-message' without a name, or
 *   when the folder is full
 */
export async function putInFolder(
  department: Department,
  act: Act,
  { orderId, ...folder }: { orderId: string; folderId?: string; name?: string },
): Promise<{ folderId: string }> {
  mustBeAble(act.actor, 'keep-view', { ownerId: act.actor.id })
  return mutate(department, act, 'put-in-folder', async (scope) => {
    await mustBeAbleOnOrder(scope, 'see-order', orderId, { ownerId: await requesterOf(scope.sql, orderId) })
    const folderId = folder.folderId
      ? await ownFolder(scope, folder.folderId)
      : await folderNamed(scope, folder.name ?? '')
    const [full] = await scope.sql`
      select 1 from foldered_cases where folder_id = ${folderId}
      having count(*) >= ${MOST_IN_A_FOLDER} and not coalesce(bool_or(order_id = ${orderId}), false)`
    if (full) throw new RadiologyError('invalid-message', { field: 'folder' })
    const [row] = await scope.sql`
      insert into foldered_cases (folder_id, order_id, put_at) values (${folderId}, ${orderId}, ${act.now})
      on conflict do nothing returning order_id`
    if (row) note(scope, `order:${orderId}`, { type: 'folder.put-in', folderId })
    return { folderId }
  })
}

/** Safe to repeat. @throws RadiologyError 'not-found' for a folder that is gone or somebody else's */
export async function takeOutOfFolder(
  department: Department,
  act: Act,
  { folderId, orderId }: { folderId: string; orderId: string },
): Promise<void> {
  await mutate(department, act, 'take-out-of-folder', async (scope) => {
    await ownFolder(scope, folderId)
    const [row] = await scope.sql`
      delete from foldered_cases where folder_id = ${folderId} and order_id = ${orderId} returning order_id`
    if (row) note(scope, `order:${orderId}`, { type: 'folder.taken-out', folderId })
  })
}

/**
 * Takes the folder away; the cases stay where they are. Taken away already: no effect.
 * @throws RadiologyError 'not-found' for somebody else's
 */
export async function retireFolder(
  department: Department,
  act: Act,
  { folderId }: { folderId: string },
): Promise<void> {
  await mutate(department, act, 'retire-folder', async (scope) => {
    const [folder] = await scope.sql<{ retired: boolean }[]>`
      select retired_at is not null as retired from case_folders where id = ${folderId} and owner = ${act.actor.id} for update`
    if (!folder) throw new RadiologyError('not-found', { folderId })
    if (folder.retired) return
    await scope.sql`update case_folders set retired_at = ${act.now} where id = ${folderId}`
    note(scope, `user:${act.actor.id}`, { type: 'folder.retired', folderId })
  })
}

// Somebody else's is as good as none: nobody learns of a folder but its owner.
async function ownFolder({ sql, act }: Scope, folderId: string): Promise<string> {
  const [folder] = await sql<{ id: string }[]>`
    select id from case_folders where id = ${folderId} and owner = ${act.actor.id} and retired_at is null for update`
  if (!folder) throw new RadiologyError('not-found', { folderId })
  return folder.id
}

async function folderNamed({ sql, act }: Scope, name: string): Promise<string> {
  const called = name.trim().replaceAll(/\s+/g, ' ')
  if (called === '' || called.length > LONGEST_NAME)
    throw new RadiologyError('invalid-message', { field: 'name' })
  await sql`
    insert into case_folders (id, owner, name, created_at) values (${ulid()}, ${act.actor.id}, ${called}, ${act.now})
    on conflict (owner, lower(name)) where retired_at is null do nothing`
  const [folder] = await sql<{ id: string }[]>`
    select id from case_folders where owner = ${act.actor.id} and lower(name) = lower(${called}) and retired_at is null`
  return folder!.id
}

// Whose case was put where is on the record; the words of a name are not.
function note(scope: Scope, subject: string, { type, folderId }: { type: string; folderId: string }): void {
  scope.audit({ subject, type, data: { folderId } })
  scope.announce(`folders:${scope.act.actor.id}`)
}
