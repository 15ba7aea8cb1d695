/** What a cell of a state table says: a change, no effect, or a refusal; and the exception the world left behind. */
import type { RefusalCode } from './errors.ts'
import type { ExceptionKind } from './words.ts'

export type Outcome<State> =
  | { outcome: 'changed'; to: State; inferred: boolean; exception: ExceptionKind | null }
  /** Allowed and without effect: the first result is returned, no event is written. */
  | { outcome: 'unchanged'; exception: ExceptionKind | null }
  /** Nothing is written but, where named, the exception. */
  | { outcome: 'refused'; refusal: RefusalCode; exception: ExceptionKind | null }

export function to<State>(
  state: State,
  rest: { inferred?: boolean; exception?: ExceptionKind | null } = {},
): Outcome<State> {
  return {
    outcome: 'changed',
    to: state,
    inferred: rest.inferred ?? false,
    exception: rest.exception ?? null,
  }
}

export function same(exception: ExceptionKind | null = null): Outcome<never> {
  return { outcome: 'unchanged', exception }
}

export function refuse(refusal: RefusalCode, exception: ExceptionKind | null = null): Outcome<never> {
  return { outcome: 'refused', refusal, exception }
}

/** What a table does not list. */
export const ILLEGAL: Outcome<never> = refuse('illegal-transition')
