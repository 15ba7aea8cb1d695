/** Whatever people do with an order, and in whatever order, all that its facts call for stands open for somebody. */
import { expect, test } from 'vitest'
import { refusalCode } from '#domain/errors.ts'
import { nextWork } from '#domain/next-work.ts'
import { actAs, anOrder, storedImages } from '../order.fixture.ts'
import { loadOrderFacts } from '../queries/order-facts.ts'
import { policyOf } from '../queries/policy.ts'
import { accepted, arrived, type Ordered, scanned, settle } from '../scanned.fixture.ts'
import { soundDepartment } from '../sound-department.fixture.ts'
import { deviceAct } from './act.ts'
import { sendBackReport, submitReport } from './hand-on.ts'
import { moveImages, undoMove } from './moved-images.ts'
import { acceptQuality, rejectQuality } from './quality.ts'
import { readApart, readTogether } from './read-together.ts'
import { rejectInstances, revokeRejection } from './rejections.ts'
import { issuePreliminary, openReport, recallReport, signReport } from './reports.ts'
import { answerReturn, askReturn } from './returns.ts'
import { indexInstances } from './studies.ts'
import { claim } from './work-items.ts'

const STEPS = 24
/** Days are drawn from the first seed on until all has come of them that can: three are enough, unless what is drawn changes. */
const FIRST = 7
const DAYS = 6
/** Events of orders and entries in the trail that the draws cause, each a way to leave something to nobody. */
const CAUSED = [
  ...['completeness.decided', 'delivery.queued', 'images.arrived', 'images.moved', 'images.moved-back'],
  ...['performed-step.begun', 'performed-step.ended', 'performed-step.moved'],
  ...['quality.accepted', 'quality.rejected'],
  ...['report.joined', 'report.parted', 'report.preliminary', 'report.recalled', 'report.released'],
  ...['report.sent-back', 'report.signed', 'report.submitted', 'return.answered', 'return.asked'],
  ...['step.arrived', 'step.cancelled', 'step.departed', 'step.ready', 'step.started'],
  ...['study.linked', 'study.rejected', 'study.revoked', 'study.unlinked'],
  ...['work-item.cancelled', 'work-item.claimed', 'work-item.completed', 'work-item.opened'],
  ...['work-item.paused', 'work-item.released', 'work-item.resumed'],
]
const READINGS = ['read', 'sign', 'over-read', 'sent-back']
const READERS = ['radiologist', 'radiologist2', 'resident'] as const
const department = await soundDepartment()

/** Mulberry32: the same draws for the same seed. */
function drawing(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

function shuffled<T>(list: readonly T[], draw: () => number): T[] {
  const places = list.map((one) => ({ one, at: draw() }))
  return places.sort((a, b) => a.at - b.at).map(({ one }) => one)
}

interface Item {
  id: string
  kind: string
  state: string
  fence: number
  subject_id: string
  holder: string | null
}

const content = { sections: ['findings', 'impression'].map((key) => ({ key, text: 'Normal.' })) }

/** Two exams of one patient and an order of another, and all that can be done with them at a draw. */
async function aDay(draw: () => number) {
  const { sql } = department
  const { patient } = anOrder()
  const routine = { priority: { level: 'routine', word: 'R' } } as const
  const orders: Ordered[] = [
    await arrived(department, { patient, ...routine }),
    await arrived(department, { patient, ...routine }),
    await arrived(department, routine),
  ]
  for (const order of orders.slice(0, 2)) {
    await scanned(department, order)
    await accepted(department, order)
  }
  const ids = orders.map(({ orderId }) => orderId)
  const uids = orders.map(({ studyUid }) => studyUid)
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(draw() * list.length)]
  const items = (state: string, ...kinds: string[]) => sql<Item[]>`
    select w.id, w.kind, w.state, w.fence, w.subject_id, u.user_name as holder from work_items w left join users u on u.id = w.holder
    where order_id = any(${ids}) and state = ${state} and kind = any(${kinds})
    order by array_position(${ids}::text[], order_id), kind, cycle, w.id`
  const held = async (...kinds: string[]) => {
    const item = pick(await items('claimed', ...kinds))
    return item && { item, act: await actAs(department, item.holder!) }
  }
  const written = async (...kinds: string[]) => {
    const one = await held(...kinds)
    if (!one) return
    const { reportId } = await openReport(department, one.act, { itemId: one.item.id })
    const beside = (await items('claimed', 'read')).map(({ id, fence }) => ({ itemId: id, fence }))
    const others = beside.filter(({ itemId }) => itemId !== one.item.id)
    return {
      act: one.act,
      under: { itemId: one.item.id, fence: one.item.fence, reportId, content, beside: others },
    }
  }
  const both = async (act: typeof readTogether | typeof readApart) => {
    const one = await held('read')
    const readings = [...(await items('open', 'read')), ...(await items('claimed', 'read'))]
    const other = pick(readings.filter(({ id }) => id !== one?.item.id))
    if (one && other)
      await act(department, one.act, { itemId: one.item.id, fence: one.item.fence, otherItemId: other.id })
  }
  const acts: (() => Promise<unknown>)[] = [
    ...Array(5).fill(async () => {
      const item = pick(await items('open', ...READINGS))
      if (item) await claim(department, await actAs(department, pick(READERS)!), { itemId: item.id })
    }),
    ...Array(4).fill(async () => {
      const item = pick(await items('open', 'quality'))
      if (!item) return
      const tech = await actAs(department, 'tech')
      const held = await claim(department, tech, { itemId: item.id })
      if (draw() < 0.7) return acceptQuality(department, tech, held)
      await rejectQuality(department, tech, {
        ...held,
        reasonCodes: ['111209'],
        instances: [],
        repeated: true,
      })
    }),
    async () => {
      const one = await written(...READINGS)
      if (one) await issuePreliminary(department, one.act, one.under)
    },
    async () => {
      const one = await written(...READINGS)
      if (one) await submitReport(department, one.act, one.under)
    },
    async () => {
      const one = await written('sign', 'over-read')
      const reason = { reason: 'missed', words: null, reauthenticated: true }
      if (one) await sendBackReport(department, one.act, { ...one.under, ...reason })
    },
    ...Array(2).fill(async () => {
      const one = await written(...READINGS)
      const signature = { reauthenticated: true, agreement: 'agree' } as const
      if (one) await signReport(department, one.act, { ...one.under, ...signature })
    }),
    ...Array(2).fill(async () => {
      const signed = pick(
        await sql<{ reportId: string; version: number; by: string }[]>`
        select v.report_id as "reportId", v.version, u.user_name as by from report_versions v join users u on u.id = v.signer_id
          join reports r on r.id = v.report_id
        where r.order_id = any(${ids}) and v.released_at is null and v.recalled_at is null order by v.report_id, v.version`,
      )
      if (signed) await recallReport(department, await actAs(department, signed.by), signed)
    }),
    () => both(readTogether),
    () => both(readApart),
    async () => {
      const one = await held(...READINGS)
      const kind = draw() < 0.5 ? 'retake' : 'clarify'
      const question = { kind, reason: 'other', words: 'Which side?', instances: [] } as const
      if (one)
        await askReturn(department, one.act, { itemId: one.item.id, fence: one.item.fence, ...question })
    },
    async () => {
      const asked = pick(
        await sql<{ id: string; kind: string }[]>`
        select id, kind from returns where order_id = any(${ids}) and answered_at is null order by id`,
      )
      const answer = asked?.kind === 'retake' ? 'not-possible' : 'answered'
      const words = { answer, words: 'The left one.' } as const
      if (asked)
        await answerReturn(department, await actAs(department, 'tech'), { returnId: asked.id, ...words })
    },
    ...Array(2).fill(async () => {
      const step = pick(
        await sql<{ id: string; order_id: string }[]>`
        select id, order_id from steps where order_id = any(${ids}) and status in ('planned', 'ready') order by id`,
      )
      const order = orders.find(({ orderId }) => orderId === step?.order_id)
      if (step && order) await scanned(department, { ...order, stepId: step.id }, { count: 1 })
    }),
    async () => {
      const more = storedImages(pick(uids)!, 1, { sourceAe: 'XR1' })
      await indexInstances(department, await deviceAct(department, 'XR1'), more)
    },
    async () => {
      const exam = pick(
        await sql<{ id: string }[]>`
        select l.performed_step_id as id from performed_step_links l join steps s on s.id = l.step_id
        where s.order_id = any(${ids}) order by 1`,
      )
      const to = pick(
        await sql<{ id: string }[]>`select id from steps where order_id = any(${ids}) order by id`,
      )
      const lead = await actAs(department, 'lead')
      const reason = 'wrong-patient'
      if (exam && to)
        await moveImages(department, lead, { performedStepId: exam.id, toStepId: to.id, reason })
    },
    async () => {
      const move = pick(
        await sql<{ id: string }[]>`
        select id from moved_images where undone_at is null and from_order_id = any(${ids}) order by id`,
      )
      if (move) await undoMove(department, await actAs(department, 'lead'), { moveId: move.id })
    },
    async () => {
      const asked = { studyUid: pick(uids)!, code: '113038', reason: 'another patient' } as const
      await rejectInstances(department, await actAs(department, 'lead'), asked)
    },
    async () => {
      const one = pick(
        await sql<{ id: string }[]>`
        select r.id from rejections r join studies s on s.id = r.study_id
        where s.study_uid = any(${uids}) and r.revoked_at is null order by r.id`,
      )
      const lead = await actAs(department, 'lead')
      if (one) await revokeRejection(department, lead, { rejectionId: one.id, reason: 'it is theirs' })
    },
  ]
  const traceOf = async () => {
    const [row] = await sql<{ marks: number }[]>`
      select (select sum(rev)::int from orders where id = any(${ids})) + (select count(*)::int from audit_events) as marks`
    return row!.marks
  }
  const drawn = new Map<(typeof acts)[number], number>()
  const timesOf = (one: (typeof acts)[number]) => drawn.get(one) ?? 0
  /** Every other draw turns to what has been done least; what there is nothing for leaves no trace, and the next is drawn. */
  const act = async () => {
    const hand = shuffled(acts, draw)
    if (draw() < 0.5) hand.sort((one, other) => timesOf(one) - timesOf(other))
    const before = await traceOf()
    for (const one of hand) {
      drawn.set(one, timesOf(one) + 1)
      await one()
      if ((await traceOf()) !== before) return
      drawn.set(one, timesOf(one) - 1)
    }
  }
  return { orders, act, reached: await traces(ids) }
}

/** Answers, whenever asked, which kinds of events and of entries in the trail have come since. */
async function traces(orderIds: string[]): Promise<() => Promise<string[]>> {
  const { sql } = department
  const [last] = await sql<{ id: string }[]>`select coalesce(max(id), 0)::text as id from audit_events`
  const revs = await sql<
    { id: string; rev: number }[]
  >`select id, rev from orders where id = any(${orderIds})`
  return async () => {
    const rows = await sql<{ type: string }[]>`
      select type from order_events e join jsonb_to_recordset(${sql.json(revs as never)}) as s (id text, rev int)
        on s.id = e.order_id where e.rev > s.rev
      union select type from audit_events where id > ${last!.id}`
    return rows.map(({ type }) => type)
  }
}

/** What is called for and stands open for nobody. */
async function parked({ orderId }: Ordered): Promise<string[]> {
  const { sql } = department
  const facts = (await loadOrderFacts(sql, orderId))!
  const found: string[] = []
  for (const wanted of nextWork(
    facts,
    await department.now(),
    await policyOf(sql, facts.order.policyVersion),
  )) {
    const [item] = await sql<{ state: string }[]>`
      select state from work_items where subject_type = ${wanted.subjectType} and subject_id = ${wanted.subjectId}
        and kind = ${wanted.kind} and cycle = ${wanted.cycle}`
    if (item?.state !== 'open' && item?.state !== 'claimed')
      found.push(`${wanted.kind} ${wanted.cycle}: ${item?.state}`)
  }
  return found
}

test('nothing is left to nobody, whatever is drawn, until all has been done that can be', async () => {
  const reached = new Set<string>()
  for (let seed = FIRST; seed < FIRST + DAYS && missing(reached).length > 0; seed += 1)
    for (const type of await played(drawing(seed))) reached.add(type)
  expect(missing(reached)).toEqual([])
})

const missing = (reached: Set<string>) => CAUSED.filter((type) => !reached.has(type))

/** Draws a day through, sees after each draw that nothing is left to nobody, and answers what came of it. */
async function played(draw: () => number): Promise<string[]> {
  const { orders, act, reached } = await aDay(draw)
  const done: string[] = []
  for (let step = 0; step < STEPS; step += 1) {
    const outcome = await act().then(
      () => 'done',
      (error) => {
        const code = refusalCode(error)
        if (code === null) throw error
        return code
      },
    )
    done.push(outcome)
    await settle(department, ...orders)
    for (const order of orders) expect(await parked(order), `after ${done.join(' ')}`).toEqual([])
  }
  return reached()
}
