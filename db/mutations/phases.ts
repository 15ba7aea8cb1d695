/** Keeps the cached phase columns equal to what the rules derive, in the transaction that changed the parts. */
import { orderPhase, procedurePhase } from '#domain/phase.ts'
import type { TransactionSql } from '../client.ts'
import { loadOrderFacts } from '../queries/order-facts.ts'

/** Derives the order's and its procedures' phases from their parts and writes those that differ; whether the order's did. */
export async function recomputePhases(sql: TransactionSql, orderId: string): Promise<boolean> {
  const facts = await loadOrderFacts(sql, orderId)
  if (!facts) return false
  const phase = orderPhase(facts)
  const moved = await sql`
    update orders set phase = ${phase} where id = ${orderId} and phase <> ${phase} returning id`
  for (const procedure of facts.procedures) {
    const own = procedurePhase(facts, procedure)
    await sql`update procedures set phase = ${own} where id = ${procedure.id} and phase <> ${own}`
  }
  return moved.length > 0
}
