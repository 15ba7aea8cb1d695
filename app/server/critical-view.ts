/** Critical results as a screen gets them: what there is, and what this person may do about it. */
import {
  type CriticalOnScreen,
  communicators,
  criticalResults,
  criticalResultsOfCase,
} from '#db/queries/critical-results.ts'
import { can } from '#domain/permissions.ts'
import type { SignedIn } from './guard.ts'

export interface CriticalView {
  results: CriticalOnScreen[]
  /** Who may have told it. */
  people: { id: string; name: string }[]
  me: string
  mayRaise: boolean
  mayDocument: boolean
  mayWithdraw: boolean
  /** An addendum that a call asks for can be signed at once. */
  maySign: boolean
}

/** Of one case: its order, and whatever else its report is about. */
export async function criticalOf(
  signedIn: Pick<SignedIn, 'person' | 'server'>,
  { siteId, ...of }: { orderId: string; reportId: string | null; siteId: string },
): Promise<CriticalView> {
  const { department } = signedIn.server
  const results = await criticalResultsOfCase(department.sql, of, await department.now())
  return view(signedIn, results, siteId)
}

/** Of all sites of the person. */
export async function criticalEverywhere(
  signedIn: Pick<SignedIn, 'person' | 'server'>,
): Promise<CriticalView> {
  const { person, server } = signedIn
  const { department } = server
  const results = await criticalResults(department.sql, person.actor, await department.now())
  return view(signedIn, results, person.sites[0] ?? '')
}

async function view(
  { person, server }: Pick<SignedIn, 'person' | 'server'>,
  results: CriticalOnScreen[],
  siteId: string,
): Promise<CriticalView> {
  const may = (verb: 'raise-critical' | 'document-critical') => can(person.actor, verb, { siteId }).allowed
  const isRadiologist = person.roles.includes('radiologist')
  const mayDocument = may('document-critical')
  return {
    results,
    people: mayDocument ? await communicators(server.department.sql, siteId) : [],
    me: person.id,
    mayRaise: may('raise-critical'),
    mayDocument,
    mayWithdraw: isRadiologist,
    maySign: isRadiologist,
  }
}
