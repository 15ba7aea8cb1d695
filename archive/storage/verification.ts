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

/** Between two machines that both go right. */
const CLOCKS_DIFFER_MS = 60 * 60_000

/** What is damaged is looked at again: who put it back does not wait for the whole period. */
const DAMAGED_AGAIN_MS = 10 * 60_000

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
  const now = new Date()
  const before = new Date(now.getTime() - verification.everyMs)
  const due = await dueForVerification(department.sql, {
    before,
    again: new Date(now.getTime() - DAMAGED_AGAIN_MS),
    now: new Date(now.getTime() + CLOCKS_DIFFER_MS),
    limit: BATCH,
  })
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
  try {
    const reader = await store.open(one.blob)
    try {
      return reader.bytes === one.bytes && (await datasetHash(reader, one.datasetOffset)) === one.sha256
        ? 'sound'
        : 'altered'
    } finally {
      await reader.close()
    }
  } catch (error) {
    return foundBy(error)
  }
}

/** What cannot be read is damaged, whatever the system calls it: else it would stand before all others for ever. */
function foundBy(error: unknown): Verified['found'] {
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined || ON_OUR_SIDE.includes(code)) throw error
  return code === 'ENOENT' || code === 'ENOTDIR' ? 'missing' : 'altered'
}

/** No word about the object: too much is open, or too little memory left. */
const ON_OUR_SIDE = ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']
