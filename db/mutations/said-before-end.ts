/** An exam that ends without a report although a first word about it is out: a person takes that word back. */
import { raiseException } from './exceptions.ts'
import type { Scope } from './mutate.ts'

/** In the transaction that ends these procedures. Asked already: counted up. */
export async function askAboutFirstWords(scope: Scope, procedureIds: readonly string[]): Promise<void> {
  const said = await scope.sql<{ id: string; order_id: string; site_id: string }[]>`
    select distinct r.id, r.order_id, r.site_id from reports r join report_procedures rp on rp.report_id = r.id
    where rp.procedure_id = any(${procedureIds as string[]}) and r.state in ('WET_READ', 'PRELIM', 'PENDING_SIGN', 'SIGN_REJECTED')
      and exists (select 1 from report_versions v where v.report_id = r.id and v.released_at is not null)
    order by r.id`
  for (const { id, order_id, site_id } of said)
    await raiseException(scope, {
      kind: 'conflict',
      key: `ended:${id}`,
      reasonCode: 'reported-before-end',
      reason:
        'An exam ended without a report after a first word about it had gone out. Tell whoever got that word.',
      refs: { reportId: id },
      orderId: order_id,
      siteId: site_id,
    })
}
