/** What must hold in every department at every moment, as queries that must return no row. */
import { orderPhase, procedurePhase } from '#domain/phase.ts'
import type { AnySql } from '../client.ts'
import { loadOrderFacts } from './order-facts.ts'

export interface Violation {
  invariant: string
  refs: Record<string, unknown>
}

/** Runs every invariant; an empty answer is a sound department. */
export async function invariantViolations(sql: AnySql): Promise<Violation[]> {
  const found: Violation[] = []
  for (const [invariant, query] of Object.entries(invariants)) {
    for (const row of await sql.unsafe(query)) found.push({ invariant, refs: { ...row } })
  }
  return [...found, ...(await wrongPhases(sql))]
}

const invariants: Record<string, string> = {
  '1 revisions are dense from 1': `
    select order_id, count(*) as n, max(rev) as max from order_events group by order_id
    having count(*) <> max(rev) or min(rev) <> 1`,
  '1 every order stands at its newest event': `
    select o.id, o.rev from orders o where o.rev <> (select coalesce(max(rev), 0) from order_events e where e.order_id = o.id)`,
  '1 the chain of events is unbroken': `
    select e.order_id, e.rev from order_events e
    where e.hash <> order_event_hash(e.previous_hash, e) or e.previous_hash <> coalesce(
      (select p.hash from order_events p where p.order_id = e.order_id and p.rev = e.rev - 1), '')`,
  '1 the audit chains are unbroken': `
    select a.chain, a.chain_rev from audit_events a
    where a.hash <> audit_event_hash(a.previous_hash, a) or a.previous_hash <> coalesce(
      (select p.hash from audit_events p where p.chain = a.chain and p.chain_rev = a.chain_rev - 1), '')`,
  '3 at most one live work item per subject and kind': `
    select subject_type, subject_id, kind from work_items where state in ('open', 'claimed')
    group by 1, 2, 3 having count(*) > 1`,
  '4 claimed means a holder and a lease': `
    select id from work_items where (state = 'claimed') <> (holder is not null and lease_until is not null)`,
  '5 fences only grow and tenures do not overlap': `
    select a.item_id, a.fence from tenures a join tenures b on b.item_id = a.item_id and b.fence > a.fence
    where a.ended_at is null or a.ended_at > b.claimed_at + interval '1 millisecond'`,
  '5 a tenure is open exactly while its item is claimed': `
    select w.id from work_items w left join tenures t on t.item_id = w.id and t.fence = w.fence and t.ended_at is null
    where (w.state = 'claimed') <> (t.item_id is not null)`,
  '7 every version was written by the holder of its fence': `
    -- An addendum or a correction answers to the fence of its draft, which goes with the signature; a withdrawal to none.
    select v.report_id, v.version from report_versions v
    where (v.item_id is not null or v.kind not in ('addendum', 'correction', 'withdrawal'))
      and not exists (select 1 from tenures t where t.item_id = v.item_id and t.fence = v.fence
      and t.holder = coalesce(v.signer_id, t.holder))`,
  '7 every quality decision was made by the holder of its fence': `
    select q.id from quality_decisions q where q.fence is not null
      and not exists (select 1 from tenures t where t.item_id = q.item_id and t.fence = q.fence and t.holder = q.by)`,
  '8 versions are dense and their hash is of their content': `
    select report_id, version from report_versions
    where content_hash <> encode(sha256(convert_to(content::text, 'UTF8')), 'hex')
    union all select report_id, max(version) from report_versions group by report_id having count(*) <> max(version)`,
  '9 no delivery of an unreleased version': `
    select d.id from deliveries d join report_versions v on v.report_id = d.report_id and v.version = d.version
    where v.released_at is null`,
  '10 every released version has its delivery to every destination that was there': `
    select v.report_id, v.version from report_versions v where v.released_at is not null
      and exists (select 1 from destinations where retired_at is null and kind = 'hl7-oru')
      and not exists (select 1 from deliveries d where d.report_id = v.report_id and d.version = v.version)`,
  '11 a lane is acknowledged in the order of release': `
    select b.id from deliveries a join deliveries b on b.destination_id = a.destination_id and b.patient_id = a.patient_id
      and b.lane_position > a.lane_position
    where b.acknowledged_at is not null and (a.acknowledged_at is null or a.acknowledged_at > b.acknowledged_at)`,
  '13 an ended procedure is no longer live': `
    select p.id from procedures p where p.end_kind is not null and exists (
      select 1 from steps s where s.procedure_id = p.id and s.status in ('scheduled', 'arrived', 'ready'))`,
  '14 a cancelled order keeps no slot and no open work': `
    select o.id from orders o where o.phase = 'cancelled' and (
      exists (select 1 from steps s where s.order_id = o.id and s.status in ('planned', 'scheduled', 'arrived', 'ready', 'no-show'))
      or exists (select 1 from work_items w where w.order_id = o.id and w.state in ('open', 'claimed')
        and w.kind not in ('critical', 'late', 'reconcile', 'mend')))`,
  '17 a begun step has its performed step': `
    select s.id from steps s where s.status in ('started', 'departed')
      and not exists (select 1 from performed_step_links l where l.step_id = s.id)`,
  '19 complete means that everything named is stored': `
    select s.id from studies s where s.completeness = 'complete' and exists (
      select 1 from named_instances n where n.study_uid = s.study_uid
        and not exists (select 1 from instances i where i.sop_instance_uid = n.sop_instance_uid))`,
  '20 nothing is read before its first acceptance': `
    select w.id from work_items w where w.kind = 'read'
      and not exists (select 1 from quality_decisions q where q.study_id = w.subject_id)`,
  '20 counts show only visible instances': `
    select s.id from studies s where s.instance_count <> (
      select count(*) from instances i where i.study_id = s.id and i.rejected_code is null)`,
  'every stored object is as it was received': `
    select id, damaged from instances where damaged is not null`,
  '21 final versions are signed by a radiologist who proved who they are': `
    select v.report_id, v.version from report_versions v join users u on u.id = v.signer_id
    where v.kind in ('final', 'addendum', 'correction') and (not v.reauthenticated or not 'radiologist' = any(u.roles))`,
  '21 whoever over-reads is not the author, and says what they think of it': `
    select v.report_id, v.version from report_versions v join work_items w on w.id = v.item_id
    where v.kind = 'final' and (w.kind in ('sign', 'over-read') and v.signer_id = v.author_id
      or w.kind = 'over-read' and v.agreement is null)`,
  '21 every submission is kept': `
    select r.id from reports r where r.submissions <> (select count(*) from report_submissions s where s.report_id = r.id)`,
  '25 merge links make no circle': `
    with recursive walk as (
      select from_patient as start, to_patient as at, 1 as depth from merge_links where undone_at is null
      union all select w.start, l.to_patient, w.depth + 1 from walk w join merge_links l on l.from_patient = w.at
        where l.undone_at is null and w.depth < 50)
    select start from walk where start = at`,
  '24 a closed critical result has its six fields and its read-back': `
    select id from critical_results where state = 'closed' and (trim(finding) = '' or found_at is null
      or communicator_id is null or coalesce(trim(recipient), '') = '' or told_at is null or method is null or not read_back)`,
  '24 no closed order has an open critical result': `
    select c.id from critical_results c join orders o on o.id = c.order_id where c.state = 'open' and o.closed_at is not null`,
  '24 no report was signed while a critical result of it was open': `
    select c.id, v.version from critical_results c join report_versions v on v.report_id = c.report_id
    where v.kind = 'final' and v.recalled_at is null and c.raised_at < v.signed_at and (c.ended_at is null or c.ended_at > v.signed_at)
      and not exists (select 1 from critical_moves m where m.critical_id = c.id and m.whole and m.undone_at is null)`,
  '24 no report was signed while a critical result that came with its images was open': `
    select c.id, v.version from critical_results c join critical_moves m on m.critical_id = c.id and m.undone_at is null
      join report_procedures rp on rp.procedure_id = m.to_procedure_id join report_versions v on v.report_id = rp.report_id
    where v.kind = 'final' and v.recalled_at is null and m.whole and m.at < v.signed_at
      and (c.ended_at is null or c.ended_at > v.signed_at)
      and not exists (select 1 from critical_moves n where n.critical_id = m.critical_id and n.whole and n.undone_at is null
        and (n.at, n.id) > (m.at, m.id))`,
  '28 one effect per message identity': `
    select sending_application, sending_facility, control_id from inbound_messages
    where outcome in ('AA', 'CA') and control_id is not null group by 1, 2, 3 having count(*) > 1`,
  '28 one order per placer number': `
    select placer_authority, placer_number from orders where placer_number is not null group by 1, 2 having count(*) > 1`,
}

// Invariant 2: the cached phase is what the rules derive from the parts.
async function wrongPhases(sql: AnySql): Promise<Violation[]> {
  const found: Violation[] = []
  for (const { id, phase } of await sql<{ id: string; phase: string }[]>`select id, phase from orders`) {
    const facts = await loadOrderFacts(sql, id)
    if (!facts) continue
    const derived = orderPhase(facts)
    if (derived !== phase)
      found.push({ invariant: '2 the phase column is derived', refs: { orderId: id, phase, derived } })
    for (const procedure of facts.procedures) procedurePhase(facts, procedure)
  }
  return found
}
