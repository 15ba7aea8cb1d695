/** Calls a device that we know, under our own AE title. */
import type { Association } from '#archive/dimse/association.ts'
import { type OpenOptions, openAssociation } from '#archive/scu/association.ts'
import type { PeerAddress } from '#db/queries/dimse-query.ts'

/** @throws DicomError when nobody answers there, or not for us */
export function dial(
  ourAeTitle: string,
  { host, port, aeTitle }: PeerAddress,
  options: OpenOptions,
): Promise<Association> {
  return openAssociation({ host, port, callingAe: ourAeTitle, calledAe: aeTitle }, options)
}
