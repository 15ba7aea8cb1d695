/** Listens for associations: admits, negotiates or refuses with the right words, then serves (PS3.8 section 9.2). */
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { type Agreement, Association, closeSoon, type End } from './association.ts'
import { ByteStream } from './byte-stream.ts'
import { DicomError, isDicomError } from './dicom-error.ts'
import { type Negotiated, negotiate, type Supports } from './negotiation.ts'
import { type Full, Occupancy } from './occupancy.ts'
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
  type Titles,
  titlesIn,
} from './pdu.ts'
import { startClock } from './peer-clock.ts'
import { withReadBuffer } from './read-buffer.ts'
import { type Refusal, refusalFor } from './refusal.ts'
import type { Services } from './services.ts'
import { DIMSE_TIMERS, type DimseLimits, type DimseTimers, dimseLimits } from './settings.ts'
import {
  type Certificate,
  certificateOf,
  certificateWords,
  handshakeWords,
  hasCertificate,
  TLS_PROFILE,
} from './tls-profile.ts'
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME } from './uid.ts'

/** A proposed association, before any answer. */
export type Proposal = AssociateRq & {
  readonly remoteAddress: string
  readonly remotePort: number
  /** Over TLS. */
  readonly isSecure: boolean
  /** On TLS, when the peer showed one. */
  readonly certificate?: Certificate
}

/** Rejection as PS3.8 table 9-21 has it, and the reason in words with the setting that would allow it. */
export type Rejection = AssociateRj & { readonly why: string; readonly setting?: string }

export type Decision =
  | {
      readonly accept: true
      readonly supports: Supports
      readonly services: Services
      /** What would let a context in that is not accepted, when there is such a setting. */
      readonly settingFor?: (abstractSyntax: string, result: number) => string | undefined
    }
  | ({ readonly accept: false } & Rejection)

/** The two that a title decides: result rejected-permanent, source service-user. */
export const CALLED_AE_NOT_RECOGNIZED: AssociateRj = { result: 1, source: 1, reason: 7 }
export const CALLING_AE_NOT_RECOGNIZED: AssociateRj = { result: 1, source: 1, reason: 3 }
/** The presentation part of the provider: as many as may be are here already (PS3.8 table 9-21). */
export const TEMPORARY_CONGESTION: AssociateRj = { result: 2, source: 3, reason: 1 }
export const LOCAL_LIMIT_EXCEEDED: AssociateRj = { result: 2, source: 3, reason: 2 }
/** Rejected-permanent by the service-user for no reason of the table. */
export const NO_REASON_GIVEN: AssociateRj = { result: 1, source: 1, reason: 1 }

export type ListenOptions = {
  readonly host: string
  /** 0 for any free one: see `Listener.port`. */
  readonly port: number
  /** With `ca`, only peers whose certificate it signed are let in; without, a certificate is asked for and not needed. */
  readonly tls?: Pick<TlsOptions, 'cert' | 'key' | 'ca' | 'passphrase'>
  /** Before a byte is read: words to turn an address away with, or undefined to let it go on. */
  readonly admit?: (remoteAddress: string) => string | undefined
  /** A throw rejects the association as temporary (2/2/1). */
  readonly authorise: (proposal: Proposal) => Decision | Promise<Decision>
  readonly limits?: Partial<DimseLimits>
  readonly timers?: Partial<DimseTimers>
  /** Shared by doors that count their guests together; its limits are those it was made with. */
  readonly occupancy?: Occupancy
  readonly onRefusal?: (refusal: Refusal) => void
  readonly onAssociation?: (association: Association) => void
  /** After the last handler of the association has finished. */
  readonly onEnd?: (association: Association, end: End) => void
}

export type Listener = {
  readonly port: number
  /** Of this door and those it shares its count with. */
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
  private readonly options: ListenOptions
  private readonly occupancy: Occupancy
  private readonly mine = new Set<Association>()
  private readonly limits: DimseLimits
  private readonly timers: DimseTimers
  private readonly server: Server
  private readonly sockets = new Set<Socket>()

  constructor(options: ListenOptions) {
    this.options = options
    this.limits = dimseLimits(options.limits)
    this.timers = { ...DIMSE_TIMERS, ...options.timers }
    this.occupancy = options.occupancy ?? new Occupancy(this.limits)
    this.server = options.tls ? this.tlsServer(options.tls) : createServer({ pauseOnConnect: true })
    // The TCP connection of a TLS one is admitted and counted before its handshake costs anything.
    this.server.on('connection', (socket: Socket) =>
      this.connected(options.tls ? socket : withReadBuffer(socket)),
    )
  }

  private tlsServer(tls: NonNullable<ListenOptions['tls']>): Server {
    // Not trusted is ours to say, in words: the library would only hang up.
    const asking = { requestCert: true, rejectUnauthorized: false }
    const handshakeTimeout = this.timers.artimMs
    const server = createTlsServer({ ...TLS_PROFILE, ...tls, ...asking, handshakeTimeout })
    server.on('secureConnection', (socket) => this.secured(socket))
    server.on('tlsClientError', (error, socket) => {
      this.refused({ kind: 'connection', remoteAddress: addressOf(socket), ...handshakeWords(error) })
      socket.destroy()
    })
    return server
  }

  private secured(socket: TLSSocket) {
    if (!this.options.tls?.ca || socket.authorized) return void this.serve(socket)
    const words = certificateWords(hasCertificate(socket) ? socket.authorizationError : undefined)
    this.refused({ kind: 'connection', remoteAddress: addressOf(socket), ...words })
    socket.destroy()
  }

  get associations(): ReadonlySet<Association> {
    return this.occupancy.associations
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
      for (const association of this.mine) association.abort('The archive is shutting down')
      for (const socket of this.sockets) closeSoon(socket, 100)
    }, graceMs)
    await closed
    clearTimeout(timer)
  }

  private connected(socket: Socket) {
    const remoteAddress = addressOf(socket)
    const full = this.occupancy.enter(remoteAddress)
    this.sockets.add(socket)
    socket.once('close', () => {
      this.sockets.delete(socket)
      this.occupancy.leave(remoteAddress)
    })
    // Errors reach the stream once there is one; before, they only close the socket.
    socket.on('error', () => undefined)
    socket.setNoDelay(true)
    const why = full?.why ?? this.options.admit?.(remoteAddress)
    if (why !== undefined) {
      this.refused({ kind: 'connection', remoteAddress, why, ...full })
      socket.destroy()
    } else if (!this.options.tls) {
      void this.serve(socket)
    }
  }

  private async serve(socket: Socket): Promise<void> {
    const stream = new ByteStream(socket, this.timers)
    const remoteAddress = addressOf(socket)
    let titles: Titles | undefined
    try {
      const bytes = await this.proposal(stream)
      titles = titlesIn(bytes)
      const rq = decodeAssociateRq(bytes)
      const certificate =
        this.options.tls && certificateOf(socket as TLSSocket, this.options.tls.ca !== undefined)
      await this.decide(
        {
          ...rq,
          remoteAddress,
          remotePort: socket.remotePort ?? 0,
          isSecure: this.options.tls !== undefined,
          ...(certificate ? { certificate } : {}),
        },
        socket,
        stream,
      )
    } catch (error) {
      const probe = isDicomError(error, 'connection-lost') && !stream.hasReceived
      if (!probe) this.refused({ remoteAddress, ...titles, ...refusalFor(error) })
      // Before an association there is no provider to abort it: source 0 (PS3.8 section 9.2.3, AA-1), and the end of
      // ARTIM closes without a word (AA-2).
      const goesQuietly = ['connection-lost', 'association-aborted', 'peer-too-slow']
      const isAnswered = !(isDicomError(error) && goesQuietly.includes(error.code))
      if (isAnswered && socket.writable) socket.write(encodeAbort({ source: 0, reason: 0 }))
      stream.discard()
      closeSoon(socket, this.timers.lingerMs)
    }
  }

  /** One deadline for all of it: a peer that sends a byte now and then does not get another. */
  private async proposal(stream: ByteStream): Promise<Buffer> {
    const { artimMs } = this.timers
    const artim = startClock(artimMs, () =>
      stream.finish(new DicomError('peer-too-slow', { waitedMs: artimMs, clock: 'artim' })),
    )
    try {
      // A byte first: whoever speaks another protocol is told so at once.
      const [type] = await stream.take(1, Number.POSITIVE_INFINITY)
      if (type === PDU.abort) throw new DicomError('association-aborted', { by: 'peer' })
      if (type !== PDU.associateRq) throw new DicomError('pdu-unexpected', { found: type })
      const length = (await stream.take(5, Number.POSITIVE_INFINITY)).readUInt32BE(1)
      if (length > this.limits.associatePduBytes) {
        throw new DicomError('pdu-too-long', { found: length, limit: this.limits.associatePduBytes })
      }
      return await stream.take(length, Number.POSITIVE_INFINITY)
    } finally {
      artim.stop()
    }
  }

  private async decide(proposal: Proposal, socket: Socket, stream: ByteStream): Promise<void> {
    const full = this.occupancy.takeSeat(proposal.remoteAddress)
    try {
      const decision = this.ownRejection(proposal, full) ?? (await this.authorised(proposal))
      if (decision.accept) return await this.accept(proposal, decision, socket, stream)
      this.reject(proposal, decision, socket, stream)
    } finally {
      if (!full) this.occupancy.leaveSeat(proposal.remoteAddress)
    }
  }

  private reject(proposal: Proposal, decision: Rejection, socket: Socket, stream: ByteStream) {
    const { result, source, reason, why, setting } = decision
    const words = setting === undefined ? { why } : { why, setting }
    this.refused({ ...whoOf(proposal), kind: 'rejected', rejection: { result, source, reason }, ...words })
    socket.write(encodeAssociateRj(decision))
    stream.discard()
    closeSoon(socket, this.timers.lingerMs)
  }

  private ownRejection(proposal: Proposal, full: Full | undefined): Decision | undefined {
    if ((proposal.protocolVersion & 1) === 0) {
      return { accept: false, result: 1, source: 2, reason: 2, why: 'The protocol version is not supported' }
    }
    if (proposal.applicationContext !== APPLICATION_CONTEXT) {
      return { accept: false, result: 1, source: 1, reason: 2, why: 'The application context is not DICOM' }
    }
    return full && { accept: false, ...TEMPORARY_CONGESTION, ...full }
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
    this.reportContexts(proposal, negotiated, decision)
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
    this.mine.add(association)
    this.occupancy.associations.add(association)
    this.options.onAssociation?.(association)
    const end = await association.ended
    this.mine.delete(association)
    this.occupancy.associations.delete(association)
    const fault = end.released ? end.cutShort : end.error
    if (fault) this.refused({ ...whoOf(proposal), ...refusalFor(fault) })
    this.options.onEnd?.(association, end)
  }

  /** One refusal for each reason, not for each of up to 128 contexts. */
  private reportContexts(
    proposal: Proposal,
    { answers }: Negotiated,
    { settingFor }: Extract<Decision, { accept: true }>,
  ) {
    const found = answers.flatMap(({ result }, index) => {
      if (result === CONTEXT_RESULT.acceptance) return []
      const { abstractSyntax, transferSyntaxes } = proposal.contexts[index]!
      return [{ result, abstractSyntax, transferSyntaxes, setting: settingFor?.(abstractSyntax, result) }]
    })
    for (const alike of Object.values(
      Object.groupBy(found, ({ result, setting }) => `${result} ${setting}`),
    )) {
      const [{ result, setting }] = alike as [(typeof found)[number]]
      const isClass = result === CONTEXT_RESULT.abstractSyntaxNotSupported
      this.refused({
        ...whoOf(proposal),
        kind: 'context',
        abstractSyntaxes: [...new Set(alike!.map(({ abstractSyntax }) => abstractSyntax))],
        ...(isClass ? {} : { transferSyntaxes: [...new Set(alike!.flatMap((one) => one.transferSyntaxes))] }),
        why: isClass
          ? 'A SOP class that it proposed is not accepted'
          : 'None of the transfer syntaxes that it proposed for a SOP class is accepted',
        ...(setting === undefined ? {} : { setting }),
      })
    }
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
