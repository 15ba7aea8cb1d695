/** What a caller may ask of the archive: the services it is offered, and in which encodings (PS3.8 7.1.1.13). */
import type { Supports } from '#archive/dimse/negotiation.ts'
import type { Services } from '#archive/dimse/services.ts'
import {
  MODALITY_PERFORMED_PROCEDURE_STEP,
  MODALITY_WORKLIST_FIND,
  STUDY_ROOT_FIND,
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
import type { Department } from '#db/department.ts'
import type { Caller } from './devices.ts'
import { echo } from './echo.ts'
import { findStudyRoot } from './find.ts'
import { findModalityWorklist } from './modality-worklist.ts'
import { createPerformedStep, setPerformedStep } from './mpps.ts'
import { isStorageClass } from './storage-classes.ts'
import { storeObject } from './store.ts'

const MESSAGES = { transferSyntaxes: [EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED_LITTLE] }

/**
 * Objects are kept in whatever encoding they come: the first one proposed is, with every sender met so far, the one the
 * object is in, and choosing another would make the sender convert it.
 */
const OBJECTS = { transferSyntaxes: [], anyTransferSyntax: true }

/** Contexts that this caller gets accepted. */
export function supportsFor({ sopClasses, transferSyntaxes }: Caller): Supports {
  const objects = transferSyntaxes ? { transferSyntaxes } : OBJECTS
  return (abstractSyntax) => {
    if (SERVED.includes(abstractSyntax)) return MESSAGES
    const isWelcome = isStorageClass(abstractSyntax) && (sopClasses?.includes(abstractSyntax) ?? true)
    return isWelcome ? objects : undefined
  }
}

const SERVED = [VERIFICATION, MODALITY_WORKLIST_FIND, STUDY_ROOT_FIND, MODALITY_PERFORMED_PROCEDURE_STEP]

export interface ServiceParts {
  department: Department
  ingest: Ingest
  onError: NonNullable<Services['onError']>
}

export function servicesFor(caller: Caller, { department, ingest, onError }: ServiceParts): Services {
  return {
    onError,
    cEcho: echo,
    cStore: (request) => storeObject(ingest, caller, request),
    cFind(request) {
      if (request.sopClassUid === MODALITY_WORKLIST_FIND)
        return findModalityWorklist(department, caller, request)
      if (request.sopClassUid !== STUDY_ROOT_FIND)
        throw new StatusError({ status: STATUS.sopClassNotSupported })
      const siteIds = caller.siteId === null || caller.roomId === null ? null : [caller.siteId]
      return findStudyRoot(department, { aeTitle: caller.aeTitle, siteIds }, request)
    },
    nCreate(request) {
      if (request.sopClassUid !== MODALITY_PERFORMED_PROCEDURE_STEP)
        throw new StatusError({ status: STATUS.noSuchSopClass })
      return createPerformedStep(department, caller, request)
    },
    nSet(request) {
      if (request.sopClassUid !== MODALITY_PERFORMED_PROCEDURE_STEP)
        throw new StatusError({ status: STATUS.noSuchSopClass })
      return setPerformedStep(department, caller, request)
    },
  }
}
