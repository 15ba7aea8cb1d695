/** Retention: a delivered study gets its policy, tier and expiry; a sweep says what would be done to due ones. */
import { retention } from '#domain/retention.ts'
import type { AnySql } from '../client.ts'
import type { Department } from '../department.ts'
import { policyOf } from '../queries/policy.ts'
import { type Act, mutate } from './mutate.ts'

/** Assigns policy, tier, expiry and next action to every study of a delivered order; repeated: the same result. */
export async function assignRetention(
  department: Department,
  act: Act,
  { orderId }: { orderId: string },
): Promise<{ studies: number }> {
  return mutate(department, act, 'assign-retention', async (scope) => {
    const { sql } = scope
    await scope.lockOrder(orderId)
    const policy = await policyOf(sql)
    const studies = await studiesOf(sql, orderId)
    for (const study of studies) {
      const rule = retention({
        patientBirthDate: study.birth_date,
        modalities: study.modalities,
        studyDate: study.study_day,
        lastStudyDate: study.last_study_day,
        policy: policy.retention,
        catalogueYears: study.catalogue_years,
      })
      if (
        study.expires_on === rule.expiresOn &&
        study.retention_policy === policy.version &&
        study.tier !== null
      )
        continue
      await sql`
        update studies set retention_policy = ${policy.version}, retention_rule = ${rule.rule}, tier = ${rule.tier},
          expires_on = ${rule.expiresOn}, next_action = 'move-to-hdd',
          next_action_at = ${new Date(study.first_instance_at.getTime() + policy.retention.ssdMs)}
        where id = ${study.id}`
      scope.append(orderId, {
        type: 'study.tiered',
        data: { studyId: study.id, tier: rule.tier, rule: rule.rule, expiresOn: rule.expiresOn },
      })
    }
    return { studies: studies.length }
  })
}

interface RetainedRow {
  id: string
  modalities: string[]
  birth_date: string | null
  first_instance_at: Date
  /** Local dates (YYYY-MM-DD) at the study's site. */
  study_day: string
  last_study_day: string
  tier: string | null
  expires_on: string | null
  retention_policy: number | null
  catalogue_years: number | null
}

async function studiesOf(sql: AnySql, orderId: string): Promise<RetainedRow[]> {
  return await sql<RetainedRow[]>`
    select s.id, s.modalities, case when length(p.birth_date) = 10 then p.birth_date end as birth_date, s.first_instance_at,
      to_char(s.first_instance_at at time zone t.zone, 'YYYY-MM-DD') as study_day,
      to_char((select max(o2.first_instance_at) from studies o2 where o2.patient_id = o.patient_id) at time zone t.zone, 'YYYY-MM-DD')
        as last_study_day,
      s.tier, s.retention_policy, to_char(s.expires_on, 'YYYY-MM-DD') as expires_on,
      (select max(c.retention_years) from study_links k join procedures p on p.id = k.procedure_id
        join catalogue c on c.scheme = p.catalogue_scheme and c.code = p.catalogue_code
        where k.study_id = s.id and k.undone_at is null) as catalogue_years
    from (select distinct study_id, order_id from study_links where order_id = ${orderId} and undone_at is null) l
      join studies s on s.id = l.study_id join orders o on o.id = l.order_id
      join patients p on p.id = o.patient_id join sites t on t.id = s.site_id
    where s.first_instance_at is not null`
}

const SWEEP_BATCH = 500

/** Says what is due: one proposal per study, action and planned instant; held studies are left alone. Moves nothing. */
export async function sweepRetention(department: Department, act: Act): Promise<{ proposed: number }> {
  return mutate(department, act, 'sweep-retention', async (scope) => {
    const due = await scope.sql<{ study_id: string }[]>`
      insert into retention_proposals (study_id, action, planned_at, proposed_at, basis)
      select id, next_action, next_action_at, ${act.now}, coalesce(retention_rule, '') from (
        select * from studies where next_action_at <= ${act.now} and not legal_hold
        order by next_action_at limit ${SWEEP_BATCH} for update skip locked) due
      on conflict do nothing returning study_id`
    return { proposed: due.length }
  })
}
