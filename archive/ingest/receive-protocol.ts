/** A Hanging Protocol that came by C-STORE or over the web: looked at as the page Layouts does it, and kept for its readers. */
import { STATUS } from '#archive/dimse/status.ts'
import type { StoredBlob } from '#archive/storage/blob-store.ts'
import type { Department } from '#db/department.ts'
import type { Act } from '#db/mutations/mutate.ts'
import { keepReceivedProtocol } from '#db/mutations/received-protocols.ts'
import { hangableProcedures } from '#db/queries/viewer-settings.ts'
import { importedHanging } from '#domain/dicom-hanging-protocol.ts'
import type { ExaminedProtocol, Fault } from './examine.ts'

export interface ReceivedProtocol {
  blob: StoredBlob
  protocol: ExaminedProtocol
  sourceAe: string
  peer: string
}

/** Whether its bytes are to stay, or why it is no layout for anybody. Safe to repeat. */
export async function receiveProtocol(
  department: Department,
  act: Act,
  { blob, protocol, sourceAe, peer }: ReceivedProtocol,
): Promise<{ isKept: boolean } | { fault: Fault }> {
  const { sopInstanceUid, values } = protocol
  const imported = importedHanging(values, await hangableProcedures(department.sql))
  if ('refused' in imported)
    return { fault: { reason: 'shows-nothing', status: STATUS.cannotUnderstand, sopInstanceUid } }
  const leftOut = imported.leftOut.length
  const isKept = await keepReceivedProtocol(department, act, {
    blob,
    sopInstanceUid,
    sourceAe,
    peer,
    values,
    leftOut,
  })
  return { isKept }
}
