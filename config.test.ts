import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { expect, test } from 'vitest'
import { ConfigError, explainConfig, readConfig } from './config.ts'

test('a department without settings uses the standard ports', () => {
  const { ports, databaseIsManaged } = readConfig({})
  expect(ports).toMatchObject({
    app: 8080,
    mllp: 2575,
    dicom: 11112,
    dicomTls: 2762,
    postgres: 55432,
    temporal: 7233,
  })
  expect(ports).toMatchObject({
    temporalUi: 8233,
    emr: 2576,
    storeScp: 11113,
    moveScu: 11114,
    testScu: 11115,
  })
  expect(databaseIsManaged).toBe(false)
})

test('two departments with their own base ports share no port', () => {
  const one = Object.values(readConfig({ ISOCENTER_BASE_PORT: '20000' }).ports)
  const other = Object.values(readConfig({ ISOCENTER_BASE_PORT: '20100' }).ports)
  expect(new Set([...one, ...other]).size).toBe(one.length + other.length)
  expect(readConfig({ ISOCENTER_BASE_PORT: '20000' }).ports).toMatchObject({
    app: 20000,
    storeScp: 20091,
    testScu: 20093,
  })
})

test('a wrong value is one line that names the variable, what was found and what was expected', () => {
  expect(() => readConfig({ ISOCENTER_MLLP_PORT: 'many' })).toThrow(
    new ConfigError('ISOCENTER_MLLP_PORT: found "many", expected a port'),
  )
  expect(() => readConfig({ BLOB_STORE: '/tmp' })).toThrow(
    /^BLOB_STORE: found "\/tmp", expected file:<folder> or/,
  )
})

test('a wrong secret is refused without being shown', () => {
  const reason = (() => {
    try {
      readConfig({ ISOCENTER_SECRET_KEY: 'hunter2' })
    } catch (error) {
      return (error as Error).message
    }
  })()
  expect(reason).toContain('ISOCENTER_SECRET_KEY')
  expect(reason).not.toContain('hunter2')
  expect(explainConfig({ DATABASE_URL: 'postgres://a:hunter2@b/c' })).not.toContain('hunter2')
})

test('a secret can be kept in a file', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'isocenter-config-')), 'url')
  writeFileSync(file, 'postgres://department@db.example/isocenter\n')
  const read = readConfig({ DATABASE_URL_FILE: file })
  expect(read).toMatchObject({
    databaseUrl: 'postgres://department@db.example/isocenter',
    databaseIsManaged: true,
  })
  expect(() => readConfig({ DATABASE_URL_FILE: '/nowhere' })).toThrow(/DATABASE_URL_FILE: found "\/nowhere"/)
})

test('a DICOM certificate needs its own key, and the first file that cannot be used is named', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'isocenter-dicom-tls-'))
  const pair = async (name: string) => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
      algorithm: 'sha256',
    })
    writeFileSync(join(folder, `${name}.crt`), cert)
    writeFileSync(join(folder, `${name}.key`), key)
    return {
      DICOM_TLS_CERT_FILE: join(folder, `${name}.crt`),
      DICOM_TLS_KEY_FILE: join(folder, `${name}.key`),
    }
  }
  const [one, other] = [await pair('one'), await pair('other')]
  expect(readConfig(one).dicom.tls?.cert.toString()).toContain('BEGIN CERTIFICATE')
  expect(readConfig({}).dicom).toEqual({ limits: {}, timers: {} })
  expect(() => readConfig({ ...one, DICOM_TLS_KEY_FILE: other.DICOM_TLS_KEY_FILE })).toThrow(
    /^DICOM_TLS_KEY_FILE: found .*expected the key of the certificate/,
  )
  expect(() => readConfig({ ...one, DICOM_TLS_CERT_FILE: one.DICOM_TLS_KEY_FILE })).toThrow(
    /^DICOM_TLS_CERT_FILE: found .*expected a certificate in PEM/,
  )
  expect(() => readConfig({ DICOM_TLS_CERT_FILE: one.DICOM_TLS_CERT_FILE })).toThrow(/^DICOM_TLS_KEY_FILE:/)
  expect(readConfig({ DICOM_MAX_ASSOCIATIONS: '7', DICOM_IDLE_SECONDS: '0.5' }).dicom).toEqual({
    limits: { associations: 7 },
    timers: { idleMs: 500 },
  })
})
