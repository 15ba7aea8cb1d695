/** The one error the department throws: a refusal with a closed code and the ids to find it by. */

/** Why an act was refused; each wire translates these once, at its edge. */
export const REFUSAL_CODES = [
  'illegal-transition',
  'forbidden',
  'not-found',
  'not-eligible',
  'reauthentication-required',
  'reason-required',
  'second-person-required',
  'already-claimed',
  'not-holder',
  'stale-fence',
  'lease-expired',
  'too-many-parked',
  'blocked',
  'unknown-order',
  'duplicate-order',
  'order-ended',
  'procedure-begun',
  'images-exist',
  'report-final',
  'not-released',
  'recall-expired',
  'check-failed',
  'identity-provisional',
  'identity-mismatch',
  'safety-unsatisfied',
  'slot-taken',
  'held',
  'message-conflict',
  'invalid-message',
  'unknown-procedure',
] as const

export type RefusalCode = (typeof REFUSAL_CODES)[number]

/** Ids, enums and numbers that find the case; never a name, a birth date or a record number. */
export type RefusalRefs = Readonly<Record<string, string | number | undefined>>

export class RadiologyError extends Error {
  readonly code: RefusalCode
  readonly refs: RefusalRefs

  constructor(code: RefusalCode, refs: RefusalRefs = {}, cause?: unknown) {
    super(describe(code, refs), cause === undefined ? undefined : { cause })
    this.name = 'RadiologyError'
    this.code = code
    this.refs = refs
  }
}

/** Compares the code and not the class: an error that crossed a workflow or a process is a plain object. */
export function isRefusal(error: unknown, code?: RefusalCode): error is RadiologyError {
  const found = refusalCode(error)
  return found !== null && (code === undefined || found === code)
}

/** The refusal's code, or null when the error is not one of ours (a bug, a lost connection). */
export function refusalCode(error: unknown): RefusalCode | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null
  const { code } = error
  return typeof code === 'string' && (REFUSAL_CODES as readonly string[]).includes(code)
    ? (code as RefusalCode)
    : null
}

function describe(code: RefusalCode, refs: RefusalRefs): string {
  const known = Object.entries(refs).filter(([, value]) => value !== undefined)
  if (known.length === 0) return code
  return `${code}: ${known.map(([key, value]) => `${key} ${value}`).join(', ')}`
}
