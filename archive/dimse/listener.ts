/** Listens for associations: admits, negotiates or refuses with the right words, then serves (PS3.8 section 9.2). */
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { type Agreement, Association, closeSoon, type End } from './association.ts'
import { ByteStream } from './byte-stream.ts'
import { DicomError, isDicomError } from './dicom-error.ts'
import { type Negotiated, negotiate, type Supports } from './negotiation.ts'
import {
  APPLICATION_CONTEXT,
  type AssociateRj,
  type AssociateRq,
  CONTEXT_RESULT,
  decodeAssociateRq,
  encodeAbort,
  encodeAssociateAc,
  encodeAssociateRj,
  PDU,
} from './pdu.ts'
import { type Refusal, wordsFor } from './refusal.ts'
import type { Services } from './services.ts'
import { DIMSE_LIMITS, DIMSE_TIMERS, type DimseLimits, type DimseTimers } from './settings.ts'
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME } from './uid.ts'

/** A proposed association, before any answer. */
export type Proposal = AssociateRq & {
  readonly remoteAddress: string
  readonly remotePort: number
  /** The subject of the client's certificate, on TLS with one. */
  readonly certificateSubject?: string
}

/** Rejection as PS3.8 table 9-21 has it, and the reason in words with the setting that would allow it. */
export type Rejection = AssociateRj & { readonly why: string; readonly setting?: string }

export type Decision =
  | { readonly accept: true; readonly supports: Supports; readonly services: Services }
  | ({ readonly accept: false } & Rejection)

/** The two that a title decides: result rejected-permanent, source service-user. */
export const CALLED_AE_NOT_RECOGNIZED: AssociateRj = { result: 1, source: 1, reason: 7 }
export const CALLING_AE_NOT_RECOGNIZED: AssociateRj = { result: 1, source: 1, reason: 3 }
/** Rejected-permanent by the service-user for no reason of the table. */
export const NO_REASON_GIVEN: AssociateRj = { result: 1, source: 1, reason: 1 }

export type ListenOptions = {
  readonly host: string
  /** 0 for any free one: see `Listener.port`. */
  readonly port: number
  readonly tls?: TlsOptions
  /** Before a byte is read: words to turn an address away with, or undefined to let it go on. */
  readonly admit?: (remoteAddress: string) => string | undefined
  /** A throw rejects the association as temporary (2/2/1). */
  readonly authorise: (proposal: Proposal) => Decision | Promise<Decision>
  readonly limits?: Partial<DimseLimits>
  readonly timers?: Partial<DimseTimers>
  readonly onRefusal?: (refusal: Refusal) => void
  readonly onAssociation?: (association: Association) => void
  /** After the last handler of the association has finished. */
  readonly onEnd?: (association: Association, end: End) => void
}

export type Listener = {
  readonly port: number
  readonly associations: ReadonlySet<Association>
  /** Stops listening, lets what is under way finish for so long, then aborts it. */
  close(graceMs?: number): Promise<void>
}

/** @throws the error of `listen`, such as EADDRINUSE */
export async function listenDimse(options: ListenOptions): Promise<Listener> {
  const door = new Door(options)
  await door.open()
  return door
}

class Door implements Listener {
  readonly associations = new Set<Association>()
  private readonly options: ListenOptions
  private readonly limits: DimseLimits
  private readonly timers: DimseTimers
  private readonly server: Server
  private readonly sockets = new Set<Socket>()

  constructor(options: ListenOptions) {
    this.options = options
    this.limits = { ...DIMSE_LIMITS, ...options.limits }
    this.timers = { ...DIMSE_TIMERS, ...options.timers }
    this.server = options.tls
      ? createTlsServer({ minVersion: 'TLSv1.2', handshakeTimeout: this.timers.artimMs, ...options.tls })
      : createServer()
    // The TCP connection of a TLS one is admitted and counted before its handshake costs anything.
    this.server.on('connection', (socket: Socket) => this.connected(socket))
    if (!options.tls) return
    this.server.on('secureConnection', (socket: TLSSocket) => void this.serve(socket))
    this.server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      const why = `The TLS handshake failed (${(error as NodeJS.ErrnoException).code ?? 'no code'})`
      this.refused({ kind: 'connection', remoteAddress: addressOf(socket), why })
      socket.destroy()
    })
  }

  get port(): number {
    const address = this.server.address()
    return typeof address === 'object' && address ? address.port : 0
  }

  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen({ host: this.options.host, port: this.options.port, backlog: 511 }, () => {
        this.server.off('error', reject)
        // Running out of file descriptors is no reason to die: those that are open go on.
        this.server.on('error', (error) =>
          this.refused({ kind: 'connection', remoteAddress: '', why: `Accepting failed (${error.message})` }),
        )
        resolve()
      })
    })
  }

  async close(graceMs = 0): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()))
    const timer = setTimeout(() => {
      for (const association of this.associations) association.abort('The archive is shutting down')
      for (const socket of this.sockets) closeSoon(socket, 100)
    }, graceMs)
    await closed
    clearTimeout(timer)
  }

  private connected(socket: Socket) {
    this.sockets.add(socket)
    socket.once('close', () => this.sockets.delete(socket))
    // Errors reach the stream once there is one; before, they only close the socket.
    socket.on('error', () => undefined)
    socket.setNoDelay(true)
    const remoteAddress = addressOf(socket)
    const full = this.sockets.size > this.limits.connections
    const why = full ? `${this.limits.connections} connections are open` : this.options.admit?.(remoteAddress)
    if (why !== undefined) {
      this.refused({
        kind: 'connection',
        remoteAddress,
        why,
        ...(full ? { setting: 'limits.connections' } : {}),
      })
      socket.destroy()
    } else if (!this.options.tls) {
      void this.serve(socket)
    }
  }

  private async serve(socket: Socket): Promise<void> {
    const stream = new ByteStream(socket, this.timers)
    const remoteAddress = addressOf(socket)
    try {
      const rq = await this.proposal(stream)
      const subject = subjectOf(socket)
      const certificate = subject ? { certificateSubject: subject } : {}
      const proposal = { ...rq, remoteAddress, remotePort: socket.remotePort ?? 0, ...certificate }
      await this.decide(proposal, socket, stream)
    } catch (error) {
      const probe = isDicomError(error, 'connection-lost') && !stream.hasReceived
      if (!probe) this.refused({ kind: 'aborted', remoteAddress, why: wordsFor(error) })
      if (!isDicomError(error, 'connection-lost') && socket.writable) {
        const reason = isDicomError(error, 'pdu-unexpected')
          ? 2
          : isDicomError(error, 'peer-too-slow')
            ? 0
            : 6
        socket.write(encodeAbort({ source: 2, reason }))
      }
      stream.discard()
      closeSoon(socket, this.timers.lingerMs)
    }
  }

  /** One deadline for all of it: a peer that sends a byte now and then does not get another. */
  private async proposal(stream: ByteStream): Promise<AssociateRq> {
    const { artimMs } = this.timers
    const artim = setTimeout(
      () => stream.finish(new DicomError('peer-too-slow', { waitedMs: artimMs })),
      artimMs,
    )
    try {
      const head = await stream.take(6, artimMs)
      const length = head.readUInt32BE(2)
      if (head[0] !== PDU.associateRq) throw new DicomError('pdu-unexpected', { found: head[0] })
      if (length > this.limits.associatePduBytes) {
        throw new DicomError('pdu-too-long', { found: length, limit: this.limits.associatePduBytes })
      }
      return decodeAssociateRq(await stream.take(length, artimMs))
    } finally {
      clearTimeout(artim)
    }
  }

  private async decide(proposal: Proposal, socket: Socket, stream: ByteStream): Promise<void> {
    const decision = this.ownRejection(proposal) ?? (await this.authorised(proposal))
    if (decision.accept) return this.accept(proposal, decision, socket, stream)
    this.reject(proposal, decision)
    socket.write(encodeAssociateRj(decision))
    stream.discard()
    closeSoon(socket, this.timers.lingerMs)
  }

  private ownRejection(proposal: Proposal): Decision | undefined {
    if ((proposal.protocolVersion & 1) === 0) {
      return { accept: false, result: 1, source: 2, reason: 2, why: 'The protocol version is not supported' }
    }
    if (proposal.applicationContext !== APPLICATION_CONTEXT) {
      return { accept: false, result: 1, source: 1, reason: 2, why: 'The application context is not DICOM' }
    }
    if (this.associations.size < this.limits.associations) return undefined
    const why = `${this.limits.associations} associations are open`
    return { accept: false, result: 2, source: 3, reason: 1, why, setting: 'limits.associations' }
  }

  private async authorised(proposal: Proposal): Promise<Decision> {
    try {
      return await this.options.authorise(proposal)
    } catch {
      return { accept: false, result: 2, source: 2, reason: 1, why: 'The decision failed on our side' }
    }
  }

  private async accept(
    proposal: Proposal,
    decision: Extract<Decision, { accept: true }>,
    socket: Socket,
    stream: ByteStream,
  ): Promise<void> {
    const negotiated = negotiate(proposal, decision.supports)
    this.reportContexts(proposal, negotiated)
    const { services } = decision
    const { limits, timers } = this
    const agreement = agreementOf(proposal, negotiated)
    const association = new Association({ socket, stream, agreement, services, limits, timers })
    socket.write(
      encodeAssociateAc({
        calledAe: proposal.calledAe,
        callingAe: proposal.callingAe,
        contexts: negotiated.answers,
        maxPduBytes: limits.pduBytes,
        implementationClassUid: IMPLEMENTATION_CLASS_UID,
        implementationVersionName: IMPLEMENTATION_VERSION_NAME,
        roles: negotiated.roles,
        userIdentityAccepted: proposal.userIdentity?.positiveResponseRequested === true,
      }),
    )
    this.associations.add(association)
    this.options.onAssociation?.(association)
    const end = await association.ended
    this.associations.delete(association)
    if (!end.released) this.refused({ ...whoOf(proposal), kind: 'aborted', why: wordsFor(end.error) })
    this.options.onEnd?.(association, end)
  }

  private reportContexts(proposal: Proposal, { answers }: Negotiated) {
    for (const [index, { result }] of answers.entries()) {
      if (result === CONTEXT_RESULT.acceptance) continue
      const { abstractSyntax } = proposal.contexts[index]!
      const what = result === CONTEXT_RESULT.abstractSyntaxNotSupported ? 'SOP class' : 'transfer syntaxes'
      this.refused({
        ...whoOf(proposal),
        kind: 'context',
        abstractSyntax,
        why: `The ${what} proposed is not accepted`,
      })
    }
  }

  private reject(proposal: Proposal, { result, source, reason, why, setting }: Rejection) {
    const words = setting === undefined ? { why } : { why, setting }
    this.refused({ ...whoOf(proposal), kind: 'rejected', rejection: { result, source, reason }, ...words })
  }

  private refused(refusal: Omit<Refusal, 'at'>) {
    this.options.onRefusal?.({ at: new Date(), ...refusal })
  }
}

const whoOf = ({ remoteAddress, callingAe, calledAe }: Proposal) => ({ remoteAddress, callingAe, calledAe })

function agreementOf(proposal: Proposal, { contexts, roles }: Negotiated): Agreement {
  return {
    side: 'acceptor',
    ...whoOf(proposal),
    remotePort: proposal.remotePort,
    contexts,
    roles,
    peerMaxPduBytes: proposal.maxPduBytes,
    peerImplementationClassUid: proposal.implementationClassUid,
    peerImplementationVersionName: proposal.implementationVersionName,
  }
}

/** IPv4 as itself: a dual-stack socket shows it as ::ffff:a.b.c.d. */
const addressOf = (socket: Socket): string => (socket.remoteAddress ?? '').replace(/^::ffff:/, '')

function subjectOf(socket: Socket): string | undefined {
  if (!('getPeerCertificate' in socket)) return undefined
  const subject = (socket as TLSSocket).getPeerCertificate()?.subject
  return (
    subject &&
    Object.entries(subject)
      .map(([key, value]) => `${key}=${value}`)
      .join(',')
  )
}
