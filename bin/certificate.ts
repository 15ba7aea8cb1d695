/** The certificate of the DICOM TLS port when nobody gave one: made once, signed by itself, kept in the home. */
import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'

export interface CertificateFiles {
  certFile: string
  keyFile: string
}

const YEARS = 10

/** Devices are told to trust this very certificate: it is made anew only when its files are taken away. */
export async function keptCertificate(home: string, listen: string): Promise<CertificateFiles> {
  const files = {
    certFile: join(home, 'secrets', 'dicom-tls.crt'),
    keyFile: join(home, 'secrets', 'dicom-tls.key'),
  }
  if (existsSync(files.certFile) && existsSync(files.keyFile)) return files
  const { cert, private: key } = await makeCertificate(listen)
  // The certificate last: with it the pair is complete.
  write(files.keyFile, key)
  write(files.certFile, cert)
  return files
}

async function makeCertificate(listen: string) {
  const { generate } = await import('selfsigned')
  const until = new Date()
  until.setFullYear(until.getFullYear() + YEARS)
  const addresses = [...new Set(['127.0.0.1', '::1', ...(isWildcard(listen) ? [] : [listen])])]
  return generate([{ name: 'commonName', value: hostname().slice(0, 64) }], {
    // RSA, since older devices know nothing else.
    keyType: 'rsa',
    keySize: 2048,
    algorithm: 'sha256',
    notAfterDate: until,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...[...new Set([hostname(), 'localhost'])].map((value) => ({ type: 2 as const, value })),
          ...addresses.map((ip) => ({ type: 7 as const, ip })),
        ],
      },
    ],
  })
}

const isWildcard = (listen: string): boolean => listen === '0.0.0.0' || listen === '::'

function write(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
