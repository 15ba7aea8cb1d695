/** Calls a device that we know, under our own AE title; over TLS where the device must come over TLS. */
import { type ConnectionOptions, checkServerIdentity } from 'node:tls'
import type { Association } from '#archive/dimse/association.ts'
import { DicomError } from '#archive/dimse/dicom-error.ts'
import { type OpenOptions, openAssociation } from '#archive/scu/association.ts'
import type { PeerAddress } from '#db/queries/dimse-query.ts'

/** How we are known to those we call. */
export interface Ourselves {
  aeTitle: string
  /** What we show over TLS, and whose certificates we take; none: nobody is called over TLS. */
  tls?: Pick<ConnectionOptions, 'cert' | 'key' | 'ca'>
}

/** @throws DicomError when nobody answers there, not as whom we look for, or not for us */
export async function dial(
  { aeTitle: callingAe, tls }: Ourselves,
  address: PeerAddress,
  options: OpenOptions,
): Promise<Association> {
  const { host, port, aeTitle: calledAe, isSecure } = address
  const peer = { host, port, callingAe, calledAe }
  if (!isSecure) return openAssociation(peer, options)
  if (!tls) throw new DicomError('connection-lost', { how: 'TLS is wanted, and we have no certificate' })
  return openAssociation({ ...peer, tls: secured(tls, address) }, options)
}

/** The peer is who an authority says, under the name or with the certificate that its row has; else under its host. */
function secured(
  { cert, key, ca }: NonNullable<Ourselves['tls']>,
  { certificate }: PeerAddress,
): ConnectionOptions {
  return {
    cert,
    key,
    ...(ca ? { ca } : {}),
    checkServerIdentity(host, shown) {
      const { commonName, fingerprint } = certificate ?? {}
      if (commonName === undefined && fingerprint === undefined) return checkServerIdentity(host, shown)
      const isNamed = commonName === undefined || shown.subject.CN === commonName
      const isPinned = fingerprint === undefined || hexOf(fingerprint) === hexOf(shown.fingerprint256)
      return isNamed && isPinned ? undefined : new Error('it showed another certificate')
    },
  }
}

const hexOf = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase()
