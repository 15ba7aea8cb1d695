/** How long a study is kept and where: the longest of the rules that apply, with its basis. */
import { addDays, addYears, DAY_MS, yearsBetween } from './calendar.ts'
import type { Policy } from './policy.ts'

export type RetentionRule =
  | 'adult'
  | 'xray-adult'
  | 'xray-minor'
  | 'mammography'
  | 'age-unknown'
  | 'catalogue'
export type StorageTier = 'ssd' | 'hdd' | 'object'

export type Retention = {
  rule: RetentionRule
  tier: StorageTier
  /** Local date (YYYY-MM-DD) from which the study is due for purging, if nothing holds it. */
  expiresOn: string
  /** Where the rule comes from, as a code that the strings catalogue knows. */
  basis: string
}

export type RetainedStudy = {
  /** YYYY-MM-DD; null when not known, which is treated as the youngest patient there could be. */
  patientBirthDate: string | null
  /** Modalities in Study (0008,0061). */
  modalities: readonly string[]
  /** Local date of the exam. */
  studyDate: string
  /** Local date of the patient's last study here; adult retention counts from it. */
  lastStudyDate: string
  policy: Policy['retention']
  /** What the catalogue says of its procedures; it only ever lengthens. */
  catalogueYears?: number | null
}

/** Modalities that use ionising radiation outside the body (Modality, PS3.3 C.7.3.1.1.1). */
const XRAY = ['CR', 'DX', 'CT', 'MG', 'XA', 'RF', 'RG', 'PX', 'IO', 'DF', 'XC']
const ADULT_AGE = 18

const BASIS: Readonly<Record<RetentionRule, string>> = {
  adult: 'department-policy',
  'xray-adult': 'StrlSchG § 85 (2)',
  'xray-minor': 'StrlSchG § 85 (2)',
  mammography: '21 CFR 900.12(c)(4)(i)',
  'age-unknown': 'StrlSchG § 85 (2), age not known',
  catalogue: 'department-catalogue',
}

/** Recomputed on every new study, order event or policy version, and again before anything is deleted. */
export function retention(study: RetainedStudy): Retention {
  const longest = rulesFor(study).reduce((kept, one) => (one.expiresOn > kept.expiresOn ? one : kept))
  return { ...longest, tier: 'ssd', basis: BASIS[longest.rule] }
}

type Term = { rule: RetentionRule; expiresOn: string }

function rulesFor(study: RetainedStudy): [Term, ...Term[]] {
  const { policy, studyDate, lastStudyDate, modalities } = study
  const terms: [Term, ...Term[]] = [{ rule: 'adult', expiresOn: addYears(lastStudyDate, policy.adultYears) }]
  if (modalities.some((modality) => XRAY.includes(modality))) terms.push(xray(study))
  if (modalities.includes('MG')) {
    const from = lastStudyDate > studyDate ? lastStudyDate : studyDate
    terms.push({ rule: 'mammography', expiresOn: addYears(from, policy.mammographyYears) })
  }
  if (study.catalogueYears)
    terms.push({ rule: 'catalogue', expiresOn: addYears(studyDate, study.catalogueYears) })
  return terms
}

/** A child's images are kept until the child is long grown up. */
function xray({ patientBirthDate, studyDate, policy }: RetainedStudy): Term {
  if (patientBirthDate === null) {
    return { rule: 'age-unknown', expiresOn: addYears(studyDate, policy.xrayMinorUntilAge) }
  }
  if (yearsBetween(patientBirthDate, studyDate) >= ADULT_AGE) {
    return { rule: 'xray-adult', expiresOn: addYears(studyDate, policy.xrayAdultYears) }
  }
  return { rule: 'xray-minor', expiresOn: addYears(patientBirthDate, policy.xrayMinorUntilAge) }
}

const KEPT_NEAR_DAYS = { beforeAppointment: 14, afterAccess: 30 }

/** The tier a study belongs to today: by age, but near while somebody looks at it or is about to. */
export function tierOf(
  study: { storedOn: string; lastAccessOn: string | null; nextAppointmentOn: string | null },
  today: string,
  policy: Policy['retention'],
): StorageTier {
  const { lastAccessOn, nextAppointmentOn, storedOn } = study
  const accessed = lastAccessOn !== null && addDays(lastAccessOn, KEPT_NEAR_DAYS.afterAccess) >= today
  const expected =
    nextAppointmentOn !== null &&
    nextAppointmentOn >= today &&
    addDays(today, KEPT_NEAR_DAYS.beforeAppointment) >= nextAppointmentOn
  if (accessed || expected || addDays(storedOn, Math.floor(policy.ssdMs / DAY_MS)) > today) return 'ssd'
  return addDays(storedOn, Math.floor(policy.hddMs / DAY_MS)) > today ? 'hdd' : 'object'
}
