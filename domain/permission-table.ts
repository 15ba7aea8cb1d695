/** The table of rights: for every verb the roles that may, and what each needs beside the role. */
import type { Role } from './words.ts'

/**
 * site: subject's site is one of the actor's · own: holder, author or referrer · eligible: `eligibility` says so ·
 * resident: within a resident's limits. The rest say themselves. Needs are checked in the order they are written.
 */
export type Need =
  | 'site'
  | 'own'
  | 'not-author'
  | 'released'
  | 'emergency'
  | 'own-room-today'
  | 'audience'
  | 'slow'
  | 'resident'
  | 'eligible'
  | 'reason-for-anothers'
  | 'reason'
  | 'reauthentication'
  | 'second-person'

export type Rule = {
  roles: readonly Role[]
  needs: readonly Need[]
  /** Who may be the second person, where that isn't the same circle. */
  secondRoles?: readonly Role[]
}

const rule = (roles: readonly Role[], ...needs: Need[]): Rule => ({ roles, needs })

/** Everybody who works with patients in the department. */
const STAFF: readonly Role[] = ['technologist', 'radiologist', 'resident', 'scheduler', 'lead', 'head']
/** Acts at the modality: people, and what devices and timers report. */
const AT_THE_SCANNER: readonly Rule[] = [
  rule(['technologist', 'lead'], 'site'),
  rule(['device', 'department']),
]
const WRITES_REPORTS: readonly Rule[] = [
  rule(['radiologist'], 'site', 'eligible'),
  rule(['resident'], 'site', 'resident', 'eligible'),
]
const SIGNS: readonly Rule[] = [rule(['radiologist'], 'site', 'eligible', 'reauthentication')]
const AMENDS: readonly Rule[] = [
  rule(['radiologist'], 'site', 'eligible', 'reason-for-anothers', 'reauthentication'),
]
const ORDERS: readonly Rule[] = [
  rule(['scheduler', 'lead'], 'site'),
  rule(['technologist'], 'site', 'emergency'),
  rule(['integration'], 'site'),
]
const BOOKS: readonly Rule[] = [rule(['scheduler', 'lead', 'technologist'], 'site'), rule(['department'])]
const BY_AUDIENCE: readonly Rule[] = [
  rule(['radiologist', 'resident'], 'site', 'audience', 'eligible'),
  rule(['technologist', 'scheduler', 'lead', 'head', 'physicist', 'admin', 'machine'], 'site', 'audience'),
]
const MANAGES: readonly Rule[] = [rule(['lead'], 'site', 'reason')]
const RELINKS: readonly Rule[] = [
  rule(['technologist'], 'site', 'own-room-today', 'reason'),
  rule(['lead', 'admin'], 'site', 'reason'),
]
const MERGES: readonly Rule[] = [rule(['admin'], 'reason'), rule(['integration'])]
const MENDS: readonly Rule[] = [rule(['admin'], 'reason')]
const PHYSICS: readonly Rule[] = [rule(['physicist'], 'site')]
const CONFIGURES: readonly Rule[] = [rule(['admin'], 'reauthentication')]
const SEES_FACTS: readonly Rule[] = [
  rule([...STAFF, 'physicist', 'admin', 'integration'], 'site'),
  rule(['referrer'], 'own'),
]

const TABLE = {
  // Seeing. An administrator sees facts and no medicine; a physicist sees images and dose and no report.
  'see-order': SEES_FACTS,
  'see-timeline': SEES_FACTS,
  'see-deliveries': SEES_FACTS,
  'see-report': [rule([...STAFF, 'integration'], 'site'), rule(['referrer'], 'own', 'released')],
  'see-images': [rule([...STAFF, 'physicist', 'integration'], 'site'), rule(['referrer'], 'own', 'released')],
  'see-work': [rule([...STAFF, 'physicist', 'admin', 'integration'], 'site')],
  'see-department': [rule(['lead', 'head', 'admin'], 'site')],
  'see-exceptions': [rule(['admin', 'lead', 'integration'], 'site')],
  'see-health': [rule(['admin', 'lead', 'head', 'integration'])],
  'search-patient': [
    rule(['technologist', 'radiologist', 'resident', 'scheduler', 'lead', 'integration'], 'site'),
    rule(['referrer'], 'own'),
  ],
  'view-prior': [
    rule(['technologist', 'radiologist', 'resident', 'scheduler', 'lead'], 'site'),
    rule(['referrer'], 'own'),
  ],
  'break-glass': [rule(['technologist', 'radiologist', 'resident', 'lead'], 'reason', 'reauthentication')],

  // Orders and the calendar.
  'create-order': ORDERS,
  'change-order': ORDERS,
  'cancel-order': ORDERS,
  'book-step': BOOKS,
  'unbook-step': BOOKS,
  'move-step': BOOKS,
  'arrive-step': BOOKS,
  'undo-arrive': BOOKS,
  'map-procedure': [rule(['admin', 'lead'], 'site')],
  'answer-gate': [rule(['technologist', 'radiologist', 'resident'], 'site')],
  'override-gate': [rule(['radiologist'], 'site', 'reason')],
  'choose-protocol': [
    rule(['radiologist'], 'site', 'eligible'),
    rule(['resident'], 'site', 'resident'),
    rule(['department']),
  ],
  'cosign-protocol': [rule(['radiologist'], 'site', 'not-author')],

  // At the scanner and the quality gate.
  'begin-exam': AT_THE_SCANNER,
  'end-exam': AT_THE_SCANNER,
  'decide-exam': AT_THE_SCANNER,
  'complete-study': AT_THE_SCANNER,
  'quality-accept': AT_THE_SCANNER,
  'quality-reject': AT_THE_SCANNER,
  clarify: AT_THE_SCANNER,
  /** Which of the scanner's programs is planned for a step: the console's protocol, not the reader's choice. */
  'choose-console-protocol': [rule(['technologist', 'lead', 'radiologist'], 'site')],
  'keep-protocols': [rule(['lead', 'radiologist', 'admin'])],
  'hand-over': [rule(['technologist', 'lead'], 'site')],
  /** Between technologists, before and during the exam: taken, passed on, put back. */
  'pass-exam': [rule(['technologist', 'lead'], 'site')],
  'see-repeats': [rule(['lead', 'head', 'physicist', 'admin'], 'site')],
  'begin-despite-mismatch': [rule(['technologist'], 'site', 'reason', 'second-person')],
  'ask-return': [rule(['radiologist', 'resident'], 'site', 'eligible')],
  'store-images': [rule(['device', 'integration', 'department'])],
  'report-performed-step': [rule(['device', 'department'])],
  'query-worklist': [rule(['device', 'department'])],

  // Putting right.
  'move-images': RELINKS,
  'link-study': RELINKS,
  'unlink-study': RELINKS,
  'undo-move': RELINKS,
  'merge-patients': MERGES,
  'unmerge-patients': MERGES,
  'settle-duplicate': [rule(['lead', 'admin'], 'site')],
  'reject-for-quality': [rule(['technologist', 'radiologist'], 'site', 'reason')],
  'reject-for-safety': [rule(['lead', 'admin'], 'site', 'reason')],
  'reject-for-wrong-entry': [rule(['lead', 'admin'], 'site', 'reason')],
  'revoke-rejection': [rule(['lead', 'admin'], 'site', 'reason')],
  'revoke-safety-rejection': [rule(['lead', 'admin'], 'site', 'reason', 'second-person')],

  // Work items.
  claim: BY_AUDIENCE,
  heartbeat: BY_AUDIENCE,
  release: BY_AUDIENCE,
  skip: BY_AUDIENCE,
  park: BY_AUDIENCE,
  'pause-own': BY_AUDIENCE,
  'take-over': [
    rule(['lead'], 'site', 'reason'),
    rule(['radiologist', 'resident'], 'site', 'audience', 'eligible', 'slow', 'reason'),
  ],
  reassign: MANAGES,
  're-room': MANAGES,
  'call-in': MANAGES,
  'raise-priority': MANAGES,
  'plan-shifts': [rule(['lead', 'head'], 'site')],

  // Lists: everybody keeps views of their own; those who lead or teach share them.
  'keep-view': [rule([...STAFF, 'physicist', 'referrer', 'admin'], 'own')],
  'share-view': [rule(['radiologist', 'scheduler', 'lead', 'head'], 'own')],
  // The viewer: how images are hung is a reader's own; presentations and key images become objects of the study.
  'keep-hanging': [rule(['radiologist', 'resident'], 'own')],
  'mark-images': [rule(['radiologist', 'resident', 'technologist'], 'site')],
  'pause-for-another': MANAGES,

  // Reports.
  'save-report': WRITES_REPORTS,
  'wet-read': WRITES_REPORTS,
  preliminary: WRITES_REPORTS,
  'submit-report': WRITES_REPORTS,
  'send-back': SIGNS,
  sign: SIGNS,
  addendum: AMENDS,
  correction: AMENDS,
  /** Images that came after the report were looked at, and nothing is to be said. */
  'see-late-images': [rule(['radiologist'], 'site', 'eligible')],
  recall: [rule(['radiologist'], 'own')],
  retract: [rule(['radiologist'], 'site', 'reason', 'reauthentication', 'second-person')],
  'raise-critical': [rule(['radiologist', 'resident'], 'site')],
  'document-critical': [rule(['radiologist', 'resident', 'lead'], 'site')],
  'withdraw-critical': [rule(['radiologist'], 'site', 'reason', 'second-person')],
  /** Words of one's own, for oneself or for everybody who writes reports. */
  'keep-macro': [rule(['radiologist', 'resident'])],

  // Interfaces, holds, physics, configuration, audit.
  'mend-message': MENDS,
  'replay-message': MENDS,
  'pause-interface': MENDS,
  'drain-interface': MENDS,
  'place-hold': [rule(['admin', 'head'], 'reason')],
  'release-hold': [rule(['admin', 'head'], 'reason', 'second-person')],
  'approve-purge': [
    { roles: ['head'], needs: ['reason', 'reauthentication', 'second-person'], secondRoles: ['admin'] },
  ],
  phantom: PHYSICS,
  'display-check': PHYSICS,
  'device-baseline': PHYSICS,
  'dose-limits': PHYSICS,
  'configure-device': CONFIGURES,
  'configure-catalogue': CONFIGURES,
  'configure-destination': CONFIGURES,
  'configure-policy': CONFIGURES,
  'configure-people': CONFIGURES,
  'approve-policy': [rule(['head'], 'not-author', 'reauthentication')],
  'see-audit': [rule(['admin', 'head'])],
  'export-patient-data': [rule(['head', 'admin'], 'reason', 'reauthentication')],

  /** What the department does by itself: open and cancel items, fire timers, deliver, close, tier. */
  'run-duty': [rule(['department'])],
} satisfies Record<string, readonly Rule[]>

export type Verb = keyof typeof TABLE

export const RULES: Readonly<Record<Verb, readonly Rule[]>> = TABLE
export const VERBS = Object.keys(TABLE) as readonly Verb[]
