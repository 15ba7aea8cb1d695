/** What every department starts from: the policy, the catalogue, a clock, the numbers it mints and the sites. */
import { SEED_CATALOGUE } from '#domain/catalogue.ts'
import { POLICY_VERSION_1 } from '#domain/policy.ts'
import { SEED_SITES } from '#domain/seed-department.ts'
import { seedProtocols } from '#domain/seed-protocols.ts'
import type { TransactionSql } from '../client.ts'
import { ulid } from '../ulid.ts'

/** Writes what is missing and leaves alone what is there: a department's own changes survive every start. */
export async function seedBase(
  sql: TransactionSql,
  { policy, sites }: { policy: Record<string, unknown>; sites: readonly string[] },
): Promise<void> {
  for (const { id, name, calendar } of SEED_SITES.filter((site) => sites.includes(site.id))) {
    const { zone, ...windows } = calendar
    await sql`
      insert into sites (id, name, zone, calendar) values (${id}, ${name}, ${zone}, ${sql.json(windows as never)}) on conflict do nothing`
  }
  const now = new Date()
  await sql`
    insert into policies (version, body, approved_by, approved_at)
    values (${POLICY_VERSION_1.version}, ${sql.json(policy as never)}, 'seed', ${now}) on conflict do nothing`
  await sql`
    insert into department_clock (base_machine, base_department, rate) values (${now}, ${now}, 1) on conflict do nothing`
  await sql`
    insert into minting (uid_root, accession_prefix, accession_issuer, filler_authority, control_prefix)
    values ('2.25', 'A', 'ISOCENTER', 'ISOCENTER', 'IC') on conflict do nothing`
  await seedCatalogue(sql)
  await seedLibrary(sql, now)
}

async function seedCatalogue(sql: TransactionSql): Promise<void> {
  for (const entry of SEED_CATALOGUE) {
    await sql`
      insert into catalogue (code, scheme, short_name, name, loinc, modality, area, slot_minutes, prep_minutes, gates,
        preparation, protocolling, body_part, protocol_code, protocol_name)
      values (${entry.code}, ${entry.scheme}, ${entry.shortName}, ${entry.name}, ${entry.code}, ${entry.modality},
        ${entry.area}, ${entry.slotMinutes}, ${entry.prepMinutes}, ${[...entry.gates]},
        ${entry.fastingHours > 0 ? `${entry.fastingHours} h fasting` : null}, ${entry.protocolling}, ${entry.bodyPart},
        ${entry.code}, ${entry.shortName}) on conflict do nothing`
  }
}

// Only where nobody has kept a protocol yet: a library that people changed stays theirs.
async function seedLibrary(sql: TransactionSql, now: Date): Promise<void> {
  const kept = await sql<{ code: string }[]>`select distinct code from protocols where scheme = 'LN'`
  const known = new Set(kept.map(({ code }) => code))
  for (const seed of seedProtocols(SEED_CATALOGUE)) {
    if (known.has(seed.code)) continue
    const id = ulid()
    await sql`
      insert into protocols (id, version, scheme, code, protocol_code, name, parameters, made_by, made_at)
      values (${id}, 1, 'LN', ${seed.code}, ${seed.protocolCode}, ${seed.name}, ${sql.json(seed.parameters as never)}, 'seed', ${now})`
    if (seed.isDefault)
      await sql`
        insert into protocol_defaults (scheme, code, protocol_id, set_by, set_at) values ('LN', ${seed.code}, ${id}, 'seed', ${now})`
  }
}

/** Sets how fast the department's clock runs from now on; what it shows does not jump. */
export async function turnClock(sql: TransactionSql, rate: number): Promise<void> {
  const now = new Date()
  await sql`
    update department_clock set
      base_department = base_department + (extract(epoch from ${now}::timestamptz - base_machine) * rate) * interval '1 second',
      base_machine = ${now}, rate = ${rate}
    where rate <> ${rate}`
}
