/** Report versions that count: signed as final, and neither recalled nor retracted. */
import type { ReportFact, ReportVersionFact } from './facts.ts'

/** The final, addended and corrected versions that stand; the signature is the legal act, so recall time counts. */
export function standingVersions(report: ReportFact): ReportVersionFact[] {
  if (report.state === 'CANCELLED') return []
  return report.versions.filter((version) => isFinalKind(version) && version.recalledAt === null)
}

export function newestStanding(report: ReportFact): ReportVersionFact | null {
  return standingVersions(report).reduce<ReportVersionFact | null>(
    (newest, version) => (newest === null || version.number > newest.number ? version : newest),
    null,
  )
}

/** Outside the department a version does not exist before this. */
export function isReleased(version: ReportVersionFact): boolean {
  return version.releasedAt !== null && version.recalledAt === null
}

export function isFinalKind(version: ReportVersionFact): boolean {
  return version.kind === 'final' || version.kind === 'addendum' || version.kind === 'correction'
}
