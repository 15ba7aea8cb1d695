/** C-MOVE and C-GET side by side: DCMTK asks, and for a C-MOVE DCMTK's storescp receives. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Server } from './servers.ts'

const run = promisify(execFile)
const environment = { ...process.env, TCP_NODELAY: '1' }

/** Seconds for a whole study, its objects written to a memory disk by getscu. */
export async function getStudy(server: Server, studyUid: string, expected: number): Promise<number> {
  const folder = mkdtempSync('/dev/shm/getscu-')
  try {
    const begun = performance.now()
    await run(
      'getscu',
      [
        '-S',
        '-aet',
        'CT1',
        '-aec',
        server.calledAe,
        '-od',
        folder,
        '-k',
        'QueryRetrieveLevel=STUDY',
        '-k',
        `StudyInstanceUID=${studyUid}`,
        server.host,
        String(server.dicomPort),
      ],
      { env: environment },
    )
    const seconds = (performance.now() - begun) / 1000
    whole(folder, expected)
    return seconds
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Seconds for a whole study moved to the storescp that writes into `folder`. */
export async function moveStudy(
  server: Server,
  {
    studyUid,
    expected,
    destination,
    folder,
  }: { studyUid: string; expected: number; destination: string; folder: string },
): Promise<number> {
  for (const name of readdirSync(folder)) rmSync(join(folder, name))
  const begun = performance.now()
  await run(
    'movescu',
    [
      '-S',
      '-aet',
      'CT1',
      '-aec',
      server.calledAe,
      '-aem',
      destination,
      '-k',
      'QueryRetrieveLevel=STUDY',
      '-k',
      `StudyInstanceUID=${studyUid}`,
      server.host,
      String(server.dicomPort),
    ],
    { env: environment },
  )
  const seconds = (performance.now() - begun) / 1000
  whole(folder, expected)
  return seconds
}

function whole(folder: string, expected: number): void {
  const found = readdirSync(folder).length
  if (found !== expected) throw new Error(`${found} objects came, not ${expected}`)
}
