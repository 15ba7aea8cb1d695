/** What the placer has to say, kept on disk until it was acknowledged: a restart repeats it under the same control id. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

export interface OutboxEntry {
  controlId: string
  placer: string
  bytes: Buffer
}

export interface Outbox {
  /** Not settled yet, in order of coming. */
  readonly pending: readonly OutboxEntry[]
  add(entry: OutboxEntry): void
  /** Acknowledged, or given up on. */
  settle(controlId: string): void
}

export function memoryOutbox(): Outbox {
  return outboxOf([], () => {})
}

export function fileOutbox(file: string): Outbox {
  mkdirSync(dirname(file), { recursive: true })
  const pending = existsSync(file) ? unsettled(readFileSync(file, 'utf8').split('\n')) : []
  // Written anew at each start, so that it never grows past one run.
  writeFileSync(`${file}.new`, pending.map(lineOf).join(''), { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return outboxOf(pending, (line) => appendFileSync(file, line))
}

function outboxOf(pending: OutboxEntry[], keep: (line: string) => void): Outbox {
  return {
    pending,
    add(entry) {
      keep(lineOf(entry))
      pending.push(entry)
    },
    settle(controlId) {
      const at = pending.findIndex((entry) => entry.controlId === controlId)
      if (at < 0) return
      keep(`${JSON.stringify({ settled: controlId })}\n`)
      pending.splice(at, 1)
    },
  }
}

function lineOf({ bytes, ...entry }: OutboxEntry): string {
  return `${JSON.stringify({ ...entry, bytes: bytes.toString('base64') })}\n`
}

function unsettled(lines: string[]): OutboxEntry[] {
  const known = new Map<string, OutboxEntry>()
  for (const line of lines) {
    const read = readLine(line)
    if (read?.settled) known.delete(read.settled)
    else if (read?.controlId && read.bytes)
      known.set(read.controlId, {
        controlId: read.controlId,
        placer: read.placer ?? '',
        bytes: Buffer.from(read.bytes, 'base64'),
      })
  }
  return [...known.values()]
}

// The last line may be half a line: the process was killed before it said anything to anybody.
function readLine(
  line: string,
): { settled?: string; controlId?: string; placer?: string; bytes?: string } | null {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
