/** One read for all who ask at the same time: fifty screens that hear of one change ask one question. */

interface Reads {
  running: Promise<unknown>
  /** Begins when the running one has ended; who asks meanwhile gets this one. */
  next: Promise<unknown> | undefined
}

const open = new WeakMap<object, Map<string, Reads>>()

/**
 * Answers with a read that began after it was asked for, so nobody sees less than what they were told of; those who
 * ask while one is running share the one after it. What comes back is shared: nobody may change it.
 * @param on what the read is made on: a pool or a transaction, which never share
 * @param key what is read, with everything that decides the answer
 */
export function sharedRead<T>(on: object, key: string, read: () => Promise<T>): Promise<T> {
  const reads = open.get(on) ?? new Map<string, Reads>()
  open.set(on, reads)
  const asked = reads.get(key)
  if (!asked) return begin(reads, key, read)
  asked.next ??= asked.running.then(
    () => begin(reads, key, read),
    () => begin(reads, key, read),
  )
  return asked.next as Promise<T>
}

function begin<T>(reads: Map<string, Reads>, key: string, read: () => Promise<T>): Promise<T> {
  const running = read()
  const mine: Reads = { running, next: undefined }
  reads.set(key, mine)
  const end = () => {
    if (reads.get(key) === mine && !mine.next) reads.delete(key)
  }
  running.then(end, end)
  return running
}
