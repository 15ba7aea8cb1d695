/** What a list's detail panel says of one case beyond its row: the question, who asked, the priors, what the ladder does next. */
import { ALWAYS_OPEN, type BusinessCalendar } from '#domain/calendar.ts'
import type { LadderRung } from '#domain/policy.ts'
import { ladderSteps } from '#domain/sla.ts'
import type { Priority } from '#domain/words.ts'
import type { AnySql } from '../client.ts'
import { policyOf } from './policy.ts'
import { type PriorStudy, priorsOf } from './reading-room.ts'

export interface CaseFacts {
  orderId: string
  siteId: string
  question: string | null
  requester: { family?: string; given?: string; prefix?: string; phone?: string } | null
  orderedAt: Date
  allowanceMs: number
  dueFrom: Date
  priors: PriorStudy[]
  /** The next rung of the escalation ladder; null when all have been climbed. */
  nextRung: { rung: LadderRung; at: Date } | null
}

/** Null when there is no such item of an order; the caller has checked the right to see it. */
export async function caseFacts(sql: AnySql, itemId: string): Promise<CaseFacts | null> {
  const [row] = await sql<Row[]>`
    select w.order_id, w.site_id, w.priority, w.due_from, w.due_at, w.allowance_ms, w.business, o.reason, o.requester,
      o.received_at, o.policy_version, s.zone, s.calendar, array(select step from escalations e where e.item_id = w.id) as recorded
    from work_items w join orders o on o.id = w.order_id join sites s on s.id = w.site_id where w.id = ${itemId}`
  if (!row) return null
  return {
    orderId: row.order_id,
    siteId: row.site_id,
    question: row.reason,
    requester: row.requester,
    orderedAt: row.received_at,
    allowanceMs: row.allowance_ms ?? 0,
    dueFrom: row.due_from,
    priors: await priorsOf(sql, row.order_id),
    nextRung: await nextRung(sql, row),
  }
}

async function nextRung(sql: AnySql, row: Row): Promise<CaseFacts['nextRung']> {
  if (!row.due_at || !row.allowance_ms) return null
  const steps = ladderSteps(
    {
      priority: row.priority,
      from: row.due_from,
      allowance: { ms: row.allowance_ms, business: row.business },
    },
    { ...ALWAYS_OPEN, ...row.calendar, zone: row.zone },
    await policyOf(sql, row.policy_version),
  )
  const next = steps.find((step) => !row.recorded.includes(step.rung))
  return next ? { rung: next.rung, at: next.plannedAt } : null
}

interface Row {
  order_id: string
  site_id: string
  priority: Priority
  due_from: Date
  due_at: Date | null
  allowance_ms: number | null
  business: boolean
  reason: string | null
  requester: CaseFacts['requester']
  received_at: Date
  policy_version: number
  zone: string
  calendar: BusinessCalendar
  recorded: LadderRung[]
}
