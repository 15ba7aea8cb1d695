/** A new order: service request, requested procedures and their scheduled steps, with every number minted or adopted. */
import { RadiologyError } from '#domain/errors.ts'
import type { OrderedProcedure, OrderedStep, OrderMessage } from '#domain/order-message.ts'
import { policyOf } from '../queries/policy.ts'
import { protocolFor } from '../queries/protocols.ts'
import { ulid } from '../ulid.ts'
import { raiseException } from './exceptions.ts'
import {
  type Minting,
  mintAccession,
  mintFillerNumber,
  minting,
  mintRequestedProcedureId,
  mintStepNumber,
  mintUid,
} from './minting.ts'
import type { Scope } from './mutate.ts'
import { findOrCreatePatient } from './patients.ts'
import { bookWhereFree } from './scheduling.ts'

/** What the connection and the message add to what the order itself says. */
export interface OrderOrigin {
  siteId: string
  messageId: string
  contentHash: string
  sendingApplication: string
  sendingFacility: string
}

/**
 * Creates one order with all its procedures and steps; a step with a usable date of its own is booked.
 * Keyed on the placer order number and its authority: a second order under them cannot exist.
 * @throws RadiologyError 'message-conflict' when an adopted accession or Study Instance UID belongs to another order
 */
export async function createOrder(scope: Scope, said: OrderMessage, origin: OrderOrigin): Promise<string> {
  const { sql, act } = scope
  const mint = await minting(sql)
  const patient = await findOrCreatePatient(scope, said.patient)
  const orderId = ulid()
  const accession = await accessionFor(scope, mint, said)
  const policy = await policyOf(sql)
  await sql`
    insert into orders (id, site_id, patient_id, placer_number, placer_authority, filler_number, filler_authority,
      accession, accession_issuer, priority, priority_word, patient_class, location, visit_number, requester, copies_to,
      reason, notes, sending_application, sending_facility, content_hash, policy_version, received_at)
    values (${orderId}, ${origin.siteId}, ${patient.id}, ${said.placer?.value ?? null}, ${said.placer?.authority ?? null},
      ${await mintFillerNumber(sql)}, ${mint.fillerAuthority}, ${accession.value}, ${accession.issuer},
      ${said.priority?.level ?? 'routine'}, ${said.priority?.word ?? null}, ${patientClass(said)}, ${locationOf(said)},
      ${said.visit?.number?.value ?? null}, ${sql.json(requesterOf(said) as never)}, ${sql.json(said.copiesTo as never)},
      ${said.reason?.text ?? null}, ${said.notes.join('\n') || null}, ${origin.sendingApplication},
      ${origin.sendingFacility}, ${origin.contentHash}, ${policy.version}, ${act.now})`
  scope.append(orderId, {
    type: 'order.received',
    refs: { messageId: origin.messageId },
    data: { priority: said.priority?.level ?? 'routine', procedures: said.procedures.length },
  })
  for (const [index, procedure] of said.procedures.entries()) {
    await addProcedure(scope, {
      orderId,
      siteId: origin.siteId,
      position: index + 1,
      procedure,
      mint,
      protocolling: policy.protocolling,
    })
  }
  if (patient.identityDoubt) await raiseIdentityDoubt(scope, orderId, patient.id, origin)
  return orderId
}

async function accessionFor(
  scope: Scope,
  mint: Minting,
  said: OrderMessage,
): Promise<{ value: string; issuer: string }> {
  const sent = said.procedures.find((procedure) => procedure.accession)?.accession
  if (!sent)
    return { value: await mintAccession(scope.sql, mint, scope.act.now), issuer: mint.accessionIssuer }
  const [taken] = await scope.sql`
    select id from orders where accession = ${sent.value} and accession_issuer = ${sent.issuer}`
  if (taken) throw new RadiologyError('message-conflict', { field: 'accession', orderId: taken.id as string })
  return sent
}

interface ProcedureToAdd {
  orderId: string
  siteId: string
  position: number
  procedure: OrderedProcedure
  mint: Minting
  protocolling: 'off' | 'on'
}

async function addProcedure(
  scope: Scope,
  { orderId, siteId, position, procedure, mint, protocolling }: ProcedureToAdd,
): Promise<void> {
  const { sql, act } = scope
  const id = ulid()
  const entry = await catalogueEntry(scope, procedure)
  const modality = procedure.steps.find((step) => step.modality)?.modality ?? entry?.modality ?? 'OT'
  const byRule = protocolling === 'off' || entry?.protocolling === 'rule'
  await sql`
    insert into procedures (id, order_id, position, requested_procedure_id, code, scheme, text, catalogue_code,
      catalogue_scheme, modality, area, side, study_uid, protocol_by, protocol_at, sla_minutes)
    values (${id}, ${orderId}, ${position}, ${await requestedProcedureId(scope, procedure)}, ${procedure.code ?? ''},
      ${procedure.scheme ?? ''}, ${procedure.text ?? entry?.name ?? procedure.code ?? ''}, ${entry?.code ?? null},
      ${entry?.scheme ?? null}, ${modality}, ${entry?.area ?? 'general'}, ${sideOf(procedure)},
      ${await studyUidFor(scope, mint, procedure)}, ${byRule && entry ? 'rule' : null}, ${byRule && entry ? act.now : null},
      ${entry?.sla_minutes ?? null})`
  scope.append(orderId, { type: 'procedure.added', data: { procedureId: id, known: entry !== null } })
  if (byRule && entry) {
    scope.append(orderId, {
      type: 'procedure.protocolled',
      data: { procedureId: id, protocolId: entry.protocol_code, by: 'rule' },
    })
  }
  for (const step of procedure.steps.length > 0 ? procedure.steps : [{ aeTitles: [] }]) {
    await addStep(scope, { orderId, procedureId: id, siteId, step, modality, entry })
  }
}

interface StepToAdd {
  orderId: string
  procedureId: string
  siteId: string
  step: OrderedStep
  modality: string
  entry: CatalogueRow | null
}

async function addStep(
  scope: Scope,
  { orderId, procedureId, siteId, step, modality, entry }: StepToAdd,
): Promise<void> {
  const { sql, act } = scope
  const id = ulid()
  const own = step.modality ?? modality
  const named = step.protocol?.code ?? null
  const protocol = entry ? await protocolFor(sql, { ...entry, named }) : null
  await sql`
    insert into steps (id, procedure_id, order_id, step_number, status, modality, wished_start, wished_room,
      protocol_code, protocol_name, protocol_id, protocol_version, planned_since)
    values (${id}, ${procedureId}, ${orderId}, ${await stepNumber(scope, step)}, 'planned', ${own},
      ${step.bookedStart ?? step.wishedStart ?? null}, ${step.aeTitles[0] ?? step.room ?? null},
      ${named ?? protocol?.protocolCode ?? entry?.protocol_code ?? null},
      ${step.protocol?.text ?? protocol?.name ?? entry?.protocol_name ?? null}, ${protocol?.id ?? null},
      ${protocol?.version ?? null}, ${act.now})`
  if (step.bookedStart) {
    await bookWhereFree(scope, {
      orderId,
      stepId: id,
      siteId,
      modality: own,
      start: step.bookedStart,
      minutes: (entry?.slot_minutes ?? 15) + (entry?.prep_minutes ?? 0),
      room: step.aeTitles[0] ?? step.room ?? null,
    })
  }
}

export interface CatalogueRow {
  code: string
  scheme: string
  name: string
  modality: string
  area: string
  slot_minutes: number
  prep_minutes: number
  protocolling: 'rule' | 'reader'
  protocol_code: string | null
  protocol_name: string | null
  /** Promised to what is ordered now. */
  sla_minutes: number | null
}

// A code is matched with its scheme; a bare code or a LOINC sent as such also finds its entry.
export async function catalogueEntry(
  { sql }: Scope,
  { code, scheme, alternate }: OrderedProcedure,
): Promise<CatalogueRow | null> {
  const codes = [code, alternate?.code].filter((one): one is string => Boolean(one))
  if (codes.length === 0) return null
  const [row] = await sql<CatalogueRow[]>`
    select * from catalogue where code = any(${codes}) or loinc = any(${codes})
    order by (code = ${codes[0]!} and scheme = ${scheme ?? ''}) desc, (code = any(${codes})) desc, code limit 1`
  return row ?? null
}

// A number that the sender is the authority for is adopted unless somebody else has it already.
async function requestedProcedureId(
  { sql }: Scope,
  { requestedProcedureId: sent }: OrderedProcedure,
): Promise<string> {
  if (sent && sent.length <= 16) {
    const [taken] = await sql`select 1 from procedures where requested_procedure_id = ${sent}`
    if (!taken) return sent
  }
  return mintRequestedProcedureId(sql)
}

async function stepNumber({ sql }: Scope, { stepId: sent }: OrderedStep): Promise<string> {
  if (sent && sent.length <= 16) {
    const [taken] = await sql`select 1 from steps where step_number = ${sent}`
    if (!taken) return sent
  }
  return mintStepNumber(sql)
}

async function studyUidFor(
  { sql }: Scope,
  mint: Minting,
  { studyInstanceUid: sent }: OrderedProcedure,
): Promise<string> {
  if (!sent) return mintUid(sql, mint)
  const [taken] = await sql<
    { order_id: string }[]
  >`select order_id from procedures where study_uid = ${sent} limit 1`
  if (taken) throw new RadiologyError('message-conflict', { field: 'study-uid', orderId: taken.order_id })
  return sent
}

function sideOf({ side }: OrderedProcedure): 'left' | 'right' | 'bilateral' | null {
  return side === 'both' ? 'bilateral' : (side ?? null)
}

// PV1-2 as the department ranks it; a ward that says intensive care is not known before locations are mapped.
function patientClass({ visit }: OrderMessage): string {
  const letter = visit?.patientClass?.toUpperCase()
  return letter === 'E' ? 'emergency' : letter === 'I' ? 'inpatient' : 'outpatient'
}

function locationOf({ visit }: OrderMessage): string | null {
  const at = visit?.location
  return [at?.pointOfCare, at?.room, at?.bed].filter(Boolean).join(' ') || null
}

function requesterOf({ requester, visit, callBack }: OrderMessage) {
  const person = requester ?? visit?.referrer
  if (!person) return null
  const { family, given, prefix, degree } = person.name
  return {
    id: person.id,
    authority: person.authority,
    family,
    given,
    prefix,
    degree,
    phone: callBack ?? undefined,
  }
}

async function raiseIdentityDoubt(
  scope: Scope,
  orderId: string,
  patientId: string,
  origin: OrderOrigin,
): Promise<void> {
  await raiseException(scope, {
    kind: 'identity',
    key: `order:${orderId}`,
    reasonCode: 'identity-mismatch',
    reason:
      'The order names a known identifier, but name and birth date both differ from the patient we have.',
    refs: { orderId, patientId, messageId: origin.messageId },
    orderId,
    siteId: origin.siteId,
  })
}
