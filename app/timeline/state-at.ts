/** An order as it was after each of its events: the events alone, played again into the facts that its phase is read from. */
import type { OrderParts } from '#db/queries/order-parts.ts'
import type { TimelineEvent } from '#db/queries/orders.ts'
import type {
  OrderFacts,
  PerformedStepFact,
  ProcedureFact,
  ReportFact,
  ReportVersionFact,
  StepFact,
  StudyFact,
} from '#domain/facts.ts'
import { completenessSettled, orderPhase } from '#domain/phase.ts'
import { batchKind } from '#domain/quality.ts'
import { standingVersions } from '#domain/report-version.ts'
import {
  type CompletenessVerdict,
  type DeliveryState,
  type PerformedStepStatus,
  type Phase,
  REPORT_STATES,
  type ReportState,
  type ReportVersionKind,
  type StepStatus,
} from '#domain/words.ts'

export interface StateAt {
  rev: number
  phase: Phase
  work: { kind: string; holder: string | null; dueAt: string | null }[]
  images: number
  report: ReportState | 'none'
  receivers: { destination: string; state: DeliveryState; attempts: number; at: string }[]
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Procedure = Mutable<ProcedureFact> & { steps: Mutable<StepFact>[] }
type Study = Mutable<StudyFact> & {
  procedureIds: string[]
  qualityDecisions: StudyFact['qualityDecisions'][number][]
}
type Version = Mutable<ReportVersionFact> & {
  deliveries: { destinationId: string; required: boolean; acknowledgedAt: Date | null }[]
}
type Report = Mutable<ReportFact> & { versions: Version[] }

interface Replay {
  parts: OrderParts
  receivedAt: Date
  closedAt: Date | null
  procedures: Map<string, Procedure>
  performed: Map<string, Mutable<PerformedStepFact>>
  studies: Map<string, Study>
  reports: Map<string, Report>
  work: Map<string, StateAt['work'][number]>
  receivers: Map<string, StateAt['receivers'][number]>
}

/** One state per event, in their order; the last one is the order as it is now. */
export function statesAlong(events: readonly TimelineEvent[], parts: OrderParts): StateAt[] {
  const replay: Replay = {
    parts,
    receivedAt: events[0]?.at ?? new Date(0),
    closedAt: null,
    procedures: new Map(),
    performed: new Map(),
    studies: new Map(),
    reports: new Map(),
    work: new Map(),
    receivers: new Map(),
  }
  return events.map((event) => {
    addPlannedSteps(replay, event.at)
    play(replay, event)
    return {
      rev: event.rev,
      phase: orderPhase(factsOf(replay)),
      work: [...replay.work.values()].map((item) => ({ ...item })),
      images: [...replay.studies.values()].reduce((sum, { visibleInstances }) => sum + visibleInstances, 0),
      report: [...replay.reports.values()].at(-1)?.state ?? 'none',
      receivers: [...replay.receivers.values()].map((receiver) => ({ ...receiver })),
    }
  })
}

function play(replay: Replay, event: TimelineEvent): void {
  const [noun = ''] = event.type.split('.')
  PLAYED[noun]?.(replay, event)
}

const PLAYED: Record<string, (replay: Replay, event: TimelineEvent) => void> = {
  order: playOrder,
  procedure: playProcedure,
  step: playStep,
  'performed-step': playPerformedStep,
  images: playImages,
  study: playStudy,
  completeness: playCompleteness,
  quality: playQuality,
  return: playReturn,
  'work-item': playWork,
  report: playReport,
  delivery: playDelivery,
}

function playOrder(replay: Replay, { type, at }: TimelineEvent): void {
  if (type === 'order.closed') replay.closedAt = at
  if (type === 'order.reopened') replay.closedAt = null
}

function playProcedure(replay: Replay, event: TimelineEvent): void {
  const id = text(event, 'procedureId')
  if (event.type === 'procedure.added') replay.procedures.set(id, newProcedure(id, event.data.known === true))
  addPlannedSteps(replay, event.at)
  const procedure = replay.procedures.get(id)
  if (!procedure) return
  if (event.type === 'procedure.protocolled')
    procedure.protocolChosenBy = event.data.by === 'rule' ? 'rule' : 'person'
  if (event.type === 'procedure.ended') {
    procedure.ended = event.data.end === 'discontinued' ? 'discontinued' : 'cancelled'
    procedure.endedAt = event.at
  }
}

/** No event says that a step was planned: it is there since the instant that stands on it. */
function addPlannedSteps({ parts, procedures }: Replay, at: Date): void {
  for (const { id, procedureId, plannedSince } of parts.steps) {
    const procedure = procedures.get(procedureId)
    if (plannedSince <= at && procedure && !procedure.steps.some((step) => step.id === id))
      procedure.steps.push(newStep(id, plannedSince))
  }
}

const STEP_STATUS: Record<string, StepStatus> = {
  'step.scheduled': 'scheduled',
  'step.unscheduled': 'planned',
  'step.arrived': 'arrived',
  'step.ready': 'ready',
  'step.started': 'started',
  'step.departed': 'departed',
  'step.discontinued': 'discontinued',
  'step.cancelled': 'cancelled',
  'step.no-show': 'no-show',
}

function playStep(replay: Replay, event: TimelineEvent): void {
  const status = STEP_STATUS[event.type]
  const id = text(event, 'stepId')
  for (const { steps } of replay.procedures.values())
    for (const step of steps) if (step.id === id && status) step.status = status
}

function playPerformedStep(replay: Replay, event: TimelineEvent): void {
  const id = text(event, 'performedStepId')
  if (event.type === 'performed-step.moved') {
    playMove(replay, event)
    return
  }
  const status = event.data.status as PerformedStepStatus | undefined
  const known = replay.performed.get(id) ?? newPerformedStep(id, event)
  replay.performed.set(id, { ...known, status: status ?? known.status })
  if (event.type !== 'performed-step.ended' || status !== 'COMPLETED') return
  for (const { steps } of replay.procedures.values())
    for (const step of steps)
      if (known.stepIds.includes(step.id) && step.status === 'started') step.status = 'departed'
}

/** The exam is this order's from here on, or no longer; a study that gained or lost images is looked at anew. */
function playMove(replay: Replay, event: TimelineEvent): void {
  const id = text(event, 'performedStepId')
  if (event.data.side === 'to') {
    const known = replay.performed.get(id) ?? newPerformedStep(id, event)
    const stepIds = Array.isArray(event.data.stepIds) ? event.data.stepIds.map(String) : []
    replay.performed.set(id, { ...known, stepIds, status: event.data.status as PerformedStepStatus })
  } else replay.performed.delete(id)
  if (!text(event, 'studyId')) return
  const study = studyOf(replay, event)
  study.storedInstances = number(event, 'total')
  study.visibleInstances = number(event, 'visible')
  study.completeness = null
  study.incompleteAcceptedAt = null
  study.moves = [...study.moves, { at: event.at, emptied: event.data.emptied === true }]
}

function playReturn(replay: Replay, event: TimelineEvent): void {
  const study = studyOf(replay, event)
  const id = text(event, 'returnId')
  if (event.type === 'return.asked') {
    const kind = event.data.kind === 'clarify' ? 'clarify' : 'retake'
    study.returns = [...study.returns, { id, kind, askedAt: event.at, answeredAt: null }]
  }
  if (event.type === 'return.answered')
    study.returns = study.returns.map((asked) =>
      asked.id === id ? { ...asked, answeredAt: event.at } : asked,
    )
}

function playImages(replay: Replay, event: TimelineEvent): void {
  const study = studyOf(replay, event)
  const versionStands = [...replay.reports.values()].some((report) => standingVersions(report).length > 0)
  if (batchKind({ settled: completenessSettled(study), versionStands }) === 'appended')
    study.appendedBatches += 1
  const before = study.storedInstances
  study.storedInstances = number(event, 'total')
  study.visibleInstances += study.storedInstances - before
  if ('visible' in event.data) study.visibleInstances = number(event, 'visible')
}

function playStudy(replay: Replay, event: TimelineEvent): void {
  const study = studyOf(replay, event)
  const procedureId = text(event, 'procedureId')
  if (event.type === 'study.linked' && procedureId) study.procedureIds = [...study.procedureIds, procedureId]
  if (event.type === 'study.unlinked')
    study.procedureIds = study.procedureIds.filter((id) => id !== procedureId)
  if (event.type === 'study.rejected' || event.type === 'study.revoked') {
    study.visibleInstances = number(event, 'visible')
    voidSteps(replay, study)
  }
}

// A departed exam without an image that is seen is void, and lives again with them.
function voidSteps(replay: Replay, study: Study): void {
  for (const id of study.procedureIds)
    for (const step of replay.procedures.get(id)?.steps ?? [])
      if (step.status === 'departed') step.voided = study.visibleInstances === 0
}

function playCompleteness(replay: Replay, event: TimelineEvent): void {
  const study = studyOf(replay, event)
  const verdict = event.data.verdict as CompletenessVerdict
  const accepted = Array.isArray(event.data.evidence) && event.data.evidence.includes('accepted')
  const wasSettled = completenessSettled(study)
  study.completeness = { verdict, missing: number(event, 'missing'), decidedAt: event.at }
  study.incompleteAcceptedAt =
    verdict !== 'incomplete' ? null : accepted ? event.at : study.incompleteAcceptedAt
  if (wasSettled && !accepted && (verdict === 'waiting' || verdict === 'incomplete'))
    study.verdictsTakenBack += 1
}

function playQuality(replay: Replay, event: TimelineEvent): void {
  const study = studyOf(replay, event)
  const decision = event.type === 'quality.accepted' ? 'accepted' : 'rejected'
  const repeated = event.data.repeated === true
  const unchecked = event.data.unchecked === true ? { unchecked: true } : {}
  study.qualityDecisions.push({
    cycle: number(event, 'cycle'),
    decision,
    repeated,
    ...unchecked,
    at: event.at,
  })
  if (decision === 'accepted') return
  study.visibleInstances = Math.max(0, study.visibleInstances - number(event, 'instances'))
  if (study.visibleInstances === 0) voidSteps(replay, study)
}

function playWork({ work }: Replay, event: TimelineEvent): void {
  const id = text(event, 'itemId')
  const item = work.get(id) ?? {
    kind: text(event, 'kind'),
    holder: null,
    dueAt: text(event, 'dueAt') || null,
  }
  switch (event.type) {
    case 'work-item.completed':
    case 'work-item.cancelled':
      work.delete(id)
      return
    case 'work-item.claimed':
    case 'work-item.taken-over':
      work.set(id, { ...item, holder: event.actor.name })
      return
    case 'work-item.released':
    case 'work-item.expired':
      work.set(id, { ...item, holder: null })
      return
    default:
      work.set(id, item)
  }
}

const VERSION_KIND: Record<string, ReportVersionKind> = {
  'report.wet-read': 'wet-read',
  'report.preliminary': 'preliminary',
  'report.signed': 'final',
  'report.addended': 'addendum',
  'report.corrected': 'correction',
  'report.retracted': 'withdrawal',
}

const REPORT_STATE: Record<string, ReportState> = {
  'report.wet-read': 'WET_READ',
  'report.preliminary': 'PRELIM',
  'report.submitted': 'PENDING_SIGN',
  'report.sent-back': 'SIGN_REJECTED',
  'report.signed': 'FINAL',
  'report.recalled': 'DRAFT',
  'report.addended': 'ADDENDED',
  'report.corrected': 'CORRECTED',
  'report.cancelled': 'CANCELLED',
}

function playReport(replay: Replay, event: TimelineEvent): void {
  const id = text(event, 'reportId')
  const report = replay.reports.get(id) ?? newReport(id, replay.parts)
  replay.reports.set(id, report)
  report.state = REPORT_STATE[event.type] ?? report.state
  // Written since a recall says where it brought the report back to.
  const before = REPORT_STATES.find((state) => state === event.data.state)
  if (event.type === 'report.recalled' && before) report.state = before
  const kind = VERSION_KIND[event.type]
  const version = number(event, 'version')
  if (kind) report.versions.push(newVersion(version, kind, event))
  const named = report.versions.find((each) => each.number === version)
  if (event.type === 'report.recalled' && named) named.recalledAt = event.at
  if (event.type === 'report.released' && named) {
    named.releasedAt = event.at
    named.deliveries = replay.parts.deliveries
      .filter((delivery) => delivery.reportId === id && delivery.version === version)
      .map((delivery) => ({ destinationId: delivery.id, required: delivery.required, acknowledgedAt: null }))
  }
}

const DELIVERY_STATE: Record<string, DeliveryState> = {
  'delivery.queued': 'waiting',
  'delivery.sent': 'sent',
  'delivery.answered': 'waiting',
  'delivery.unknown': 'unknown',
  'delivery.parked': 'parked',
  'delivery.mended': 'waiting',
  'delivery.acknowledged': 'acknowledged',
}

/** Retired, a receiver is no longer waited for; back again, it is. */
function playReceiver({ parts, reports }: Replay, event: TimelineEvent): void {
  const isBack = event.type === 'delivery.destination-back'
  const theirs = new Map(
    parts.deliveries
      .filter(({ destinationId }) => destinationId === text(event, 'destinationId'))
      .map(({ id, required }) => [id, isBack && required]),
  )
  for (const { versions } of reports.values())
    for (const { deliveries } of versions)
      for (const one of deliveries) one.required = theirs.get(one.destinationId) ?? one.required
}

function playDelivery(replay: Replay, event: TimelineEvent): void {
  if (event.type.startsWith('delivery.destination-')) {
    playReceiver(replay, event)
    return
  }
  const id = text(event, 'deliveryId')
  const before = replay.receivers.get(id)
  const destination = replay.parts.deliveries.find((delivery) => delivery.id === id)?.destination
  replay.receivers.set(id, {
    destination: destination ?? text(event, 'destinationId'),
    state: DELIVERY_STATE[event.type] ?? before?.state ?? 'waiting',
    attempts: number(event, 'attempt') || (before?.attempts ?? 0),
    at: event.at.toISOString(),
  })
  if (event.type !== 'delivery.acknowledged') return
  for (const { versions } of replay.reports.values())
    for (const { deliveries } of versions)
      for (const delivery of deliveries) if (delivery.destinationId === id) delivery.acknowledgedAt = event.at
}

function studyOf({ studies }: Replay, event: TimelineEvent): Study {
  const id = text(event, 'studyId')
  const study = studies.get(id) ?? newStudy(id)
  studies.set(id, study)
  return study
}

function factsOf({ receivedAt, closedAt, procedures, performed, studies, reports }: Replay): OrderFacts {
  return {
    // The phase asks nothing of these but whether the order is closed.
    order: {
      id: '',
      siteId: '',
      priority: 'routine',
      patientClass: 'outpatient',
      policyVersion: 1,
      receivedAt,
      closedAt,
      identity: 'trusted',
    },
    calendar: { zone: 'UTC', windows: [], holidays: [] },
    procedures: [...procedures.values()],
    performedSteps: [...performed.values()],
    studies: [...studies.values()],
    reports: [...reports.values()],
    criticalResults: [],
    exceptions: [],
  }
}

function newProcedure(id: string, codeKnown: boolean): Procedure {
  return {
    id,
    codeKnown,
    area: null,
    // Whoever chooses, an event says so.
    protocolling: 'reader',
    protocolChosenBy: null,
    protocolCosignWanted: null,
    protocolResets: 0,
    ended: null,
    endedAt: null,
    steps: [],
  }
}

function newStep(id: string, plannedSince: Date): Mutable<StepFact> {
  return {
    id,
    status: 'planned',
    voided: false,
    slotStart: null,
    roomId: null,
    arrivedAt: null,
    noShowAt: null,
    noShows: 0,
    bookings: 0,
    undoneArrivals: 0,
    undoneBegins: 0,
    plannedSince,
    fromRetake: null,
    gates: [],
  }
}

function newPerformedStep(id: string, { at, data }: TimelineEvent): Mutable<PerformedStepFact> {
  return {
    id,
    stepIds: Array.isArray(data.stepIds) ? data.stepIds.map(String) : [],
    studyId: null,
    status: 'IN PROGRESS',
    inferred: data.inferred === true,
    reasonCode: null,
    storedInstances: 0,
    begunAt: at,
    endedAt: null,
    lastSignOfLifeAt: at,
    decided: null,
    moves: 0,
  }
}

function newStudy(id: string): Study {
  return {
    id,
    procedureIds: [],
    firstImageAt: null,
    lastImageAt: null,
    storedInstances: 0,
    visibleInstances: 0,
    completeness: null,
    earlierIncompletes: 0,
    incompleteAcceptedAt: null,
    qualityDecisions: [],
    appendedBatches: 0,
    verdictsTakenBack: 0,
    lateBatches: [],
    returns: [],
    moves: [],
    moveOpen: false,
  }
}

function newReport(id: string, parts: OrderParts): Report {
  return {
    id,
    procedureIds: parts.reports.find((report) => report.id === id)?.procedureIds ?? [],
    state: 'DRAFT',
    authorId: '',
    authorRole: 'radiologist',
    submissions: 0,
    submittedAt: null,
    sentBackAt: null,
    draftTouchedAt: null,
    amendmentOpenedAt: null,
    watchdogsAnswered: 0,
    versions: [],
  }
}

function newVersion(number: number, kind: ReportVersionKind, { at, actor }: TimelineEvent): Version {
  return {
    number,
    kind,
    signerId: actor.id,
    signedAt: at,
    releasedAt: null,
    recalledAt: null,
    deliveries: [],
  }
}

// Ids stand in `data` or in `refs`, by the type of the event.
function text({ data, refs }: TimelineEvent, name: string): string {
  return String(data[name] ?? refs[name] ?? '')
}

function number(event: TimelineEvent, name: string): number {
  return Number(text(event, name) || 0)
}
