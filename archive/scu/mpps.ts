/** Modality Performed Procedure Step as SCU (PS3.4 annex F): what a scanner tells of the work it does. */
import type { Association, Response } from '../dimse/association.ts'
import { COMMAND } from '../dimse/command.ts'
import type { Dataset } from '../dimse/dataset.ts'
import { encodeDataset } from '../dimse/encode.ts'
import { MODALITY_PERFORMED_PROCEDURE_STEP } from '../dimse/sop-class.ts'
import { EXPLICIT_LITTLE, IMPLICIT_LITTLE } from '../dimse/transfer-syntax.ts'
import { type OpenOptions, type Peer, withAssociation } from './association.ts'
import { contextFor } from './context.ts'

export const MPPS_CONTEXT = {
  abstractSyntax: MODALITY_PERFORMED_PROCEDURE_STEP,
  transferSyntaxes: [EXPLICIT_LITTLE, IMPLICIT_LITTLE],
}

export function mppsCreateOn(
  association: Association,
  sopInstanceUid: string,
  attributes: Dataset,
): Promise<Response> {
  const context = contextFor(association, MODALITY_PERFORMED_PROCEDURE_STEP)
  const fields = {
    CommandField: COMMAND.nCreate,
    AffectedSOPClassUID: MODALITY_PERFORMED_PROCEDURE_STEP,
    AffectedSOPInstanceUID: sopInstanceUid,
  }
  return association.request(context, fields, encodeDataset(attributes, context.transferSyntax))
}

export function mppsSetOn(
  association: Association,
  sopInstanceUid: string,
  attributes: Dataset,
): Promise<Response> {
  const context = contextFor(association, MODALITY_PERFORMED_PROCEDURE_STEP)
  const fields = {
    CommandField: COMMAND.nSet,
    RequestedSOPClassUID: MODALITY_PERFORMED_PROCEDURE_STEP,
    RequestedSOPInstanceUID: sopInstanceUid,
  }
  return association.request(context, fields, encodeDataset(attributes, context.transferSyntax))
}

export type Mpps = { readonly sopInstanceUid: string; readonly attributes: Dataset }

/** N-CREATE on an association of its own; returns the status. */
export function mppsCreate(
  peer: Peer,
  mpps: Mpps,
  options: Omit<OpenOptions, 'contexts'> = {},
): Promise<number> {
  return withAssociation(peer, { ...options, contexts: [MPPS_CONTEXT] }, async (association) => {
    const { status } = await mppsCreateOn(association, mpps.sopInstanceUid, mpps.attributes)
    return status
  })
}

/** N-SET on an association of its own; returns the status. */
export function mppsSet(
  peer: Peer,
  mpps: Mpps,
  options: Omit<OpenOptions, 'contexts'> = {},
): Promise<number> {
  return withAssociation(peer, { ...options, contexts: [MPPS_CONTEXT] }, async (association) => {
    const { status } = await mppsSetOn(association, mpps.sopInstanceUid, mpps.attributes)
    return status
  })
}
