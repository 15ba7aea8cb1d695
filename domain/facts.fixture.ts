/** Ordinary facts for tests: one outpatient, one head CT at the main site, changed as each test needs. */
import type { BusinessCalendar } from './calendar.ts'
import type {
  DeliveryFact,
  OrderFact,
  OrderFacts,
  PerformedStepFact,
  ProcedureFact,
  ReportFact,
  ReportVersionFact,
  StepFact,
  StudyFact,
} from './facts.ts'

export const MAIN_CALENDAR: BusinessCalendar = {
  zone: 'Europe/Berlin',
  windows: [1, 2, 3, 4, 5].map((weekday) => ({ weekday, opens: '07:00', closes: '19:00' })),
  holidays: [],
}

/** Monday 2 November 2026, 09:00 in Berlin, plus minutes. */
export function minute(minutes: number): Date {
  return new Date(Date.parse('2026-11-02T08:00:00Z') + minutes * 60_000)
}

export function orderFacts(
  parts: Partial<Omit<OrderFacts, 'order'>> & { order?: Partial<OrderFact> } = {},
): OrderFacts {
  const { order, ...rest } = parts
  return {
    order: {
      id: 'order-1',
      siteId: 'MAIN',
      priority: 'routine',
      patientClass: 'outpatient',
      policyVersion: 1,
      receivedAt: minute(0),
      closedAt: null,
      identity: 'trusted',
      ...order,
    },
    calendar: MAIN_CALENDAR,
    procedures: [procedure()],
    performedSteps: [],
    studies: [],
    reports: [],
    criticalResults: [],
    exceptions: [],
    ...rest,
  }
}

export function procedure(parts: Partial<ProcedureFact> = {}): ProcedureFact {
  return {
    id: 'procedure-1',
    codeKnown: true,
    area: 'neuro',
    protocolling: 'rule',
    protocolChosenBy: null,
    protocolCosignWanted: null,
    protocolResets: 0,
    ended: null,
    endedAt: null,
    steps: [step()],
    ...parts,
  }
}

export function step(parts: Partial<StepFact> = {}): StepFact {
  return {
    id: 'step-1',
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
    plannedSince: minute(0),
    fromRetake: null,
    gates: [],
    ...parts,
  }
}

export function scheduledStep(parts: Partial<StepFact> = {}): StepFact {
  return step({ status: 'scheduled', slotStart: minute(60), roomId: 'CT 1', bookings: 1, ...parts })
}

export function performedStep(parts: Partial<PerformedStepFact> = {}): PerformedStepFact {
  return {
    id: 'performed-1',
    stepIds: ['step-1'],
    studyId: 'study-1',
    status: 'COMPLETED',
    inferred: false,
    reasonCode: null,
    storedInstances: 2,
    begunAt: minute(60),
    endedAt: minute(70),
    lastSignOfLifeAt: minute(70),
    decided: null,
    moves: 0,
    ...parts,
  }
}

export function study(parts: Partial<StudyFact> = {}): StudyFact {
  return {
    id: 'study-1',
    procedureIds: ['procedure-1'],
    firstImageAt: minute(62),
    lastImageAt: minute(69),
    storedInstances: 2,
    visibleInstances: 2,
    completeness: { verdict: 'complete', missing: 0, decidedAt: minute(71) },
    earlierIncompletes: 0,
    incompleteAcceptedAt: null,
    qualityDecisions: [],
    appendedBatches: 0,
    verdictsTakenBack: 0,
    lateBatches: [],
    returns: [],
    moves: [],
    moveOpen: false,
    ...parts,
  }
}

export function acceptedStudy(parts: Partial<StudyFact> = {}): StudyFact {
  return study({
    qualityDecisions: [{ cycle: 1, decision: 'accepted', repeated: false, at: minute(75) }],
    ...parts,
  })
}

export function report(parts: Partial<ReportFact> = {}): ReportFact {
  return {
    id: 'report-1',
    procedureIds: ['procedure-1'],
    state: 'FINAL',
    authorId: 'radiologist-1',
    authorRole: 'radiologist',
    submissions: 0,
    submittedAt: null,
    sentBackAt: null,
    draftTouchedAt: null,
    amendmentOpenedAt: null,
    watchdogsAnswered: 0,
    versions: [version()],
    ...parts,
  }
}

export function version(parts: Partial<ReportVersionFact> = {}): ReportVersionFact {
  return {
    number: 1,
    kind: 'final',
    signerId: 'radiologist-1',
    signedAt: minute(120),
    releasedAt: minute(122),
    recalledAt: null,
    deliveries: [delivery()],
    ...parts,
  }
}

export function delivery(parts: Partial<DeliveryFact> = {}): DeliveryFact {
  return { destinationId: 'EMR', required: true, acknowledgedAt: minute(123), ...parts }
}
