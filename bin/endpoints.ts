/** `<home>/endpoints.json`: where everything is, for programs; see docs/operating.md. */
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'

export interface Account {
  user: string
  password: string
  role: string
}

export interface Demonstration {
  accounts: Account[]
  tokens: Record<string, string>
  devices: { aeTitle: string; modality: string; room: string | null; site: string }[]
  moveDestinations: { aeTitle: string; host: string; port: number }[]
}

/** The file's content. Accounts and tokens are there only for a demonstration department. */
export function describeEndpoints(of: {
  config: Config
  processes: Record<string, number[]>
  demonstration: Demonstration | undefined
}) {
  const { config, processes, demonstration } = of
  const { listen: host, ports, temporal } = config
  const app = config.publicUrl.replace(/\/$/, '')
  return {
    version: 1,
    basePort: config.basePort ?? ports.app,
    app,
    dicomweb: `${app}/dicom-web`,
    fhir: `${app}/fhir`,
    health: `${app}/health`,
    metrics: `${app}/metrics`,
    mllp: { host, port: ports.mllp },
    dicom: { host, port: ports.dicom, tlsPort: ports.dicomTls, aeTitle: config.aeTitle },
    devices: demonstration?.devices ?? [],
    moveDestinations: demonstration?.moveDestinations ?? [],
    emr: { host, port: ports.emr },
    postgres: config.databaseUrl,
    temporal: {
      address: temporal.address,
      namespace: temporal.namespace,
      ui: temporal.isManaged ? null : `http://127.0.0.1:${ports.temporalUi}`,
    },
    processes,
    ...(demonstration ? { accounts: demonstration.accounts, tokens: demonstration.tokens } : {}),
  }
}

/** Readers see the old file or the new one, never half of one; only the owner sees either, since it holds passwords. */
export function writeEndpoints(home: string, endpoints: object): void {
  const file = endpointsFile(home)
  writeFileSync(`${file}.new`, `${JSON.stringify(endpoints, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

export function removeEndpoints(home: string): void {
  rmSync(endpointsFile(home), { force: true })
}

function endpointsFile(home: string): string {
  return join(home, 'endpoints.json')
}
