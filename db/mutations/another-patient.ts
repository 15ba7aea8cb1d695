/** A scanner gives an exam the number of another patient of ours: somebody is asked, and nothing about it is signed until then. */
import { isNumberOfAnother, type NumberSaid } from '../queries/corrections.ts'
import { closeExceptionIn, raiseException } from './exceptions.ts'
import { text } from './header-values.ts'
import type { Scope } from './mutate.ts'
import type { StoredInstance } from './studies.ts'

export interface ExamOfOrder {
  studyUid: string
  orderId: string
  siteId: string
}

/** Asks when the number that images or a performed step carry is another patient's; one nobody has is no doubt. */
export async function askIfAnothers(scope: Scope, exam: ExamOfOrder, said: NumberSaid): Promise<void> {
  const { studyUid, orderId, siteId } = exam
  if (!(await isNumberOfAnother(scope.sql, orderId, said))) return
  await raiseException(scope, {
    kind: 'identity',
    key: keyOf(exam),
    reasonCode: 'identity-mismatch',
    reason:
      'A scanner made this exam under the number of another patient than its order. Ask who was examined; images of somebody else can be moved to their order.',
    refs: { studyInstanceUid: studyUid, orderId },
    orderId,
    siteId,
  })
}

/**
 * Asks of images that come under a study of an order: a number that none of it carried before is one that nobody has
 * looked at. Those that were moved here speak of another study, and a person has said whose they are.
 */
export async function askOfNumbersIn(
  scope: Scope,
  study: { id: string; study_uid: string; site_id: string; says: NumberSaid },
  images: readonly StoredInstance[],
): Promise<void> {
  const numbers = new Map<string, NumberSaid>()
  for (const { header } of images) {
    const said = { patientId: text(header, '00100020'), issuer: text(header, '00100021') }
    const isOwn = text(header, '0020000D') === study.study_uid
    if (isOwn && said.patientId !== '' && !isSame(said, study.says))
      numbers.set(`${said.patientId}^${said.issuer}`, said)
  }
  const blobs = images.map(({ blob }) => blob)
  for (const said of numbers.values()) {
    const [before] = await scope.sql`
      select 1 from instances where study_id = ${study.id} and blob <> all(${blobs})
        and attributes->'0020000D'->'Value'->>0 = ${study.study_uid}
        and attributes->'00100020'->'Value'->>0 = ${said.patientId}
        and coalesce(attributes->'00100021'->'Value'->>0, '') = ${said.issuer} limit 1`
    if (before) continue
    const linked = await scope.sql<{ order_id: string }[]>`
      select distinct order_id from study_links where study_id = ${study.id} and undone_at is null order by order_id`
    for (const { order_id: orderId } of linked)
      await askIfAnothers(scope, { studyUid: study.study_uid, orderId, siteId: study.site_id }, said)
  }
}

/**
 * Asks of a study that has become an order's, or to which images came back: of the number that queries answer, and of
 * all that its images carry.
 */
export async function askOfAllNumbers(scope: Scope, studyId: string, orderId: string): Promise<void> {
  const numbers = await scope.sql<(NumberSaid & { studyUid: string; siteId: string })[]>`
    select study_uid as "studyUid", site_id as "siteId",
      coalesce(said->>'patientId', dicom_patient_id) as "patientId", coalesce(said->>'issuer', dicom_issuer) as issuer
    from studies where id = ${studyId}
    union
    select s.study_uid, s.site_id, i.attributes->'00100020'->'Value'->>0,
      coalesce(i.attributes->'00100021'->'Value'->>0, '')
    from studies s join instances i on i.study_id = s.id
    where s.id = ${studyId} and i.attributes->'0020000D'->'Value'->>0 = s.study_uid
      and i.attributes->'00100020'->'Value'->>0 <> ''`
  for (const { studyUid, siteId, ...said } of numbers)
    await askIfAnothers(scope, { studyUid, orderId, siteId }, said)
}

const isSame = (one: NumberSaid, other: NumberSaid): boolean =>
  one.patientId === other.patientId && one.issuer === other.issuer

/** Nothing was made for the order under that study after all. */
export async function noLongerAnothers(
  scope: Scope,
  exam: Pick<ExamOfOrder, 'studyUid' | 'orderId'>,
): Promise<void> {
  const [open] = await scope.sql<{ id: string }[]>`
    select id from exceptions where kind = 'identity' and key = ${keyOf(exam)} and state = 'open'`
  if (open) await closeExceptionIn(scope, open.id)
}

const keyOf = ({ studyUid, orderId }: Pick<ExamOfOrder, 'studyUid' | 'orderId'>): string =>
  `another-patient:${studyUid}:${orderId}`
