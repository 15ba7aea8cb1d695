/** Why a peer was turned away, in words for an administrator. */
import { DicomError, type DicomErrorCode } from './dicom-error.ts'
import { PDU } from './pdu.ts'

export type Refusal = {
  readonly at: Date
  readonly kind: 'connection' | 'rejected' | 'context' | 'aborted'
  readonly remoteAddress: string
  readonly callingAe?: string
  readonly calledAe?: string
  /** Of the A-ASSOCIATE-RJ (PS3.8 table 9-21). */
  readonly rejection?: { readonly result: number; readonly source: number; readonly reason: number }
  /** Of presentation contexts not accepted for the same reason. */
  readonly abstractSyntaxes?: readonly string[]
  /** What was proposed for them, where none of it is accepted. */
  readonly transferSyntaxes?: readonly string[]
  /** Of an association or connection that ended in an error: its code, and which clock ran out. */
  readonly error?: {
    readonly code: DicomErrorCode | 'internal'
    readonly clock?: string
    /** What was wanted of the peer instead. */
    readonly wanted?: string
    readonly byPeer: boolean
  }
  /** A sentence without patient data. */
  readonly why: string
  /** What an administrator would change to let this peer in, when there is such a thing. */
  readonly setting?: string
}

/** A sentence for an error that ended a connection. */
function wordsFor(error: unknown): string {
  if (!(error instanceof DicomError)) return 'An error on our side ended it'
  const { refs } = error
  switch (error.code) {
    case 'association-aborted':
      if (refs.by === 'peer')
        return refs.source === undefined
          ? 'The peer aborted before it had asked for an association'
          : `The peer aborted (source ${refs.source}, reason ${refs.reason})`
      return `We aborted: ${refs.why ?? 'no reason given'}`
    case 'connection-lost':
      return `The connection was lost (${refs.how}) without a release`
    case 'peer-too-slow':
      if (refs.clock === 'floor') return CLOCKS.floor!
      return `${CLOCKS[String(refs.clock)] ?? 'The peer was too slow'}; it was waited for ${refs.waitedMs} ms`
    case 'pdu-too-long':
      return `The peer sent a PDU of ${refs.found} bytes; the longest accepted is ${refs.limit}`
    case 'pdu-unexpected':
      if (refs.found === TLS_HANDSHAKE) return 'The peer speaks TLS on the port that has none'
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

const TLS_HANDSHAKE = 0x16

const CLOCKS: Record<string, string> = {
  artim: 'The peer did not finish its association request in time',
  idle: 'Nothing happened on the association for too long',
  stall: 'The peer stopped in the middle of a PDU or message',
  floor: 'The peer sent a message more slowly than is allowed',
}

const SETTINGS: Record<string, string> = {
  artim: 'DICOM_ARTIM_SECONDS',
  idle: 'DICOM_IDLE_SECONDS',
  stall: 'DICOM_STALL_SECONDS',
  floor: 'DICOM_FLOOR_BYTES_PER_SECOND, or DICOM_FLOOR_AFTER_SECONDS',
}

/** For what is wrong with the bytes there is one in two cases only. */
function settingFor({ code, refs }: DicomError): string | undefined {
  if (code === 'pdu-too-long' && refs.type === PDU.dataTf) return 'DICOM_MAX_PDU_BYTES'
  if (code === 'pdu-unexpected' && refs.found === TLS_HANDSHAKE)
    return 'its own configuration: no TLS, or our port with TLS (ISOCENTER_DICOM_TLS_PORT)'
  return code === 'peer-too-slow' ? SETTINGS[String(refs.clock)] : undefined
}

/** What of a refusal the error says that ended a connection. */
export function refusalFor(error: unknown): Pick<Refusal, 'kind' | 'why' | 'setting' | 'error'> {
  const said = { kind: 'aborted', why: wordsFor(error) } as const
  if (!(error instanceof DicomError)) return { ...said, error: { code: 'internal', byPeer: false } }
  const { code, refs } = error
  const byPeer = code === 'connection-lost' || (code === 'association-aborted' && refs.by === 'peer')
  const setting = settingFor(error)
  const clock = code === 'peer-too-slow' ? { clock: String(refs.clock) } : {}
  const wanted = typeof refs.wanted === 'string' ? { wanted: refs.wanted } : {}
  return { ...said, ...(setting ? { setting } : {}), error: { code, ...clock, ...wanted, byPeer } }
}
