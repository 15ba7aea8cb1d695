/** Storage Commitment Push Model, both its sides' messages (PS3.4 annex J): the request, and the report that answers it. */
import type { Association, Response } from '../dimse/association.ts'
import { COMMAND } from '../dimse/command.ts'
import { Dataset } from '../dimse/dataset.ts'
import { encodeDataset } from '../dimse/encode.ts'
import { STORAGE_COMMITMENT_PUSH, STORAGE_COMMITMENT_PUSH_INSTANCE } from '../dimse/sop-class.ts'
import { EXPLICIT_LITTLE, IMPLICIT_LITTLE } from '../dimse/transfer-syntax.ts'
import { type OpenOptions, type Peer, type Proposed, withAssociation } from './association.ts'
import { contextFor } from './context.ts'

export type Reference = { readonly sopClassUid: string; readonly sopInstanceUid: string }

export type CommitmentRequest = {
  readonly transactionUid: string
  readonly instances: readonly Reference[]
}

export type CommitmentReport = {
  readonly transactionUid: string
  readonly committed: readonly Reference[]
  /** Each with its Failure Reason (0008,1197). */
  readonly failed: readonly (Reference & { readonly reason: number })[]
  /** Where the committed ones can be retrieved from. */
  readonly retrieveAe?: string
}

/** Event types of PS3.4 J.3.3: all are committed, or some are not. */
const ALL_COMMITTED = 1
const FAILURES_EXIST = 2
const REQUEST_COMMITMENT = 1

const messages = {
  abstractSyntax: STORAGE_COMMITMENT_PUSH,
  transferSyntaxes: [EXPLICIT_LITTLE, IMPLICIT_LITTLE],
}

/** Of who asks for commitment. */
export const COMMITMENT_CONTEXT: Proposed = messages

/** Of who reports on an association of its own: it is the SCP there, by role selection (PS3.4 J.3.3). */
export const REPORT_CONTEXT: Proposed = { ...messages, role: { scu: false, scp: true } }

/** N-ACTION; the report comes as N-EVENT-REPORT, on this association or on one that the peer opens. */
export function requestCommitmentOn(association: Association, request: CommitmentRequest): Promise<Response> {
  const context = contextFor(association, STORAGE_COMMITMENT_PUSH)
  const fields = {
    CommandField: COMMAND.nAction,
    RequestedSOPClassUID: STORAGE_COMMITMENT_PUSH,
    RequestedSOPInstanceUID: STORAGE_COMMITMENT_PUSH_INSTANCE,
    ActionTypeID: REQUEST_COMMITMENT,
  }
  const information = Dataset.of({
    TransactionUID: request.transactionUid,
    ReferencedSOPSequence: request.instances.map(item),
  })
  return association.request(context, fields, encodeDataset(information, context.transferSyntax))
}

/** N-ACTION on an association of its own; returns the status. */
export function requestCommitment(
  peer: Peer,
  request: CommitmentRequest,
  options: Omit<OpenOptions, 'contexts'> = {},
): Promise<number> {
  return withAssociation(peer, { ...options, contexts: [COMMITMENT_CONTEXT] }, async (association) => {
    const { status } = await requestCommitmentOn(association, request)
    return status
  })
}

/** N-EVENT-REPORT, from the SCP of the service. @throws DicomError 'no-presentation-context' */
export async function reportOn(association: Association, report: CommitmentReport): Promise<number> {
  const context = contextFor(association, STORAGE_COMMITMENT_PUSH)
  const fields = {
    CommandField: COMMAND.nEventReport,
    AffectedSOPClassUID: STORAGE_COMMITMENT_PUSH,
    AffectedSOPInstanceUID: STORAGE_COMMITMENT_PUSH_INSTANCE,
    EventTypeID: report.failed.length === 0 ? ALL_COMMITTED : FAILURES_EXIST,
  }
  const bytes = encodeDataset(information(report), context.transferSyntax)
  const { status } = await association.request(context, fields, bytes)
  return status
}

function information({ transactionUid, committed, failed, retrieveAe }: CommitmentReport): Dataset {
  return Dataset.of({
    TransactionUID: transactionUid,
    RetrieveAETitle: retrieveAe,
    ReferencedSOPSequence: committed.length > 0 ? committed.map(item) : undefined,
    FailedSOPSequence:
      failed.length > 0 ? failed.map((one) => item(one).set('FailureReason', one.reason)) : undefined,
  })
}

const item = ({ sopClassUid, sopInstanceUid }: Reference): Dataset =>
  Dataset.of({ ReferencedSOPClassUID: sopClassUid, ReferencedSOPInstanceUID: sopInstanceUid })

/** References of a request or report; undefined when one of them lacks a UID. */
export function referencesIn(dataset: Dataset, keyword: string): Reference[] | undefined {
  const items = dataset.items(keyword).map((one) => ({
    sopClassUid: one.text('ReferencedSOPClassUID') ?? '',
    sopInstanceUid: one.text('ReferencedSOPInstanceUID') ?? '',
  }))
  return items.every((one) => one.sopClassUid !== '' && one.sopInstanceUid !== '') ? items : undefined
}

/** What an N-EVENT-REPORT says. */
export function readReport(dataset: Dataset): CommitmentReport {
  const failed = dataset.items('FailedSOPSequence')
  return {
    transactionUid: dataset.text('TransactionUID') ?? '',
    committed: referencesIn(dataset, 'ReferencedSOPSequence') ?? [],
    failed: (referencesIn(dataset, 'FailedSOPSequence') ?? []).map((one, at) => ({
      ...one,
      reason: failed[at]!.number('FailureReason') ?? 0,
    })),
    ...(dataset.text('RetrieveAETitle') ? { retrieveAe: dataset.text('RetrieveAETitle')! } : {}),
  }
}
