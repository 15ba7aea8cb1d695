/** Storage as SCP (PS3.4 annex B): the data set goes to disk as it comes, and Success means that it would survive a crash. */
import type { DimseRequest, StoreSink } from '#archive/dimse/services.ts'
import { type Outcome, STATUS, SUCCESS } from '#archive/dimse/status.ts'
import { FAULTS, type Fault } from '#archive/ingest/examine.ts'
import type { Ingest } from '#archive/ingest/ingest.ts'
import { failpoint } from '#db/failpoint.ts'
import type { Caller } from './devices.ts'
import { isProtocolClass, isStorageClass } from './storage-classes.ts'

/** Receives one object; a class that the device may not send is refused before a byte of it is read. */
export async function storeObject(
  ingest: Ingest,
  caller: Caller,
  request: DimseRequest,
): Promise<StoreSink | Outcome> {
  const { sopClassUid, sopInstanceUid, context, association } = request
  const isTaken = isStorageClass(sopClassUid) || isProtocolClass(sopClassUid)
  if (!isTaken || caller.sopClasses?.includes(sopClassUid) === false)
    return { status: STATUS.sopClassNotSupported }
  const incoming = await ingest.begin({
    sopClassUid,
    sopInstanceUid,
    transferSyntaxUid: context.transferSyntax,
    sourceAe: caller.aeTitle,
    peer: association.agreement.remoteAddress,
  })
  return {
    write: (chunk) => incoming.write(chunk),
    drain: () => incoming.drain(),
    async end() {
      const fault = await incoming.finish()
      if (fault) return refused(fault)
      afterSuccess()
      return SUCCESS
    },
    abort: () => incoming.abort(),
  }
}

function refused({ reason, status }: Fault): Outcome {
  return { status, comment: `Set aside: ${FAULTS[reason]}` }
}

// The answer is written in this turn of the event loop; a kill test that means "after it" waits for the next ones.
function afterSuccess(): void {
  setTimeout(() => void failpoint('store:after-success'), 20).unref()
}
