/**
 * Rows of one department's orders after its first days and after ten years: 275 on every day up to now, of which the same
 * few hundred are still being worked on in either, so that a list has as many rows and what differs is what lies behind it.
 */
import type postgres from 'postgres'

export const ORDERS_A_DAY = 275
/** The newest are ahead of the scanner, those before them at the gate, and those before these with the readers. */
export const STILL_OPEN = { scheduled: 120, checked: 30, read: 150 } as const
const OPEN = STILL_OPEN.scheduled + STILL_OPEN.checked + STILL_OPEN.read
const BATCH = 50_000
/**
 * A name that many have, and one in another script, each often enough for a page of them in the young department too; every
 * other family name is its patient's own.
 */
const SMITH_ONE_IN = 100
const NATIVE_ONE_IN = 200
const TABLES = [
  'patients',
  'patient_identifiers',
  'orders',
  'order_names',
  'procedures',
  'steps',
  'studies',
  'study_links',
  'work_items',
  'order_events',
] as const

/** Fills a seeded department with `orders` orders of three patients' visits each, up to now. */
export async function fillOrders(
  sql: postgres.Sql,
  { orders, now, say }: { orders: number; now: Date; say: (words: string) => void },
): Promise<void> {
  const indexes = await withoutIndexes(sql)
  // Rows as the department's own writers leave them: what their triggers and references would check holds by the way they are made.
  await sql`set session_replication_role = replica`
  for (let from = 0; from < orders; from += BATCH) {
    const to = Math.min(from + BATCH, orders)
    await addBatch(sql, { from, to, orders, now })
    if (to % (BATCH * 4) === 0 || to === orders) say(`${to} of ${orders} orders`)
  }
  await sql`set session_replication_role = origin`
  await sql`set maintenance_work_mem = '512MB'`
  for (const index of indexes) await sql.unsafe(index)
  say(`${indexes.length} indexes`)
  // What the database's own housekeeping does as rows come.
  for (const table of TABLES) await sql`vacuum analyze ${sql(table)}`
}

/** Takes away what can be made again at the end, in a tenth of the time, and answers how. */
async function withoutIndexes(sql: postgres.Sql): Promise<string[]> {
  const indexes = await sql<{ name: string; definition: string }[]>`
    select indexrelid::regclass as name, pg_get_indexdef(indexrelid) as definition from pg_index
    where indrelid = any(${[...TABLES]}::regclass[]) and not indisunique and not indisexclusion`
  for (const { name } of indexes) await sql`drop index ${sql(name)}`
  return indexes.map(({ definition }) => definition)
}

interface Batch {
  from: number
  to: number
  orders: number
  now: Date
}

async function addBatch(sql: postgres.Sql, { from, to, orders, now }: Batch): Promise<void> {
  const patients = Math.ceil(orders / 3)
  await sql.unsafe(
    `
    create temporary table batch as
    with numbered as (
      select n, n % $3::int as p, $4::int - 1 - n as age, (n::bigint * 2654435761) % 4294967296 as h
      from generate_series($1::int, $2::int - 1) n)
    select n, p, h, age, 'O' || lpad(n::text, 25, '0') as id, 'P' || lpad(p::text, 25, '0') as patient_id,
      '1.2.826.0.1.3680043.10.1605.4.' || n as study_uid, $5::timestamptz - age * interval '1 day' / ${ORDERS_A_DAY} as at,
      case when age < ${STILL_OPEN.scheduled} then 'scheduled' when age < ${STILL_OPEN.scheduled + STILL_OPEN.checked} then 'quality-check'
        when age < ${OPEN} then 'reading' when (h >> 3) % 50 = 0 then 'cancelled' else 'closed' end as phase,
      case when (h >> 6) % 100 < 5 then 'stat' when (h >> 6) % 100 < 25 then 'urgent' else 'routine' end as priority,
      case when (h >> 9) % 100 < 25 then 'emergency' when (h >> 9) % 100 < 30 then 'intensive-care' when (h >> 9) % 100 < 55 then 'inpatient'
        when (h >> 9) % 100 < 95 then 'outpatient' else 'screening' end as patient_class,
      case when (h >> 12) % 100 < 80 then 'MAIN' else 'WEST' end as site_id,
      case when (h >> 15) % 1000 < 300 then 'CT' when (h >> 15) % 1000 < 500 then 'MR' when (h >> 15) % 1000 < 800 then 'DX'
        when (h >> 15) % 1000 < 940 then 'US' when (h >> 15) % 1000 < 990 then 'MG' else 'XA' end as modality,
      (array['neuro', 'chest', 'abdomen', 'msk', 'breast', 'nuclear', 'general'])[1 + (h >> 18) % 7] as area
    from numbered`,
    [from, to, patients, orders, now],
  )
  // Each new one when their first order came, as their ids say.
  await sql`
    insert into patients (id, trust, name, name_key, birth_date, sex, created_at)
    select patient_id, 'trusted', jsonb_build_object('alphabetic', jsonb_build_object('family', family, 'given', given))
        || case when p % ${NATIVE_ONE_IN} = 7 then '{"ideographic": {"family": "山田", "given": "太郎"}}'::jsonb else '{}' end,
      family || '^' || given || case when p % ${NATIVE_ONE_IN} = 7 then '=山田^太郎' else '' end,
      to_char(date '1930-01-01' + (p * 7919::bigint % 34000)::int, 'YYYY-MM-DD'), case when p % 2 = 0 then 'F' else 'M' end, now()
    from (select distinct p, patient_id, (array['ANNA', 'PAUL', 'MARIA', 'JOHN', 'LENA', 'OTTO', 'RUTH', 'KARL', 'EMMA', 'LI'])[1 + p % 10] as given,
      case when (p * 7919::bigint) % ${SMITH_ONE_IN} = 3 then 'SMITH' else translate(substr(md5(p::text), 1, 8), '0123456789abcdef', 'ABCDEFGHIKLMNOPR') end as family
      from batch) b
    order by p on conflict do nothing`
  await sql`
    insert into patient_identifiers (value, issuer, patient_id)
    select distinct 'M' || lpad(p::text, 8, '0') as value, 'MAIN', patient_id from batch order by value
    on conflict do nothing`
  await sql`
    insert into orders (id, site_id, patient_id, placer_number, placer_authority, filler_number, filler_authority, accession, accession_issuer,
      priority, patient_class, policy_version, received_at, end_kind, ended_at, closed_at, phase, rev, relayed_rev, settled_rev)
    select id, site_id, patient_id, 'PL' || n, 'EMR', 'F' || n, 'ISO', 'A' || lpad(n::text, 8, '0'), 'MAIN', priority, patient_class,
      (select max(version) from policies), at, case when phase = 'cancelled' then 'cancelled' end, case when phase = 'cancelled' then at end,
      case when phase in ('closed', 'cancelled') then at + interval '1 day' end, phase, 4, 4, 4
    from batch`
  await sql`
    insert into order_names (order_id, site_id, received_at, name_key)
    select b.id, b.site_id, b.at, p.name_key from batch b join patients p on p.id = b.patient_id`
  await sql`
    insert into procedures (id, order_id, position, requested_procedure_id, code, scheme, text, modality, area, study_uid, phase, received_at)
    select id, id, 1, 'R' || n, 'X' || h % 40, 'LOCAL', modality || ' ' || area, modality, area, study_uid, phase, at from batch`
  await sql`
    insert into steps (id, procedure_id, order_id, step_number, status, modality, planned_start, planned_since)
    select id, id, id, 'S' || n, case when phase = 'scheduled' then 'scheduled' else 'departed' end, modality, at, at from batch`
  await sql`
    insert into studies (id, study_uid, site_id, patient_id, modalities, instance_count, stored_count, completeness)
    select id, study_uid, site_id, patient_id, array[modality], 200, 200, 'complete' from batch where phase <> 'scheduled'`
  await sql`
    insert into study_links (id, study_id, procedure_id, order_id, at, by, rule)
    select id, id, id, id, at, 'bench', 'study-uid' from batch where phase <> 'scheduled'`
  // What was done of each stage stands behind what is still to do, as completed work.
  await sql`
    insert into work_items (id, kind, subject_type, subject_id, cycle, order_id, site_id, priority, area, modality, audience, state,
      opened_at, due_from, due_at, allowance_ms, clock_owner, policy_version, completed_at, completed_by)
    select k.letter || substr(b.id, 2), k.kind, k.subject, b.id, 1, b.id, b.site_id, b.priority, b.area, b.modality,
      jsonb_build_object('roles', k.roles, 'area', b.area), case when b.phase = k.open_in then 'open' else 'completed' end, b.at, b.at,
      b.at + interval '1 hour' * (4 + b.h % 20), 3600000 * (4 + b.h % 20), k.owner, 1,
      case when b.phase <> k.open_in then b.at end, case when b.phase <> k.open_in then 'bench' end
    from batch b, (values
      ('S', 'perform', 'step', 'scheduled', 'technologist', '["technologist"]'::jsonb, 0),
      ('Q', 'quality', 'study', 'quality-check', 'technologist', '["technologist"]'::jsonb, 1),
      ('R', 'read', 'study', 'reading', 'reader', '["radiologist", "resident"]'::jsonb, 2)) k(letter, kind, subject, open_in, owner, roles, stage)
    where k.stage <= case b.phase when 'scheduled' then 0 when 'quality-check' then 1 else 2 end`
  await sql`
    insert into order_events (order_id, rev, type, at, actor_id, actor_role, source, policy_version, previous_hash, hash, recorded_at)
    select b.id, e.rev, e.type, b.at + e.rev * interval '20 minutes', 'bench', 'department', 'duty', 1, '', '', b.at
    from batch b, (values (1, 'order.received'), (2, 'step.scheduled'), (3, 'quality.accepted'), (4, 'report.signed')) e(rev, type)`
  await sql`drop table batch`
}
