/** Who asks, and which studies that lets them see: decided on every request, study by study (DW-06). */
import type { StudyScope } from '#db/queries/dicomweb.ts'

export type Access =
  /** The viewer, under a launch: a session, an order and its permitted priors. */
  | { kind: 'launch'; launchId: string; actor: string; studies: readonly string[] }
  /** A program with a token or a local account. */
  | { kind: 'program'; actor: string; sites: readonly string[] | null; mayStore: boolean }

export interface Denial {
  actor: string
  launchId: string | null
  studyUid: string
  method: string
  /** The route as a template, never an address: addresses carry patient ids. */
  route: string
}

export function scopeOf(access: Access): StudyScope {
  return access.kind === 'launch'
    ? { studies: access.studies, sites: null }
    : { studies: null, sites: access.sites }
}
