/** Rejection of instances (PS3.3 C.7.6.27 rejection notes; CID 7011): what is hidden, why, and what revoking leaves. */

export const REJECTION_CODES = ['113037', '113038', '113001', '113039'] as const
/**
 * Strongest first: 113037 patient safety, 113038 wrong worklist entry, 113001 quality, 113039 retention expired.
 */
export type RejectionCode = (typeof REJECTION_CODES)[number]

/** The rejection that is shown for an instance; null when none stands and the instance is visible. */
export function strongestRejection(standing: readonly RejectionCode[]): RejectionCode | null {
  return REJECTION_CODES.find((code) => standing.includes(code)) ?? null
}

/** A study without a visible instance does not exist for readers and queries. */
export function isHidden(study: { visibleInstances: number }): boolean {
  return study.visibleInstances === 0
}
