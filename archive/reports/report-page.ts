/** What a report's page says beside the radiologist's own words: whose it is, what it answers, who stands for it. */
import type { ReportPerson } from '#db/queries/report-content.ts'
import type { ReportObject } from '#db/queries/report-objects.ts'
import { sectionCodes } from '#domain/report-object.ts'
import type { ReportVersionKind } from '#domain/words.ts'

export interface ReportPage {
  title: string
  institution: string
  /** Said in large letters, as nobody may overlook it; null of a report that simply stands. */
  standing: string | null
  facts: { label: string; value: string }[]
  sections: { heading: string; by: string | null; text: string }[]
  footer: string
  /** When the version went out, as the file's own date. */
  at: Date
}

export function reportPage(object: ReportObject): ReportPage {
  const { patient, requests, site, person, assistants, saidAt, versionKind, version, contentHash } = object
  const when = (at: Date) => written(at, site.zone)
  return {
    title: 'Radiology report',
    institution: site.name,
    standing: STANDING[versionKind],
    facts: [
      { label: 'Patient', value: nameOf(patient.name) },
      { label: 'Born', value: patient.birthDate ?? '' },
      { label: 'Sex', value: patient.sex ?? '' },
      {
        label: 'Patient ID',
        value: patient.identifiers.map(({ value, issuer }) => `${value} (${issuer})`).join(', '),
      },
      ...requests.map(({ accession, procedures }) => ({
        label: 'Exam',
        value: `${accession}: ${procedures.map(({ text }) => text).join(', ')}`,
      })),
      {
        label: 'Reason',
        value: [...new Set(requests.map(({ reason }) => reason ?? ''))].filter(Boolean).join('; '),
      },
      { label: 'Written by', value: assistants.map(fullName).join(', ') },
      { label: BY[versionKind], value: `${fullName(person)}, ${when(saidAt)}` },
      { label: 'Version', value: String(version) },
    ].filter(({ value }) => value !== ''),
    sections: object.sections
      .filter(({ text }) => text.trim() !== '')
      .map(({ key, text, addendum }) => ({
        heading: sectionCodes(key).heading.meaning,
        by: addendum ? `Added by ${fullName(addendum.by)}, ${when(addendum.at)}` : null,
        text: text.trim(),
      })),
    footer: `Version ${version} · SHA-256 of the signed content ${contentHash}`,
    at: object.releasedAt,
  }
}

const STANDING: Readonly<Record<ReportVersionKind, string | null>> = {
  'wet-read': 'PRELIMINARY: first impression, not verified',
  preliminary: 'PRELIMINARY: not verified',
  final: null,
  addendum: 'WITH ADDENDUM',
  correction: 'CORRECTED: replaces every version before it',
  withdrawal: 'WITHDRAWN: not to be relied upon',
}

const BY: Readonly<Record<ReportVersionKind, string>> = {
  'wet-read': 'Given by',
  preliminary: 'Given by',
  final: 'Signed by',
  addendum: 'Addendum signed by',
  correction: 'Correction signed by',
  withdrawal: 'Withdrawn by',
}

/** Every script in which the name is known, the Latin one first. */
function nameOf(name: ReportObject['patient']['name']): string {
  const groups = [name.alphabetic, name.ideographic, name.phonetic]
  return groups
    .map((group) =>
      group
        ? [group.family, [group.given, group.middle].filter(Boolean).join(' ')].filter(Boolean).join(', ')
        : '',
    )
    .filter(Boolean)
    .join(' · ')
}

function fullName({ prefix, given, family, degree }: ReportPerson): string {
  return [prefix, given, family].filter(Boolean).join(' ') + (degree ? `, ${degree}` : '')
}

function written(at: Date, zone: string): string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    timeZoneName: 'longOffset',
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
  })
  return format.format(at)
}
