/** Images for a screen: one launch per session, order and purpose, made again when studies came that it doesn't hold. */
import { createLaunch, type LaunchPurpose } from '#db/mutations/launches.ts'
import { openLaunch } from '#db/queries/reading-room.ts'
import { refusalCode } from '#domain/errors.ts'
import type { SignedIn } from './guard.ts'

/** Opened with the case; each costs the viewer a request per series before the first image. */
const PRIORS_BESIDE = 2

/** Null when there are no images that this person may see. */
export async function viewerAddress(
  { person, server, act }: SignedIn,
  { orderId, purpose, studies }: { orderId: string; purpose: LaunchPurpose; studies: string[] },
): Promise<string | null> {
  if (studies.length === 0) return null
  const asked = { sessionId: person.sessionId, orderId, purpose }
  try {
    const launch =
      (await openLaunch(server.department.sql, { ...asked, studies })) ??
      (await createLaunch(server.department, await act(), asked))
    // The current studies always first: the viewer takes whatever stands after them for a prior, and says so on it.
    const priors = launch.studies.filter((uid) => !studies.includes(uid)).slice(0, PRIORS_BESIDE)
    const shown = purpose === 'quality' ? studies : [...studies, ...priors]
    const query = new URLSearchParams({ launch: launch.id, StudyInstanceUIDs: shown.join(',') })
    return `/viewer/viewer?${query}`
  } catch (error) {
    if (refusalCode(error) === null) throw error
    return null
  }
}
