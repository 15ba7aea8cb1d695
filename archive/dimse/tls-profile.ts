/** Secure transport: the BCP 195 RFC 9325 TLS profile (PS3.15 section B.12), and what its failures mean in words. */
import { constants } from 'node:crypto'
import type { SecureContextOptions, TLSSocket } from 'node:tls'

/** TLS 1.2 and 1.3, forward secrecy and authenticated encryption only, no renegotiation (RFC 9325 sections 3 and 4). */
export const TLS_PROFILE: SecureContextOptions = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: [
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'TLS_AES_128_GCM_SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
  ].join(':'),
  honorCipherOrder: true,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
}

/** The certificate a peer showed; it holds the key to it. */
export type Certificate = {
  readonly commonName: string
  /** SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` prints it: AA:BB:…. */
  readonly fingerprint: string
  /** Signed by an authority of ours; without one configured a name in it proves nothing. */
  readonly isVerified: boolean
}

/** Null, against its type, once the peer has gone. */
const shownBy = (socket: TLSSocket) =>
  socket.getPeerCertificate() as ReturnType<TLSSocket['getPeerCertificate']> | null

export const hasCertificate = (socket: TLSSocket): boolean => shownBy(socket)?.raw !== undefined

export function certificateOf(socket: TLSSocket, hasAuthority: boolean): Certificate | undefined {
  const shown = shownBy(socket)
  if (!shown?.subject) return undefined
  const isVerified = hasAuthority && socket.authorized
  // Several names in one subject come as a list, which is nobody's name.
  const name: unknown = shown.subject.CN
  return { commonName: typeof name === 'string' ? name : '', fingerprint: shown.fingerprint256, isVerified }
}

/** What is wrong with what a peer showed, and what would let it in; `fault` is none when it showed nothing. */
export function certificateWords(fault: Error | string | undefined): {
  readonly why: string
  readonly setting: string
} {
  const code = fault instanceof Error ? fault.message : fault
  if (code === undefined)
    return { why: 'It showed no certificate', setting: `its own configuration, or ${CA}` }
  if (/EXPIRED|NOT_YET_VALID/.test(code))
    return {
      why: `Its certificate is not valid today (${code})`,
      setting: 'its own configuration: its certificate',
    }
  return { why: `It showed no certificate that our authority signed (${code})`, setting: CA }
}

const CA = 'DICOM_TLS_CA_FILE'

/** A sentence for a handshake that came to nothing, and what would let it through. */
export function handshakeWords(error: Error): { readonly why: string; readonly setting?: string } {
  const code = (error as NodeJS.ErrnoException).code ?? 'no code'
  const known = FAILURES.find(({ codes }) => codes.test(code))
  if (!known) return { why: `The TLS handshake failed (${code})` }
  const { why, setting } = known
  return { why: `${why} (${code})`, ...(setting ? { setting } : {}) }
}

const FAILURES = [
  {
    codes: /WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH|BAD_RECORD_TYPE|RECORD_LAYER|UNEXPECTED_MESSAGE/,
    why: 'What it sent on the TLS port is not TLS',
    setting: 'its own configuration: TLS, or our port without TLS',
  },
  {
    codes: /UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|ALERT_PROTOCOL_VERSION/,
    why: 'It speaks no TLS version that is safe; 1.2 and 1.3 are',
    setting: 'its own configuration: TLS 1.2 or 1.3',
  },
  {
    codes: /NO_SHARED_CIPHER|NO_SHARED_GROUP|NO_SUITABLE/,
    why: 'It offers no cipher suite of the BCP 195 profile',
    setting: 'its own configuration: ECDHE with AES-GCM',
  },
  {
    codes: /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED)/,
    why: 'It does not trust our certificate',
    setting: 'its list of authorities, or DICOM_TLS_CERT_FILE',
  },
  {
    codes: /HANDSHAKE_TIMEOUT/,
    why: 'It did not finish the TLS handshake in time',
    setting: 'DICOM_ARTIM_SECONDS',
  },
  { codes: /ECONNRESET|EPIPE/, why: 'It hung up in the middle of the TLS handshake' },
]
