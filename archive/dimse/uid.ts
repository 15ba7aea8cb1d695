/** Unique identifiers: the syntax of PS3.5 section 9.1, and those of this implementation. */

/** What is wrong with a UID in words, or undefined when it follows PS3.5 section 9.1. */
export function uidFault(uid: string): string | undefined {
  if (uid === '') return 'is empty'
  if (uid.length > 64) return 'is longer than 64 characters'
  if (!/^[0-9.]+$/.test(uid)) return 'has characters other than digits and dots'
  if (/(^|\.)(\.|$)/.test(uid)) return 'has an empty component'
  if (/(^|\.)0\d/.test(uid)) return 'has a component with a leading zero'
  return undefined
}

export const isUid = (uid: string): boolean => uidFault(uid) === undefined

/**
 * Safe to hold as an identifier though not to the letter: vendors send components with leading zeros.
 * Never build a path from it.
 */
export const isTolerableUid = (uid: string): boolean => uid.length <= 64 && /^\d+(\.\d+)*$/.test(uid)

/** A new UID under 2.25, from a UUID (PS3.5 section B.2). */
export function newUid(): string {
  return `2.25.${BigInt(`0x${crypto.randomUUID().replaceAll('-', '')}`)}`
}

/** Identifies this implementation, never used to interpret what it sent (PS3.7 section D.3.3.2). */
export const IMPLEMENTATION_CLASS_UID = '2.25.306840935176934480826339203180497214573'
export const IMPLEMENTATION_VERSION_NAME = 'ISOCENTER_0_1'
