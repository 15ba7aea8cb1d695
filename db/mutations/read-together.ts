/**
 * Exams of one patient read together: one report over several accessions. Adding an exam claims its reading item too,
 * taking it out gives that back, and a decision completes all of them, each under its own fence.
 */
import { RadiologyError } from '#domain/errors.ts'
import type { Department } from '../department.ts'
import { type HeldItem, mustHold, reportOf } from './held-reading.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { mustBeAbleOnItem } from './permission.ts'
import { lockTogether, ordersTogether } from './reading-group.ts'
import { ordersOfReport } from './release.ts'
import { tell } from './report-versions.ts'
import { type Claimed, claimLocked, completeHeld, type ItemRow, lockItem, openAgain } from './work-items.ts'

export interface OtherReading extends HeldItem {
  /** The reading item of the exam that joins or leaves. */
  otherItemId: string
}

/**
 * Brings another exam of the same patient under the report of this one, and claims it. It is so already: the claim that
 * stands. A report that has said something is not widened, and no words of another draft are lost.
 * @throws RadiologyError 'identity-mismatch' for another patient, 'already-claimed', 'not-eligible', 'illegal-transition'
 * once it has a version, a recalled one included, or where the other exam has words of its own
 */
export async function readTogether(
  department: Department,
  act: Act,
  { itemId, fence, otherItemId }: OtherReading,
): Promise<Claimed> {
  return mutate(department, act, 'read-together', async (scope) => {
    const { item, other } = await lockBoth(scope, itemId, otherItemId)
    await mustHold(scope, item, fence)
    await mustBeAbleOnItem(scope, 'claim', other)
    const reportId = await reportOf(scope, item)
    const beside = await lockTogether(scope, item)
    if (beside.some(({ id }) => id === other.id)) return claimLocked(scope, other)
    await mustBeOfOnePatient(scope, item, other)
    await mustBeUnsaid(scope, reportId)
    await giveUpEmpty(scope, other)
    const claimed = await claimLocked(scope, other)
    await scope.sql`
      insert into report_procedures (report_id, procedure_id)
      select ${reportId}, p.id from study_links l join procedures p on p.id = l.procedure_id
      where l.study_id = ${other.subject_id} and l.undone_at is null and p.end_kind is null on conflict do nothing`
    await noteGroup(scope, reportId, { type: 'report.joined', orderId: other.order_id })
    return claimed
  })
}

/**
 * Takes an exam out again: its item is open for everybody, and the words stay with the report.
 * @throws RadiologyError 'illegal-transition' once it has a version, or where its procedure has images in both studies
 */
export async function readApart(
  department: Department,
  act: Act,
  { itemId, fence, otherItemId }: OtherReading,
): Promise<void> {
  await mutate(department, act, 'read-apart', async (scope) => {
    const { sql } = scope
    const { item } = await lockBoth(scope, itemId, otherItemId)
    await mustHold(scope, item, fence)
    const beside = await lockTogether(scope, item)
    const other = beside.find(({ id }) => id === otherItemId)
    if (!other) return
    const reportId = await reportOf(scope, item)
    await mustBeUnsaid(scope, reportId)
    const staying = [item, ...beside.filter(({ id }) => id !== other.id)].map((one) => one.subject_id)
    await noteGroup(scope, reportId, { type: 'report.parted', orderId: other.order_id })
    const left = await sql`
      delete from report_procedures rp where rp.report_id = ${reportId}
        and rp.procedure_id in (select procedure_id from study_links where study_id = ${other.subject_id} and undone_at is null)
        and not exists (select 1 from study_links l where l.procedure_id = rp.procedure_id and l.undone_at is null
          and l.study_id = any(${staying})) returning procedure_id`
    if (left.length === 0) throw new RadiologyError('illegal-transition', { reportId, event: 'part' })
    await sql`update reports set order_id = ${item.order_id}, site_id = ${item.site_id} where id = ${reportId}`
    if (other.holder === act.actor.id)
      await openAgain(scope, other, { fence: other.fence, why: 'released', reason: 'read-apart' })
  })
}

async function lockBoth(
  scope: Scope,
  itemId: string,
  otherItemId: string,
): Promise<{ item: ItemRow; other: ItemRow }> {
  const { sql } = scope
  const orders = await Promise.all([itemId, otherItemId].map((id) => ordersTogether(sql, id)))
  for (const orderId of [...new Set(orders.flatMap((ids) => ids ?? []))].sort())
    await scope.lockOrder(orderId)
  await sql`select 1 from work_items where id in (${itemId}, ${otherItemId}) order by id for update`
  const [item, other] = [await lockItem(scope, itemId), await lockItem(scope, otherItemId)]
  for (const one of [item, other])
    if (one.kind !== 'read' || one.subject_type !== 'study')
      throw new RadiologyError('not-found', { itemId: one.id })
  return { item, other }
}

async function mustBeOfOnePatient({ sql }: Scope, item: ItemRow, other: ItemRow): Promise<void> {
  const [row] = await sql<{ isOne: boolean }[]>`
    select count(distinct patient_id) = 1 as "isOne" from orders where id in (${item.order_id}, ${other.order_id})`
  if (!row!.isOne) throw new RadiologyError('identity-mismatch', { itemId: item.id })
}

// What was said about one exam was told to its receivers alone: it can neither be said of another, nor taken from it.
// A recalled signature counts as a reading of all of them: each must go on under the key that it opened.
async function mustBeUnsaid({ sql }: Scope, reportId: string): Promise<void> {
  const [row] = await sql`
    select 1 from report_versions where report_id = ${reportId}
    union all select 1 from reports where id = ${reportId} and state <> 'DRAFT' limit 1`
  if (row) throw new RadiologyError('illegal-transition', { reportId, event: 'join' })
}

// Somebody opened the other exam and wrote nothing: its empty report makes way.
async function giveUpEmpty(scope: Scope, other: ItemRow): Promise<void> {
  const { sql } = scope
  const found = await sql<{ id: string; hasWords: boolean }[]>`
    select r.id, r.state <> 'DRAFT' or exists (select 1 from report_versions v where v.report_id = r.id and v.recalled_at is null)
        or exists (select 1 from report_drafts d cross join jsonb_array_elements(d.content->'sections') s
          where d.report_id = r.id and trim(s->>'text') <> '') as "hasWords"
    from reports r where r.state <> 'CANCELLED' and r.id in (
      select rp.report_id from study_links l join report_procedures rp on rp.procedure_id = l.procedure_id
      where l.study_id = ${other.subject_id} and l.undone_at is null)`
  for (const { id, hasWords } of found) {
    if (hasWords) throw new RadiologyError('illegal-transition', { reportId: id, event: 'join' })
    await sql`update reports set state = 'CANCELLED' where id = ${id}`
    await tell(scope, id, 'report.cancelled', {})
  }
}

async function noteGroup(
  scope: Scope,
  reportId: string,
  { type, orderId }: { type: 'report.joined' | 'report.parted'; orderId: string | null },
): Promise<void> {
  const orders = await ordersOfReport(scope, reportId)
  for (const { order_id } of orders) scope.announce(`order:${order_id}`)
  scope.audit({ subject: `report:${reportId}`, type, data: { reportId, orderId, orders: orders.length } })
}

/**
 * Completes an item and those it is read together with, in id order, each under its own fence: what is held no more, or
 * has come to the report since its screen was drawn, refuses all of it.
 * @throws RadiologyError 'stale-fence', 'not-holder'
 */
export async function completeTogether(
  scope: Scope,
  item: ItemRow,
  {
    fence,
    beside: shown = [],
    result,
  }: { fence: number; beside?: readonly HeldItem[] | undefined; result: Record<string, unknown> },
): Promise<void> {
  const beside = await lockTogether(scope, item)
  const held = [
    { item, fence },
    ...beside.map((one) => {
      const known = shown.find(({ itemId }) => itemId === one.id)
      if (!known) throw new RadiologyError('stale-fence', { itemId: one.id })
      return { item: one, fence: known.fence }
    }),
  ].sort((a, b) => (a.item.id < b.item.id ? -1 : 1))
  for (const one of held) await completeHeld(scope, one.item, one.fence, result)
}
