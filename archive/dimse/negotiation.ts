/** Chooses what to accept of a proposed association (PS3.8 section 7.1.1.13 and PS3.7 annex D). */
import type { PresentationContext } from './association.ts'
import {
  type AnsweredContext,
  type AssociateRq,
  CONTEXT_RESULT,
  type ProposedContext,
  type Role,
} from './pdu.ts'
import { EXPLICIT_LITTLE, IMPLICIT_LITTLE } from './transfer-syntax.ts'
import { isTolerableUid } from './uid.ts'

/** How a SOP class is accepted. */
export type Acceptance = {
  /** Ours, in our order: the first that is proposed is chosen. */
  readonly transferSyntaxes: readonly string[]
  /**
   * Failing that, the first proposed, whatever it is: for Storage, where bytes are kept as they come. To a requestor
   * that is to receive objects, an uncompressed one if it is proposed: whatever we can decode goes in it.
   */
  readonly anyTransferSyntax?: boolean
  /** Lets the requestor be SCP by role selection: the Storage classes of a C-GET. */
  readonly requestorMayBeScp?: boolean
}

const UNCOMPRESSED = [EXPLICIT_LITTLE, IMPLICIT_LITTLE]
/** Video Endoscopic, Microscopic and Photographic Image Storage: nobody stores these but compressed, and we decode none. */
const VIDEO = [
  '1.2.840.10008.5.1.4.1.1.77.1.1.1',
  '1.2.840.10008.5.1.4.1.1.77.1.2.1',
  '1.2.840.10008.5.1.4.1.1.77.1.4.1',
]

export type Supports = (abstractSyntax: string) => Acceptance | undefined

export type Negotiated = {
  readonly answers: readonly AnsweredContext[]
  readonly contexts: readonly PresentationContext[]
  readonly roles: readonly Role[]
}

export function negotiate(rq: AssociateRq, supports: Supports): Negotiated {
  const onlyReceives = rq.roles.filter(({ scp, scu }) => scp && !scu)
  const receives = new Set(onlyReceives.map(({ sopClassUid }) => sopClassUid))
  const answers = rq.contexts.map((proposed) => {
    const { abstractSyntax } = proposed
    const isToReceive = receives.has(abstractSyntax) && !VIDEO.includes(abstractSyntax)
    return answerTo(proposed, supports(abstractSyntax), isToReceive)
  })
  const contexts = rq.contexts.flatMap(({ id, abstractSyntax }, index) => {
    const { result, transferSyntax } = answers[index]!
    return result === CONTEXT_RESULT.acceptance ? [{ id, abstractSyntax, transferSyntax }] : []
  })
  return {
    answers,
    contexts,
    roles: rq.roles.flatMap((role) => roleAnswer(role, supports(role.sopClassUid))),
  }
}

function answerTo(
  proposed: ProposedContext,
  acceptance: Acceptance | undefined,
  isToReceive: boolean,
): AnsweredContext {
  const { id } = proposed
  if (!acceptance)
    return { id, result: CONTEXT_RESULT.abstractSyntaxNotSupported, transferSyntax: IMPLICIT_LITTLE }
  const chosen = choose(proposed.transferSyntaxes, acceptance, isToReceive)
  if (chosen) return { id, result: CONTEXT_RESULT.acceptance, transferSyntax: chosen }
  return { id, result: CONTEXT_RESULT.transferSyntaxesNotSupported, transferSyntax: IMPLICIT_LITTLE }
}

function choose(
  proposed: readonly string[],
  { transferSyntaxes, anyTransferSyntax }: Acceptance,
  isToReceive: boolean,
): string | undefined {
  const ours = transferSyntaxes.find((uid) => proposed.includes(uid))
  if (ours !== undefined || !anyTransferSyntax) return ours
  const uncompressed = isToReceive ? UNCOMPRESSED.find((uid) => proposed.includes(uid)) : undefined
  return uncompressed ?? proposed.find(isTolerableUid)
}

function roleAnswer(role: Role, acceptance: Acceptance | undefined): Role[] {
  if (!acceptance) return []
  return [{ ...role, scp: role.scp && acceptance.requestorMayBeScp === true }]
}
