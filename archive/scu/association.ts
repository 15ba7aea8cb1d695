/** Opens an association to a peer: connects, proposes and reads the answer (PS3.8 section 9.2, requestor's side). */
import { connect as connectTcp, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { type Agreement, Association, closeSoon } from '../dimse/association.ts'
import { ByteStream } from '../dimse/byte-stream.ts'
import { DicomError } from '../dimse/dicom-error.ts'
import {
  APPLICATION_CONTEXT,
  type AssociateAc,
  CONTEXT_RESULT,
  decodeAbort,
  decodeAssociateAc,
  decodeAssociateRj,
  encodeAssociateRq,
  PDU,
  type ProposedContext,
  type Role,
} from '../dimse/pdu.ts'
import type { Services } from '../dimse/services.ts'
import { DIMSE_LIMITS, DIMSE_TIMERS, type DimseLimits, type DimseTimers } from '../dimse/settings.ts'
import { TLS_PROFILE } from '../dimse/tls-profile.ts'
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME } from '../dimse/uid.ts'

export type Peer = {
  readonly host: string
  readonly port: number
  readonly callingAe: string
  readonly calledAe: string
  readonly tls?: ConnectionOptions
}

export type Proposed = {
  readonly abstractSyntax: string
  readonly transferSyntaxes: readonly string[]
  /** To be SCP for it on this association: the Storage classes of a C-GET, N-EVENT-REPORT as its SCU. */
  readonly role?: { readonly scu: boolean; readonly scp: boolean }
}

export type OpenOptions = {
  /** At most 128. */
  readonly contexts: readonly Proposed[]
  /** For requests the peer sends on the same association. */
  readonly services?: Services
  readonly limits?: Partial<DimseLimits>
  readonly timers?: Partial<DimseTimers>
}

/**
 * @throws DicomError 'association-rejected' with result, source and reason; 'association-aborted';
 * 'connection-lost' when nobody listens; 'peer-too-slow'
 */
export async function openAssociation(peer: Peer, options: OpenOptions): Promise<Association> {
  const limits = { ...DIMSE_LIMITS, ...options.limits }
  const timers = { ...DIMSE_TIMERS, ...options.timers }
  const contexts = numbered(options.contexts)
  const socket = await connected(peer, timers.artimMs)
  const stream = new ByteStream(socket, timers)
  try {
    socket.write(encodeAssociateRq(proposal(peer, contexts, options, limits)))
    const ac = await answer(stream, timers.artimMs, limits)
    const agreement = agreementOf(peer, ac, contexts, socket)
    return new Association({ socket, stream, agreement, services: options.services ?? {}, limits, timers })
  } catch (error) {
    stream.discard()
    closeSoon(socket, timers.lingerMs)
    throw error
  }
}

/** Opens, works, releases; aborts instead when the work throws. */
export async function withAssociation<T>(
  peer: Peer,
  options: OpenOptions,
  work: (association: Association) => Promise<T>,
): Promise<T> {
  const association = await openAssociation(peer, options)
  try {
    const result = await work(association)
    await association.release()
    return result
  } catch (error) {
    association.abort('the work on it failed')
    throw error
  }
}

function numbered(proposed: readonly Proposed[]): ProposedContext[] {
  if (proposed.length > 128)
    throw new DicomError('no-presentation-context', { found: proposed.length, limit: 128 })
  return proposed.map(({ abstractSyntax, transferSyntaxes }, index) => ({
    id: 2 * index + 1,
    abstractSyntax,
    transferSyntaxes,
  }))
}

function connected({ host, port, tls }: Peer, patienceMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = tls ? connectTls({ ...TLS_PROFILE, ...tls, host, port }) : connectTcp({ host, port })
    const ready = tls ? 'secureConnect' : 'connect'
    const failed = (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      reject(new DicomError('connection-lost', { how: cause.code ?? 'not connected', port }, cause))
    }
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new DicomError('peer-too-slow', { waitedMs: patienceMs, port }))
    }, patienceMs)
    socket.once('error', failed)
    socket.once(ready, () => {
      clearTimeout(timer)
      socket.off('error', failed)
      socket.setNoDelay(true)
      resolve(socket)
    })
  })
}

function proposal(
  peer: Peer,
  contexts: readonly ProposedContext[],
  options: OpenOptions,
  limits: DimseLimits,
) {
  return {
    protocolVersion: 1,
    applicationContext: APPLICATION_CONTEXT,
    calledAe: peer.calledAe,
    callingAe: peer.callingAe,
    contexts,
    maxPduBytes: limits.pduBytes,
    implementationClassUid: IMPLEMENTATION_CLASS_UID,
    implementationVersionName: IMPLEMENTATION_VERSION_NAME,
    roles: rolesOf(options.contexts),
  }
}

function rolesOf(contexts: readonly Proposed[]): Role[] {
  const roles = new Map<string, Role>()
  for (const { abstractSyntax, role } of contexts) {
    if (role) roles.set(abstractSyntax, { sopClassUid: abstractSyntax, ...role })
  }
  return [...roles.values()]
}

async function answer(stream: ByteStream, patienceMs: number, limits: DimseLimits): Promise<AssociateAc> {
  const timer = setTimeout(
    () => stream.finish(new DicomError('peer-too-slow', { waitedMs: patienceMs })),
    patienceMs,
  )
  try {
    const head = await stream.take(6, patienceMs)
    const length = head.readUInt32BE(2)
    if (length > limits.associatePduBytes) {
      throw new DicomError('pdu-too-long', { found: length, limit: limits.associatePduBytes })
    }
    return accepted(head[0]!, await stream.take(length, patienceMs))
  } finally {
    clearTimeout(timer)
  }
}

function accepted(type: number, body: Buffer): AssociateAc {
  switch (type) {
    case PDU.associateAc:
      return decodeAssociateAc(body)
    case PDU.associateRj:
      throw new DicomError('association-rejected', { ...decodeAssociateRj(body) })
    case PDU.abort:
      throw new DicomError('association-aborted', { by: 'peer', ...decodeAbort(body) })
    default:
      throw new DicomError('pdu-unexpected', { found: type })
  }
}

function agreementOf(
  peer: Peer,
  ac: AssociateAc,
  proposed: readonly ProposedContext[],
  socket: Socket,
): Agreement {
  const contexts = ac.contexts.flatMap(({ id, result, transferSyntax }) => {
    const context = proposed.find((candidate) => candidate.id === id)
    const accepts = result === CONTEXT_RESULT.acceptance && context
    return accepts ? [{ id, abstractSyntax: context.abstractSyntax, transferSyntax }] : []
  })
  return {
    side: 'requestor',
    callingAe: peer.callingAe,
    calledAe: peer.calledAe,
    remoteAddress: socket.remoteAddress ?? peer.host,
    remotePort: peer.port,
    contexts,
    roles: ac.roles,
    peerMaxPduBytes: ac.maxPduBytes,
    peerImplementationClassUid: ac.implementationClassUid,
    peerImplementationVersionName: ac.implementationVersionName,
  }
}
