/** The message of a delivery: as frozen at its first attempt, or rendered now (HL7 2.5.1 ORU^R01, ORM^O01). */
import { renderReport } from '#archive/reports/render-report.ts'
import { reportPage } from '#archive/reports/report-page.ts'
import type { Department } from '#db/department.ts'
import type { DeliveryHead } from '#db/mutations/deliveries.ts'
import { type ReportForDelivery, type ReportPerson, reportForDelivery } from '#db/queries/report-content.ts'
import { documentOfDelivery } from '#db/queries/report-objects.ts'
import { RadiologyError } from '#domain/errors.ts'
import type { ProviderSaid } from '#domain/order-message.ts'
import type { ReportVersionKind } from '#domain/words.ts'
import { UnencodableText } from '#interop/v2/charset.ts'
import {
  buildOru,
  missingForOru,
  type OruContent,
  type OruProcedure,
  type OruSection,
  type OruStatus,
} from '#interop/v2/oru.ts'
import { statusMessageFor } from './status-message.ts'

/** `missing` names the fields that keep it from being sent, never their values. */
export async function messageFor(
  department: Department,
  { id }: DeliveryHead,
): Promise<{ bytes: Buffer } | { missing: string[] }> {
  const [frozen] = await department.sql<
    { bytes: Buffer | null }[]
  >`select bytes from deliveries where id = ${id}`
  if (frozen?.bytes) return { bytes: frozen.bytes }
  const status = await statusMessageFor(department, id)
  if (status) return status
  const report = await reportForDelivery(department.sql, id)
  if (report === null) throw new RadiologyError('not-found', { deliveryId: id })
  const content = {
    ...oruContent(report, await department.now()),
    ...(await documentFor(department, id, report)),
  }
  const missing = missingForOru(content).filter((field) => isWanted(field, report.destination.policy))
  return missing.length > 0 ? { missing } : render(content)
}

/** A receiver that wants it gets the page too, as it stands in the study: `pdf: ed` in its policy. */
async function documentFor(
  { sql }: Department,
  deliveryId: string,
  { destination }: ReportForDelivery,
): Promise<{ pdf?: Uint8Array }> {
  if (destination.policy.pdf !== 'ed') return {}
  const document = await documentOfDelivery(sql, deliveryId)
  return document ? { pdf: await renderReport(reportPage(document)) } : {}
}

/** A receiver may agree to file reports of orders that name no requester: `requesterRequired: false` in its policy. */
function isWanted(field: string, policy: Readonly<Record<string, unknown>>): boolean {
  return policy.requesterRequired !== false || !field.startsWith('OBR-16')
}

function render(content: OruContent): { bytes: Buffer } | { missing: string[] } {
  try {
    return { bytes: buildOru(content) }
  } catch (error) {
    if (!(error instanceof UnencodableText)) throw error
    return { missing: ["MSH-18: a character of the report in the destination's character set"] }
  }
}

function oruContent(report: ReportForDelivery, at: Date): OruContent {
  const { site, destination, visit } = report
  return {
    application: 'ISOCENTER',
    facility: site.id,
    receivingApplication: destination.receivingApplication,
    receivingFacility: destination.receivingFacility,
    controlId: report.controlId,
    at,
    zone: site.zone,
    processingId: typeof destination.policy.processingId === 'string' ? destination.policy.processingId : 'P',
    patient: {
      identifiers: report.patient.identifiers,
      name: report.patient.name,
      birthDate: report.patient.birthDate ?? undefined,
      sex: report.patient.sex ?? undefined,
    },
    visit: {
      patientClass: classLetters[visit.patientClass] ?? 'O',
      location: visit.location === null ? undefined : { pointOfCare: visit.location },
      number: visit.number === null ? undefined : { value: visit.number, authority: site.id },
    },
    placer: report.placer ?? undefined,
    filler: report.filler,
    accession: report.accession,
    procedures: report.procedures.map(procedureOf),
    priority: report.priority,
    status: statuses[report.version.kind],
    statusAt: report.version.at,
    requester: requesterOf(report),
    copiesTo: report.copiesTo,
    reason: report.reason === null ? undefined : [{ text: report.reason }],
    signer: isSigned(report.version.kind) ? providerOf(report.signer) : undefined,
    assistants: report.assistants.map(asProvider),
    sections: report.sections.map(sectionOf),
    policy: destination.policy as OruContent['policy'],
  }
}

function procedureOf(procedure: ReportForDelivery['procedures'][number]): OruProcedure {
  const { code, text, scheme, stepId, exam, requestedProcedureId, modality, studyInstanceUid } = procedure
  return {
    ordered: { code, text, scheme },
    requestedProcedureId,
    stepId: stepId ?? undefined,
    modality,
    exam: { start: exam.start ?? undefined, end: exam.end ?? undefined },
    studyInstanceUid,
  }
}

const statuses: Record<ReportVersionKind, OruStatus> = {
  'wet-read': 'preliminary',
  preliminary: 'preliminary',
  final: 'final',
  addendum: 'addendum',
  correction: 'corrected',
  withdrawal: 'withdrawn',
}

/** Table 0004. */
const classLetters: Record<string, string> = {
  emergency: 'E',
  inpatient: 'I',
  'intensive-care': 'I',
  outpatient: 'O',
}

const sectionKinds = [
  'findings',
  'impression',
  'reason',
  'comparison',
  'recommendation',
  'communication',
] as const

function sectionOf({ key, text, addendum }: ReportForDelivery['sections'][number]): OruSection {
  if (addendum !== null) return { kind: 'addendum', text, at: addendum.at, author: providerOf(addendum.by) }
  return { kind: sectionKinds.find((kind) => kind === key) ?? 'whole', text }
}

function isSigned(kind: ReportVersionKind): boolean {
  return kind !== 'wet-read' && kind !== 'preliminary'
}

function requesterOf({ requester }: ReportForDelivery): OruContent['requester'] {
  if (requester === null) return undefined
  const { id, authority, family, given, prefix, degree } = requester
  return { id, authority, name: { family, given, prefix, degree } }
}

function providerOf(person: ReportPerson | null): OruContent['signer'] {
  return person === null ? undefined : asProvider(person)
}

function asProvider(person: ReportPerson): ProviderSaid {
  const { id, family, given, prefix, degree } = person
  return { id, name: { family, given, prefix: prefix ?? undefined, degree: degree ?? undefined } }
}
