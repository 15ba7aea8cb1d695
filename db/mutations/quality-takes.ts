/** What a look at the quality gate was at, written with its decision: projections by the image, sequences by the series. */
import type { Scope } from './mutate.ts'

/** One exposure is one image there; elsewhere a sequence is a series, however many images it has. */
const PROJECTION_MODALITIES = ['CR', 'DX', 'IO', 'MG', 'PX', 'RF', 'RG', 'XA']

export interface TakesOf {
  decisionId: string
  studyId: string
  /** SOP Instance UIDs that this look rejected. */
  rejected: readonly string[]
}

/**
 * Counts what came since the last look, and what this one rejects. A projection is named by Body Part Examined
 * (0018,0015), View Position (0018,5101; else View Code Sequence (0054,0220)) and laterality; a sequence by Protocol Name
 * (0018,1030), else Series Description (0008,103E). One header is read per take.
 */
export async function keepTakes({ sql }: Scope, { decisionId, studyId, rejected }: TakesOf): Promise<void> {
  await sql`
    with looked as materialized (
      select i.id, i.series_id, i.sop_instance_uid = any(${[...rejected]}) as rejected
      from instances i where i.study_id = ${studyId} and i.pixel is not null and not i.is_note and not i.is_report
        and (i.sop_instance_uid = any(${[...rejected]}) or i.stored_at > coalesce((select max(q.at) from quality_decisions q
          where q.study_id = ${studyId} and q.id <> ${decisionId} and not q.unchecked), '-infinity'))),
    takes as (
      select e.id as series_id, e.modality, e.modality = any(${PROJECTION_MODALITIES}) as is_projection,
        min(x.id) as image, bool_or(x.rejected) as rejected
      from looked x join series e on e.id = x.series_id
      group by e.id, case when e.modality = any(${PROJECTION_MODALITIES}) then x.id end),
    named as (
      select t.modality, t.rejected, e.description,
        coalesce(nullif(e.body_part, ''), a #>> '{00180015,Value,0}', '') as body,
        case when t.is_projection then coalesce(a #>> '{00185101,Value,0}', a #>> '{00540220,Value,0,00080104,Value,0}') end as view,
        coalesce(a #>> '{00200062,Value,0}', a #>> '{00200060,Value,0}', '') as side,
        coalesce(a #>> '{00181030,Value,0}', '') as protocol
      from takes t join series e on e.id = t.series_id join lateral (select i.attributes as a from instances i where i.id = t.image) i on true)
    insert into quality_takes (decision_id, modality, name, made, rejected)
    select ${decisionId}, modality, left(coalesce(
        case when trim(coalesce(view, '')) <> '' then concat_ws(' ', nullif(trim(body), ''), trim(view), nullif(trim(side), '')) end,
        nullif(trim(protocol), ''), nullif(trim(description), ''), trim(body)), 80) as name,
      count(*), count(*) filter (where rejected)
    from named group by 2, 3`
}
