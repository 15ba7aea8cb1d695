/** Why instances are hidden (rejection notes, PS3.3 C.7.6.27; CID 7011). */

/** 113037 patient safety, 113038 wrong worklist entry, 113001 quality, 113039 retention expired. */
export const REJECTION_CODES = ['113037', '113038', '113001', '113039'] as const
export type RejectionCode = (typeof REJECTION_CODES)[number]
