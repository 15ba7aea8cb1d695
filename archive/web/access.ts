/** Who asks, and which studies that lets them see: decided on every request, study by study (DW-06). */
import type { StudyScope } from '#db/queries/study-scope.ts'
import { type Actor, scopeOf as seen } from '#domain/permissions.ts'

export type Access =
  /** The viewer, under a launch: a session, an order and its permitted priors. */
  | {
      kind: 'launch'
      launchId: string
      actor: Actor
      studies: readonly string[]
      /** Presentation states and key images of these studies may be stored. */
      mayMark?: boolean
    }
  /** A program with a token or a local account. */
  | { kind: 'program'; actor: Actor; sites: readonly string[] | null; mayStore: boolean }

/** What was asked for, as an audit row says it: one study, or null for none that the address names. */
export interface Asking {
  actor: Actor
  launchId: string | null
  studyUid: string | null
  method: string
  /** The route as a template, never an address: addresses carry patient ids. */
  route: string
}

export function scopeOf(access: Access): StudyScope {
  const scope =
    access.kind === 'launch'
      ? { studies: access.studies, sites: null }
      : { studies: null, sites: access.sites }
  // Whoever may see images and no report finds none beside them either.
  if (seen(access.actor, 'see-report').scope !== 'none') return scope
  return { ...scope, view: { seesRejected: [], hidesReports: true } }
}
