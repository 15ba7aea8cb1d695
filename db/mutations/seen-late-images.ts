/** Images that came after a final report, and a reader who looked at them and has nothing to add. */
import { RadiologyError } from '#domain/errors.ts'
import { mustBeAble } from '#domain/permissions.ts'
import { isSigned } from '#domain/report.ts'
import type { Department } from '../department.ts'
import { lockAmended } from './amendments.ts'
import { type Act, mutate, type Scope } from './mutate.ts'

export interface SeenLateImages {
  reportId: string
  /** When the newest of the images came that the reader was shown: what came since is answered by nobody yet. */
  until: Date
}

/**
 * Answers them without a word; the report stays as it is. Answered already: no effect.
 * @throws RadiologyError 'not-eligible', 'illegal-transition' while somebody writes about the report or nothing is signed
 */
export async function seeLateImages(
  department: Department,
  act: Act,
  { reportId, until }: SeenLateImages,
): Promise<void> {
  await mutate(department, act, 'see-late-images', async (scope) => {
    const { siteId, why, state, amendment } = await lockAmended(scope, reportId)
    mustBeAble(act.actor, 'see-late-images', { siteId, eligible: why === null })
    if (!isSigned(state) || amendment !== null)
      throw new RadiologyError('illegal-transition', { reportId, from: amendment ?? state, event: 'see' })
    for (const { orderId, studyId, batches } of await answered(scope, { reportId, until })) {
      scope.append(orderId, { type: 'images.late-seen', data: { reportId, studyId, batches } })
      scope.audit({
        subject: `report:${reportId}`,
        type: 'report.late-images-seen',
        data: { orderId, studyId },
      })
    }
  })
}

async function answered(
  { sql, act }: Scope,
  { reportId, until }: SeenLateImages,
): Promise<{ orderId: string; studyId: string; batches: number }[]> {
  return await sql<{ orderId: string; studyId: string; batches: number }[]>`
    with own as (
      select s.id, min(p.order_id) as order_id, (select count(*)::int from jsonb_array_elements(s.late_batches) b
          where b->>'answeredAt' is null and (b->>'at')::timestamptz <= ${until}) as open
      from report_procedures rp join procedures p on p.id = rp.procedure_id
        join study_links l on l.procedure_id = rp.procedure_id and l.undone_at is null join studies s on s.id = l.study_id
      where rp.report_id = ${reportId} group by s.id)
    update studies s set late_batches = (
      select jsonb_agg(case when batch->>'answeredAt' is null and (batch->>'at')::timestamptz <= ${until}
        then batch || jsonb_build_object('answeredAt', ${act.now.toISOString()}::text) else batch end order by place)
      from jsonb_array_elements(s.late_batches) with ordinality b(batch, place))
    from own where own.id = s.id and own.open > 0
    returning own.order_id as "orderId", s.id as "studyId", own.open as batches`
}
