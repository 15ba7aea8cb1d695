/** Query as SCU: the modality worklist, studies, series (PS3.4 annexes C and K). */
import type { Association } from '../dimse/association.ts'
import { COMMAND } from '../dimse/command.ts'
import type { Dataset } from '../dimse/dataset.ts'
import { encodeDataset } from '../dimse/encode.ts'
import { MODALITY_WORKLIST_FIND, PATIENT_ROOT_FIND, STUDY_ROOT_FIND } from '../dimse/sop-class.ts'
import { isPending, STATUS, StatusError } from '../dimse/status.ts'
import { EXPLICIT_LITTLE, IMPLICIT_LITTLE } from '../dimse/transfer-syntax.ts'
import { type OpenOptions, type Peer, withAssociation } from './association.ts'
import { contextFor } from './context.ts'

export const FIND_MODELS = {
  worklist: MODALITY_WORKLIST_FIND,
  patient: PATIENT_ROOT_FIND,
  study: STUDY_ROOT_FIND,
} as const

export type FindModel = keyof typeof FIND_MODELS

export const findContext = (model: FindModel) => ({
  abstractSyntax: FIND_MODELS[model],
  transferSyntaxes: [EXPLICIT_LITTLE, IMPLICIT_LITTLE],
})

const MEDIUM_PRIORITY = 0

/**
 * Matches as they come; leaving the loop early cancels the query.
 * @throws StatusError when the peer refuses or fails
 */
export async function* findOn(
  association: Association,
  model: FindModel,
  identifier: Dataset,
): AsyncGenerator<Dataset> {
  const context = contextFor(association, FIND_MODELS[model])
  const fields = {
    CommandField: COMMAND.cFind,
    AffectedSOPClassUID: FIND_MODELS[model],
    Priority: MEDIUM_PRIORITY,
  }
  const bytes = encodeDataset(identifier, context.transferSyntax)
  for await (const { status, dataset } of association.requests(context, fields, bytes)) {
    if (isPending(status)) {
      if (dataset) yield dataset
    } else if (status !== STATUS.success && status !== STATUS.cancelled) {
      throw new StatusError({ status })
    }
  }
}

/** Every match, on an association of its own. */
export async function find(
  peer: Peer,
  model: FindModel,
  identifier: Dataset,
  options: Omit<OpenOptions, 'contexts'> = {},
): Promise<Dataset[]> {
  return withAssociation(peer, { ...options, contexts: [findContext(model)] }, async (association) => {
    const matches: Dataset[] = []
    for await (const match of findOn(association, model, identifier)) matches.push(match)
    return matches
  })
}
