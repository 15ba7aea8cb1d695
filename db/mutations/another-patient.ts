/** A scanner gives an exam the number of another patient of ours: somebody is asked, and nothing about it is signed until then. */
import { isNumberOfAnother, type NumberSaid } from '../queries/corrections.ts'
import { closeExceptionIn, raiseException } from './exceptions.ts'
import type { Scope } from './mutate.ts'

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
