/** Images for a screen: one launch per session, order and purpose, made again when studies came that it doesn't hold. */
import { createLaunch, type LaunchPurpose } from '#db/mutations/launches.ts'
import { openLaunch } from '#db/queries/reading-room.ts'
import { refusalCode } from '#domain/errors.ts'
import type { SignedIn } from './guard.ts'

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
    // The current studies first; what else the launch permits the viewer finds by itself, as priors.
    const query = new URLSearchParams({ launch: launch.id, StudyInstanceUIDs: studies.join(',') })
    return `/viewer/viewer?${query}`
  } catch (error) {
    if (refusalCode(error) === null) throw error
    return null
  }
}
