/** A scanner's protocol as planned (0040,0008) beside what it says it did (0040,0260). */

export interface PlannedProtocol {
  /** Null: a name only, as an order or the catalogue gave it. */
  code: string | null
  name: string
  /** Codes and names under which scanners report the same. */
  aliases: readonly string[]
}

/** One item of Performed Protocol Code Sequence (0040,0260). */
export interface PerformedProtocol {
  code: string
  scheme: string
  meaning: string
}

export type ProtocolComparison =
  | { verdict: 'as-planned' }
  /** `done`: what differs; `missing`: the planned one is not among them. */
  | { verdict: 'differs'; done: PerformedProtocol[]; missing: boolean }
  /** The device names no protocol. */
  | { verdict: 'not-said' }
  | { verdict: 'not-planned'; done: PerformedProtocol[] }

export function compareProtocols(
  planned: PlannedProtocol | null,
  performed: readonly PerformedProtocol[],
): ProtocolComparison {
  if (performed.length === 0) return { verdict: 'not-said' }
  if (planned === null) return { verdict: 'not-planned', done: [...performed] }
  const others = performed.filter((one) => !isSame(planned, one))
  if (others.length === 0) return { verdict: 'as-planned' }
  return { verdict: 'differs', done: others, missing: others.length === performed.length }
}

// Scanners shorten, change case, and put their own code with our name: either is enough.
function isSame({ code, name, aliases }: PlannedProtocol, done: PerformedProtocol): boolean {
  const ours = [code, name, ...aliases].filter((text) => text !== null).map(folded)
  return [done.code, done.meaning].filter(Boolean).some((said) => ours.includes(folded(said)))
}

function folded(text: string): string {
  return text.trim().replace(/\s+/g, ' ').toLowerCase()
}

/** Of a data set as DICOM JSON (PS3.18 F.2); what is not there or not readable is nothing. */
export function performedProtocols(dataset: unknown): PerformedProtocol[] {
  const items = valuesOf(dataset, '00400260')
  return items.flatMap((item) => {
    const text = (...tags: string[]) => {
      const found = tags.map((tag) => valuesOf(item, tag)[0]).find((value) => typeof value === 'string')
      return typeof found === 'string' ? found : ''
    }
    // Code Value, or its long or URN form (PS3.3 section 8.1).
    const said = {
      code: text('00080100', '00080119', '00080120'),
      scheme: text('00080102'),
      meaning: text('00080104'),
    }
    return said.code || said.meaning ? [said] : []
  })
}

function valuesOf(dataset: unknown, tag: string): unknown[] {
  if (typeof dataset !== 'object' || dataset === null) return []
  const element = (dataset as Record<string, { Value?: unknown } | undefined>)[tag]
  return Array.isArray(element?.Value) ? element.Value : []
}
