/** The folder for what may be fetched again: programs and peers, shared by all checkouts of one user. */
import { mkdirSync } from 'node:fs'
import { homedir, tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

/** Made on demand; a user without a home folder of their own (a service account) gets one in the temporary folder. */
export function cacheFolder(name: string): string {
  const places = [join(homedir(), '.cache', 'isocenter'), join(tmpdir(), `isocenter-cache-${userInfo().uid}`)]
  for (const place of places) {
    try {
      const folder = join(place, name)
      mkdirSync(folder, { recursive: true, mode: 0o755 })
      return folder
    } catch {
      // Not writable: the next place.
    }
  }
  throw new Error(`neither ${places.join(' nor ')} can be written to`)
}
