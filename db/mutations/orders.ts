/** What an order message does to an order: created, changed, cancelled as one saga, or refused with its reason. */
import { RadiologyError } from '#domain/errors.ts'
import {
  ORDER_CONTROL_CODES,
  type OrderChange,
  type OrderControlCode,
  orderControl,
} from '#domain/order-control.ts'
import type { OrderedProcedure, OrderMessage } from '#domain/order-message.ts'
import type { Phase } from '#domain/words.ts'
import type { Department } from '../department.ts'
import { protocolFor } from '../queries/protocols.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { catalogueEntry, createOrder, type OrderOrigin } from './new-order.ts'
import { mustBeAbleOnOrder } from './permission.ts'
import { fitSlot } from './scheduling.ts'
import { cancelItem, type ItemRow } from './work-items.ts'

/**
 * Applies one order of a message and returns the order's id.
 * @throws RadiologyError with the refusal of the order control table; nothing of the message is then applied
 */
export async function applyOrder(scope: Scope, said: OrderMessage, origin: OrderOrigin): Promise<string> {
  const control = said.control as OrderControlCode
  if (!(ORDER_CONTROL_CODES as readonly string[]).includes(control)) {
    throw new RadiologyError('illegal-transition', { control: said.control })
  }
  const order = await findOrder(scope, said)
  const decided = orderControl(control, order?.phase ?? null, {
    sameContent: order?.content_hash === origin.contentHash,
    patientMatches: order ? await patientMatches(scope, order, said) : true,
    changed: order && control === 'XO' ? await changesOf(scope, order, said) : [],
  })
  switch (decided.outcome) {
    case 'create':
      return createOrder(scope, said, origin)
    case 'unchanged':
      return order!.id
    case 'cancel':
      await cancelInScope(scope, order!.id, { reason: 'placer', messageId: origin.messageId })
      return order!.id
    case 'stop-asked':
      await scope.sql`update orders set stop_asked_at = coalesce(stop_asked_at, ${scope.act.now}) where id = ${order!.id}`
      scope.append(order!.id, {
        type: 'order.cancel-requested',
        refs: { messageId: origin.messageId },
        data: { reason: 'discontinue' },
      })
      await endNotBegun(scope, order!.id)
      return order!.id
    case 'number-assigned':
      await assignPlacerNumber(scope, order!, said)
      return order!.id
    case 'applied':
      await applyChanges(scope, { order: order!, said, changed: decided.apply, messageId: origin.messageId })
      return order!.id
    case 'refused':
      throw new RadiologyError(decided.refusal, { orderId: order?.id, control })
  }
}

interface OrderRow {
  id: string
  phase: Phase
  patient_id: string
  content_hash: string | null
  placer_number: string | null
  priority: string
  reason: string | null
  requester: { id?: string } | null
  copies_to: unknown[]
}

async function findOrder(scope: Scope, said: OrderMessage): Promise<OrderRow | null> {
  const { sql } = scope
  const placer = said.placer
  if (placer) {
    // Two first messages about one order at once: the second waits for the first and finds its row.
    await sql`select pg_advisory_xact_lock(hashtextextended(${`${placer.authority}|${placer.value}`}, 3))`
  }
  const [found] = await sql<{ id: string }[]>`
    select id from orders where (placer_number = ${placer?.value ?? null} and placer_authority = ${placer?.authority ?? null})
      or (filler_number = ${said.filler?.value ?? null} and ${placer === undefined}) limit 1`
  if (!found) return null
  await scope.lockOrder(found.id)
  const [row] = await sql<OrderRow[]>`select * from orders where id = ${found.id}`
  return row!
}

async function patientMatches({ sql }: Scope, order: OrderRow, said: OrderMessage): Promise<boolean> {
  const values = said.patient.identifiers.map((identifier) => `${identifier.value} ${identifier.issuer}`)
  const [match] = await sql`
    select 1 from patient_identifiers where patient_id = ${order.patient_id} and value || ' ' || issuer = any(${values})`
  return match !== undefined
}

async function changesOf({ sql }: Scope, order: OrderRow, said: OrderMessage): Promise<OrderChange[]> {
  const changed: OrderChange[] = []
  if (said.priority && said.priority.level !== order.priority) changed.push('priority')
  if (said.reason && said.reason.text !== order.reason) changed.push('reason')
  if (said.requester && said.requester.id !== order.requester?.id) changed.push('referrer')
  if (said.copiesTo.length > 0 && JSON.stringify(said.copiesTo) !== JSON.stringify(order.copies_to))
    changed.push('copies-to')
  const procedures = await sql<{ code: string; side: string | null }[]>`
    select code, side from procedures where order_id = ${order.id} order by position`
  for (const [index, procedure] of said.procedures.entries()) {
    const own = procedures[index]
    if (!own || (procedure.code && procedure.code !== own.code)) changed.push('procedure')
    if (own && procedure.side && (procedure.side === 'both' ? 'bilateral' : procedure.side) !== own.side)
      changed.push('side')
  }
  return [...new Set(changed)]
}

interface Change {
  order: OrderRow
  said: OrderMessage
  changed: readonly OrderChange[]
  messageId: string
}

async function applyChanges(scope: Scope, { order, said, changed, messageId }: Change): Promise<void> {
  const { sql } = scope
  if (changed.includes('priority')) {
    await sql`update orders set priority = ${said.priority!.level}, priority_word = ${said.priority!.word} where id = ${order.id}`
    const raised = await sql<{ kind: string }[]>`
      update work_items set priority = ${said.priority!.level} where order_id = ${order.id} and state in ('open', 'claimed')
      returning kind`
    scope.announce(...raised.map(({ kind }) => `list:${kind}`))
  }
  if (changed.includes('reason'))
    await sql`update orders set reason = ${said.reason!.text} where id = ${order.id}`
  if (changed.includes('referrer')) {
    const { id, authority, name } = said.requester!
    await sql`update orders set requester = ${sql.json({ id, authority, ...name } as never)} where id = ${order.id}`
  }
  if (changed.includes('copies-to'))
    await sql`update orders set copies_to = ${sql.json(said.copiesTo as never)} where id = ${order.id}`
  if (changed.includes('procedure') || changed.includes('side')) await changeProcedures(scope, order.id, said)
  scope.append(order.id, {
    type: 'order.changed',
    refs: { messageId },
    data: { changedFields: [...changed] },
  })
}

// Another procedure or side: protocol again; accession and Study Instance UID stay. What did not change is left alone.
async function changeProcedures(scope: Scope, orderId: string, said: OrderMessage): Promise<void> {
  const { sql } = scope
  for (const [index, procedure] of said.procedures.entries()) {
    const [own] = await sql<{ id: string; code: string }[]>`
      select id, code from procedures where order_id = ${orderId} and position = ${index + 1} and end_kind is null`
    if (!own) continue
    const isOther = Boolean(procedure.code) && procedure.code !== own.code
    const side = procedure.side === 'both' ? 'bilateral' : (procedure.side ?? null)
    const changed = await sql`
      update procedures set side = case when ${isOther} then ${side} else coalesce(${side}, side) end,
        protocol_resets = protocol_resets + 1
      where id = ${own.id} and (${isOther} or side is distinct from coalesce(${side}, side)) returning id`
    if (changed.length > 0 && isOther) await becomeOther(scope, { orderId, procedureId: own.id, procedure })
  }
}

interface OtherProcedure {
  orderId: string
  procedureId: string
  procedure: OrderedProcedure
}

/** Its steps are those of the new procedure: its modality, its default protocol, its time at the scanner. */
async function becomeOther(scope: Scope, { orderId, procedureId, procedure }: OtherProcedure): Promise<void> {
  const { sql } = scope
  const entry = await catalogueEntry(scope, procedure)
  const named = procedure.steps.find((step) => step.modality)?.modality
  const [row] = await sql<{ modality: string }[]>`
    update procedures set code = ${procedure.code ?? ''}, scheme = ${procedure.scheme ?? ''},
      text = coalesce(${procedure.text ?? entry?.name ?? null}, text), catalogue_code = ${entry?.code ?? null},
      catalogue_scheme = ${entry?.scheme ?? null}, modality = coalesce(${named ?? entry?.modality ?? null}, modality),
      area = coalesce(${entry?.area ?? null}, area), sla_minutes = ${entry?.sla_minutes ?? null}
    where id = ${procedureId} returning modality`
  const { modality } = row!
  const planned = entry
    ? await protocolFor(sql, { ...entry, named: procedure.steps[0]?.protocol?.code ?? null })
    : null
  const steps = await sql<{ id: string }[]>`
    update steps set modality = ${modality}, protocol_code = ${planned?.protocolCode ?? entry?.protocol_code ?? null},
      protocol_name = ${planned?.name ?? entry?.protocol_name ?? null}, protocol_id = ${planned?.id ?? null},
      protocol_version = ${planned?.version ?? null}
    where procedure_id = ${procedureId} and status in ('planned', 'scheduled', 'arrived', 'ready', 'no-show') returning id`
  const minutes = entry ? entry.slot_minutes + entry.prep_minutes : null
  for (const { id } of steps) await fitSlot(scope, { stepId: id, modality, minutes })
  await sql`
    update work_items set modality = ${modality}, area = case when area is null then null else ${entry?.area ?? null} end
    where order_id = ${orderId} and state in ('open', 'claimed')
      and (subject_id = ${procedureId} or subject_id = any(${steps.map(({ id }) => id)}))`
}

async function assignPlacerNumber(scope: Scope, order: OrderRow, said: OrderMessage): Promise<void> {
  if (!said.placer || order.placer_number === said.placer.value) return
  if (order.placer_number !== null) throw new RadiologyError('duplicate-order', { orderId: order.id })
  await scope.sql`
    update orders set placer_number = ${said.placer.value}, placer_authority = ${said.placer.authority} where id = ${order.id}`
  scope.append(order.id, { type: 'order.changed', data: { changedFields: ['placer-number'] } })
}

/** A person cancels an order before its examination has begun. */
export async function cancelOrder(
  department: Department,
  act: Act,
  { orderId, reason }: { orderId: string; reason: string },
): Promise<void> {
  if (!reason) throw new RadiologyError('reason-required', { orderId })
  await mutate(department, act, 'cancel-order', async (scope) => {
    await scope.lockOrder(orderId)
    await mustBeAbleOnOrder(scope, 'cancel-order', orderId)
    const [order] = await scope.sql<{ phase: Phase }[]>`select phase from orders where id = ${orderId}`
    const decided = orderControl('CA', order!.phase, {
      sameContent: false,
      patientMatches: true,
      changed: [],
    })
    if (decided.outcome === 'refused') throw new RadiologyError(decided.refusal, { orderId })
    if (decided.outcome === 'cancel') await cancelInScope(scope, orderId, { reason: 'department' })
  })
}

/**
 * The cancel saga's one transaction: steps off every list and the modality worklist, slots freed, work closed.
 * What must be told to others afterwards is the workflow's duty; the end state never waits for it.
 */
async function cancelInScope(
  scope: Scope,
  orderId: string,
  { reason, messageId }: { reason: string; messageId?: string },
): Promise<void> {
  const { sql, act } = scope
  scope.append(orderId, {
    type: 'order.cancel-requested',
    refs: messageId ? { messageId } : {},
    data: { reason },
  })
  const steps = await sql<{ id: string }[]>`
    update steps set status = 'cancelled' where order_id = ${orderId}
      and status in ('planned', 'scheduled', 'arrived', 'ready', 'no-show') returning id`
  for (const { id } of steps) scope.append(orderId, { type: 'step.cancelled', data: { stepId: id, reason } })
  const items = await sql<ItemRow[]>`
    select * from work_items where order_id = ${orderId} and state in ('open', 'claimed')
      and kind not in ('critical', 'late', 'reconcile', 'mend')`
  for (const item of items) await cancelItem(scope, item, 'order-ended')
  const procedures = await sql<{ id: string }[]>`
    update procedures set end_kind = 'cancelled', ended_at = ${act.now}, end_reason = ${reason}
    where order_id = ${orderId} and end_kind is null returning id`
  for (const { id } of procedures)
    scope.append(orderId, { type: 'procedure.ended', data: { procedureId: id, end: 'cancelled', reason } })
  await sql`update orders set end_kind = 'cancelled', ended_at = ${act.now} where id = ${orderId}`
  scope.append(orderId, { type: 'order.ended', data: { end: 'cancelled', reason } })
}

/** Of an order whose exam was stopped because its placer asked for it, what has not begun is not wanted any more either. */
export async function endNotBegun(scope: Scope, orderId: string): Promise<void> {
  const { sql, act } = scope
  const [asked] = await sql`select 1 from orders where id = ${orderId} and stop_asked_at is not null`
  if (!asked) return
  const steps = await sql<{ id: string }[]>`
    update steps set status = 'cancelled' where order_id = ${orderId}
      and status in ('planned', 'scheduled', 'arrived', 'ready', 'no-show') returning id`
  for (const { id } of steps)
    scope.append(orderId, { type: 'step.cancelled', data: { stepId: id, reason: 'placer' } })
  const procedures = await sql<{ id: string }[]>`
    update procedures p set end_kind = 'cancelled', ended_at = ${act.now}, end_reason = 'placer'
    where p.order_id = ${orderId} and p.end_kind is null and not exists (
      select 1 from steps s where s.procedure_id = p.id and s.status not in ('cancelled', 'discontinued')) returning id`
  for (const { id } of procedures)
    scope.append(orderId, {
      type: 'procedure.ended',
      data: { procedureId: id, end: 'cancelled', reason: 'placer' },
    })
}
