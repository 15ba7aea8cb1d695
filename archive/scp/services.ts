/** What a caller may ask of the archive: the services it is offered, and in which encodings (PS3.8 7.1.1.13). */
import type { Supports } from '#archive/dimse/negotiation.ts'
import type { DatasetRequest, Services } from '#archive/dimse/services.ts'
import {
  MODALITY_PERFORMED_PROCEDURE_STEP,
  MODALITY_WORKLIST_FIND,
  PATIENT_ROOT_FIND,
  PATIENT_ROOT_GET,
  PATIENT_ROOT_MOVE,
  STORAGE_COMMITMENT_PUSH,
  STUDY_ROOT_FIND,
  STUDY_ROOT_GET,
  STUDY_ROOT_MOVE,
  VERIFICATION,
} from '#archive/dimse/sop-class.ts'
import { STATUS, StatusError } from '#archive/dimse/status.ts'
import {
  DEFLATED_LITTLE,
  EXPLICIT_BIG,
  EXPLICIT_LITTLE,
  IMPLICIT_LITTLE,
} from '#archive/dimse/transfer-syntax.ts'
import type { Ingest } from '#archive/ingest/ingest.ts'
import type { NativeDependencies } from '#archive/web/native.ts'
import type { Department } from '#db/department.ts'
import { takeCommitmentRequest } from './commitment.ts'
import type { CommitmentReports } from './commitment-reports.ts'
import type { Caller } from './devices.ts'
import type { Ourselves } from './dial.ts'
import { echo } from './echo.ts'
import { findObjects } from './find.ts'
import { findModalityWorklist } from './modality-worklist.ts'
import { createPerformedStep, setPerformedStep } from './mpps.ts'
import { getObjects, moveObjects } from './retrieve.ts'
import { isProtocolClass, isStorageClass } from './storage-classes.ts'
import { storeObject } from './store.ts'
import { withoutNul } from './without-nul.ts'

const MESSAGES = { transferSyntaxes: [EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED_LITTLE] }

/**
 * Objects are kept in whatever encoding they come: the first one proposed is, with every sender met so far, the one the
 * object is in, and choosing another would make the sender convert it.
 */
const OBJECTS = { transferSyntaxes: [], anyTransferSyntax: true }

/** A caller may ask to be sent objects on its own association: it is then the SCP for them, by role selection. */
const BOTH_WAYS = { requestorMayBeScp: true }

/** Contexts that this caller gets accepted. */
export function supportsFor({ sopClasses, transferSyntaxes }: Caller): Supports {
  const objects = { ...(transferSyntaxes ? { transferSyntaxes } : OBJECTS), ...BOTH_WAYS }
  return (abstractSyntax) => {
    if (SERVED.includes(abstractSyntax)) return MESSAGES
    if (sopClasses?.includes(abstractSyntax) === false) return undefined
    // Read here and not only kept, so in an encoding of messages; and handed out by no retrieval.
    if (isProtocolClass(abstractSyntax)) return MESSAGES
    return isStorageClass(abstractSyntax) ? objects : undefined
  }
}

const SERVED = [
  VERIFICATION,
  MODALITY_WORKLIST_FIND,
  PATIENT_ROOT_FIND,
  STUDY_ROOT_FIND,
  PATIENT_ROOT_MOVE,
  STUDY_ROOT_MOVE,
  PATIENT_ROOT_GET,
  STUDY_ROOT_GET,
  MODALITY_PERFORMED_PROCEDURE_STEP,
  STORAGE_COMMITMENT_PUSH,
]

export interface ServiceParts {
  department: Department
  ingest: Ingest
  /** Where the objects are that a retrieve sends, and what decodes them. */
  stored: NativeDependencies
  ourselves: Ourselves
  reports: CommitmentReports
  onError: NonNullable<Services['onError']>
}

export function servicesFor(caller: Caller, parts: ServiceParts): Services {
  const { department, ingest, stored, ourselves, reports, onError } = parts
  const siteIds = caller.siteId === null || caller.roomId === null ? null : [caller.siteId]
  const { aeTitle } = ourselves
  const asking = { department, aeTitle, caller: { aeTitle: caller.aeTitle, siteIds, view: caller.view } }
  const retrieving = { ...asking, stored, ourselves }
  return {
    onError,
    cEcho: echo,
    cStore: (request) => storeObject(ingest, caller, request),
    cFind(asked) {
      const request = readable(asked)
      if (request.sopClassUid === MODALITY_WORKLIST_FIND)
        return findModalityWorklist(department, caller, request)
      return findObjects(asking, request)
    },
    cMove: (request) => moveObjects(retrieving, readable(request)),
    cGet: (request) => getObjects(retrieving, readable(request)),
    nCreate(request) {
      if (request.sopClassUid !== MODALITY_PERFORMED_PROCEDURE_STEP)
        throw new StatusError({ status: STATUS.noSuchSopClass })
      return createPerformedStep(department, caller, readable(request))
    },
    nSet(request) {
      if (request.sopClassUid !== MODALITY_PERFORMED_PROCEDURE_STEP)
        throw new StatusError({ status: STATUS.noSuchSopClass })
      return setPerformedStep(department, caller, readable(request))
    },
    nAction(request) {
      if (request.sopClassUid !== STORAGE_COMMITMENT_PUSH)
        throw new StatusError({ status: STATUS.noSuchSopClass })
      return takeCommitmentRequest({ department, reports, aeTitle: caller.aeTitle }, readable(request))
    },
  }
}

const readable = (request: DatasetRequest): DatasetRequest => ({
  ...request,
  dataset: withoutNul(request.dataset),
})
