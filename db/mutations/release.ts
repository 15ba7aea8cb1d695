/** Release: a signed version goes out, which makes its deliveries in the same transaction. */
import { ulid } from '../ulid.ts'
import { tellOfChange } from './changed-word.ts'
import { answerLateImages } from './late-images.ts'
import { mintControlId, minting } from './minting.ts'
import type { Scope } from './mutate.ts'
import { oweReportObjects } from './report-objects.ts'

/** Releases every signed version of the order whose recall time is over; returns when the next one will be. */
export async function releaseDue(scope: Scope, orderId: string): Promise<Date | null> {
  const { sql, act } = scope
  const waiting = await sql<{ report_id: string; version: number; recall_until: Date }[]>`
    select v.report_id, v.version, v.recall_until from report_versions v
    where v.released_at is null and v.recalled_at is null and v.recall_until is not null and v.report_id in (
      select rp.report_id from report_procedures rp join procedures p on p.id = rp.procedure_id where p.order_id = ${orderId})
    order by v.report_id, v.version`
  for (const { report_id, version } of waiting.filter((row) => row.recall_until <= act.now)) {
    await releaseVersion(scope, { reportId: report_id, version })
  }
  const later = waiting.map((row) => row.recall_until).filter((at) => at > act.now)
  return later.length === 0 ? null : new Date(Math.min(...later.map((at) => at.getTime())))
}

/**
 * Sets `releasedAt` once, queues one delivery per destination and accession, each with its control id for life, and owes
 * the report to each of its studies.
 */
export async function releaseVersion(
  scope: Scope,
  { reportId, version }: { reportId: string; version: number },
): Promise<void> {
  const { sql, act } = scope
  const [released] = await sql`
    update report_versions set released_at = ${act.now}
    where report_id = ${reportId} and version = ${version} and released_at is null and recalled_at is null returning version`
  if (!released) return
  await answerLateImages(scope, { reportId, version })
  await tellOfChange(scope, { reportId, version })
  await oweReportObjects(scope, { reportId, version })
  const orders = await ordersOfReport(scope, reportId)
  // One that is switched off gets it when it is on again. Shared: none is retired between this look and the commit.
  const destinations = await sql<{ id: string; required: boolean }[]>`
    select id, required from destinations where retired_at is null and kind = 'hl7-oru' order by id for share`
  const mint = await minting(sql)
  for (const { order_id, patient_id } of orders) {
    scope.append(order_id, { type: 'report.released', data: { reportId, version } })
    for (const destination of destinations) {
      const deliveryId = ulid()
      const controlId = await mintControlId(sql, mint)
      await sql`
        insert into deliveries (id, report_id, version, destination_id, order_id, patient_id, required, message_type, control_id, released_at)
        values (${deliveryId}, ${reportId}, ${version}, ${destination.id}, ${order_id}, ${patient_id}, ${destination.required},
          'ORU^R01', ${controlId}, ${act.now})`
      scope.append(order_id, {
        type: 'delivery.queued',
        data: { deliveryId, destinationId: destination.id, version, controlId },
      })
    }
  }
}

/** The orders whose procedures a report covers, in id order. */
export async function ordersOfReport(
  { sql }: Pick<Scope, 'sql'>,
  reportId: string,
): Promise<{ order_id: string; patient_id: string }[]> {
  return await sql<{ order_id: string; patient_id: string }[]>`
    select distinct o.id as order_id, o.patient_id from report_procedures rp
      join procedures p on p.id = rp.procedure_id join orders o on o.id = p.order_id
    where rp.report_id = ${reportId} order by o.id`
}
