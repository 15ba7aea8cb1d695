/** Looks at the quality gate in a period, each with where, by whom, at what and at which projections or sequences it was made. */
import { type Actor, scopeOf } from '#domain/permissions.ts'
import type { Look } from '#domain/repeats.ts'
import type { AnySql } from '../client.ts'

export interface RepeatLook extends Look {
  accession: string
  siteId: string
  /** Images rejected by this look. */
  images: number
}

/** More than a large department looks at in a quarter. */
const MOST = 100_000

/**
 * Newest first. The operator is whom the scanner names in its performed step (0008,1070), else who looked: at the
 * gate technologists check what they have made.
 */
export async function looksSince(sql: AnySql, actor: Actor, since: Date): Promise<RepeatLook[]> {
  return await sql<RepeatLook[]>`
    select q.id, q.order_id as "orderId", o.accession, o.site_id as "siteId", q.at, q.verdict, q.reason_codes as "reasonCodes",
      q.repeated, cardinality(q.instances) as images, coalesce(r.name, ps.station_ae, '') as room,
      coalesce(nullif(translate(ps.operator, '^', ' '), ''), u.name, q.by) as operator,
      coalesce(c.short_name, p.text, '') as procedure,
      coalesce((select jsonb_agg(jsonb_build_object('take', concat_ws(' ', nullif(t.modality, ''), nullif(t.name, '')),
        'made', t.made, 'rejected', t.rejected)) from quality_takes t where t.decision_id = q.id), '[]') as takes
    from quality_decisions q join orders o on o.id = q.order_id join studies st on st.id = q.study_id
      left join users u on u.id = q.by
      left join lateral (select x.station_ae, d.room_id, l.step_id,
          x.dataset->'00400340'->'Value'->0->'00081070'->'Value'->0->>'Alphabetic' as operator
        from performed_steps x left join devices d on d.id = x.device_id
          left join performed_step_links l on l.performed_step_id = x.id
        where x.study_uid = st.study_uid and x.started_at <= q.at order by x.started_at desc limit 1) ps on true
      left join steps s on s.id = ps.step_id
      left join rooms r on r.id = coalesce(ps.room_id, s.room_id)
      left join lateral (select * from procedures x where x.order_id = o.id
        order by (x.study_uid = st.study_uid) desc, x.position limit 1) p on true
      left join catalogue c on c.scheme = p.catalogue_scheme and c.code = p.catalogue_code
    where q.at >= ${since} and not q.unchecked and ${inSites(sql, actor)}
    order by q.at desc, q.id limit ${MOST}`
}

function inSites(sql: AnySql, actor: Actor) {
  const scope = scopeOf(actor, 'see-repeats')
  if (scope.scope === 'all') return sql`true`
  return scope.scope === 'sites' ? sql`o.site_id = any(${[...scope.siteIds]})` : sql`false`
}
