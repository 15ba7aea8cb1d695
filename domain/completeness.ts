/** Study completeness: a verdict from evidence (MPPS names, commitment, the end of the exam), rules C1 to C8. */
import { can, type DeviceCapability, type DeviceProfile } from './device-profile.ts'
import type { Policy } from './policy.ts'
import type { CompletenessVerdict } from './words.ts'

/** What is known about one study at a moment; counts instead of sets, since a study may hold thousands of images. */
export type CompletenessEvidence = {
  /** |N|: instances named by final MPPS (0040,0340) or by storage commitment requests. */
  named: number
  /** |N ∩ S|: named instances that are stored; rejected ones count, quarantined ones do not. */
  namedStored: number
  /** |S|: instances stored. */
  stored: number
  /** End of the last performed step; null while one is in progress or none was announced. */
  mppsFinalAt: Date | null
  /** When the technologist ended the exam on our screen. */
  endExamAt: Date | null
  lastImageAt: Date | null
  /** Latest of begin, MPPS message and image. */
  lastSignOfLifeAt: Date
  /** A storage commitment request for the study was answered in full. */
  commitmentAnswered: boolean
  /** A move of its images is under way. */
  moveOpen: boolean
  /** Every performed step was discontinued before an image was made. */
  stoppedWithoutImages: boolean
}

export const COMPLETENESS_REASONS = ['names', 'end', 'commitment'] as const
export type CompletenessReason = (typeof COMPLETENESS_REASONS)[number]

export type Completeness = {
  verdict: CompletenessVerdict
  /** k = |N − S|: named and not stored. */
  missing: number
  /** m = |S − N|: stored and not named; never blocks. */
  notNamed: number
  /** Evidence that was seen. */
  evidence: CompletenessReason[]
  /** Evidence that never came, or that the device cannot give: why a verdict is only inferred. */
  lacking: CompletenessReason[]
  /** When time alone may change a waiting verdict; null when only a fact can. */
  recheckAt: Date | null
}

/** First match of C1 to C8. With N fixed, more stored instances never turn `complete` into `incomplete`. */
export function completeness(
  profile: DeviceProfile,
  evidence: CompletenessEvidence,
  now: Date,
  policy: Policy,
): Completeness {
  const end = endOf(profile, evidence, now, policy)
  const missing = evidence.named - evidence.namedStored
  const base = {
    missing,
    notNamed: evidence.stored - evidence.namedStored,
    evidence: seen(profile, evidence, end.seen, policy),
    lacking: lacking(profile, evidence, end.seen, policy),
  }
  const waiting = (recheckAt: Date | null): Completeness => ({ ...base, verdict: 'waiting', recheckAt })
  const settled = (verdict: CompletenessVerdict): Completeness => ({ ...base, verdict, recheckAt: null })

  if (evidence.moveOpen) return waiting(null)
  if (end.waitUntil !== null && now < end.waitUntil) return waiting(end.waitUntil)

  const missingUntil = later(latest(end.at, evidence.lastImageAt), profile.missingTimeoutMs ?? 0)
  if (missing > 0) return now < missingUntil ? waiting(missingUntil) : settled('incomplete')
  // A stopped exam without images owes none: what becomes of it is the technologist's decision.
  if (evidence.stored === 0) return evidence.stoppedWithoutImages ? waiting(null) : settled('incomplete')

  const commitUntil = later(end.at, profile.commitTimeoutMs ?? 0)
  const awaitsCommitment = asksCommitment(profile, policy) && !evidence.commitmentAnswered
  if (awaitsCommitment && now < commitUntil) return waiting(commitUntil)
  return settled(base.lacking.length === 0 ? 'complete' : 'inferred')
}

/** Counts for the evidence from the two sets of SOP Instance UIDs. */
export function countInstances(
  named: ReadonlySet<string>,
  stored: ReadonlySet<string>,
): Pick<CompletenessEvidence, 'named' | 'namedStored' | 'stored'> {
  let namedStored = 0
  for (const uid of named) if (stored.has(uid)) namedStored += 1
  return { named: named.size, namedStored, stored: stored.size }
}

type End = {
  seen: boolean
  /** When the exam ended, or was given up on. */
  at: Date
  /** Until when an unseen end is waited for; null once it was seen. */
  waitUntil: Date | null
}

function endOf(profile: DeviceProfile, evidence: CompletenessEvidence, now: Date, policy: Policy): End {
  const signals = endSignals(profile, evidence, policy)
  if (signals === null) return quietEnd(profile, evidence, now)
  if (signals.seen) return { seen: true, at: signals.at, waitUntil: null }
  const waitUntil = later(evidence.lastSignOfLifeAt, profile.endTimeoutMs)
  return { seen: false, at: waitUntil, waitUntil }
}

/** Null when the device can tell the end neither by MPPS nor through the technologist. */
function endSignals(
  profile: DeviceProfile,
  { mppsFinalAt, endExamAt }: CompletenessEvidence,
  policy: Policy,
): { seen: false } | { seen: true; at: Date } | null {
  const byMpps = can(profile, 'mpps')
  const byScreen = can(profile, 'endExam')
  if (!byMpps && !byScreen) return null
  const wanted = [byMpps ? [mppsFinalAt] : [], byScreen ? [endExamAt] : []].flat()
  const came = wanted.filter((at) => at !== null)
  const needed = policy.completeness.endExamRequired ? wanted.length : 1
  const first = came[0]
  if (first === undefined || came.length < needed) return { seen: false }
  return { seen: true, at: latest(first, came[1] ?? null) }
}

/** A device that cannot tell the end has ended when it has been quiet; it then proves nothing. */
function quietEnd(profile: DeviceProfile, evidence: CompletenessEvidence, now: Date): End {
  const quietMs = profile.quietMs ?? profile.endTimeoutMs
  const at =
    evidence.lastImageAt === null
      ? later(evidence.lastSignOfLifeAt, profile.endTimeoutMs)
      : later(evidence.lastImageAt, quietMs)
  return { seen: false, at, waitUntil: now < at ? at : null }
}

function seen(
  profile: DeviceProfile,
  evidence: CompletenessEvidence,
  endSeen: boolean,
  policy: Policy,
): CompletenessReason[] {
  const found: CompletenessReason[] = []
  if (evidence.named > 0) found.push('names')
  if (endSeen) found.push('end')
  if (asksCommitment(profile, policy) && evidence.commitmentAnswered) found.push('commitment')
  return found
}

/** Names and an end are always wanted for `complete`; commitment only from a device that can give it. */
function lacking(
  profile: DeviceProfile,
  evidence: CompletenessEvidence,
  endSeen: boolean,
  policy: Policy,
): CompletenessReason[] {
  const has = seen(profile, evidence, endSeen, policy)
  const wanted: CompletenessReason[] = ['names', 'end']
  if (asksCommitment(profile, policy)) wanted.push('commitment')
  return wanted.filter((reason) => !has.includes(reason))
}

function asksCommitment(profile: DeviceProfile, policy: Policy): boolean {
  const commitment: DeviceCapability = 'commitment'
  return policy.completeness.commitment === 'on' && can(profile, commitment)
}

function latest(a: Date, b: Date | null): Date {
  return b !== null && b > a ? b : a
}

function later(from: Date, ms: number): Date {
  return new Date(from.getTime() + ms)
}
