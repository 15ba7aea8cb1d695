/** Retention: a delivered study gets its policy, tier and expiry; a sweep says what would be done to due ones. */
import { retention } from '#domain/retention.ts'
import type { Department } from '../department.ts'
import { policyOf } from '../queries/policy.ts'
import { type Act, mutate } from './mutate.ts'

/** Assigns policy, tier, expiry and next action to every study of a delivered order; repeated: the same result. */
export async function assignRetention(department: Department, act: Act, { orderId }: { orderId: string }): Promise<{ studies: number }> {
  return mutate(department, act, 'assign-retention', async (scope) => {
    const { sql } = scope
    await scope.lockOrder(orderId)
    const policy = await policyOf(sql)
    const studies = await sql<{ id: string; study_date: string; modalities: string[]; birth_date: string | null; first_instance_at: Date; zone: string; tier: string | null; expires_on: string | null; retention_policy: number | null }[]>`
      select s.id, s.study_date, s.modalities, p.birth_date, s.first_instance_at, t.zone, s.tier, s.retention_policy,
        to_char(s.expires_on, 'YYYY-MM-DD') as expires_on
      from study_links l join studies s on s.id = l.study_id join orders o on o.id = l.order_id
        join patients p on p.id = o.patient_id join sites t on t.id = s.site_id
      where l.order_id = ${orderId} and l.undone_at is null`
    for (const study of studies) {
      const rule = retention({
        birthDate: study.birth_date,
        modalities: study.modalities,
        storedAt: study.first_instance_at,
        zone: study.zone,
        now: act.now,
        policy,
      })
      if (study.expires_on === rule.expiresOn && study.retention_policy === policy.version && study.tier !== null) continue
      await sql`
        update studies set retention_policy = ${policy.version}, retention_rule = ${rule.rule}, tier = ${rule.tier},
          expires_on = ${rule.expiresOn}, next_action = ${rule.nextAction}, next_action_at = ${rule.nextActionAt}
        where id = ${study.id}`
      scope.append(orderId, { type: 'study.tiered', data: { studyId: study.id, tier: rule.tier, rule: rule.rule, expiresOn: rule.expiresOn } })
    }
    return { studies: studies.length }
  })
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
