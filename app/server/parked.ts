/** What a reader has set aside, as screens show it, and the taking up of it by opening its room. */
import { bringBack, type DeskPlace } from '#db/mutations/parking.ts'
import { parkedCases, placeReturnedTo } from '#db/queries/parked-cases.ts'
import { refusalCode } from '#domain/errors.ts'
import type { NameSaid } from '#domain/order-message.ts'
import type { SignedIn } from './guard.ts'

export interface WaitingCase {
  itemId: string
  name: NameSaid
  accession: string
  /** On the machine's clock, as the time it has waited. */
  parkedAt: Date
  waitedMs: number
}

interface TakingUp {
  waiting: readonly WaitingCase[]
  /** When the room was asked for, on the machine's clock. */
  askedAt: Date
}

export async function waitingCases({ person, server }: SignedIn): Promise<WaitingCase[]> {
  const machineNow = new Date()
  const parked = await parkedCases(server.department.sql, person.id, machineNow)
  return parked.map(({ itemId, name, accession, parkedAt }) => ({
    ...{ itemId, name, accession, parkedAt },
    waitedMs: Math.max(0, machineNow.getTime() - parkedAt.getTime()),
  }))
}

/** A room is asked for once more when something is told while it opens; the second answer has the place as well. */
const OPENS_WITHIN_MS = 30_000

/**
 * Whoever opens the room of a case that they parked has it back, by whatever way they came; null where none was. A room
 * that was asked for before the case was parked is the one it was parked in: it takes nothing up.
 */
export async function takenUp(
  { person, server, act }: SignedIn,
  itemId: string,
  { waiting, askedAt }: TakingUp,
): Promise<DeskPlace | null> {
  const parked = waiting.find((one) => one.itemId === itemId)
  if (parked && parked.parkedAt > askedAt) return null
  if (!parked) {
    const since = new Date(Date.now() - OPENS_WITHIN_MS)
    return placeReturnedTo(server.department.sql, { itemId, userId: person.id, since })
  }
  try {
    return (await bringBack(server.department, await act(), { itemId })).place
  } catch (error) {
    // Somebody took it over in this moment: the room says so.
    if (refusalCode(error) === null) throw error
    return null
  }
}
