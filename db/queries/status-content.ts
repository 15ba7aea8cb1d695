/** What one message about an order's status must say, as rows know it. */
import type { AnySql } from '../client.ts'
import type { OrderDelivery } from './order-delivery.ts'
import { survivorOf } from './survivor.ts'

export interface StatusForDelivery extends OrderDelivery {
  /** Where the order stood, and since when. */
  status: 'accepted' | 'scheduled' | 'arrived' | 'acquired'
  statusAt: Date
  procedure: {
    code: string
    scheme: string
    text: string
    requestedProcedureId: string
    modality: string
    stepId: string | null
    scheduledStart: Date | null
  }
}

/** Null when the delivery is no message about a status. */
export async function statusForDelivery(sql: AnySql, deliveryId: string): Promise<StatusForDelivery | null> {
  const [row] = await sql<StatusForDelivery[]>`
    select d.control_id as "controlId", d.status, d.status_at as "statusAt",
      jsonb_build_object('receivingApplication', t.receiving_application, 'receivingFacility', t.receiving_facility,
        'policy', t.policy) as destination,
      jsonb_build_object('id', o.site_id, 'zone', s.zone) as site,
      jsonb_build_object('name', p.name, 'birthDate', p.birth_date, 'sex', p.sex, 'identifiers', coalesce(
        (select jsonb_agg(jsonb_build_object('value', value, 'issuer', issuer, 'type', type) order by (type = 'MR') desc, issuer, value)
          from patient_identifiers where patient_id = p.id and retired_at is null), '[]')) as patient,
      jsonb_build_object('patientClass', o.patient_class, 'location', o.location, 'number', o.visit_number) as visit,
      case when o.placer_number is not null
        then jsonb_build_object('value', o.placer_number, 'authority', o.placer_authority) end as placer,
      jsonb_build_object('value', o.filler_number, 'authority', o.filler_authority) as filler,
      o.accession, o.priority, o.requester, q.procedure
    from deliveries d join destinations t on t.id = d.destination_id join orders o on o.id = d.order_id
      join sites s on s.id = o.site_id join lateral (${survivorOf(sql, sql`o.patient_id`)}) same on true
      join patients p on p.id = same.id
      cross join lateral (select jsonb_build_object('code', pr.code, 'scheme', pr.scheme, 'text', pr.text,
          'requestedProcedureId', pr.requested_procedure_id, 'modality', pr.modality, 'stepId', st.step_number,
          'scheduledStart', st.planned_start) as procedure
        from procedures pr left join lateral (select step_number, planned_start from steps
          where procedure_id = pr.id and status <> 'cancelled' order by id limit 1) st on true
        where pr.order_id = o.id order by pr.position limit 1) q
    where d.id = ${deliveryId} and d.status is not null`
  if (!row) return null
  const start = row.procedure.scheduledStart
  return { ...row, procedure: { ...row.procedure, scheduledStart: start && new Date(start) } }
}
