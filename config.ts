/** The only reader of the environment: every variable, its check, its default and what it is for. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'

const port = z.coerce.number().int().min(1).max(65_535)
const address = z.string().regex(/^[^\s:]+:\d{1,5}$/)
const count = z.coerce.number().int().min(1)
const seconds = z.coerce.number().positive().max(86_400)
const flag = z.enum(['true', 'false'])
const filePath = z.string().min(1)

interface Variable<T extends z.ZodType = z.ZodType> {
  check: T
  expected: string
  purpose: string
  isSecret?: true
}

const variables = {
  ISOCENTER_HOME: is(
    filePath,
    'a folder',
    'Where everything persistent lives; default .isocenter in the checkout',
  ),
  ISOCENTER_BASE_PORT: is(
    port.max(65_400),
    'a port up to 65400',
    'Derives every port: app N, MLLP N+1, and so on',
  ),
  ISOCENTER_LISTEN: is(
    z.string().min(1),
    'an IP address',
    'The address every server listens on; default 127.0.0.1',
  ),
  ISOCENTER_APP_PORT: is(port, 'a port', 'Web application; default 8080 or base'),
  ISOCENTER_MLLP_PORT: is(port, 'a port', 'HL7 v2 listener; default 2575 or base+1'),
  ISOCENTER_DICOM_PORT: is(port, 'a port', 'DICOM listener; default 11112 or base+2'),
  ISOCENTER_DICOM_TLS_PORT: is(port, 'a port', 'DICOM listener with TLS; default 2762 or base+3'),
  ISOCENTER_POSTGRES_PORT: is(port, 'a port', 'Embedded Postgres; default 55432 or base+4'),
  ISOCENTER_TEMPORAL_PORT: is(port, 'a port', 'Own Temporal server; default 7233 or base+5'),
  ISOCENTER_TEMPORAL_UI_PORT: is(port, 'a port', 'Own Temporal web page; default 8233 or base+6'),
  ISOCENTER_EMR_PORT: is(port, 'a port', 'Simulated EMR, HL7 v2 receiver; default 2576 or base+7'),
  ISOCENTER_EMR_CONTROL_PORT: is(port, 'a port', 'Simulated EMR, switches; default 2577 or base+8'),
  ISOCENTER_PUBLIC_URL: is(
    z.url(),
    'a URL',
    'How browsers reach the application; default http://<listen>:<app port>',
  ),
  DATABASE_URL: secret(
    z.url({ protocol: /^postgres(ql)?$/ }),
    'a postgres:// URL',
    'A managed Postgres; none: embedded',
  ),
  TEMPORAL_ADDRESS: is(address, 'host:port', 'A Temporal cluster or Cloud; none: our own server'),
  TEMPORAL_NAMESPACE: is(z.string().min(2), 'a namespace', 'Temporal namespace; default isocenter'),
  TEMPORAL_TLS_SERVER_NAME: is(z.string(), 'a host name', 'Server name in the Temporal certificate'),
  TEMPORAL_TLS_CA_FILE: is(filePath, 'a PEM file', 'Certificate authority of the Temporal cluster'),
  TEMPORAL_TLS_CERT_FILE: is(filePath, 'a PEM file', 'Our client certificate for Temporal'),
  TEMPORAL_TLS_KEY_FILE: is(filePath, 'a PEM file', 'Its private key'),
  TEMPORAL_API_KEY: secret(z.string().min(1), 'an API key', 'API key for Temporal Cloud'),
  BLOB_STORE: is(
    z.string().regex(/^(file|s3):/),
    'file:<folder> or s3:<bucket>',
    'Images; default file:<home>/blobs',
  ),
  ISOCENTER_AE_TITLE: is(z.string().regex(/^[^\\]{1,16}$/), 'an AE title', 'Our AE title; default ISOCENTER'),
  DICOM_TLS_CERT_FILE: is(
    filePath,
    'a PEM file',
    'Our certificate on the DICOM TLS port, its chain behind it; `up` makes one and keeps it in the home',
  ),
  DICOM_TLS_KEY_FILE: is(filePath, 'a PEM file', 'Its private key'),
  DICOM_TLS_CA_FILE: is(
    filePath,
    'a PEM file',
    'Authorities of our DICOM peers: only those that show a certificate of theirs get in with TLS; none: anybody',
  ),
  DICOM_MAX_ASSOCIATIONS: is(count, 'a whole number', 'DICOM associations at once; default 200'),
  DICOM_MAX_ASSOCIATIONS_PER_ADDRESS: is(
    count,
    'a whole number',
    'Of these, from one address; default three quarters',
  ),
  DICOM_MAX_CONNECTIONS: is(count, 'a whole number', 'DICOM connections at once; default 1000'),
  DICOM_MAX_CONNECTIONS_PER_ADDRESS: is(count, 'a whole number', 'Of these, from one address; default 250'),
  DICOM_MAX_PDU_BYTES: is(
    count.min(4096).max(16_777_216),
    'bytes, 4096 to 16777216',
    'The longest DICOM PDU we take, told to every peer; default 262144',
  ),
  DICOM_ARTIM_SECONDS: is(
    seconds,
    'seconds',
    'From a DICOM connection to its whole association request; default 30',
  ),
  DICOM_IDLE_SECONDS: is(seconds, 'seconds', 'A DICOM association on which nothing happens; default 300'),
  DICOM_STALL_SECONDS: is(seconds, 'seconds', 'Silence in the middle of a DICOM message; default 30'),
  DICOM_FLOOR_BYTES_PER_SECOND: is(count, 'a whole number', 'What a DICOM peer must average; default 1000'),
  DICOM_FLOOR_AFTER_SECONDS: is(
    seconds,
    'seconds',
    'How long a DICOM message may take before its average counts; default 30',
  ),
  ISOCENTER_SECRET_KEY: secret(
    z.string().regex(/^[0-9a-f]{64}$/i),
    '64 hexadecimal digits',
    'Encrypts workflow payloads and signs launches; `up` makes one and keeps it in the home',
  ),
  ISOCENTER_DEMO: is(
    flag,
    'true or false',
    'Whether the department is a demonstration; `up --no-demo` says false',
  ),
  ISOCENTER_SPEED: is(
    z.coerce.number().positive(),
    'a number above 0',
    'Simulation: times real time; default 1',
  ),
  ISOCENTER_FAILPOINT_FILE: is(
    filePath,
    'a path',
    'Tests only: where a file <path>.<place> lets a process die once',
  ),
  ISOCENTER_TEMPORAL_BIN: is(
    filePath,
    'a file',
    'The temporal program to start, instead of finding or fetching one',
  ),
  OIDC_ISSUER: is(z.url(), 'a URL', 'Single sign-on: the identity provider'),
  OIDC_CLIENT_ID: is(z.string().min(1), 'a client id', 'Single sign-on: our client id'),
  OIDC_CLIENT_SECRET: secret(z.string().min(1), 'a client secret', 'Single sign-on: our client secret'),
  LOG_LEVEL: is(z.enum(['trace', 'debug', 'info', 'warn', 'error']), 'trace … error', 'Default info'),
} satisfies Record<string, Variable>

type Name = keyof typeof variables
type Values = { [N in Name]?: z.output<(typeof variables)[N]['check']> }
export type Environment = Record<string, string | undefined>

export interface Ports {
  app: number
  mllp: number
  dicom: number
  dicomTls: number
  postgres: number
  temporal: number
  temporalUi: number
  emr: number
  emrControl: number
  /** STORESCP, MOVESCU and TESTSCU: where a demonstration department's move destinations listen. */
  storeScp: number
  moveScu: number
  testScu: number
}

export interface TemporalTls {
  serverNameOverride: string | undefined
  serverRootCACertificate: Buffer | undefined
  clientCertPair: { crt: Buffer; key: Buffer } | undefined
}

/** Of the DICOM ports; what is left out has its default in archive/dimse/settings.ts. */
export interface DicomDoor {
  /** None: nothing listens on the TLS port. */
  tls?: { cert: Buffer; key: Buffer; ca?: Buffer }
  limits: {
    associations?: number
    associationsPerAddress?: number
    connections?: number
    connectionsPerAddress?: number
    pduBytes?: number
  }
  timers: {
    artimMs?: number
    idleMs?: number
    stallMs?: number
    floorBytesPerSecond?: number
    graceMs?: number
  }
}

export interface Config {
  home: string
  listen: string
  basePort: number | undefined
  ports: Ports
  publicUrl: string
  databaseUrl: string
  /** True when DATABASE_URL named a server of somebody else's, which is then never started or stopped by us. */
  databaseIsManaged: boolean
  temporal: {
    address: string
    namespace: string
    isManaged: boolean
    tls: TemporalTls | undefined
    apiKey: string | undefined
  }
  temporalBinary: string | undefined
  blobStore: string
  aeTitle: string
  dicom: DicomDoor
  /** 32 bytes in hexadecimal; undefined only outside `up`. */
  secretKey: string | undefined
  isDemo: boolean
  speed: number
  failpointFile: string | undefined
  oidc: { issuer: string; clientId: string; clientSecret: string } | undefined
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error'
}

/** A variable that cannot be used: one line with its name, what was found and what was expected. */
export class ConfigError extends Error {}

/** This process's configuration, read once. A wrong variable ends the process: one line, exit code 2. */
export const config: Config = orExit(() => readConfig(process.env))

/**
 * Reads and checks an environment. Any variable may come as <NAME>_FILE, a file that holds the value.
 * @throws ConfigError
 */
export function readConfig(environment: Environment): Config {
  const values = readValues(environment)
  const home = resolve(values.ISOCENTER_HOME ?? new URL('.isocenter', import.meta.url).pathname)
  const listen = values.ISOCENTER_LISTEN ?? '127.0.0.1'
  const ports = derivePorts(values)
  return {
    home,
    listen,
    basePort: values.ISOCENTER_BASE_PORT,
    ports,
    publicUrl: values.ISOCENTER_PUBLIC_URL ?? `http://${listen}:${ports.app}`,
    databaseUrl: values.DATABASE_URL ?? `postgres://isocenter@127.0.0.1:${ports.postgres}/isocenter`,
    databaseIsManaged: values.DATABASE_URL !== undefined,
    temporal: {
      address: values.TEMPORAL_ADDRESS ?? `127.0.0.1:${ports.temporal}`,
      namespace: values.TEMPORAL_NAMESPACE ?? 'isocenter',
      isManaged: values.TEMPORAL_ADDRESS !== undefined,
      tls: readTemporalTls(values),
      apiKey: values.TEMPORAL_API_KEY,
    },
    temporalBinary: values.ISOCENTER_TEMPORAL_BIN,
    blobStore: values.BLOB_STORE ?? `file:${home}/blobs`,
    aeTitle: values.ISOCENTER_AE_TITLE ?? 'ISOCENTER',
    dicom: readDicom(values),
    secretKey: values.ISOCENTER_SECRET_KEY,
    isDemo: values.ISOCENTER_DEMO !== 'false',
    speed: values.ISOCENTER_SPEED ?? 1,
    failpointFile: values.ISOCENTER_FAILPOINT_FILE,
    oidc: readOidc(values),
    logLevel: values.LOG_LEVEL ?? 'info',
  }
}

/** What `isocenter config --explain` prints: every variable, whether it is set, what is expected, what it is for. */
export function explainConfig(environment: Environment = process.env): string {
  const rows = Object.entries<Variable>(variables).map(([name, { expected, purpose, isSecret }]) => {
    const value = environment[name]
    const source =
      environment[`${name}_FILE`] === undefined ? 'not set' : `from ${environment[`${name}_FILE`]}`
    const shown = value === undefined ? source : isSecret ? 'set' : `= ${value}`
    return `${name}  (${expected}; ${shown})\n    ${purpose}`
  })
  return `${rows.join('\n')}\nEach may be given as <NAME>_FILE instead: the name of a file that holds the value.`
}

/** The environment as it is, for programs started by this one. */
export function inheritedEnvironment(): Environment {
  return { ...process.env }
}

function readValues(environment: Environment): Values {
  const values: Record<string, unknown> = {}
  for (const [name, variable] of Object.entries<Variable>(variables)) {
    const found = givenValue(name, environment)
    if (found === undefined || found === '') continue
    const parsed = variable.check.safeParse(found)
    if (!parsed.success) {
      const shown = variable.isSecret
        ? 'something else (not shown, it may be a secret)'
        : JSON.stringify(found)
      throw new ConfigError(`${name}: found ${shown}, expected ${variable.expected}`)
    }
    values[name] = parsed.data
  }
  return values as Values
}

function givenValue(name: string, environment: Environment): string | undefined {
  const file = environment[`${name}_FILE`]
  // TEMPORAL_TLS_CA_FILE and its kind are names of files themselves and have no _FILE of their own.
  if (environment[name] !== undefined || file === undefined || name.endsWith('_FILE'))
    return environment[name]
  return readFileOf(`${name}_FILE`, file).toString('utf8').trim()
}

function readFileOf(name: string, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new ConfigError(`${name}: found ${JSON.stringify(file)}, expected a readable file`, {
      cause: error,
    })
  }
}

function derivePorts(values: Values): Ports {
  const base = values.ISOCENTER_BASE_PORT
  const pick = (standard: number, offset: number) => (base === undefined ? standard : base + offset)
  return {
    app: values.ISOCENTER_APP_PORT ?? pick(8080, 0),
    mllp: values.ISOCENTER_MLLP_PORT ?? pick(2575, 1),
    dicom: values.ISOCENTER_DICOM_PORT ?? pick(11_112, 2),
    dicomTls: values.ISOCENTER_DICOM_TLS_PORT ?? pick(2762, 3),
    postgres: values.ISOCENTER_POSTGRES_PORT ?? pick(55_432, 4),
    temporal: values.ISOCENTER_TEMPORAL_PORT ?? pick(7233, 5),
    temporalUi: values.ISOCENTER_TEMPORAL_UI_PORT ?? pick(8233, 6),
    emr: values.ISOCENTER_EMR_PORT ?? pick(2576, 7),
    emrControl: values.ISOCENTER_EMR_CONTROL_PORT ?? pick(2577, 8),
    storeScp: pick(11_113, 91),
    moveScu: pick(11_114, 92),
    testScu: pick(11_115, 93),
  }
}

function readTemporalTls(values: Values): TemporalTls | undefined {
  const { TEMPORAL_TLS_CA_FILE: ca, TEMPORAL_TLS_CERT_FILE: cert, TEMPORAL_TLS_KEY_FILE: key } = values
  const serverName = values.TEMPORAL_TLS_SERVER_NAME
  if ([ca, cert, key, serverName].every((value) => value === undefined)) return undefined
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert === undefined ? 'TEMPORAL_TLS_CERT_FILE' : 'TEMPORAL_TLS_KEY_FILE'
    throw new ConfigError(`${missing}: found nothing, expected a PEM file, since its other half is set`)
  }
  return {
    serverNameOverride: serverName,
    serverRootCACertificate: ca === undefined ? undefined : readFileOf('TEMPORAL_TLS_CA_FILE', ca),
    clientCertPair:
      cert === undefined || key === undefined
        ? undefined
        : { crt: readFileOf('TEMPORAL_TLS_CERT_FILE', cert), key: readFileOf('TEMPORAL_TLS_KEY_FILE', key) },
  }
}

function readDicom(values: Values): DicomDoor {
  const tls = readDicomTls(values)
  const limits = {
    associations: values.DICOM_MAX_ASSOCIATIONS,
    associationsPerAddress: values.DICOM_MAX_ASSOCIATIONS_PER_ADDRESS,
    connections: values.DICOM_MAX_CONNECTIONS,
    connectionsPerAddress: values.DICOM_MAX_CONNECTIONS_PER_ADDRESS,
    pduBytes: values.DICOM_MAX_PDU_BYTES,
  }
  const timers = {
    artimMs: inMs(values.DICOM_ARTIM_SECONDS),
    idleMs: inMs(values.DICOM_IDLE_SECONDS),
    stallMs: inMs(values.DICOM_STALL_SECONDS),
    floorBytesPerSecond: values.DICOM_FLOOR_BYTES_PER_SECOND,
    graceMs: inMs(values.DICOM_FLOOR_AFTER_SECONDS),
  }
  return { ...(tls ? { tls } : {}), limits: given(limits), timers: given(timers) }
}

function inMs(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * 1000
}

/** Without what is undefined, so that a default underneath shows through. */
function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}

function readDicomTls(values: Values): DicomDoor['tls'] {
  const names = ['DICOM_TLS_CERT_FILE', 'DICOM_TLS_KEY_FILE'] as const
  const [certFile, keyFile] = [values.DICOM_TLS_CERT_FILE, values.DICOM_TLS_KEY_FILE]
  if (certFile === undefined && keyFile === undefined) return undefined
  if (certFile === undefined || keyFile === undefined) {
    const missing = certFile === undefined ? names[0] : names[1]
    throw new ConfigError(`${missing}: found nothing, expected a PEM file, since its other half is set`)
  }
  const [cert, key] = [readFileOf(names[0], certFile), readFileOf(names[1], keyFile)]
  checkPair(cert, key, values)
  const caFile = values.DICOM_TLS_CA_FILE
  if (caFile === undefined) return { cert, key }
  const ca = readFileOf('DICOM_TLS_CA_FILE', caFile)
  readable('DICOM_TLS_CA_FILE', caFile, 'certificates in PEM', () => new X509Certificate(ca))
  return { cert, key, ca }
}

function checkPair(cert: Buffer, key: Buffer, values: Values): void {
  const { DICOM_TLS_CERT_FILE: certFile, DICOM_TLS_KEY_FILE: keyFile } = values
  const certificate = readable(
    'DICOM_TLS_CERT_FILE',
    certFile,
    'a certificate in PEM',
    () => new X509Certificate(cert),
  )
  const privateKey = readable('DICOM_TLS_KEY_FILE', keyFile, 'a private key in PEM', () =>
    createPrivateKey(key),
  )
  if (certificate.checkPrivateKey(privateKey)) return
  const found = JSON.stringify(keyFile)
  throw new ConfigError(
    `DICOM_TLS_KEY_FILE: found ${found}, expected the key of the certificate in DICOM_TLS_CERT_FILE`,
  )
}

function readable<T>(name: string, file: string | undefined, expected: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new ConfigError(`${name}: found ${JSON.stringify(file)}, expected ${expected}`, { cause })
  }
}

function readOidc(values: Values): Config['oidc'] {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret } = values
  if (!issuer && !clientId && !clientSecret) return undefined
  if (issuer && clientId && clientSecret) return { issuer, clientId, clientSecret }
  const missing = issuer ? (clientId ? 'OIDC_CLIENT_SECRET' : 'OIDC_CLIENT_ID') : 'OIDC_ISSUER'
  throw new ConfigError(`${missing}: found nothing, expected a value, since other OIDC_ variables are set`)
}

function orExit(read: () => Config): Config {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`isocenter: ${error.message}\n`)
    process.exit(2)
  }
}

function is<T extends z.ZodType>(check: T, expected: string, purpose: string): Variable<T> {
  return { check, expected, purpose }
}

function secret<T extends z.ZodType>(check: T, expected: string, purpose: string): Variable<T> {
  return { check, expected, purpose, isSecret: true }
}
