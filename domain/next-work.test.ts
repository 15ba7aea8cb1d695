/** The next-work table, row by row: what a fact calls for, whom, by when, and when it stops being called for. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  acceptedStudy,
  delivery,
  minute,
  orderFacts,
  performedStep,
  procedure,
  report,
  scheduledStep,
  step,
  study,
  version,
} from './facts.fixture.ts'
import type { OrderFacts, StepFact, StudyFact } from './facts.ts'
import { closesAt, nextLook, nextWork } from './next-work.ts'
import { POLICY_VERSION_1, type Policy } from './policy.ts'
import { STEP_STATUSES } from './words.ts'
import { itemKey, type WantedItem } from './work-item-wanted.ts'

const policy = POLICY_VERSION_1
const careful: Policy = { ...policy, safetyGates: 'on', protocolling: 'on' }
const departed = step({ status: 'departed', slotStart: minute(60), bookings: 1, roomId: 'CT 1' })

/** An exam that is over, with one study. */
const performed = (parts: Partial<OrderFacts> = {}): OrderFacts =>
  orderFacts({ procedures: [procedure({ steps: [departed] })], performedSteps: [performedStep()], ...parts })

const withStep = (parts: Partial<StepFact>): OrderFacts =>
  orderFacts({ procedures: [procedure({ steps: [step(parts)] })] })
const kinds = (facts: OrderFacts, now = minute(100), under = policy) =>
  nextWork(facts, now, under).map(({ kind }) => kind)

function only(facts: OrderFacts, now = minute(100), under = policy): WantedItem {
  const wanted = nextWork(facts, now, under)
  expect(wanted.map(({ kind }) => kind)).toHaveLength(1)
  return wanted[0] as WantedItem
}

describe('before the patient comes', () => {
  test('an unknown code is mapped by an administrator within four hours', () => {
    const item = only(orderFacts({ procedures: [procedure({ codeKnown: false, area: null })] }))
    expect(item).toMatchObject({
      kind: 'map',
      subjectId: 'procedure-1',
      cycle: 1,
      owner: 'interface',
      dueAt: minute(240),
    })
    expect(item.audience.roles).toEqual(['admin', 'lead'])
  })

  test('an order without a slot asks the scheduler, at once when stat and within a business day when routine', () => {
    expect(only(orderFacts())).toMatchObject({
      kind: 'schedule',
      subjectType: 'step',
      cycle: 1,
      business: true,
    })
    // Monday 09:00 plus twelve business hours: ten are left today, two tomorrow.
    expect(only(orderFacts()).dueAt).toEqual(minute(24 * 60))
    expect(only(orderFacts({ order: { priority: 'stat' } })).dueAt).toEqual(minute(15))
    expect(only(orderFacts({ order: { priority: 'urgent' } })).dueAt).toEqual(minute(120))
  })

  test('a booking given up asks for another one', () => {
    expect(only(withStep({ status: 'planned', bookings: 1 })).cycle).toBe(2)
    expect(only(withStep({ status: 'planned', undoneArrivals: 1 })).cycle).toBe(2)
  })

  test('a protocol is a reader’s where the catalogue and the policy say so, and scheduling waits for it', () => {
    const facts = orderFacts({ procedures: [procedure({ protocolling: 'reader' })] })
    expect(kinds(facts, minute(1), careful)).toEqual(['protocol'])
    expect(kinds(facts, minute(1), policy)).toEqual(['schedule'])
    const chosen = orderFacts({
      procedures: [procedure({ protocolling: 'reader', protocolChosenBy: 'person' })],
    })
    expect(kinds(chosen, minute(1), careful)).toEqual(['schedule'])
  })

  test('a resident’s protocol is co-signed by a radiologist who did not choose it', () => {
    const cosign = { byUserId: 'resident-1', since: minute(5) }
    const facts = orderFacts({
      procedures: [
        procedure({ protocolling: 'reader', protocolChosenBy: 'person', protocolCosignWanted: cosign }),
      ],
    })
    const item = nextWork(facts, minute(6), careful).find(({ kind }) => kind === 'protocol-cosign')
    expect(item?.audience).toMatchObject({ roles: ['radiologist'], exceptUserId: 'resident-1' })
  })

  test('who comes after all is waited for at the scanner, as another piece of work', () => {
    const booked = { slotStart: minute(60), roomId: 'CT 1', bookings: 1 } as const
    expect(only(withStep({ status: 'scheduled', ...booked }))).toMatchObject({ kind: 'perform', cycle: 1 })
    const absent = { ...booked, noShows: 1, noShowAt: minute(90) }
    expect(kinds(withStep({ status: 'no-show', ...absent }))).toEqual(['rebook'])
    const late = only(withStep({ status: 'ready', arrivedAt: minute(95), ...absent }))
    expect(late).toMatchObject({ kind: 'perform', cycle: 2 })
  })

  test('a no-show is rebooked, each time anew', () => {
    const facts = withStep({ status: 'no-show', noShows: 2, noShowAt: minute(90), bookings: 2 })
    expect(only(facts)).toMatchObject({ kind: 'rebook', cycle: 2, owner: 'scheduler' })
  })

  test('an ended order wants nothing of all this', () => {
    expect(kinds(orderFacts({ procedures: [procedure({ ended: 'cancelled', codeKnown: false })] }))).toEqual(
      [],
    )
  })
})

describe('safety gates', () => {
  const gated = (parts: Partial<StepFact['gates'][number]>, slotStart = minute(60)) =>
    orderFacts({
      procedures: [
        procedure({
          steps: [
            scheduledStep({
              slotStart,
              gates: [{ gate: 'egfr', outcome: null, valueAt: null, owner: 'lab', invalidated: 0, ...parts }],
            }),
          ],
        }),
      ],
    })
  const safety = (facts: OrderFacts, now: Date) =>
    nextWork(facts, now, careful).find(({ kind }) => kind === 'safety')

  test('are asked from a day before the slot, not before', () => {
    const facts = gated({}, minute(3 * 1440))
    expect(safety(facts, minute(2 * 1440 - 1))).toBeUndefined()
    expect(safety(facts, minute(2 * 1440))).toMatchObject({ owner: 'lab', dueAt: minute(2 * 1440 + 30) })
    expect(nextLook(facts, minute(0), careful)).toEqual(minute(2 * 1440))
  })

  test('that failed are a radiologist’s', () => {
    expect(safety(gated({ outcome: 'failed' }), minute(1))?.audience).toMatchObject({
      roles: ['radiologist'],
    })
  })

  test('whose laboratory value grows older than thirty days before the exam are asked again', () => {
    const slot = minute(40 * 1440)
    const facts = gated({ outcome: 'satisfied', valueAt: minute(9.5 * 1440), invalidated: 1 }, slot)
    expect(safety(facts, minute(39.4 * 1440))).toBeUndefined()
    expect(safety(facts, minute(39.5 * 1440))).toMatchObject({ cycle: 2 })
  })

  test('are not asked while the policy leaves them off', () => {
    expect(kinds(gated({}), minute(30))).toEqual(['perform'])
  })
})

describe('at the scanner', () => {
  test('a booked patient is on the technologist’s list from local midnight of the day', () => {
    const facts = orderFacts({
      procedures: [procedure({ steps: [scheduledStep({ slotStart: minute(2 * 1440) })] })],
    })
    const midnight = new Date('2026-11-03T23:00:00Z')
    expect(kinds(facts, new Date(midnight.getTime() - 1))).toEqual([])
    expect(only(facts, midnight)).toMatchObject({
      kind: 'perform',
      owner: 'patient',
      dueAt: minute(2 * 1440),
    })
    expect(nextLook(facts, minute(0), policy)).toEqual(midnight)
  })

  test('a patient who is here is the technologist’s clock', () => {
    expect(only(withStep({ status: 'arrived', arrivedAt: minute(30) }))).toMatchObject({
      kind: 'perform',
      owner: 'technologist',
      dueAt: minute(30),
    })
  })

  test('a patient booked for another day after today is that day’s work, under a new key', () => {
    const today = only(orderFacts({ procedures: [procedure({ steps: [scheduledStep()] })] }), minute(0))
    const moved = scheduledStep({ slotStart: minute(1440), bookings: 2 })
    const tomorrow = only(orderFacts({ procedures: [procedure({ steps: [moved] })] }), minute(1440))
    expect(itemKey(today)).not.toBe(itemKey(tomorrow))
  })

  test('a repeat with the patient still here is due in half an hour', () => {
    const repeat = step({
      id: 'step-2',
      status: 'arrived',
      arrivedAt: minute(80),
      fromRetake: { askedAt: minute(80) },
    })
    const facts = performed({
      procedures: [procedure({ steps: [departed, repeat] })],
      studies: [acceptedStudy()],
    })
    const item = nextWork(facts, minute(81), policy).find(({ kind }) => kind === 'perform')
    expect(item).toMatchObject({ subjectId: 'step-2', dueAt: minute(110) })
  })

  const stopped = (parts: Parameters<typeof performedStep>[0]) =>
    orderFacts({
      procedures: [
        procedure({ steps: [step({ status: 'started', roomId: 'CT 1', arrivedAt: minute(50) })] }),
      ],
      performedSteps: [performedStep({ status: 'DISCONTINUED', ...parts })],
    })

  test('a stopped exam with images is decided by a technologist', () => {
    expect(kinds(stopped({ reasonCode: '110501' }))).toContain('decide')
    expect(kinds(stopped({ reasonCode: null, storedInstances: 0 }))).toContain('decide')
  })

  test('a stopped exam without images whose reason says what to do is taken by rule', () => {
    expect(kinds(stopped({ reasonCode: '110501', storedInstances: 0 }))).not.toContain('decide')
  })

  test('a wrong worklist entry is reconciled, not decided', () => {
    const wanted = kinds(stopped({ reasonCode: '110514' }))
    expect(wanted).toContain('reconcile')
    expect(wanted).not.toContain('decide')
  })

  test('twelve hours of silence from a device ask a technologist', () => {
    const silent = performedStep({ status: 'IN PROGRESS', endedAt: null, studyId: null })
    const facts = orderFacts({
      procedures: [procedure({ steps: [step({ status: 'started', arrivedAt: minute(50) })] })],
      performedSteps: [silent],
    })
    expect(kinds(facts, minute(70 + 719))).not.toContain('complete')
    const item = nextWork(facts, minute(70 + 720), policy).find(({ kind }) => kind === 'complete')
    expect(item).toMatchObject({ subjectType: 'performed-step', owner: 'device' })
  })
})

describe('from images to a reader', () => {
  test('missing images ask for completion, each new verdict under its own key', () => {
    const verdict = { verdict: 'incomplete', missing: 3, decidedAt: minute(80) } as const
    const facts = performed({ studies: [study({ completeness: verdict })] })
    expect(only(facts)).toMatchObject({ kind: 'complete', cycle: 1, dueAt: minute(95) })
    const again = performed({ studies: [study({ completeness: verdict, earlierIncompletes: 1 })] })
    expect(only(again).cycle).toBe(2)
    const accepted = performed({
      studies: [study({ completeness: verdict, incompleteAcceptedAt: minute(90) })],
    })
    expect(only(accepted).kind).toBe('quality')
  })

  test('nothing is wanted while completeness is still waiting', () => {
    const facts = performed({
      studies: [study({ completeness: { verdict: 'waiting', missing: 3, decidedAt: minute(71) } })],
    })
    expect(kinds(facts)).toEqual([])
  })

  test('a complete study is checked within twenty minutes of the end, five when stat', () => {
    expect(only(performed({ studies: [study()] }))).toMatchObject({
      kind: 'quality',
      cycle: 1,
      dueAt: minute(90),
    })
    expect(
      only(performed({ studies: [study()], order: { ...orderFacts().order, priority: 'stat' } })).dueAt,
    ).toEqual(minute(75))
  })

  test('only an accepted study is read, and its clock starts at the acceptance', () => {
    expect(kinds(performed({ studies: [study()] }))).not.toContain('read')
    const item = only(performed({ studies: [acceptedStudy()] }))
    expect(item).toMatchObject({
      kind: 'read',
      subjectType: 'study',
      cycle: 1,
      dueFrom: minute(75),
      blockedBy: null,
    })
    expect(item.audience).toMatchObject({ roles: ['radiologist', 'resident'], area: 'neuro' })
  })

  test('a rejection with a repeat waits for the repeat, then asks for another look', () => {
    const rejected: Partial<StudyFact> = {
      qualityDecisions: [{ cycle: 1, decision: 'rejected', repeated: true, at: minute(76) }],
      visibleInstances: 1,
    }
    const repeat = step({
      id: 'step-2',
      status: 'arrived',
      arrivedAt: minute(76),
      fromRetake: { askedAt: minute(76) },
    })
    const waiting = performed({
      procedures: [procedure({ steps: [departed, repeat] })],
      studies: [study(rejected)],
    })
    expect(kinds(waiting)).toEqual(['perform'])
    const steps = [departed, { ...repeat, status: 'departed' as const }]
    const made = performed({
      procedures: [procedure({ steps })],
      studies: [study({ ...rejected, appendedBatches: 1 })],
    })
    expect(only(made)).toMatchObject({ kind: 'quality', cycle: 3 })
  })

  test('a rejection without a repeat lets the rest be read', () => {
    const decisions = [{ cycle: 1, decision: 'rejected', repeated: false, at: minute(76) } as const]
    expect(
      kinds(performed({ studies: [study({ qualityDecisions: decisions, visibleInstances: 1 })] })),
    ).toEqual(['read'])
    // With nothing left the decision itself ends the procedure.
    const ended = procedure({ steps: [departed], ended: 'discontinued' })
    const nothing = study({ qualityDecisions: decisions, visibleInstances: 0 })
    expect(kinds(performed({ procedures: [ended], studies: [nothing] }))).toEqual([])
  })

  test('with every image withdrawn the check and the reading wait, and are the same ones when there are others', () => {
    const wanted = (visibleInstances: number) =>
      nextWork(performed({ studies: [acceptedStudy({ visibleInstances })] }), minute(100), policy).map(
        ({ kind, cycle, blockedBy }) => [kind, cycle, blockedBy],
      )
    expect(wanted(0)).toEqual([['read', 1, 'retake']])
    expect(wanted(2)).toEqual([['read', 1, null]])
    const unchecked = only(performed({ studies: [study({ visibleInstances: 0 })] }))
    expect(unchecked).toMatchObject({ kind: 'quality', cycle: 1, blockedBy: 'retake' })
  })

  test('images appended after the acceptance are checked while reading stays open', () => {
    const wanted = nextWork(
      performed({ studies: [acceptedStudy({ appendedBatches: 1 })] }),
      minute(100),
      policy,
    )
    expect(wanted.map(({ kind, cycle }) => [kind, cycle])).toEqual([
      ['quality', 2],
      ['read', 1],
    ])
  })

  test('a reader’s question blocks reading and asks the technologist', () => {
    const returns = [{ id: 'return-1', kind: 'clarify', askedAt: minute(90), answeredAt: null } as const]
    const wanted = nextWork(performed({ studies: [acceptedStudy({ returns })] }), minute(100), policy)
    expect(wanted.find(({ kind }) => kind === 'clarify')).toMatchObject({ dueAt: minute(120), cycle: 1 })
    expect(wanted.find(({ kind }) => kind === 'read')?.blockedBy).toBe('clarify')
  })

  test('a move of images blocks reading and checking', () => {
    const wanted = nextWork(
      performed({ studies: [acceptedStudy({ moveOpen: true, appendedBatches: 1 })] }),
      minute(100),
      policy,
    )
    expect(wanted.map(({ kind, blockedBy }) => [kind, blockedBy])).toEqual([
      ['quality', 'move'],
      ['read', 'move'],
    ])
  })

  test('two studies of one order are read apart', () => {
    const procedures = [
      procedure({ steps: [departed] }),
      procedure({ id: 'procedure-2', area: 'chest', steps: [{ ...departed, id: 'step-2' }] }),
    ]
    const studies = [acceptedStudy(), acceptedStudy({ id: 'study-2', procedureIds: ['procedure-2'] })]
    const wanted = nextWork(performed({ procedures, studies }), minute(100), policy)
    expect(wanted.map(({ subjectId, audience }) => [subjectId, audience.area])).toEqual([
      ['study-1', 'neuro'],
      ['study-2', 'chest'],
    ])
  })
})

describe('from a reader to the EMR', () => {
  const reported = (parts: Parameters<typeof report>[0]) =>
    performed({ studies: [acceptedStudy()], reports: [report({ versions: [], ...parts })] })

  test('a signed report leaves nothing to do', () => {
    expect(kinds(reported({ versions: [version()] }), minute(130))).toEqual([])
  })

  test('images that wait for their check wait on while a signature may still be taken back', () => {
    const studies = [acceptedStudy({ appendedBatches: 1 })]
    const signed = (parts: Parameters<typeof version>[0]) =>
      kinds(performed({ studies, reports: [report({ versions: [version(parts)] })] }), minute(121))
    expect(signed({ releasedAt: null, deliveries: [] })).toEqual(['quality'])
    expect(signed({})).toEqual([])
  })

  test('a radiologist’s draft, wet read or preliminary leaves the reading open', () => {
    for (const state of ['DRAFT', 'WET_READ', 'PRELIM'] as const)
      expect(kinds(reported({ state }))).toEqual(['read'])
  })

  test('a resident’s preliminary is over-read by a radiologist', () => {
    const item = only(
      reported({
        state: 'PRELIM',
        authorId: 'resident-1',
        authorRole: 'resident',
        submissions: 1,
        submittedAt: minute(95),
      }),
    )
    expect(item).toMatchObject({ kind: 'over-read', subjectType: 'report', cycle: 1 })
    expect(item.audience).toMatchObject({ roles: ['radiologist'], exceptUserId: 'resident-1' })
  })

  test('what was handed on stays to be over-read when its author becomes a radiologist, and what was not stays to be read', () => {
    const word = { state: 'PRELIM', authorId: 'person-1' } as const
    for (const authorRole of ['resident', 'radiologist', 'head'] as const) {
      const handedOn = reported({ ...word, authorRole, submissions: 1, submittedAt: minute(95) })
      expect(only(handedOn)).toMatchObject({ kind: 'over-read', cycle: 1 })
      expect(only(reported({ ...word, authorRole }))).toMatchObject({ kind: 'read', cycle: 1 })
    }
  })

  test('a submission is checked as what it was handed on as, whatever its author has become', () => {
    const submitted = { state: 'PENDING_SIGN', submissions: 1, submittedAt: minute(95) } as const
    for (const authorRole of ['resident', 'radiologist'] as const) {
      expect(kinds(reported({ ...submitted, authorRole, handedOnAs: 'resident' }))).toEqual(['over-read'])
      expect(kinds(reported({ ...submitted, authorRole, handedOnAs: 'radiologist' }))).toEqual(['sign'])
    }
  })

  test('nobody signs a report while images of it are being moved', () => {
    const submitted = { state: 'PENDING_SIGN', submissions: 1, submittedAt: minute(95) } as const
    const moved = acceptedStudy({ moves: [{ at: minute(96), emptied: false }] })
    const facts = performed({ studies: [moved], reports: [report({ versions: [], ...submitted })] })
    const signing = nextWork(facts, minute(100), policy).find(({ kind }) => kind === 'sign')
    expect(signing?.blockedBy).toBe('move')
  })

  test('what a radiologist submits is signed by another', () => {
    const item = only(reported({ state: 'PENDING_SIGN', submissions: 1, submittedAt: minute(95) }))
    expect(item).toMatchObject({ kind: 'sign' })
    expect(item.audience.exceptUserId).toBe('radiologist-1')
  })

  test('a report sent back is its author’s for four hours, then any radiologist’s', () => {
    const item = only(
      reported({ state: 'SIGN_REJECTED', submissions: 2, submittedAt: minute(95), sentBackAt: minute(99) }),
    )
    expect(item).toMatchObject({ kind: 'sent-back', cycle: 2 })
    expect(item.audience).toMatchObject({
      userId: 'radiologist-1',
      widensAt: minute(99 + 240),
      widensTo: ['radiologist'],
    })
  })

  test('what was sent back stays its author’s after another first word, and after a signature that is recalled', () => {
    const sentBack = { submissions: 2, submittedAt: minute(95), sentBackAt: minute(99) }
    const word = version({ kind: 'preliminary', deliveries: [] })
    expect(kinds(reported({ state: 'PRELIM', ...sentBack, versions: [word] }))).toEqual(['sent-back'])
    const resident = { authorId: 'resident-1', authorRole: 'resident' } as const
    expect(kinds(reported({ state: 'PRELIM', ...sentBack, ...resident, sentBackAt: null }))).toEqual([
      'over-read',
    ])
    const recalled = version({ releasedAt: null, recalledAt: minute(121), deliveries: [] })
    const again = only(reported({ state: 'SIGN_REJECTED', ...sentBack, versions: [recalled] }), minute(125))
    expect(again).toMatchObject({ kind: 'sent-back', cycle: 3 })
  })

  test('a recalled signature and a retracted report each open the reading again, under a new key', () => {
    const recalled = version({ releasedAt: null, recalledAt: minute(121), deliveries: [] })
    expect(only(reported({ state: 'DRAFT', versions: [recalled] }), minute(125)).cycle).toBe(2)
    expect(only(reported({ state: 'CANCELLED', versions: [version()] }), minute(125)).cycle).toBe(2)
    expect(only(reported({ state: 'CANCELLED', versions: [] }), minute(125)).cycle).toBe(1)
    const handedOn = reported({ state: 'CANCELLED', authorRole: 'resident', submissions: 1, versions: [] })
    expect(only(handedOn, minute(125)).cycle).toBe(2)
  })

  test('a draft without a heartbeat for eight hours is asked about', () => {
    const facts = reported({ state: 'DRAFT', draftTouchedAt: minute(100) })
    expect(kinds(facts, minute(100 + 479))).toEqual(['read'])
    expect(kinds(facts, minute(100 + 480))).toEqual(['read', 'watchdog'])
  })

  test('images after the final report are their signer’s', () => {
    const late = performed({
      studies: [acceptedStudy({ lateBatches: [{ at: minute(200), answeredAt: null }] })],
      reports: [report()],
    })
    expect(only(late, minute(201))).toMatchObject({ kind: 'late', cycle: 1, dueAt: minute(440) })
  })
})

describe('what stays after the end', () => {
  test('an exception is mended whatever became of its order', () => {
    const open = {
      id: 'exception-1',
      kind: 'conflict',
      openedAt: minute(5),
      closedAt: null,
      reopened: 1,
    } as const
    const facts = orderFacts({ procedures: [procedure({ ended: 'cancelled' })], exceptions: [open] })
    const item = only(facts)
    expect(item).toMatchObject({ kind: 'mend', subjectId: 'exception-1', cycle: 2 })
    expect(item.audience.roles).toEqual(['lead'])
    expect(kinds({ ...facts, exceptions: [{ ...open, closedAt: minute(6) }] })).toEqual([])
  })

  test('[CR-03] a critical result is its finder’s until the second contact is due, keeps its order open, and asks anew at another level', () => {
    const critical = {
      ...({ id: 'critical-1', level: 1, foundAt: minute(90), foundById: 'reader-1' } as const),
      ...{ levelChanges: 0, closedAt: null },
    }
    const wanted = only(
      orderFacts({ criticalResults: [critical], procedures: [procedure({ ended: 'discontinued' })] }),
    )
    expect(wanted).toMatchObject({
      ...{ kind: 'critical', subjectId: 'critical-1', cycle: 1, dueFrom: minute(90), dueAt: minute(150) },
      audience: { userId: 'reader-1', widensAt: minute(120), widensTo: ['radiologist', 'resident', 'lead'] },
    })
    const changed = { ...critical, level: 2 as const, levelChanges: 1 }
    const over = [procedure({ ended: 'discontinued' })]
    expect(only(orderFacts({ criticalResults: [changed], procedures: over }))).toMatchObject({
      ...{ cycle: 2, dueAt: minute(450) },
    })
    const told = { ...critical, closedAt: minute(99) }
    expect(kinds(orderFacts({ criticalResults: [told], procedures: over }))).toEqual([])
  })

  test('images whose patient nobody knows are reconciled', () => {
    const facts = performed({ order: { ...orderFacts().order, identity: 'provisional' }, studies: [study()] })
    expect(kinds(facts)).toEqual(['quality', 'reconcile'])
  })

  test('a delivered order closes seven days after the last acknowledgement, and not while anything is wanted', () => {
    const facts = performed({ studies: [acceptedStudy()], reports: [report()] })
    const week = 7 * 1440
    expect(closesAt(facts, minute(130), policy)).toEqual(minute(123 + week))
    expect(nextLook(facts, minute(130), policy)).toEqual(minute(123 + week))
    const unanswered = report({ versions: [version({ deliveries: [delivery({ acknowledgedAt: null })] })] })
    expect(closesAt({ ...facts, reports: [unanswered] }, minute(130), policy)).toBeNull()
    const exceptions = [
      { id: 'e', kind: 'delivery', openedAt: minute(5), closedAt: null, reopened: 0 } as const,
    ]
    expect(closesAt({ ...facts, exceptions }, minute(130), policy)).toBeNull()
  })
})

test('whatever the facts, wanted keys are unique, due dates never precede their clock, and asking twice is asking once', () => {
  const steps = fc.array(
    fc.record({
      status: fc.constantFrom(...STEP_STATUSES),
      bookings: fc.nat(3),
      slot: fc.option(fc.nat(5000)),
      retake: fc.boolean(),
    }),
    { maxLength: 3 },
  )
  fc.assert(
    fc.property(steps, fc.boolean(), fc.nat(3), fc.nat(5000), (drawn, accepted, appended, at) => {
      const facts = orderFacts({
        procedures: [
          procedure({
            steps: drawn.map(({ status, bookings, slot, retake }, index) =>
              step({
                id: `step-${index}`,
                status,
                bookings,
                slotStart: slot === null ? null : minute(slot),
                noShowAt: status === 'no-show' ? minute(70) : null,
                fromRetake: retake ? { askedAt: minute(20) } : null,
              }),
            ),
          }),
        ],
        studies: [accepted ? acceptedStudy({ appendedBatches: appended }) : study()],
      })
      const wanted = nextWork(facts, minute(at), policy)
      expect(new Set(wanted.map(itemKey)).size).toBe(wanted.length)
      for (const item of wanted) expect(item.dueAt.getTime()).toBeGreaterThanOrEqual(item.dueFrom.getTime())
      expect(nextWork(structuredClone(facts), minute(at), policy)).toEqual(wanted)
      const look = nextLook(facts, minute(at), policy)
      if (look !== null) expect(look.getTime()).toBeGreaterThan(minute(at).getTime())
    }),
  )
})
