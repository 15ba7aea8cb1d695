/** Patients as messages name them: found by identifier and issuer, made when new, never merged or overwritten silently. */
import { nameKey } from '#domain/identity.ts'
import type { NameSaid, OrderPatient } from '#domain/order-message.ts'
import { ulid } from '../ulid.ts'
import type { Scope } from './mutate.ts'

export interface FoundPatient {
  id: string
  created: boolean
  /** Name and birth date both differ from what we have for this identifier: somebody must look. */
  identityDoubt: boolean
}

/**
 * The patient whom an order names. An order never overwrites demographics of a trusted patient.
 * The first identifier decides; further ones are attached when they belong to nobody yet.
 */
export async function findOrCreatePatient(scope: Scope, said: OrderPatient): Promise<FoundPatient> {
  const { sql } = scope
  const primary = said.identifiers[0]
  if (primary) {
    // Two messages about a new patient at once: the second waits here and finds the first one's row.
    await sql`select pg_advisory_xact_lock(hashtextextended(${`${primary.value} ${primary.issuer}`}, 0))`
    const known = await patientOf(scope, primary.value, primary.issuer)
    if (known) {
      await attachIdentifiers(scope, known.id, said)
      return { id: known.id, created: false, identityDoubt: differs(known, said) }
    }
  }
  const id = await createPatient(scope, said)
  await attachIdentifiers(scope, id, said)
  return { id, created: true, identityDoubt: false }
}

interface KnownPatient {
  id: string
  name: NameSaid
  birth_date: string | null
}

/** The patient behind an identifier, along active merge links to the survivor. */
async function patientOf({ sql }: Scope, value: string, issuer: string): Promise<KnownPatient | null> {
  const [row] = await sql<KnownPatient[]>`
    with recursive chain as (
      select patient_id as id from patient_identifiers where value = ${value} and issuer = ${issuer}
      union select l.to_patient from merge_links l join chain on l.from_patient = chain.id where l.undone_at is null)
    select p.id, p.name, p.birth_date from patients p join chain using (id)
    where not exists (select 1 from merge_links l where l.from_patient = p.id and l.undone_at is null)`
  return row ?? null
}

async function createPatient({ sql, act }: Scope, said: OrderPatient): Promise<string> {
  const id = ulid()
  const name = said.name ?? {}
  const trusted = said.identifiers.length > 0 && !said.temporaryIdentity
  await sql`
    insert into patients (id, trust, name, name_key, birth_date, sex, sex_original, created_at)
    values (${id}, ${trusted ? 'trusted' : 'provisional'}, ${sql.json(name as never)}, ${nameKey(name)},
      ${said.birthDate?.value ?? null}, ${said.sex ?? null}, ${said.sexAsSent ?? null}, ${act.now})`
  return id
}

async function attachIdentifiers({ sql }: Scope, patientId: string, said: OrderPatient): Promise<void> {
  for (const { value, issuer, type } of said.identifiers) {
    await sql`
      insert into patient_identifiers (value, issuer, type, patient_id) values (${value}, ${issuer}, ${type ?? 'MR'}, ${patientId})
      on conflict (value, issuer) do nothing`
  }
}

function differs(known: KnownPatient, said: OrderPatient): boolean {
  if (!said.name || !said.birthDate || !known.birth_date) return false
  return nameKey(said.name) !== nameKey(known.name) && said.birthDate.value !== known.birth_date
}
