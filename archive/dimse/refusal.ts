/** Why a peer was turned away, in words for an administrator. */
import { DicomError } from './dicom-error.ts'

export type Refusal = {
  readonly at: Date
  readonly kind: 'connection' | 'rejected' | 'context' | 'aborted'
  readonly remoteAddress: string
  readonly callingAe?: string
  readonly calledAe?: string
  /** Of the A-ASSOCIATE-RJ (PS3.8 table 9-21). */
  readonly rejection?: { readonly result: number; readonly source: number; readonly reason: number }
  /** Of a presentation context not accepted. */
  readonly abstractSyntax?: string
  /** A sentence without patient data. */
  readonly why: string
  /** What an administrator would change to let this peer in, when there is such a thing. */
  readonly setting?: string
}

/** A sentence for an error that ended a connection. */
export function wordsFor(error: unknown): string {
  if (!(error instanceof DicomError)) return 'An error on our side ended it'
  const { refs } = error
  switch (error.code) {
    case 'association-aborted':
      return refs.by === 'peer'
        ? `The peer aborted (source ${refs.source}, reason ${refs.reason})`
        : `We aborted: ${refs.why ?? 'no reason given'}`
    case 'connection-lost':
      return `The connection was lost (${refs.how}) without a release`
    case 'peer-too-slow':
      return `The peer sent nothing, or too slowly, and was waited for ${refs.waitedMs} ms`
    case 'pdu-too-long':
      return `The peer sent a PDU of ${refs.found} bytes; the longest accepted is ${refs.limit}`
    case 'pdu-unexpected':
      return `The peer sent a PDU of type ${refs.found} where none such may come`
    case 'pdu-malformed':
      return `The peer sent a PDU that breaks its own structure (wanted ${refs.wanted})`
    case 'message-malformed':
      return `The peer sent a message that breaks its own structure (wanted ${refs.wanted})`
    case 'no-presentation-context':
      return `The peer used presentation context ${refs.id}, which was not accepted`
    default:
      return `The exchange ended with ${error.code}`
  }
}
