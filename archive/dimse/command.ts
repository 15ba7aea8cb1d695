/** Command sets (PS3.7 annex E): always Implicit VR Little Endian, group 0000 only, small. */
import { Dataset } from './dataset.ts'
import { decodeDataset } from './decode.ts'
import { DicomError } from './dicom-error.ts'
import { encodeDataset } from './encode.ts'
import { IMPLICIT_LITTLE } from './transfer-syntax.ts'

/** Command Field (0000,0100) of requests; a response has 8000H added. */
export const COMMAND = {
  cStore: 0x0001,
  cGet: 0x0010,
  cFind: 0x0020,
  cMove: 0x0021,
  cEcho: 0x0030,
  nEventReport: 0x0100,
  nGet: 0x0110,
  nSet: 0x0120,
  nAction: 0x0130,
  nCreate: 0x0140,
  nDelete: 0x0150,
  cCancel: 0x0fff,
} as const

export type CommandName = keyof typeof COMMAND

export const RESPONSE = 0x8000

/** Command Data Set Type (0000,0800): 0101H says that no data set follows; any other value that one does. */
export const NO_DATASET = 0x0101
export const HAS_DATASET = 0x0000

const names = new Map<number, CommandName>(
  Object.entries(COMMAND).map(([name, field]) => [field, name as CommandName]),
)

/** A command set read: the fields that every service needs, and the rest by keyword. */
export type Command = {
  readonly field: number
  /** undefined for a command field PS3.7 does not know. */
  readonly name: CommandName | undefined
  readonly isResponse: boolean
  /** Message ID of a request; of a response or cancel, the one being responded to. */
  readonly messageId: number
  readonly hasDataset: boolean
  /** Affected or Requested SOP Class UID, whichever the service carries. */
  readonly sopClassUid: string
  readonly sopInstanceUid: string
  readonly set: Dataset
}

/** @throws DicomError 'message-malformed' */
export function decodeCommand(bytes: Buffer): Command {
  const set = decodeCommandSet(bytes)
  const field = set.number('CommandField')
  if (field === undefined) throw new DicomError('message-malformed', { wanted: 'CommandField' })
  const isResponse = (field & RESPONSE) !== 0
  const name = names.get(field & ~RESPONSE)
  const responds = isResponse || name === 'cCancel'
  const messageId = set.number(responds ? 'MessageIDBeingRespondedTo' : 'MessageID')
  if (messageId === undefined) throw new DicomError('message-malformed', { wanted: 'MessageID' })
  return {
    field,
    name,
    isResponse,
    messageId,
    hasDataset: (set.number('CommandDataSetType') ?? NO_DATASET) !== NO_DATASET,
    sopClassUid: set.text('AffectedSOPClassUID') ?? set.text('RequestedSOPClassUID') ?? '',
    sopInstanceUid: set.text('AffectedSOPInstanceUID') ?? set.text('RequestedSOPInstanceUID') ?? '',
    set,
  }
}

function decodeCommandSet(bytes: Buffer): Dataset {
  const set = decodeGuarded(bytes)
  for (const tag of set.elements.keys()) {
    if (tag >>> 16 !== 0) throw new DicomError('message-malformed', { wanted: 'group 0000 only' })
  }
  return set
}

function decodeGuarded(bytes: Buffer): Dataset {
  try {
    return decodeDataset(bytes, IMPLICIT_LITTLE, { limits: { depth: 0, elements: 256 } })
  } catch (cause) {
    throw new DicomError('message-malformed', { wanted: 'a command set' }, cause)
  }
}

/** The fields of a command set by keyword; undefined ones are left out. */
export type CommandFields = Record<string, string | number | readonly (string | number)[] | undefined>

export function encodeCommand(fields: CommandFields): Buffer {
  // Inheriting the default repertoire: a command set states no character set.
  const body = encodeDataset(Dataset.of(fields, []), IMPLICIT_LITTLE)
  const length = Buffer.alloc(12)
  length.writeUInt32LE(4, 4)
  length.writeUInt32LE(body.length, 8)
  return Buffer.concat([length, body])
}
