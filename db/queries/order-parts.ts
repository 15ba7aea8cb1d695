/** The parts of an order as its events name them by id: which step, report and delivery belongs to what. */
import type { AnySql } from '../client.ts'

export interface OrderParts {
  steps: { id: string; procedureId: string; plannedSince: Date }[]
  reports: { id: string; procedureIds: string[] }[]
  deliveries: {
    id: string
    reportId: string | null
    version: number | null
    destinationId: string
    /** By name. */
    destination: string
    /** As it went out; a receiver that was retired since is no longer waited for. */
    required: boolean
  }[]
}

/** The caller has checked the right to see the order. */
export async function orderParts(sql: AnySql, orderId: string): Promise<OrderParts> {
  const [steps, reports, deliveries] = await Promise.all([
    sql<OrderParts['steps']>`
      select id, procedure_id as "procedureId", planned_since as "plannedSince" from steps where order_id = ${orderId} order by id`,
    sql<OrderParts['reports']>`
      select report_id as id, array_agg(procedure_id order by procedure_id) as "procedureIds"
      from report_procedures join procedures p on p.id = procedure_id where p.order_id = ${orderId} group by report_id`,
    sql<OrderParts['deliveries']>`
      select d.id, d.report_id as "reportId", d.version, d.destination_id as "destinationId", t.name as destination, d.required
      from deliveries d join destinations t on t.id = d.destination_id where d.order_id = ${orderId} order by d.lane_position`,
  ])
  return { steps: [...steps], reports: [...reports], deliveries: [...deliveries] }
}
