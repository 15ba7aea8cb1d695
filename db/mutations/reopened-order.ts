/** An order that was over has something to do again. */
import type { Scope } from './mutate.ts'

/** Over, an order wakes for nothing: neither for a contact that is due, nor for words or images that nobody answered. */
export async function reopenOrder(scope: Scope, orderId: string): Promise<void> {
  const [opened] = await scope.sql`
    update orders set closed_at = null where id = ${orderId} and closed_at is not null returning id`
  if (opened) scope.append(orderId, { type: 'order.reopened', data: {} })
}
