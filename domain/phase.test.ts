/** The phase of an order: every rule of the table and every example the department gave. */
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
import type { OrderFacts } from './facts.ts'
import { orderPhase, procedurePhase, rank } from './phase.ts'
import { PHASES, STEP_STATUSES } from './words.ts'

const departed = step({ status: 'departed', slotStart: minute(60), bookings: 1 })
const done = (parts: Partial<OrderFacts> = {}): OrderFacts =>
  orderFacts({ procedures: [procedure({ steps: [departed] })], performedSteps: [performedStep()], ...parts })

describe('one procedure takes the first rule that fits', () => {
  const unread = done({ studies: [acceptedStudy()] })
  const cases: [string, OrderFacts, string][] = [
    [
      'P1 a cancelled procedure',
      orderFacts({ procedures: [procedure({ ended: 'cancelled' })] }),
      'cancelled',
    ],
    ['P1 a stopped exam', orderFacts({ procedures: [procedure({ ended: 'discontinued' })] }), 'discontinued'],
    [
      'P2 a report every destination acknowledged',
      done({ studies: [acceptedStudy()], reports: [report()] }),
      'delivered',
    ],
    [
      'P2 a released report with no destination configured',
      done({ studies: [acceptedStudy()], reports: [report({ versions: [version({ deliveries: [] })] })] }),
      'delivered',
    ],
    [
      'P2 a report whose retired destination never answered',
      done({
        studies: [acceptedStudy()],
        reports: [
          report({
            versions: [version({ deliveries: [delivery({ required: false, acknowledgedAt: null })] })],
          }),
        ],
      }),
      'delivered',
    ],
    [
      'P3 a signed report in recall time',
      done({
        studies: [acceptedStudy()],
        reports: [report({ versions: [version({ releasedAt: null, deliveries: [] })] })],
      }),
      'final',
    ],
    [
      'P3 a released report the EMR has not acknowledged',
      done({
        studies: [acceptedStudy()],
        reports: [report({ versions: [version({ deliveries: [delivery({ acknowledgedAt: null })] })] })],
      }),
      'final',
    ],
    [
      'P4 an MPPS in progress',
      orderFacts({
        procedures: [procedure({ steps: [step({ status: 'started' })] })],
        performedSteps: [performedStep({ status: 'IN PROGRESS', endedAt: null })],
      }),
      'acquiring',
    ],
    [
      'P4 a stopped step nobody took yet',
      orderFacts({ procedures: [procedure({ steps: [step({ status: 'started' })] })] }),
      'acquiring',
    ],
    [
      'P5 a patient in the waiting room',
      orderFacts({ procedures: [procedure({ steps: [scheduledStep({ status: 'arrived' })] })] }),
      'arrived',
    ],
    [
      'P5 a patient who may go in',
      orderFacts({ procedures: [procedure({ steps: [scheduledStep({ status: 'ready' })] })] }),
      'arrived',
    ],
    [
      'P6 a patient who did not come',
      orderFacts({ procedures: [procedure({ steps: [scheduledStep({ status: 'no-show' })] })] }),
      'no-show',
    ],
    ['P7 a booked step', orderFacts({ procedures: [procedure({ steps: [scheduledStep()] })] }), 'scheduled'],
    ['P8 a step to book whose protocol the rule chose', orderFacts(), 'protocolled'],
    [
      'P8 one of two steps not booked',
      orderFacts({ procedures: [procedure({ steps: [scheduledStep(), step({ id: 'step-2' })] })] }),
      'protocolled',
    ],
    [
      'P8 neither a live step nor a visible image',
      orderFacts({ procedures: [procedure({ steps: [] })] }),
      'protocolled',
    ],
    [
      'P8 all images rejected, their step voided',
      done({
        procedures: [procedure({ steps: [step({ status: 'departed', voided: true })] })],
        studies: [acceptedStudy({ visibleInstances: 0 })],
      }),
      'protocolled',
    ],
    [
      'P9 a reader has not chosen the protocol',
      orderFacts({ procedures: [procedure({ protocolling: 'reader' })] }),
      'ordered',
    ],
    [
      'P9 an unknown code',
      orderFacts({ procedures: [procedure({ codeKnown: false, area: null })] }),
      'ordered',
    ],
    ['P10 no image has come yet', done(), 'acquired'],
    [
      'P10 images still missing',
      done({
        studies: [study({ completeness: { verdict: 'incomplete', missing: 3, decidedAt: minute(80) } })],
      }),
      'acquired',
    ],
    [
      'P11 images missing, and accepted as they are',
      done({
        studies: [
          study({
            completeness: { verdict: 'incomplete', missing: 3, decidedAt: minute(80) },
            incompleteAcceptedAt: minute(82),
          }),
        ],
      }),
      'quality-check',
    ],
    ['P11 nobody looked yet', done({ studies: [study()] }), 'quality-check'],
    [
      'P11 more images came after the acceptance',
      done({ studies: [acceptedStudy({ appendedBatches: 1 })] }),
      'quality-check',
    ],
    [
      'P11 the reader asked the technologist',
      done({
        studies: [
          acceptedStudy({ returns: [{ id: 'r', kind: 'clarify', askedAt: minute(90), answeredAt: null }] }),
        ],
      }),
      'quality-check',
    ],
    [
      'P12 a released preliminary',
      done({
        studies: [acceptedStudy()],
        reports: [report({ state: 'PRELIM', versions: [version({ kind: 'preliminary' })] })],
      }),
      'preliminary',
    ],
    ['P13 accepted and unread', unread, 'reading'],
    [
      'P13 a draft',
      done({ studies: [acceptedStudy()], reports: [report({ state: 'DRAFT', versions: [] })] }),
      'reading',
    ],
    [
      'P13 a recalled signature',
      done({
        studies: [acceptedStudy()],
        reports: [
          report({ state: 'DRAFT', versions: [version({ releasedAt: null, recalledAt: minute(121) })] }),
        ],
      }),
      'reading',
    ],
    [
      'P13 a retracted report',
      done({ studies: [acceptedStudy()], reports: [report({ state: 'CANCELLED' })] }),
      'reading',
    ],
  ]
  test.each(cases)('%s', (_title, facts, phase) => {
    expect(orderPhase(facts)).toBe(phase)
  })
})

describe('two procedures make one phase', () => {
  const final = {
    procedure: procedure(),
    report: report({ versions: [version({ deliveries: [delivery({ acknowledgedAt: null })] })] }),
  }
  const two = (second: ReturnType<typeof procedure>, rest: Partial<OrderFacts>): OrderFacts =>
    orderFacts({ procedures: [procedure({ steps: [departed] }), second], ...rest })
  const other = (parts: Parameters<typeof procedure>[0]) => procedure({ id: 'procedure-2', ...parts })

  test('final beside scheduled next week is scheduled', () => {
    const second = other({ steps: [scheduledStep({ id: 'step-2', slotStart: minute(10_000) })] })
    expect(orderPhase(two(second, { studies: [acceptedStudy()], reports: [final.report] }))).toBe('scheduled')
  })

  test('acquiring beside scheduled is acquiring, because a patient who is here is here', () => {
    const second = other({ steps: [step({ id: 'step-2', status: 'started' })] })
    const first = procedure({ steps: [scheduledStep()] })
    expect(orderPhase(orderFacts({ procedures: [first, second] }))).toBe('acquiring')
  })

  test('delivered beside cancelled is delivered', () => {
    const second = other({ ended: 'cancelled' })
    expect(orderPhase(two(second, { studies: [acceptedStudy()], reports: [report()] }))).toBe('delivered')
  })

  test('discontinued beside cancelled is discontinued', () => {
    const facts = orderFacts({
      procedures: [procedure({ ended: 'cancelled' }), other({ ended: 'discontinued' })],
    })
    expect(orderPhase(facts)).toBe('discontinued')
  })

  test('delivered beside reading is reading, because nothing is final before all is', () => {
    const second = other({ steps: [step({ id: 'step-2', status: 'departed' })] })
    const studies = [acceptedStudy(), acceptedStudy({ id: 'study-2', procedureIds: ['procedure-2'] })]
    expect(orderPhase(two(second, { studies, reports: [report()] }))).toBe('reading')
  })

  test('one report over both procedures delivers both', () => {
    const second = other({ steps: [step({ id: 'step-2', status: 'departed' })] })
    const both = report({ procedureIds: ['procedure-1', 'procedure-2'] })
    const studies = [acceptedStudy({ procedureIds: ['procedure-1', 'procedure-2'] })]
    expect(orderPhase(two(second, { studies, reports: [both] }))).toBe('delivered')
  })
})

describe('examples the department gave', () => {
  test('first of two steps departed, the second booked tomorrow is scheduled', () => {
    const steps = [departed, scheduledStep({ id: 'step-2', slotStart: minute(1440) })]
    expect(orderPhase(done({ procedures: [procedure({ steps })], studies: [study()] }))).toBe('scheduled')
  })

  test('a retake asked, the patient gone and the new step not booked is protocolled', () => {
    const steps = [departed, step({ id: 'step-2', fromRetake: { askedAt: minute(90) } })]
    expect(orderPhase(done({ procedures: [procedure({ steps })], studies: [acceptedStudy()] }))).toBe(
      'protocolled',
    )
  })

  test('an addendum signed after delivery is final until it too is acknowledged', () => {
    const addendum = version({
      number: 2,
      kind: 'addendum',
      deliveries: [delivery({ acknowledgedAt: null })],
    })
    const amended = report({ state: 'ADDENDED', versions: [version(), addendum] })
    const facts = done({ studies: [acceptedStudy()], reports: [amended] })
    expect(orderPhase(facts)).toBe('final')
    const acknowledged = report({
      state: 'ADDENDED',
      versions: [version(), { ...addendum, deliveries: [delivery()] }],
    })
    expect(orderPhase({ ...facts, reports: [acknowledged] })).toBe('delivered')
  })

  test('a recalled addendum leaves the report delivered', () => {
    const recalled = version({
      number: 2,
      kind: 'addendum',
      releasedAt: null,
      recalledAt: minute(200),
      deliveries: [],
    })
    const facts = done({ studies: [acceptedStudy()], reports: [report({ versions: [version(), recalled] })] })
    expect(orderPhase(facts)).toBe('delivered')
  })

  test('a closed order is closed whatever its procedures say, unless all of them ended', () => {
    const facts = done({ studies: [acceptedStudy()], reports: [report()] })
    expect(orderPhase({ ...facts, order: { ...facts.order, closedAt: minute(20_000) } })).toBe('closed')
  })
})

test('the rank of phases follows the way of an order', () => {
  expect(['ordered', 'no-show', 'arrived', 'delivered'].map((phase) => rank(phase as 'ordered'))).toEqual([
    0, 3, 4, 11,
  ])
  expect(rank('closed')).toBe(-1)
})

test('an order of live procedures has the phase of one of them, and any step status yields a known phase', () => {
  const steps = fc.array(fc.constantFrom(...STEP_STATUSES), { maxLength: 3 })
  fc.assert(
    fc.property(fc.array(steps, { minLength: 1, maxLength: 3 }), fc.boolean(), (orders, imaged) => {
      const procedures = orders.map((statuses, p) =>
        procedure({
          id: `procedure-${p}`,
          steps: statuses.map((status, s) => step({ id: `step-${p}-${s}`, status })),
        }),
      )
      const studies = imaged ? [acceptedStudy({ procedureIds: procedures.map(({ id }) => id) })] : []
      const facts = orderFacts({ procedures, studies })
      const phase = orderPhase(facts)
      expect(PHASES).toContain(phase)
      expect(procedures.map((one) => procedurePhase(facts, one))).toContain(phase)
    }),
  )
})
