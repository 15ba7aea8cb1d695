/** The message that tells a placer where an order stands (HL7 2.5.1 ORM^O01). */

import type { Department } from '#db/department.ts'
import { type StatusForDelivery, statusForDelivery } from '#db/queries/status-content.ts'
import { UnencodableText } from '#interop/v2/charset.ts'
import { buildOrderStatus, type OrderStatusContent } from '#interop/v2/order-status.ts'

/** Null: the delivery is of a report. `missing` names the field that keeps it from being sent, never its value. */
export async function statusMessageFor(
  department: Department,
  deliveryId: string,
): Promise<{ bytes: Buffer } | { missing: string[] } | null> {
  const told = await statusForDelivery(department.sql, deliveryId)
  if (told === null) return null
  try {
    return { bytes: buildOrderStatus(contentOf(told, await department.now())) }
  } catch (error) {
    if (!(error instanceof UnencodableText)) throw error
    return { missing: ["MSH-18: a character of the order in the destination's character set"] }
  }
}

function contentOf(told: StatusForDelivery, at: Date): OrderStatusContent {
  const { site, destination, visit, procedure, patient } = told
  return {
    application: 'ISOCENTER',
    facility: site.id,
    receivingApplication: destination.receivingApplication,
    receivingFacility: destination.receivingFacility,
    controlId: told.controlId,
    at,
    zone: site.zone,
    processingId: typeof destination.policy.processingId === 'string' ? destination.policy.processingId : 'P',
    status: told.status,
    statusAt: told.statusAt,
    patient: {
      identifiers: patient.identifiers,
      name: patient.name,
      birthDate: patient.birthDate ?? undefined,
      sex: patient.sex ?? undefined,
    },
    visit: {
      patientClass: classLetters[visit.patientClass] ?? 'O',
      location: visit.location === null ? undefined : { pointOfCare: visit.location },
      number: visit.number === null ? undefined : { value: visit.number, authority: site.id },
    },
    placer: told.placer ?? undefined,
    filler: told.filler,
    accession: told.accession,
    procedure: { code: procedure.code, text: procedure.text, scheme: procedure.scheme },
    requestedProcedureId: procedure.requestedProcedureId,
    stepId: procedure.stepId ?? undefined,
    modality: procedure.modality,
    priority: told.priority,
    scheduledStart: procedure.scheduledStart ?? undefined,
    requester: requesterOf(told),
  }
}

function requesterOf({ requester }: StatusForDelivery): OrderStatusContent['requester'] {
  if (requester === null) return undefined
  const { id, authority, family, given, prefix, degree } = requester
  return { id, authority, name: { family, given, prefix, degree } }
}

/** Table 0004. */
const classLetters: Record<string, string> = {
  emergency: 'E',
  inpatient: 'I',
  'intensive-care': 'I',
  outpatient: 'O',
}
