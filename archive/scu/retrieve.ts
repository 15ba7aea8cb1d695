/** Retrieve as SCU (PS3.4 C.4.2, C.4.3): has objects sent to a third party by C-MOVE, or to us by C-GET. */
import type { Association, Response } from '../dimse/association.ts'
import { COMMAND } from '../dimse/command.ts'
import type { Dataset } from '../dimse/dataset.ts'
import { encodeDataset } from '../dimse/encode.ts'
import type { Services, SubOperations } from '../dimse/services.ts'
import { PATIENT_ROOT_GET, PATIENT_ROOT_MOVE, STUDY_ROOT_GET, STUDY_ROOT_MOVE } from '../dimse/sop-class.ts'
import { isPending } from '../dimse/status.ts'
import { EXPLICIT_LITTLE, IMPLICIT_LITTLE } from '../dimse/transfer-syntax.ts'
import { type OpenOptions, type Peer, type Proposed, withAssociation } from './association.ts'
import { contextFor } from './context.ts'

const MOVE = { patient: PATIENT_ROOT_MOVE, study: STUDY_ROOT_MOVE } as const
const GET = { patient: PATIENT_ROOT_GET, study: STUDY_ROOT_GET } as const

export type RetrieveRoot = keyof typeof MOVE

/** How far it has come, or, with a status that is not pending, how it ended. */
export type Retrieving = {
  readonly status: number
  /** Those the peer states: remaining ones only while it goes on or after a cancel. */
  readonly subOperations: Partial<SubOperations>
  readonly failedSopInstanceUids: readonly string[]
  readonly comment: string | undefined
}

export const moveContext = (root: RetrieveRoot): Proposed => messages(MOVE[root])
export const getContext = (root: RetrieveRoot): Proposed => messages(GET[root])

const messages = (abstractSyntax: string): Proposed => ({
  abstractSyntax,
  transferSyntaxes: [EXPLICIT_LITTLE, IMPLICIT_LITTLE],
})

/** Storage contexts of a C-GET: we are to be SCP for these classes. */
export function receivingContexts(
  wanted: readonly { sopClassUid: string; transferSyntaxes: readonly string[] }[],
): Proposed[] {
  return wanted.map(({ sopClassUid, transferSyntaxes }) => ({
    abstractSyntax: sopClassUid,
    transferSyntaxes,
    role: { scu: false, scp: true },
  }))
}

export type MoveAsked = {
  readonly root: RetrieveRoot
  readonly destination: string
  readonly identifier: Dataset
}
export type GetAsked = { readonly root: RetrieveRoot; readonly identifier: Dataset }

/** Every response, the last one final; leaving the loop early cancels. */
export function moveOn(association: Association, asked: MoveAsked): AsyncGenerator<Retrieving> {
  const sopClassUid = MOVE[asked.root]
  const more = { CommandField: COMMAND.cMove, MoveDestination: asked.destination }
  return retrieving(association, { sopClassUid, more, identifier: asked.identifier })
}

/** The objects come to the `cStore` service that the association was opened with. */
export function getOn(association: Association, asked: GetAsked): AsyncGenerator<Retrieving> {
  const sopClassUid = GET[asked.root]
  return retrieving(association, {
    sopClassUid,
    more: { CommandField: COMMAND.cGet },
    identifier: asked.identifier,
  })
}

async function* retrieving(
  association: Association,
  asked: {
    sopClassUid: string
    more: { CommandField: number; MoveDestination?: string }
    identifier: Dataset
  },
): AsyncGenerator<Retrieving> {
  const context = contextFor(association, asked.sopClassUid)
  const fields = { AffectedSOPClassUID: asked.sopClassUid, Priority: 0, ...asked.more }
  const bytes = encodeDataset(asked.identifier, context.transferSyntax)
  for await (const response of association.requests(context, fields, bytes)) yield read(response)
}

function read({ status, command, dataset }: Response): Retrieving {
  const count = (what: string) => command.set.number(`NumberOf${what}Suboperations`)
  const counts = {
    remaining: count('Remaining'),
    completed: count('Completed'),
    failed: count('Failed'),
    warning: count('Warning'),
  }
  const stated = Object.entries(counts).filter(([, number]) => number !== undefined)
  return {
    status,
    subOperations: Object.fromEntries(stated),
    failedSopInstanceUids: isPending(status) ? [] : (dataset?.texts('FailedSOPInstanceUIDList') ?? []),
    comment: command.set.text('ErrorComment'),
  }
}

/** C-MOVE on an association of its own; returns how it ended. */
export function move(
  peer: Peer,
  asked: MoveAsked,
  options: Omit<OpenOptions, 'contexts'> = {},
): Promise<Retrieving> {
  return withAssociation(peer, { ...options, contexts: [moveContext(asked.root)] }, (association) =>
    last(moveOn(association, asked)),
  )
}

export type Receiving = {
  readonly contexts: readonly Proposed[]
  readonly cStore: NonNullable<Services['cStore']>
}

/** C-GET on an association of its own; objects go to `cStore`. Returns how it ended. */
export function get(
  peer: Peer,
  asked: GetAsked,
  { contexts, cStore }: Receiving,
  options: Omit<OpenOptions, 'contexts' | 'services'> = {},
): Promise<Retrieving> {
  const opening = { ...options, contexts: [getContext(asked.root), ...contexts], services: { cStore } }
  return withAssociation(peer, opening, (association) => last(getOn(association, asked)))
}

async function last(responses: AsyncGenerator<Retrieving>): Promise<Retrieving> {
  let final: Retrieving | undefined
  for await (const response of responses) final = response
  return final!
}
