/** Loads what the rules know about one order: rows into plain facts, nothing decided here. */

import { ALWAYS_OPEN, type BusinessCalendar } from '#domain/calendar.ts'
import type {
  CriticalResultFact,
  ExceptionFact,
  OrderFacts,
  PerformedStepFact,
  ProcedureFact,
  ReportFact,
  ReportVersionFact,
  StepFact,
  StudyFact,
} from '#domain/facts.ts'
import type { AnySql } from '../client.ts'

// Rows of many shapes, read once each just below; postgres.js types them no further.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Row = Record<string, any>

/** Everything `orderPhase` and `nextWork` ask for; null when there is no such order. */
export async function loadOrderFacts(sql: AnySql, orderId: string): Promise<OrderFacts | null> {
  const [
    orders,
    procedures,
    steps,
    performedSteps,
    studies,
    decisions,
    returns,
    moves,
    reports,
    versions,
    deliveries,
    criticalResults,
    exceptions,
  ] = await Promise.all(facts(sql, orderId))
  const order = orders![0]
  if (!order) return null
  return {
    order: {
      id: orderId,
      siteId: order.site_id,
      priority: order.priority,
      patientClass: order.patient_class,
      policyVersion: order.policy_version,
      receivedAt: order.received_at,
      closedAt: order.closed_at,
      identity: order.trust,
    },
    calendar: { ...ALWAYS_OPEN, ...(order.calendar as Omit<BusinessCalendar, 'zone'>), zone: order.zone },
    procedures: procedures!.map((row) => procedureFact(row, steps!)),
    performedSteps: performedSteps!.map(performedStepFact),
    studies: studies!.map((row) =>
      studyFact(row, { decisions: decisions!, returns: returns!, moves: moves! }),
    ),
    reports: reports!.map((row) => reportFact(row, versions!, deliveries!)),
    criticalResults: criticalResults!.map(criticalFact),
    exceptions: exceptions!.map(exceptionFact),
  }
}

// Sent together on one connection: one round trip's wait for all of them.
function facts(sql: AnySql, orderId: string): Promise<Row[]>[] {
  const ofOrder = sql`select procedure_id from report_procedures join procedures p on p.id = procedure_id where p.order_id = ${orderId}`
  const reportIds = sql`select report_id from report_procedures where procedure_id in (${ofOrder})`
  const studyUids = sql`select study_uid from procedures where order_id = ${orderId}`
  const linked = sql`select study_id from study_links where order_id = ${orderId} and undone_at is null`
  return [
    sql`select o.*, p.trust, s.zone, s.calendar from orders o join patients p on p.id = o.patient_id
        join sites s on s.id = o.site_id where o.id = ${orderId}`,
    sql`select * from procedures where order_id = ${orderId} order by position`,
    sql`select * from steps where order_id = ${orderId} order by id`,
    sql`select ps.*, st.id as study_id, st.last_instance_at, coalesce(st.stored_count, 0)
        + (select count(*)::int from named_instances n where n.performed_step_id = ps.id) as stored_count,
          array(select step_id from performed_step_links l where l.performed_step_id = ps.id) as step_ids
        from performed_steps ps left join studies st on st.study_uid = ps.study_uid
        where ps.study_uid in (${studyUids})
          or ps.id in (select l.performed_step_id from performed_step_links l join steps s on s.id = l.step_id where s.order_id = ${orderId})
        order by ps.started_at, ps.id`,
    sql`select st.*, array(select l.procedure_id from study_links l where l.study_id = st.id and l.order_id = ${orderId}
          and l.undone_at is null) as procedure_ids,
          -- Stopped as a wrong worklist entry (110514): some of its images are somebody else's, until it is said whose.
          exists (select 1 from exceptions e where e.kind = 'unmatched-study' and e.key = 'study:' || st.study_uid
            and e.reason_code = '110514' and e.state = 'open') and st.stored_count > 0 as in_doubt
        from studies st where st.id in (${linked}) order by st.id`,
    sql`select * from quality_decisions where study_id in (${linked}) order by study_id, cycle, unchecked desc`,
    sql`select id, study_id, kind, asked_at, answered_at from returns where study_id in (${linked}) order by asked_at, id`,
    sql`select * from (
          select from_study_id as study_id, at, from_emptied as emptied from moved_images
          union all select to_study_id, at, false from moved_images where to_study_id is distinct from from_study_id
          union all select from_study_id, undone_at, false from moved_images where undone_at is not null
          union all select to_study_id, undone_at, to_emptied from moved_images
            where undone_at is not null and to_study_id is distinct from from_study_id) m
        where m.study_id in (${linked}) order by m.study_id, m.at`,
    // Drafts are saved by the machine's clock; their silence counts on the department's.
    sql`select r.*, u.roles, coalesce((select base_department + (d.saved_at - base_machine) * rate from department_clock), d.saved_at)
          as touched_at, array(select procedure_id from report_procedures where report_id = r.id) as procedure_ids,
          case when r.submissions > 0 then (select e.actor_role from order_events e where e.order_id = r.order_id
            and e.type = 'report.submitted' and e.data->>'reportId' = r.id order by e.rev desc limit 1) end as handed_on_as
        from reports r left join users u on u.id = r.author_id left join report_drafts d on d.report_id = r.id
        where r.id in (${reportIds}) order by r.id`,
    sql`select report_id, version, kind, signer_id, author_id, signed_at, created_at, released_at, recalled_at
        from report_versions where report_id in (${reportIds}) order by report_id, version`,
    sql`select d.report_id, d.version, d.destination_id, d.required and t.retired_at is null as required, d.acknowledged_at
        from deliveries d join destinations t on t.id = d.destination_id where d.report_id in (${reportIds})`,
    sql`select id, level, found_at, found_by, level_changes, ended_at from critical_results
        where order_id = ${orderId} order by raised_at, id`,
    sql`select id, kind, at, closed_at, cycle from exceptions where order_id = ${orderId} order by at, id`,
  ] as unknown as Promise<Row[]>[]
}

function procedureFact(row: Row, steps: Row[]): ProcedureFact {
  return {
    id: row.id,
    codeKnown: row.catalogue_code !== null,
    area: row.catalogue_code === null ? null : row.area,
    protocolling: row.protocol_by === 'rule' ? 'rule' : 'reader',
    protocolChosenBy: row.protocol_by,
    protocolCosignWanted: null,
    protocolResets: row.protocol_resets,
    ended: row.end_kind,
    endedAt: row.ended_at,
    slaMinutes: row.sla_minutes,
    steps: steps.filter((step) => step.procedure_id === row.id).map(stepFact),
  }
}

function stepFact(row: Row): StepFact {
  return {
    id: row.id,
    status: row.status,
    voided: row.voided,
    slotStart: row.planned_start,
    roomId: row.room_id,
    arrivedAt: row.arrived_at,
    noShowAt: row.no_show_at,
    noShows: row.no_shows,
    bookings: row.bookings,
    undoneArrivals: row.undone_arrivals,
    undoneBegins: row.undone_begins,
    plannedSince: row.planned_since,
    fromRetake: row.retake_asked_at ? { askedAt: row.retake_asked_at } : null,
    // The catalogue's gates are asked only where the policy switches safety on; policy version 1 does not.
    gates: [],
  }
}

function performedStepFact(row: Row): PerformedStepFact {
  const lastImage: Date | null = row.last_instance_at
  return {
    id: row.id,
    stepIds: row.step_ids,
    studyId: row.study_id,
    status: row.status,
    inferred: row.inferred,
    reasonCode: row.reason_code,
    storedInstances: row.stored_count,
    begunAt: row.started_at,
    endedAt: row.ended_at,
    lastSignOfLifeAt: lastImage && lastImage > row.received_at ? lastImage : row.received_at,
    decided: row.decision,
    moves: row.moves,
  }
}

function studyFact(
  row: Row,
  { decisions, returns, moves }: Record<'decisions' | 'returns' | 'moves', Row[]>,
): StudyFact {
  return {
    id: row.id,
    procedureIds: row.procedure_ids,
    firstImageAt: row.first_instance_at,
    lastImageAt: row.last_instance_at,
    storedInstances: row.stored_count,
    visibleInstances: row.instance_count - row.report_count,
    completeness: row.completeness_decided_at
      ? {
          verdict: row.completeness,
          missing: row.completeness_missing,
          decidedAt: row.completeness_decided_at,
        }
      : null,
    earlierIncompletes: row.earlier_incompletes,
    incompleteAcceptedAt: row.incomplete_accepted_at,
    qualityDecisions: decisions
      .filter((decision) => decision.study_id === row.id)
      .map(({ cycle, verdict, repeated, unchecked, at }) => ({
        ...{ cycle, decision: verdict, repeated, at },
        ...(unchecked && { unchecked }),
      })),
    appendedBatches: row.appended_batches,
    verdictsTakenBack: row.verdicts_taken_back,
    lateBatches: (row.late_batches as { at: string; answeredAt: string | null }[]).map((batch) => ({
      at: new Date(batch.at),
      answeredAt: batch.answeredAt ? new Date(batch.answeredAt) : null,
    })),
    returns: returns
      .filter((asked) => asked.study_id === row.id)
      .map(({ id, kind, asked_at, answered_at }) => ({
        id,
        kind,
        askedAt: asked_at,
        answeredAt: answered_at,
      })),
    moves: moves.filter((move) => move.study_id === row.id).map(({ at, emptied }) => ({ at, emptied })),
    moveOpen: row.in_doubt,
  }
}

function reportFact(row: Row, versions: Row[], deliveries: Row[]): ReportFact {
  return {
    id: row.id,
    procedureIds: row.procedure_ids,
    state: row.state,
    authorId: row.author_id ?? '',
    authorRole: (row.roles ?? []).includes('radiologist') ? 'radiologist' : (row.roles?.[0] ?? 'radiologist'),
    handedOnAs: row.handed_on_as,
    submissions: row.submissions,
    submittedAt: row.submitted_at,
    sentBackAt: row.sent_back_at,
    draftTouchedAt: row.touched_at,
    amendmentOpenedAt: row.amendment_opened_at,
    watchdogsAnswered: row.watchdogs_answered,
    versions: versions
      .filter((version) => version.report_id === row.id)
      .map((version) => versionFact(version, deliveries)),
  }
}

function versionFact(row: Row, deliveries: Row[]): ReportVersionFact {
  return {
    number: row.version,
    kind: row.kind,
    signerId: row.signer_id ?? row.author_id,
    signedAt: row.signed_at ?? row.created_at,
    releasedAt: row.released_at,
    recalledAt: row.recalled_at,
    deliveries: deliveries
      .filter((delivery) => delivery.report_id === row.report_id && delivery.version === row.version)
      .map(({ destination_id, required, acknowledged_at }) => ({
        destinationId: destination_id,
        required,
        acknowledgedAt: acknowledged_at,
      })),
  }
}

function criticalFact(row: Row): CriticalResultFact {
  return {
    id: row.id,
    level: row.level,
    foundAt: row.found_at,
    foundById: row.found_by,
    levelChanges: row.level_changes,
    closedAt: row.ended_at,
  }
}

function exceptionFact(row: Row): ExceptionFact {
  return { id: row.id, kind: row.kind, openedAt: row.at, closedAt: row.closed_at, reopened: row.cycle - 1 }
}
