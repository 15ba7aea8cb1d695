/** Whether instances are safe with us: in the index, under the class named, and their bytes in the store as they came. */
import { createHash } from 'node:crypto'
import { STATUS } from '#archive/dimse/status.ts'
import type { BlobReader, BlobStore } from '#archive/storage/blob-store.ts'
import type { Sql } from '#db/client.ts'
import { type CommittedInstance, contestedOf, instancesNamed, setAsideOf } from '#db/queries/dimse-query.ts'

export interface Checked {
  /** SOP Instance UID to Failure Reason (PS3.3 C.14.1.1). */
  failures: Record<string, number>
  /** Study Instance UID of every instance found. */
  studies: Map<string, string>
}

export interface Named {
  /** Who asks: it deletes what it holds on our word. */
  aeTitle: string
  sopClassUids: readonly string[]
  sopInstanceUids: readonly string[]
}

/** Reads every byte of every instance and holds it against the hash that was made while it came in. */
export async function checkInstances(
  { sql, store }: { sql: Sql; store: BlobStore },
  { aeTitle, sopClassUids, sopInstanceUids }: Named,
): Promise<Checked> {
  const found = await instancesNamed(sql, sopInstanceUids)
  const stored = new Map(found.map((instance) => [instance.sopInstanceUid, instance]))
  const missing = sopInstanceUids.filter((uid) => !stored.has(uid))
  const aside = new Set(missing.length > 0 ? await setAsideOf(sql, missing) : [])
  const contested = new Set(await contestedOf(sql, { aeTitle, uids: [...stored.keys()] }))
  const failures: Record<string, number> = {}
  for (const [at, uid] of sopInstanceUids.entries()) {
    const instance = stored.get(uid)
    const reason =
      instance && !contested.has(uid)
        ? await faultOf(store, instance, sopClassUids[at]!)
        : instance || aside.has(uid)
          ? STATUS.processingFailure
          : STATUS.noSuchSopInstance
    if (reason !== undefined) failures[uid] = reason
  }
  return { failures, studies: new Map(found.map((one) => [one.sopInstanceUid, one.studyUid])) }
}

async function faultOf(
  store: BlobStore,
  instance: CommittedInstance,
  sopClassUid: string,
): Promise<number | undefined> {
  if (instance.sopClassUid !== sopClassUid) return STATUS.classInstanceConflict
  return (await isIntact(store, instance)) ? undefined : STATUS.processingFailure
}

async function isIntact(store: BlobStore, instance: CommittedInstance): Promise<boolean> {
  const reader = await store.open(instance.blob).catch(() => null)
  if (!reader) return false
  try {
    return (
      reader.bytes === instance.bytes && (await hashOf(reader, instance.datasetOffset)) === instance.sha256
    )
  } catch {
    return false
  } finally {
    await reader.close()
  }
}

const CHUNK_BYTES = 1024 * 1024

async function hashOf(reader: BlobReader, datasetOffset: number): Promise<string> {
  const hash = createHash('sha256')
  for (let at = datasetOffset; at < reader.bytes; at += CHUNK_BYTES)
    hash.update(await reader.read(at, CHUNK_BYTES))
  return hash.digest('hex')
}
