/** Verification as SCU (PS3.4 annex A): does the peer answer. */
import type { Association, Response } from '../dimse/association.ts'
import { COMMAND } from '../dimse/command.ts'
import { VERIFICATION } from '../dimse/sop-class.ts'
import { IMPLICIT_LITTLE } from '../dimse/transfer-syntax.ts'
import { type OpenOptions, type Peer, withAssociation } from './association.ts'
import { contextFor } from './context.ts'

export const ECHO_CONTEXT = { abstractSyntax: VERIFICATION, transferSyntaxes: [IMPLICIT_LITTLE] }

export async function echoOn(association: Association): Promise<Response> {
  const context = contextFor(association, VERIFICATION)
  return association.request(context, { CommandField: COMMAND.cEcho, AffectedSOPClassUID: VERIFICATION })
}

/** On an association of its own; returns the status. */
export async function echo(peer: Peer, options: Omit<OpenOptions, 'contexts'> = {}): Promise<number> {
  return withAssociation(peer, { ...options, contexts: [ECHO_CONTEXT] }, async (association) => {
    const { status } = await echoOn(association)
    return status
  })
}
