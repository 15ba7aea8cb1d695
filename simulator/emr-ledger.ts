/** What the EMR received and what it said to it: one line of JSON for each message, numbers only, nobody's name. */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Message } from '#interop/v2/message.ts'

export interface LedgerEntry {
  /** Machine clock. */
  at: string
  controlId: string
  messageType: string
  /** ORC-2.1 and ORC-3.1. */
  placer: string | null
  filler: string | null
  /** OBR-25. */
  resultStatus: string | null
  /** This control id came before. */
  repeat: boolean
  mode: string
  /** MSA-1 of a whole answer that names the message; null: the sender got none. */
  answered: 'AA' | 'AE' | 'AR' | null
}

export interface EmrLedger {
  readonly entries: readonly LedgerEntry[]
  add(message: Message, what: Pick<LedgerEntry, 'mode' | 'answered'>): LedgerEntry
}

export function memoryLedger(): EmrLedger {
  return ledgerOf([], () => {})
}

/** Goes on where the file ends; a line is written before the message is answered. */
export function fileLedger(file: string): EmrLedger {
  mkdirSync(dirname(file), { recursive: true })
  const known = existsSync(file) ? readFileSync(file, 'utf8').split('\n').flatMap(readLine) : []
  return ledgerOf(known, (entry) => appendFileSync(file, `${JSON.stringify(entry)}\n`, { mode: 0o600 }))
}

// A process that was killed while writing leaves half a line behind.
function readLine(line: string): LedgerEntry[] {
  try {
    return [JSON.parse(line) as LedgerEntry]
  } catch {
    return []
  }
}

function ledgerOf(known: LedgerEntry[], keep: (entry: LedgerEntry) => void): EmrLedger {
  const seen = new Set(known.map((entry) => entry.controlId))
  return {
    entries: known,
    add(message, { mode, answered }) {
      const value = (path: string) => message.get(path) || null
      const controlId = value('MSH-10') ?? ''
      const entry: LedgerEntry = {
        at: new Date().toISOString(),
        controlId,
        messageType: [value('MSH-9.1'), value('MSH-9.2')].filter(Boolean).join('^'),
        placer: value('ORC-2.1') ?? value('OBR-2.1'),
        filler: value('ORC-3.1') ?? value('OBR-3.1'),
        resultStatus: value('OBR-25'),
        repeat: seen.has(controlId),
        mode,
        answered,
      }
      seen.add(controlId)
      known.push(entry)
      keep(entry)
      return entry
    },
  }
}
