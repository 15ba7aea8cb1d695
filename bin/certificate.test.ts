import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { keptCertificate } from './certificate.ts'

test('a department makes its DICOM certificate once, for the address it listens on, and only its owner can read the key', async () => {
  const home = mkdtempSync(join(tmpdir(), 'isocenter-certificate-'))
  mkdirSync(join(home, 'secrets'))
  const { certFile, keyFile } = await keptCertificate(home, '192.0.2.7')
  const made = readFileSync(certFile)
  const certificate = new X509Certificate(made)
  expect(certificate.checkPrivateKey(createPrivateKey(readFileSync(keyFile)))).toBe(true)
  expect(certificate.checkIP('192.0.2.7')).toBe('192.0.2.7')
  expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1')
  expect(certificate.checkHost('localhost')).toBe('localhost')
  expect([certFile, keyFile].map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600])
  expect(await keptCertificate(home, '192.0.2.7')).toEqual({ certFile, keyFile })
  expect(readFileSync(certFile).equals(made)).toBe(true)
})
