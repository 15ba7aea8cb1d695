import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { actOf } from '#db/mutations/act.ts'
import { skip } from '#db/mutations/work-items.ts'
import { actAs, seededDepartment } from '#db/order.fixture.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import { ulid } from '#db/ulid.ts'
import type { Actor } from '#domain/permissions.ts'
import { claimNext } from './claim-next.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

afterAll(() => department.close())

function nextCaseOf(actor: Actor): Promise<string | null> {
  const signedIn = {
    person: { id: actor.id, actor },
    server: { department },
    act: () => actOf(department, actor, 'app'),
  }
  return claimNext(signedIn as never)
}

/** Readers of their own, with what the radiologist of the demonstration may. */
async function readers(count: number): Promise<Actor[]> {
  const { actor } = await actAs(department, 'radiologist')
  return Promise.all(
    Array.from({ length: count }, async () => {
      const id = ulid()
      await department.sql`
        insert into users select (jsonb_populate_record(u, ${department.sql.json({ id, user_name: id })})).*
        from users u where u.id = ${actor.id}`
      return { ...actor, id }
    }),
  )
}

test('[RW-01] fifty readers press "next case" at once: every case has one reader, and nobody reads twice', async () => {
  const cases: string[] = []
  for (let n = 0; n < 8; n += 1)
    cases.push((await readableStudy(department, n % 2 ? 'urgent' : 'routine')).itemId)
  const fifty = await readers(50)
  const got = await Promise.all(fifty.map(nextCaseOf))
  const taken = got.filter((itemId) => itemId !== null)
  expect([...taken].sort()).toEqual([...cases].sort())
  for (const [index, itemId] of got.entries()) {
    if (itemId === null) continue
    const [item] = await department.sql`select holder, fence from work_items where id = ${itemId}`
    expect(item).toMatchObject({ holder: fifty[index]!.id, fence: 1 })
  }
})

test('[RW-03] "next case" is the first that is for this reader: not of another area, not skipped, not one that waits for a prior', async () => {
  const { actor, now } = await actAs(department, 'radiologist')
  const [first, second, third] = [
    await readableStudy(department, 'urgent'),
    await readableStudy(department, 'urgent'),
    await readableStudy(department, 'routine'),
  ]
  const elsewhere = { ...actor, areas: ['chest'] }
  expect(await nextCaseOf(elsewhere)).toBeNull()
  await skip(department, await actOf(department, actor, 'app'), {
    itemId: first!.itemId,
    fence: null,
    reason: 'busy',
  })
  await department.sql`
    insert into pauses (id, item_id, reason, owner, from_at, limit_at)
    values (${ulid()}, ${second!.itemId}, 'waiting-prior', 'interface', ${now}, ${new Date(now.getTime() + 7_200_000)})`
  expect(await nextCaseOf(actor)).toBe(third!.itemId)
  expect(await nextCaseOf(actor)).toBeNull()
  // A STAT is anybody's who may read there.
  const stat = await readableStudy(department, 'stat')
  expect(await nextCaseOf(elsewhere)).toBe(stat.itemId)
})
