/** Reads stored objects again, so much at a time, and holds them against the hash they were received with (fixity). */
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { recordVerified, type Verified } from '#db/mutations/verification.ts'
import { policyOf } from '#db/queries/policy.ts'
import { type DueForVerification, dueForVerification } from '#db/queries/verification.ts'
import type { BlobStore } from './blob-store.ts'
import { datasetHash } from './hash.ts'

export interface Verification {
  department: Department
  store: BlobStore
}

/** Objects of one transaction. */
const BATCH = 200

/**
 * Reads what is due until so many bytes are read; the rows are the cursor, so a restart goes on where it stopped.
 * Answers how many objects were read and how many of them are damaged or missing.
 */
export async function verifyStored(
  { department, store }: Verification,
  { budgetBytes }: { budgetBytes: number },
): Promise<{ read: number; damaged: number }> {
  const { verification } = await policyOf(department.sql)
  const before = new Date(Date.now() - verification.everyMs)
  const due = await dueForVerification(department.sql, { before, limit: BATCH })
  const batch: Verified[] = []
  let left = budgetBytes
  for (const one of due) {
    // One object at least, however large: else a small budget would stand before it for ever.
    if (left <= 0) break
    left -= one.bytes
    batch.push({ instanceId: one.instanceId, blob: one.blob, found: await verifyOne(store, one) })
  }
  await recordVerified(department, await dutyAct(department), batch)
  return { read: batch.length, damaged: batch.filter(({ found }) => found !== 'sound').length }
}

async function verifyOne(store: BlobStore, one: DueForVerification): Promise<Verified['found']> {
  const reader = await store.open(one.blob).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (!reader) return 'missing'
  try {
    return reader.bytes === one.bytes && (await datasetHash(reader, one.datasetOffset)) === one.sha256
      ? 'sound'
      : 'altered'
  } catch (error) {
    // The disk itself says that it cannot give the bytes back.
    if ((error as NodeJS.ErrnoException).code === 'EIO') return 'altered'
    throw error
  } finally {
    await reader.close()
  }
}
