/** Storage Commitment Push Model as SCP (PS3.4 J.3.2, IHE RAD-10): a request is a row before it is answered. */
import { hexOf, tagOf } from '#archive/dimse/dictionary.ts'
import type { DatasetRequest } from '#archive/dimse/services.ts'
import { STORAGE_COMMITMENT_PUSH_INSTANCE } from '#archive/dimse/sop-class.ts'
import { type Outcome, STATUS, StatusError, SUCCESS } from '#archive/dimse/status.ts'
import { type Reference, referencesIn } from '#archive/scu/commitment.ts'
import type { Department } from '#db/department.ts'
import { deviceAct } from '#db/mutations/act.ts'
import { takeCommitment } from '#db/mutations/commitments.ts'
import type { CommitmentReports } from './commitment-reports.ts'

const REQUEST_COMMITMENT = 1

/** N-ACTION: taken, or refused with 0112H (no such instance), 0123H (no such action) or 0115H (not a request). */
export async function takeCommitmentRequest(
  parts: { department: Department; reports: CommitmentReports; aeTitle: string },
  request: DatasetRequest,
): Promise<Outcome> {
  const { department, reports, aeTitle } = parts
  if (request.sopInstanceUid !== STORAGE_COMMITMENT_PUSH_INSTANCE)
    throw new StatusError({ status: STATUS.noSuchSopInstance })
  if (request.command.set.number('ActionTypeID') !== REQUEST_COMMITMENT)
    throw new StatusError({ status: STATUS.noSuchAction })
  const transactionUid = request.dataset.text('TransactionUID')
  if (!transactionUid) throw invalid('TransactionUID')
  const address = request.association.agreement.remoteAddress
  const act = await deviceAct(department, aeTitle, { address })
  const taken = await takeCommitment(department, act, {
    aeTitle,
    transactionUid,
    instances: references(request),
    patienceUntil: reports.patienceFrom(act.machineNow),
  })
  if (taken.outcome === 'conflict')
    throw new StatusError({
      status: STATUS.processingFailure,
      comment: 'Transaction UID is in use for other instances',
    })
  reports.owed(taken.id, request.association)
  return SUCCESS
}

/** Each instance once, as it was named first. */
function references({ dataset }: DatasetRequest): Reference[] {
  const named = referencesIn(dataset, 'ReferencedSOPSequence')
  if (!named || named.length === 0) throw invalid('ReferencedSOPSequence')
  return [...new Map([...named].reverse().map((one) => [one.sopInstanceUid, one])).values()].reverse()
}

function invalid(keyword: string): StatusError {
  return new StatusError({
    status: STATUS.invalidArgumentValue,
    comment: `${keyword} ${hexOf(tagOf(keyword))} is missing or incomplete`,
  })
}
