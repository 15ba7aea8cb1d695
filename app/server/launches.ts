/** Images for a screen: one launch per session, order and purpose, made again when studies came that it doesn't hold. */
import { createLaunch, type LaunchPurpose } from '#db/mutations/launches.ts'
import { openLaunch } from '#db/queries/reading-room.ts'
import { refusalCode } from '#domain/errors.ts'
import type { SignedIn } from './guard.ts'

/** Opened with the case; each costs the viewer a request per series before the first image. */
const PRIORS_BESIDE = 2

interface ViewerAsked {
  orderId: string
  purpose: LaunchPurpose
  studies: string[]
  /** Those that stand beside the case: one that has come since is seen through a launch of its own. */
  priors?: string[]
}

/** Null when there are no images that this person may see. */
export async function viewerAddress(
  { person, server, act }: SignedIn,
  { orderId, purpose, studies, priors = [] }: ViewerAsked,
): Promise<string | null> {
  if (studies.length === 0) return null
  const asked = { sessionId: person.sessionId, orderId, purpose }
  try {
    const standing = await openLaunch(server.department.sql, { ...asked, studies })
    const launch =
      standing && priors.every((uid) => standing.studies.includes(uid))
        ? standing
        : await createLaunch(server.department, await act(), { ...asked, standing })
    // The current studies always first: the viewer takes whatever stands after them for a prior, and says so on it.
    const beside = launch.studies.filter((uid) => !studies.includes(uid)).slice(0, PRIORS_BESIDE)
    const shown = purpose === 'quality' ? studies : [...studies, ...beside]
    const query = new URLSearchParams({ launch: launch.id, StudyInstanceUIDs: shown.join(',') })
    return `/viewer/viewer?${query}`
  } catch (error) {
    if (refusalCode(error) === null) throw error
    return null
  }
}
