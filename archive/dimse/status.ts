/** Statuses of DIMSE responses (PS3.7 annex C, PS3.4 per service) and how a service refuses with one. */
import type { Dataset } from './dataset.ts'
import { DicomError, type DicomErrorRefs } from './dicom-error.ts'
import type { Tag } from './dictionary.ts'

export const STATUS = {
  success: 0x0000,
  attributeListError: 0x0107,
  attributeValueOutOfRange: 0x0116,
  cancelled: 0xfe00,
  cannotPerformSubOperations: 0xa702,
  cannotUnderstand: 0xc000,
  classInstanceConflict: 0x0119,
  datasetDoesNotMatch: 0xa900,
  duplicateInvocation: 0x0210,
  duplicateSopInstance: 0x0111,
  invalidArgumentValue: 0x0115,
  invalidAttributeValue: 0x0106,
  invalidSopInstance: 0x0117,
  missingAttribute: 0x0120,
  missingAttributeValue: 0x0121,
  mistypedArgument: 0x0212,
  moveDestinationUnknown: 0xa801,
  noSuchAction: 0x0123,
  noSuchEventType: 0x0113,
  noSuchSopClass: 0x0118,
  noSuchSopInstance: 0x0112,
  notAuthorised: 0x0124,
  outOfResources: 0xa700,
  pending: 0xff00,
  pendingWithoutOptionalKeys: 0xff01,
  processingFailure: 0x0110,
  sopClassNotSupported: 0x0122,
  subOperationsFailed: 0xb000,
  unrecognizedOperation: 0x0211,
} as const

/** What a service answers with. `comment` reaches the peer (64 characters): no patient data in it. */
export type Outcome = {
  readonly status: number
  readonly comment?: string
  readonly errorId?: number
  readonly offendingElements?: readonly Tag[]
  readonly attributes?: readonly Tag[]
  /** The instance made, when the SCP chose its UID (N-CREATE without one). */
  readonly sopInstanceUid?: string
  readonly dataset?: Dataset
}

export const SUCCESS: Outcome = { status: STATUS.success }

/** Error ID with 0110H: the performed step has been completed or discontinued (PS3.4 section F.7.2.2.3). */
export const NO_LONGER_UPDATABLE = 0xa710

/** Thrown by a service to answer with a status: `throw new StatusError({ status: STATUS.duplicateSopInstance })`. */
export class StatusError extends DicomError {
  readonly outcome: Outcome

  constructor(outcome: Outcome, refs: DicomErrorRefs = {}, cause?: unknown) {
    super('status', { status: statusHex(outcome.status), ...refs }, cause)
    this.outcome = outcome
  }
}

/** As the standard writes it: `A700H`. */
export const statusHex = (status: number): string => `${status.toString(16).toUpperCase().padStart(4, '0')}H`

export const isPending = (status: number): boolean => status === 0xff00 || status === 0xff01

/** Warnings: 0001H, 0107H, 0116H and BxxxH (PS3.7 section C.4). */
export const isWarning = (status: number): boolean =>
  [0x0001, 0x0107, 0x0116].includes(status) || status >>> 12 === 0xb

/** Neither success, pending, warning nor cancelled. */
export const isFailure = (status: number): boolean =>
  status !== STATUS.success && status !== STATUS.cancelled && !isPending(status) && !isWarning(status)

/** The answer to an error nobody translated: resources when the disk or the file table is full, else a failure. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof StatusError) return error.outcome
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EMFILE' || code === 'ENFILE'
  return { status: full ? STATUS.outOfResources : STATUS.processingFailure }
}
