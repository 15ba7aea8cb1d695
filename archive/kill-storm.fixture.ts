/** A send that does not give up, while the archive it goes to is killed again and again; and what must be true afterwards. */
import { createHash, randomFillSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sql } from '#db/client.ts'
import type { Association } from './dimse/association.ts'
import { Dataset } from './dimse/dataset.ts'
import { encodeDataset } from './dimse/encode.ts'
import { CT_IMAGE_STORAGE } from './dimse/sop-class.ts'
import { EXPLICIT_LITTLE } from './dimse/transfer-syntax.ts'
import { newUid } from './dimse/uid.ts'
import { openAssociation, type Peer } from './scu/association.ts'
import { type Storable, storeOn } from './scu/store.ts'

export interface StormImage extends Storable {
  sha256: string
}

/** Images of one series, every one of other pixels. */
export function stormImages(count: number, pixelBytes: number): StormImage[] {
  const [studyUid, seriesUid] = [newUid(), newUid()]
  return Array.from({ length: count }, (_, index) => {
    const sopInstanceUid = newUid()
    const bytes = () => dataset
    const dataset = encodeDataset(
      Dataset.of({
        SOPClassUID: CT_IMAGE_STORAGE,
        SOPInstanceUID: sopInstanceUid,
        Modality: 'CT',
        PatientName: 'TESTPERSON^STORM',
        PatientID: 'STORM',
        StudyInstanceUID: studyUid,
        SeriesInstanceUID: seriesUid,
        InstanceNumber: index + 1,
        BitsAllocated: 16,
        PixelData: randomFillSync(Buffer.allocUnsafe(pixelBytes)),
      }),
      EXPLICIT_LITTLE,
    )
    const sha256 = createHash('sha256').update(dataset).digest('hex')
    return {
      sopClassUid: CT_IMAGE_STORAGE,
      sopInstanceUid,
      transferSyntaxUid: EXPLICIT_LITTLE,
      bytes,
      sha256,
    }
  })
}

export interface Storm {
  peer: Peer
  images: readonly StormImage[]
  associations: number
  kills: number
  /** Kills the archive and sees to it that it comes back. */
  kill(): Promise<void>
}

export interface StormResult {
  /** SOP Instance UIDs that were answered with Success. */
  acknowledged: Set<string>
  kills: number
  /** Objects sent again because no answer came. */
  again: number
}

/** Each object is sent until it is answered with Success; the kills are spread over the whole send. */
export async function sendThroughKills(storm: Storm): Promise<StormResult> {
  const { images, kills, associations } = storm
  const result: StormResult = { acknowledged: new Set(), kills: 0, again: 0 }
  const waiting = [...images]
  const killing: Promise<void>[] = []
  const each = images.length / (kills + 1)
  const sender = async () => {
    let association: Association | null = null
    for (let image = waiting.shift(); image; image = waiting.shift()) {
      association = association && !association.isOver ? association : await openedAgain(storm.peer)
      const status = await storeOn(association, image).catch(() => null)
      if (status === 0) result.acknowledged.add(image.sopInstanceUid)
      else {
        result.again += 1
        waiting.push(image)
      }
      // In the middle of what the other associations are sending.
      if (result.kills < kills && result.acknowledged.size >= each * (result.kills + 1)) {
        result.kills += 1
        killing.push(storm.kill())
      }
    }
    await association?.release().catch(() => undefined)
  }
  await Promise.all(Array.from({ length: associations }, sender))
  await Promise.all(killing)
  return result
}

const CONTEXTS = [{ abstractSyntax: CT_IMAGE_STORAGE, transferSyntaxes: [EXPLICIT_LITTLE] }]
const PATIENCE_MS = 60_000

async function openedAgain(peer: Peer): Promise<Association> {
  for (const end = Date.now() + PATIENCE_MS; ; ) {
    try {
      return await openAssociation(peer, { contexts: CONTEXTS })
    } catch (error) {
      if (Date.now() > end) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

export interface StormFindings {
  indexed: number
  /** Acknowledged, and not in the index exactly once with the hash of what was sent. */
  lost: string[]
  /** In the index, and their bytes on the disk have another hash. */
  halves: string[]
  /** Set aside or kept twice, though each object was the same whenever it was sent. */
  doubled: number
  /** Whole files that were never acknowledged nor indexed: nobody sees them. */
  unseen: number
}

/** What is found in the index and on the disk, once nothing waits any more. */
export async function findings(
  { sql, blobs }: { sql: Sql; blobs: string },
  images: readonly StormImage[],
): Promise<StormFindings> {
  const uids = images.map(({ sopInstanceUid }) => sopInstanceUid)
  const rows = await sql<{ uid: string; blob: string; sha256: string; dataset_offset: number }[]>`
    select sop_instance_uid as uid, blob, sha256, dataset_offset from instances where sop_instance_uid = any(${uids})`
  const byUid = new Map(rows.map((row) => [row.uid, row]))
  const lost = images
    .filter((image) => byUid.get(image.sopInstanceUid)?.sha256 !== image.sha256)
    .map(({ sopInstanceUid }) => sopInstanceUid)
  const halves = rows
    .filter(({ blob, sha256, dataset_offset }) => {
      const bytes = readFileSync(join(blobs, blob)).subarray(dataset_offset)
      return createHash('sha256').update(bytes).digest('hex') !== sha256
    })
    .map(({ uid }) => uid)
  const [aside] = await sql<{ n: number }[]>`
    select count(*) as n from quarantine where sop_instance_uid = any(${uids})`
  const filed = await sql<{ blob: string }[]>`select blob from instances union select blob from quarantine`
  const known = new Set(filed.map(({ blob }) => blob))
  const onDisk = readdirSync(blobs, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.dcm'),
  )
  return {
    indexed: rows.length,
    lost,
    halves,
    doubled: Number(aside!.n),
    unseen: onDisk.filter((name) => !known.has(name)).length,
  }
}
