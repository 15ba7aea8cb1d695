/** Completeness as a recorded decision: evidence is counted, the rule decides, a changed verdict is an event. */
import { type Completeness, type CompletenessEvidence, completeness } from '#domain/completeness.ts'
import { DEVICE_PROFILES, type DeviceProfile, type DeviceProfileName } from '#domain/device-profile.ts'
import { policyOf } from '../queries/policy.ts'
import type { Scope } from './mutate.ts'
import { departWhenDone } from './steps.ts'

interface StudyEvidence {
  id: string
  study_uid: string
  verdict: string
  decided_at: Date | null
  missing: number
  profile: DeviceProfileName
  named: number
  named_stored: number
  stored_count: number
  mpps_final_at: Date | null
  mpps_open: boolean
  stopped_without_images: boolean
  end_exam_at: Date | null
  last_instance_at: Date | null
  last_sign_of_life: Date
  accepted_incomplete: boolean
  commitment_answered: boolean
}

/** Decides every study of the order anew and returns when time alone may change a verdict. */
export async function decideCompleteness(scope: Scope, orderId: string): Promise<Date | null> {
  const policy = await policyOf(scope.sql)
  let recheckAt: Date | null = null
  for (const study of await evidenceOf(scope, orderId)) {
    const found = completeness(profileOf(study), evidence(study), scope.act.now, policy)
    await record(scope, orderId, study, found)
    if (found.recheckAt && (!recheckAt || found.recheckAt < recheckAt)) recheckAt = found.recheckAt
  }
  return recheckAt
}

// What was pressed was seen, even where the profile does not promise it.
function profileOf({ profile, end_exam_at }: StudyEvidence): DeviceProfile {
  const known = DEVICE_PROFILES[profile]
  if (!end_exam_at || known.capabilities.includes('endExam')) return known
  return { ...known, capabilities: [...known.capabilities, 'endExam'] }
}

function evidence(study: StudyEvidence): CompletenessEvidence {
  return {
    named: study.named,
    namedStored: study.named_stored,
    stored: study.stored_count,
    mppsFinalAt: study.mpps_open ? null : study.mpps_final_at,
    endExamAt: study.end_exam_at,
    lastImageAt: study.last_instance_at,
    lastSignOfLifeAt: study.last_sign_of_life,
    commitmentAnswered: study.commitment_answered,
    moveOpen: false,
    stoppedWithoutImages: study.stopped_without_images,
  }
}

async function evidenceOf({ sql }: Scope, orderId: string): Promise<StudyEvidence[]> {
  return await sql<StudyEvidence[]>`
    select st.id, st.study_uid, st.completeness as verdict, st.completeness_decided_at as decided_at,
      st.completeness_missing as missing, coalesce(d.profile, 'unknown') as profile, st.stored_count, st.end_exam_at,
      st.last_instance_at, n.named, n.named_stored, p.mpps_final_at, coalesce(p.mpps_open, false) as mpps_open,
      coalesce(p.all_stopped, false) and st.stored_count = 0 as stopped_without_images,
      greatest(st.last_instance_at, p.last_message, st.first_instance_at) as last_sign_of_life,
      st.incomplete_accepted_at is not null as accepted_incomplete,
      exists (select 1 from commitments c where c.failures = '{}' and (c.study_uids @> array[st.study_uid]
        or exists (select 1 from moved_images m where m.to_study_uid = st.study_uid and m.undone_at is null
          and c.study_uids @> array[m.from_study_uid]))) as commitment_answered
    from study_links l join studies st on st.id = l.study_id
      left join lateral (select profile from devices where ae_title = coalesce(
          (select station_ae from performed_steps where study_uid = st.study_uid and station_ae <> '' order by inferred, started_at limit 1),
          (select source_ae from instances where study_id = st.id and not is_report limit 1))) d on true
      cross join lateral (select count(*) as named, count(i.sop_instance_uid) as named_stored
        from named_instances ni left join instances i on i.sop_instance_uid = ni.sop_instance_uid
        where ni.study_uid = st.study_uid) n
      left join lateral (select max(ps.ended_at) filter (where not ps.inferred) as mpps_final_at,
          bool_or(ps.status = 'IN PROGRESS' and not ps.inferred) as mpps_open,
          bool_and(ps.status = 'DISCONTINUED') as all_stopped,
          max(greatest(ps.received_at, ps.ended_at)) as last_message
        from performed_steps ps where ps.study_uid = st.study_uid) p on true
    where l.order_id = ${orderId} and l.undone_at is null
    group by st.id, d.profile, n.named, n.named_stored, p.mpps_final_at, p.mpps_open, p.all_stopped, p.last_message
    order by st.id`
}

async function record(
  scope: Scope,
  orderId: string,
  study: StudyEvidence,
  found: Completeness,
): Promise<void> {
  const { sql, act } = scope
  await sql`update studies set completeness_recheck_at = ${found.recheckAt} where id = ${study.id}`
  const unchanged = study.verdict === found.verdict && study.missing === found.missing
  if (unchanged && (study.decided_at !== null || found.verdict === 'waiting')) return
  const letOn = study.verdict === 'complete' || study.verdict === 'inferred' || study.accepted_incomplete
  // Counted, so that the next look at the study is a new cycle: a cancelled key is never opened again.
  const takenBack = letOn && (found.verdict === 'waiting' || found.verdict === 'incomplete')
  const overcome = study.verdict === 'incomplete' && found.verdict !== 'incomplete'
  await sql`
    update studies set completeness = ${found.verdict}, completeness_missing = ${found.missing},
      completeness_evidence = ${sql.json({ seen: found.evidence, lacking: found.lacking, notNamed: found.notNamed } as never)},
      completeness_decided_at = ${act.now},
      incomplete_accepted_at = case when ${found.verdict === 'incomplete'} then incomplete_accepted_at end,
      verdicts_taken_back = verdicts_taken_back + ${takenBack ? 1 : 0},
      earlier_incompletes = earlier_incompletes + ${overcome ? 1 : 0}
    where id = ${study.id}`
  for (const each of await ordersOf(scope, study.id, orderId))
    scope.append(each, {
      type: 'completeness.decided',
      data: {
        studyId: study.id,
        verdict: found.verdict,
        missing: found.missing,
        evidence: found.evidence,
        lacking: found.lacking,
      },
    })
  if (found.verdict === 'complete' || found.verdict === 'inferred') await endInferred(scope, orderId, study)
}

// A performed step that we inferred has nobody to end it; the verdict does.
async function endInferred(scope: Scope, orderId: string, study: StudyEvidence): Promise<void> {
  const ended = await scope.sql<{ id: string }[]>`
    update performed_steps ps set status = 'COMPLETED', ended_at = ${study.last_instance_at ?? scope.act.now}, end_inferred = true
    where study_uid = ${study.study_uid} and inferred and status = 'IN PROGRESS' returning id`
  for (const { id } of ended) {
    const steps = await scope.sql<{ id: string; order_id: string }[]>`
      select s.id, s.order_id from performed_step_links l join steps s on s.id = l.step_id
      where l.performed_step_id = ${id} order by s.order_id, s.id`
    for (const each of new Set([orderId, ...steps.map(({ order_id }) => order_id)])) {
      const stepIds = steps.filter(({ order_id }) => order_id === each).map((step) => step.id)
      scope.append(each, {
        type: 'performed-step.ended',
        data: { performedStepId: id, stepIds, status: 'COMPLETED', named: 0, inferred: true },
      })
    }
    for (const step of steps) await departWhenDone(scope, step.order_id, step.id)
  }
}

/** A study of several orders says it to each of them. */
async function ordersOf({ sql }: Scope, studyId: string, orderId: string): Promise<string[]> {
  const rows = await sql<{ order_id: string }[]>`
    select distinct order_id from study_links where study_id = ${studyId} and undone_at is null order by order_id`
  return [...new Set([orderId, ...rows.map(({ order_id }) => order_id)])]
}
