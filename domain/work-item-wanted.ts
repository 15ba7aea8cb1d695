/** A work item the department wants: its key, who may take it, when it is due and whose clock it is. */
import type { Allowance } from './policy.ts'
import type { ClockOwner, Role, SubjectType, WorkItemKind } from './words.ts'

/** Who may see and claim an item; null conditions do not restrict. */
export type Audience = {
  roles: readonly Role[]
  /** Subspecialty area the reader must hold (or take as spill). */
  area: string | null
  roomId: string | null
  /** Only this person, until `widensAt`. */
  userId: string | null
  /** Never this person: the author of what is to be checked. */
  exceptUserId: string | null
  /** From here on, anybody with one of `widensTo` may take it as well; null when the circle stays. */
  widensAt: Date | null
  widensTo: readonly Role[]
}

/** Unique for ever on (subjectType, subjectId, kind, cycle). */
export type WantedItem = {
  kind: WorkItemKind
  subjectType: SubjectType
  subjectId: string
  cycle: number
  audience: Audience
  /** Since when the clock runs; ladder and points count from here. */
  dueFrom: Date
  dueAt: Date
  allowanceMs: number
  /** Does the allowance count opening hours only? */
  business: boolean
  owner: ClockOwner
  /** Why it may be seen but not claimed; null when it may. */
  blockedBy: 'move' | 'clarify' | 'retake' | null
}

/** For what a fact alone calls for: a device's clock that runs ahead must not hold the work back. */
export const AT_ONCE = new Date(0)

/** A wanted item together with the instant from which it is wanted: `AT_ONCE`, or one that may lie ahead. */
export type Candidate = Omit<WantedItem, 'dueAt' | 'allowanceMs' | 'business'> & {
  wantedFrom: Date
  allowance: Allowance
  /** Overrides `dueFrom + allowance` where the due date is an appointment. */
  dueAt?: Date
}

export function audience(roles: readonly Role[], rest: Partial<Omit<Audience, 'roles'>> = {}): Audience {
  return {
    roles,
    area: null,
    roomId: null,
    userId: null,
    exceptUserId: null,
    widensAt: null,
    widensTo: [],
    ...rest,
  }
}

/** Text form of the key, to compare what is wanted with what is open. */
export function itemKey(item: Pick<WantedItem, 'subjectType' | 'subjectId' | 'kind' | 'cycle'>): string {
  return `${item.subjectType}/${item.subjectId}/${item.kind}/${item.cycle}`
}
