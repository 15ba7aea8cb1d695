/** Notices that the department's clock was turned, which makes every running timer wrong. */
import type { Client } from '@temporalio/client'
import type { Department, DepartmentClock } from '#db/department.ts'
import { tellClockTurned } from '../ring.ts'
import type { Reach } from './reach.ts'

/** Answers a turn to repeat: it compares the clock with the last one seen and tells every open order of a change. */
export function watchClock(department: Department, client: Client, reach: Reach): () => Promise<void> {
  let seen: DepartmentClock | undefined
  return async () => {
    const clock = await department.clock()
    if (seen !== undefined && !isSame(seen, clock)) await tellAll(department, client, reach)
    // Only now: a turn that failed half-way is repeated.
    seen = clock
  }
}

async function tellAll({ sql }: Department, client: Client, reach: Reach): Promise<void> {
  const open = await sql<{ id: string }[]>`
    select id from orders where closed_at is null and phase not in ('cancelled', 'discontinued', 'closed') order by id`
  for (const { id } of open) await reach.ask(() => tellClockTurned(client, id))
}

function isSame(one: DepartmentClock, other: DepartmentClock): boolean {
  return (
    one.rate === other.rate &&
    one.baseMachineMs === other.baseMachineMs &&
    one.baseDepartmentMs === other.baseDepartmentMs
  )
}
