/** What a program plugs into an association to serve its peer: one handler per DIMSE service (PS3.7 sections 9, 10). */
import type { Association, PresentationContext } from './association.ts'
import type { Command } from './command.ts'
import type { Dataset } from './dataset.ts'
import type { DicomError } from './dicom-error.ts'
import type { Outcome } from './status.ts'

export type DimseRequest = {
  readonly association: Association
  readonly context: PresentationContext
  readonly command: Command
  /** Affected or Requested SOP Class UID. */
  readonly sopClassUid: string
  /** Affected or Requested SOP Instance UID; empty when the service carries none. */
  readonly sopInstanceUid: string
  /** Aborted by C-CANCEL-RQ, and when the association ends. */
  readonly signal: AbortSignal
}

/** An identifier, attribute list or information, already decoded. */
export type DatasetRequest = DimseRequest & { readonly dataset: Dataset }

/**
 * Where one C-STORE data set goes, as received: never decoded, never re-encoded here.
 * Exactly one of `end` and `abort` is called, once, after the last `write` has settled.
 */
export type StoreSink = {
  /**
   * A chunk to write. Awaited: backpressure. It stays as it is until `drain` is asked, or without one until the promise
   * settles.
   */
  write(chunk: Buffer): void | Promise<void>
  /** The chunks may be overwritten once this settles; it is asked again and again while an object comes. */
  drain?(): void | Promise<void>
  /** The whole data set has come: answer for it. */
  end(): Outcome | Promise<Outcome>
  /** It will not come whole, or a `write` has thrown. */
  abort(reason: DicomError): void | Promise<void>
}

/** One match of a C-FIND: FF00H, or FF01H when an optional key was not supported for it. */
export type Match = Dataset | { readonly dataset: Dataset; readonly optionalKeysUnsupported: true }

/** How far a C-MOVE or C-GET has come (PS3.4 section C.4.2.1.6). */
export type SubOperations = {
  readonly remaining: number
  readonly completed: number
  readonly failed: number
  readonly warning: number
}

/** The end of a C-MOVE or C-GET: counts, and the instances that failed. */
export type RetrieveOutcome = Outcome & {
  readonly subOperations: SubOperations
  readonly failedSopInstanceUids?: readonly string[]
}

/**
 * A handler that throws answers with `outcomeOf(error)`; it never ends the association, far less the process.
 * A service without a handler is refused: 0122H for the C-services, 0211H for the N-services.
 */
export type Services = {
  cEcho?(request: DimseRequest): Outcome | Promise<Outcome>
  /** Begins to receive an object; an `Outcome` or a throw refuses it, and its bytes are read past. */
  cStore?(request: DimseRequest): StoreSink | Outcome | Promise<StoreSink | Outcome>
  /** Each match is sent as it is yielded; the end answers 0000H, or FE00H when it was cancelled. */
  cFind?(request: DatasetRequest): AsyncIterable<Match>
  /** Each yield is a pending response; the value returned is the final one. */
  cMove?(request: DatasetRequest): AsyncGenerator<SubOperations, RetrieveOutcome>
  cGet?(request: DatasetRequest): AsyncGenerator<SubOperations, RetrieveOutcome>
  nCreate?(request: DatasetRequest): Outcome | Promise<Outcome>
  nSet?(request: DatasetRequest): Outcome | Promise<Outcome>
  /** The attribute identifiers asked for are in `command.set.numbers('AttributeIdentifierList')`. */
  nGet?(request: DimseRequest): Outcome | Promise<Outcome>
  nAction?(request: DatasetRequest): Outcome | Promise<Outcome>
  nEventReport?(request: DatasetRequest): Outcome | Promise<Outcome>
  nDelete?(request: DimseRequest): Outcome | Promise<Outcome>
  /** An error a handler threw that was not a StatusError: for the log. */
  onError?(error: unknown, request: DimseRequest): void
  /** A request that is being answered with a failure, whoever refused it. */
  onFailure?(request: DimseRequest, outcome: Outcome): void
}
