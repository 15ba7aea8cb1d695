/** Which study belongs to which order: by Study Instance UID, else by accession and patient together; never by score. */
import { ulid } from '../ulid.ts'
import { askOfAllNumbers, noLongerAnothers } from './another-patient.ts'
import { raiseException } from './exceptions.ts'
import type { Scope } from './mutate.ts'
import type { DicomJson } from './studies.ts'

/** Links a study to the procedures it was made for and returns the orders it is linked to, new and old. */
export async function linkStudy(
  scope: Scope,
  studyId: string,
  { studyUid, header }: { studyUid: string; header: DicomJson },
): Promise<string[]> {
  const byUid = await scope.sql<{ id: string; order_id: string }[]>`
    select id, order_id from procedures where study_uid = ${studyUid} order by order_id, id`
  for (const procedure of byUid) await link(scope, studyId, procedure, 'study-uid')
  if (byUid.length === 0) await linkByAccession(scope, studyId, header)
  await linkByPerformedSteps(scope, studyId, studyUid)
  const linked = await scope.sql<{ order_id: string }[]>`
    select distinct order_id from study_links where study_id = ${studyId} and undone_at is null order by order_id`
  return linked.map((row) => row.order_id)
}

/**
 * What was performed for several orders at once stands in one study: it is each of theirs, as long as they are of one
 * patient. One scan of two patients is nobody's to report, and somebody is asked.
 */
export async function linkByPerformedSteps(scope: Scope, studyId: string, studyUid: string): Promise<void> {
  const performed = await scope.sql<PerformedFor[]>`
    select distinct p.id, p.order_id, o.site_id, o.patient_id = st.patient_id as "isTheirs"
    from studies st join performed_steps ps on ps.study_uid = st.study_uid
      join performed_step_links l on l.performed_step_id = ps.id join steps s on s.id = l.step_id
      join procedures p on p.id = s.procedure_id join orders o on o.id = p.order_id
    where st.id = ${studyId} and ps.decision is distinct from 'wrong-entry' and p.end_kind is null and p.study_uid <> ${studyUid}
      and st.patient_id is not null and st.stored_count > 0
    order by p.order_id, p.id`
  for (const procedure of performed) {
    if (procedure.isTheirs) await link(scope, studyId, procedure, 'performed-step')
    else await askWhose(scope, procedure, studyUid)
  }
}

interface PerformedFor {
  id: string
  order_id: string
  site_id: string
  isTheirs: boolean
}

async function askWhose(scope: Scope, { order_id, site_id }: PerformedFor, studyUid: string): Promise<void> {
  await raiseException(scope, {
    kind: 'identity',
    key: `two-patients:${studyUid}:${order_id}`,
    reasonCode: 'identity-mismatch',
    reason:
      'A scanner made one exam for orders of two patients. Its images stand with the first; ask whose they are.',
    refs: { studyInstanceUid: studyUid, orderId: order_id },
    orderId: order_id,
    siteId: site_id,
  })
}

// A console that made its own Study Instance UID still sends the accession; it counts only with the same patient.
async function linkByAccession(scope: Scope, studyId: string, header: DicomJson): Promise<void> {
  const accession = String(header['00080050']?.Value?.[0] ?? '')
  const patientId = String(header['00100020']?.Value?.[0] ?? '')
  if (!accession || !patientId) return
  const procedures = await scope.sql<{ id: string; order_id: string }[]>`
    select p.id, p.order_id from orders o join procedures p on p.order_id = o.id
      join patient_identifiers i on i.patient_id = o.patient_id
    where o.accession = ${accession} and i.value = ${patientId} and p.end_kind is null order by p.position limit 1`
  for (const procedure of procedures) {
    await scope.lockOrder(procedure.order_id)
    await link(scope, studyId, procedure, 'accession')
  }
}

async function link(
  scope: Scope,
  studyId: string,
  procedure: { id: string; order_id: string },
  rule: 'study-uid' | 'accession' | 'performed-step' | 'person',
): Promise<void> {
  const { sql, act, append } = scope
  const id = ulid()
  const inserted = await sql`
    insert into study_links (id, study_id, procedure_id, order_id, at, by, rule)
    values (${id}, ${studyId}, ${procedure.id}, ${procedure.order_id}, ${act.now}, ${act.actor.id}, ${rule})
    on conflict (study_id, procedure_id) where undone_at is null do nothing returning id`
  if (inserted.length === 0) return
  await sql`
    update studies set patient_id = (select patient_id from orders where id = ${procedure.order_id})
    where id = ${studyId} and patient_id is null`
  append(procedure.order_id, {
    type: 'study.linked',
    data: { linkId: id, studyId, procedureId: procedure.id, rule },
  })
  await askOfAllNumbers(scope, studyId, procedure.order_id)
}

/** Takes every link of a study back: it holds nothing any more. */
export async function unlinkStudy(scope: Scope, studyId: string): Promise<void> {
  const { sql, act, append } = scope
  const undone = await sql<{ id: string; order_id: string; procedure_id: string; studyUid: string }[]>`
    update study_links l set undone_at = ${act.now} from studies s
    where s.id = l.study_id and l.study_id = ${studyId} and l.undone_at is null
    returning l.id, l.order_id, l.procedure_id, s.study_uid as "studyUid"`
  for (const { id, order_id, procedure_id, studyUid } of undone) {
    await noLongerAnothers(scope, { studyUid, orderId: order_id })
    append(order_id, {
      type: 'study.unlinked',
      data: { linkId: id, studyId, procedureId: procedure_id },
    })
  }
}
