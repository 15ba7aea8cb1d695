/** Answers the requests of a peer through the services plugged in (PS3.7 sections 9.3 and 10.3). */
import type { Association } from './association.ts'
import { bufferSource } from './byte-source.ts'
import {
  type Command,
  type CommandFields,
  type CommandName,
  HAS_DATASET,
  NO_DATASET,
  RESPONSE,
} from './command.ts'
import { Dataset } from './dataset.ts'
import { decodeDataset } from './decode.ts'
import { DicomError } from './dicom-error.ts'
import { hasMoreElements } from './element-count.ts'
import { encodeDataset } from './encode.ts'
import type { DatasetReceiver } from './message-reader.ts'
import type { DatasetRequest, DimseRequest, Match, Services, StoreSink, SubOperations } from './services.ts'
import { isFailure, type Outcome, outcomeOf, STATUS, StatusError, SUCCESS } from './status.ts'
import { isTolerableUid } from './uid.ts'

/** One whole request, its data set in memory. Sends every response; never throws for what a handler does. */
export async function serve(
  services: Services,
  request: DimseRequest,
  bytes: Buffer | undefined,
): Promise<void> {
  const respond = new Responder(services, request)
  try {
    await answer(services, request, bytes, respond)
  } catch (error) {
    report(services, error, request)
    await respond.with(outcomeOf(error))
  }
}

/** A C-STORE request as it comes in; `end` resolves when the response has been sent. */
export async function receiveStore(services: Services, request: DimseRequest): Promise<DatasetReceiver> {
  const respond = new Responder(services, request)
  let sink: StoreSink | undefined
  let refusal: Outcome | undefined
  const refuse = async (error: unknown) => {
    report(services, error, request)
    refusal = outcomeOf(error)
    const failed = sink
    sink = undefined
    await abortQuietly(failed, new DicomError('status', { status: refusal.status }, error))
  }
  try {
    const begun = await beginStore(services, request)
    if ('write' in begun) sink = begun
    else refusal = begun
  } catch (error) {
    await refuse(error)
  }
  return {
    // Called many times for each object: what needs no waiting makes no promise.
    write(piece) {
      try {
        const writing = sink?.write(piece)
        return writing ? writing.catch(refuse) : undefined
      } catch (error) {
        return refuse(error)
      }
    },
    drain() {
      try {
        const draining = sink?.drain?.()
        return draining ? draining.catch(refuse) : undefined
      } catch (error) {
        return refuse(error)
      }
    },
    async end() {
      try {
        refusal ??= await sink!.end()
      } catch (error) {
        // A sink whose end failed has been told all it needs: `end` is its last call.
        report(services, error, request)
        refusal = outcomeOf(error)
      }
      await respond.with(refusal)
    },
    abort: (reason) => abortQuietly(sink, reason),
  }
}

async function beginStore(services: Services, request: DimseRequest): Promise<StoreSink | Outcome> {
  if (!services.cStore) return { status: STATUS.sopClassNotSupported }
  if (request.sopClassUid !== request.context.abstractSyntax)
    return {
      status: STATUS.datasetDoesNotMatch,
      comment: 'Its SOP class is not that of its presentation context',
    }
  if (!isTolerableUid(request.sopInstanceUid)) return { status: STATUS.invalidSopInstance }
  return services.cStore(request)
}

async function abortQuietly(sink: StoreSink | undefined, reason: DicomError): Promise<void> {
  try {
    await sink?.abort(reason)
  } catch {
    // The peer is gone or is being refused already: there is nobody left to answer differently.
  }
}

function report(services: Services, error: unknown, request: DimseRequest) {
  if (error instanceof StatusError) return
  services.onError?.(error, request)
}

type Handler = (request: DatasetRequest) => Outcome | Promise<Outcome>

async function answer(
  services: Services,
  request: DimseRequest,
  bytes: Buffer | undefined,
  respond: Responder,
) {
  const { name } = request.command
  // What was agreed on for one class is asked for in no other's name.
  if (request.sopClassUid !== '' && request.sopClassUid !== request.context.abstractSyntax)
    return respond.with({ status: notOfThisContext(name), comment: 'Not the SOP class of its context' })
  if (name === 'cFind' && services.cFind) return find(services.cFind, withDataset(request, bytes), respond)
  if (name === 'cMove' && services.cMove)
    return retrieve(services.cMove, withDataset(request, bytes), respond)
  if (name === 'cGet' && services.cGet) return retrieve(services.cGet, withDataset(request, bytes), respond)
  const handler = simpleHandler(services, name)
  if (!handler) return respond.with({ status: unserved(name) })
  await respond.with(await handler(withDataset(request, bytes)))
}

function simpleHandler(services: Services, name: CommandName | undefined): Handler | undefined {
  switch (name) {
    case 'cEcho':
      return services.cEcho ? (request) => services.cEcho!(request) : () => SUCCESS
    case 'nCreate':
    case 'nSet':
    case 'nGet':
    case 'nAction':
    case 'nEventReport':
    case 'nDelete':
      return services[name]?.bind(services) as Handler | undefined
    default:
      return undefined
  }
}

function notOfThisContext(name: CommandName | undefined): number {
  return name?.startsWith('n') ? STATUS.noSuchSopClass : STATUS.sopClassNotSupported
}

function unserved(name: CommandName | undefined): number {
  return name?.startsWith('c') ? STATUS.sopClassNotSupported : STATUS.unrecognizedOperation
}

/** The request with its data set; an absent one is empty, which is what an N-CREATE without attributes means. */
function withDataset(request: DimseRequest, bytes: Buffer | undefined): DatasetRequest {
  return { ...request, dataset: bytes ? readable(bytes, request) : new Dataset() }
}

/** Of an identifier or attribute list, deflated ones included: what names more is no message of ours. */
const MESSAGE_LIMITS = { elements: 100_000, bytes: 16 * 1024 * 1024 }

function readable(bytes: Buffer, { context, command }: DimseRequest): Dataset {
  try {
    if (hasMoreElements(bufferSource(bytes), context.transferSyntax, MESSAGE_LIMITS.elements))
      throw new DicomError('dataset-too-large', { limit: MESSAGE_LIMITS.elements })
    return decodeDataset(bytes, context.transferSyntax, { limits: MESSAGE_LIMITS })
  } catch (cause) {
    const query = command.name === 'cFind' || command.name === 'cMove' || command.name === 'cGet'
    const status = query ? STATUS.cannotUnderstand : STATUS.processingFailure
    throw new StatusError({ status, comment: 'Data set not readable' }, {}, cause)
  }
}

async function find(cFind: NonNullable<Services['cFind']>, request: DatasetRequest, respond: Responder) {
  for await (const match of cFind(request)) {
    if (request.signal.aborted) break
    await respond.with(pending(match))
  }
  await respond.with({ status: request.signal.aborted ? STATUS.cancelled : STATUS.success })
}

function pending(match: Match): Outcome {
  if (match instanceof Dataset) return { status: STATUS.pending, dataset: match }
  return { status: STATUS.pendingWithoutOptionalKeys, dataset: match.dataset }
}

async function retrieve(
  service: NonNullable<Services['cMove']>,
  request: DatasetRequest,
  respond: Responder,
): Promise<void> {
  const progress = service(request)
  try {
    await respond.with(...(await conclusion(progress, respond)))
  } finally {
    // A peer that left in the middle: what the service holds open is closed.
    await progress.return({ status: STATUS.processingFailure, subOperations: NONE })
  }
}

const NONE: SubOperations = { remaining: 0, completed: 0, failed: 0, warning: 0 }

async function conclusion(
  progress: ReturnType<NonNullable<Services['cMove']>>,
  respond: Responder,
): Promise<[Outcome, CommandFields]> {
  for (;;) {
    const step = await progress.next()
    if (!step.done) {
      await respond.with({ status: STATUS.pending }, counts(step.value))
      continue
    }
    const { subOperations, failedSopInstanceUids: failed } = step.value
    const list = failed?.length ? Dataset.of({ FailedSOPInstanceUIDList: [...failed] }) : undefined
    // Remaining sub-operations stand in pending and cancelled responses only (PS3.4 section C.4.2.1.6).
    const remaining =
      step.value.status === STATUS.cancelled ? {} : { NumberOfRemainingSuboperations: undefined }
    return [
      { ...step.value, ...(list ? { dataset: list } : {}) },
      { ...counts(subOperations), ...remaining },
    ]
  }
}

const counts = ({ remaining, completed, failed, warning }: SubOperations): CommandFields => ({
  NumberOfRemainingSuboperations: remaining,
  NumberOfCompletedSuboperations: completed,
  NumberOfFailedSuboperations: failed,
  NumberOfWarningSuboperations: warning,
})

class Responder {
  private readonly association: Association
  private readonly services: Services
  private readonly request: DimseRequest

  constructor(services: Services, request: DimseRequest) {
    this.association = request.association
    this.services = services
    this.request = request
  }

  with(outcome: Outcome, more: CommandFields = {}): Promise<void> {
    if (isFailure(outcome.status)) this.services.onFailure?.(this.request, outcome)
    const { command, context } = this.request
    const dataset = outcome.dataset && encodeDataset(outcome.dataset, context.transferSyntax)
    const fields = { ...responseFields(command, outcome), ...more }
    fields.CommandDataSetType = dataset ? HAS_DATASET : NO_DATASET
    return this.association.send(context.id, fields, dataset)
  }
}

function responseFields(command: Command, outcome: Outcome): CommandFields {
  const { set } = command
  return {
    // From the request: a response that names another class than was asked for confuses some SCUs.
    AffectedSOPClassUID: command.sopClassUid || undefined,
    CommandField: command.field | RESPONSE,
    MessageIDBeingRespondedTo: command.messageId,
    Status: outcome.status,
    OffendingElement: outcome.offendingElements,
    ErrorComment: outcome.comment?.replace(/[^ -[\]-~]/g, '?').slice(0, 64),
    ErrorID: outcome.errorId,
    AffectedSOPInstanceUID: outcome.sopInstanceUid ?? (command.sopInstanceUid || undefined),
    AttributeIdentifierList: outcome.attributes,
    EventTypeID: set.number('EventTypeID'),
    ActionTypeID: set.number('ActionTypeID'),
  }
}
