/** Policy version 1: every number and switch of the department that a head may approve to be otherwise, as plain data. */
import { BUSINESS_DAY_MS, DAY_MS, HOUR_MS, MINUTE_MS } from './calendar.ts'
import type { PatientClass, PauseReason, Priority } from './words.ts'

/** Time allowed; `business` counts only the site's opening hours. */
export type Allowance = { ms: number; business: boolean }
export type ByPriority<T> = Readonly<Record<Priority, T>>

export type LadderRung = 'notify' | 'reassign' | 'lead' | 'head'
/** Share of the allowance, in per cent, at which each rung of the escalation ladder is due. */
export type Ladder = Readonly<Record<LadderRung, number>>

export type Policy = {
  version: number
  /** Off: no safety questionnaire is asked, and every gate counts as satisfied. */
  safetyGates: 'off' | 'on'
  /** Off: the rule chooses the protocol even where the catalogue asks for a reader. */
  protocolling: 'off' | 'on'
  /** Machine clock. A lease must survive three lost heartbeats. */
  lease: {
    leaseMs: number
    heartbeatMs: number
    parkedMs: number
    maxParkedPerPerson: number
    skipMs: number
  }
  /** Between signature and release, the signer may take the version back. */
  recallMs: ByPriority<number>
  orderGraceMs: number
  noShow: { afterSlotStartMs: number; endAfterMs: number; tellReferrerAt: number }
  duplicateOrder: { softStopMs: number; hardStopMs: number }
  unknownProcedure: 'accept' | 'refuse'
  /** Same SOP Instance UID, other content. */
  duplicateInstance: 'first-stays' | 'newest-wins' | 'refuse'
  unknownCallingAe: 'refuse' | 'accept-and-flag'
  /** Every stored object is read again and held against its hash within `everyMs`, at no more than so many bytes a second. */
  verification: { everyMs: number; bytesPerSecond: number }
  completeness: {
    /** Off while no storage commitment service answers: a device cannot prove what nobody asks it. */
    commitment: 'off' | 'on'
    /** Must the technologist's "end exam" be seen beside a final MPPS, or is either the end? */
    endExamRequired: boolean
    mppsSilenceMs: number
  }
  quality: {
    allowance: ByPriority<Allowance>
    /** What happens when nobody looked in time. */
    onTimeout: ByPriority<'accept-unchecked' | 'escalate'>
  }
  safety: {
    egfrMinimum: number
    egfrMaxAgeMs: number
    pregnancyMaxAgeMs: number
    pregnancyAges: { from: number; to: number }
    askBeforeSlotMs: number
  }
  allowances: {
    map: Allowance
    protocol: ByPriority<Allowance>
    safety: Allowance
    schedule: ByPriority<Allowance>
    rebook: Allowance
    retake: Allowance
    decide: Allowance
    complete: Allowance
    clarify: Allowance
    sign: ByPriority<Allowance>
    watchdog: Allowance
    late: Allowance
    reconcile: ByPriority<Allowance>
    mend: ByPriority<Allowance>
  }
  /** Available → final. */
  sla: {
    stat: Allowance
    statFirstWord: Allowance
    urgent: Allowance
    routine: Readonly<Record<PatientClass, Allowance>>
  }
  ladder: ByPriority<Ladder>
  critical: Readonly<Record<1 | 2 | 3, number>>
  /** Share of a critical result's time, in per cent, at which each contact is due to be called. */
  criticalLadder: Readonly<Record<'orderer' | 'ward' | 'on-call' | 'lead' | 'head', number>>
  watchdog: { draftSilenceMs: number; wetReadMs: number; amendmentMs: number }
  /** After this the next circle of people may take the item as well. */
  widenMs: { author: number; room: number; signer: number }
  pauses: Readonly<Record<PauseReason, number>>
  statPauseMaxMs: number
  delivery: {
    answerTimeoutMs: number
    retryBaseMs: number
    retryCapMs: number
    parkAfterFirstErrorMs: number
  }
  retention: {
    adultYears: number
    xrayAdultYears: number
    xrayMinorUntilAge: number
    mammographyYears: number
    ssdMs: number
    hddMs: number
    purgeGraceMs: number
  }
  /** May what is dictated leave for a browser maker's cloud, where no engine of the house can listen? */
  dictation: { browserCloud: 'refuse' | 'accept' }
  remindersBeforeMs: readonly number[]
  wristbandMismatch: 'refuse' | 'second-person'
  /** Local times at which a shift begins; who says so a little earlier takes over for the one to come. */
  handover: { shiftStarts: readonly string[]; earlyMs: number }
  /** Rejected of looked at, in per cent: what the department starts from, where it wants to be, and from how many on it counts. */
  repeats: { baselinePercent: number; targetPercent: number; atLeast: number }
}

const continuous = (ms: number): Allowance => ({ ms, business: false })
const businessDays = (days: number): Allowance => ({ ms: days * BUSINESS_DAY_MS, business: true })

export const POLICY_VERSION_1: Policy = {
  version: 1,
  safetyGates: 'off',
  protocolling: 'off',
  lease: {
    leaseMs: 120_000,
    heartbeatMs: 30_000,
    parkedMs: 30 * MINUTE_MS,
    maxParkedPerPerson: 2,
    skipMs: 15 * MINUTE_MS,
  },
  recallMs: { stat: 0, urgent: 30_000, routine: 90_000 },
  orderGraceMs: 7 * DAY_MS,
  noShow: { afterSlotStartMs: 30 * MINUTE_MS, endAfterMs: 14 * DAY_MS, tellReferrerAt: 3 },
  duplicateOrder: { softStopMs: DAY_MS, hardStopMs: HOUR_MS },
  unknownProcedure: 'accept',
  duplicateInstance: 'first-stays',
  unknownCallingAe: 'refuse',
  verification: { everyMs: 30 * DAY_MS, bytesPerSecond: 20_000_000 },
  completeness: { commitment: 'off', endExamRequired: false, mppsSilenceMs: 12 * HOUR_MS },
  quality: {
    allowance: {
      stat: continuous(5 * MINUTE_MS),
      urgent: continuous(20 * MINUTE_MS),
      routine: continuous(20 * MINUTE_MS),
    },
    onTimeout: { stat: 'accept-unchecked', urgent: 'escalate', routine: 'escalate' },
  },
  safety: {
    egfrMinimum: 30,
    egfrMaxAgeMs: 30 * DAY_MS,
    pregnancyMaxAgeMs: DAY_MS,
    pregnancyAges: { from: 12, to: 55 },
    askBeforeSlotMs: DAY_MS,
  },
  allowances: {
    map: continuous(4 * HOUR_MS),
    protocol: {
      stat: continuous(15 * MINUTE_MS),
      urgent: continuous(2 * HOUR_MS),
      routine: businessDays(1),
    },
    safety: continuous(30 * MINUTE_MS),
    schedule: {
      stat: continuous(15 * MINUTE_MS),
      urgent: continuous(2 * HOUR_MS),
      routine: businessDays(1),
    },
    rebook: businessDays(1),
    retake: continuous(30 * MINUTE_MS),
    decide: continuous(15 * MINUTE_MS),
    complete: continuous(15 * MINUTE_MS),
    clarify: continuous(30 * MINUTE_MS),
    sign: {
      stat: continuous(30 * MINUTE_MS),
      urgent: continuous(2 * HOUR_MS),
      routine: continuous(12 * HOUR_MS),
    },
    watchdog: continuous(4 * HOUR_MS),
    late: continuous(4 * HOUR_MS),
    reconcile: {
      stat: continuous(15 * MINUTE_MS),
      urgent: continuous(2 * HOUR_MS),
      routine: continuous(2 * HOUR_MS),
    },
    mend: {
      stat: continuous(HOUR_MS),
      urgent: continuous(4 * HOUR_MS),
      routine: continuous(4 * HOUR_MS),
    },
  },
  sla: {
    stat: continuous(60 * MINUTE_MS),
    statFirstWord: continuous(30 * MINUTE_MS),
    urgent: continuous(4 * HOUR_MS),
    routine: {
      // An emergency department never closes: its routine orders run day and night, as an inpatient's do.
      emergency: continuous(12 * HOUR_MS),
      'intensive-care': continuous(12 * HOUR_MS),
      inpatient: continuous(12 * HOUR_MS),
      outpatient: businessDays(1),
      screening: businessDays(3),
    },
  },
  ladder: {
    stat: { notify: 50, reassign: 100, lead: 125, head: 200 },
    urgent: { notify: 75, reassign: 100, lead: 125, head: 200 },
    routine: { notify: 90, reassign: 110, lead: 150, head: 300 },
  },
  // ACR Actionable Reporting Work Group: minutes, hours, days; the figures are ours.
  critical: { 1: 60 * MINUTE_MS, 2: 6 * HOUR_MS, 3: 3 * DAY_MS },
  criticalLadder: { orderer: 0, ward: 50, 'on-call': 75, lead: 100, head: 150 },
  watchdog: { draftSilenceMs: 8 * HOUR_MS, wetReadMs: 12 * HOUR_MS, amendmentMs: 24 * HOUR_MS },
  widenMs: { author: 4 * HOUR_MS, room: 30 * MINUTE_MS, signer: 4 * HOUR_MS },
  pauses: {
    'waiting-prior': 2 * HOUR_MS,
    'waiting-technologist': 4 * HOUR_MS,
    'waiting-lab': 4 * HOUR_MS,
    'waiting-patient': 24 * HOUR_MS,
    'waiting-transport': HOUR_MS,
    'waiting-referrer': 24 * HOUR_MS,
  },
  statPauseMaxMs: 30 * MINUTE_MS,
  delivery: {
    answerTimeoutMs: 30_000,
    retryBaseMs: 5_000,
    retryCapMs: 5 * MINUTE_MS,
    parkAfterFirstErrorMs: HOUR_MS,
  },
  retention: {
    adultYears: 10,
    xrayAdultYears: 10,
    xrayMinorUntilAge: 28,
    mammographyYears: 10,
    ssdMs: 30 * DAY_MS,
    hddMs: 3 * 365 * DAY_MS,
    purgeGraceMs: 30 * DAY_MS,
  },
  dictation: { browserCloud: 'refuse' },
  remindersBeforeMs: [48 * HOUR_MS, 2 * HOUR_MS],
  wristbandMismatch: 'refuse',
  handover: { shiftStarts: ['06:00', '14:00', '22:00'], earlyMs: 60 * MINUTE_MS },
  repeats: { baselinePercent: 12, targetPercent: 4, atLeast: 20 },
}
