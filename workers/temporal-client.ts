/** How our processes reach Temporal: an address from the configuration, and a client that connects when first used. */
import { Client, Connection, type ConnectionOptions } from '@temporalio/client'
import { msToTs } from '@temporalio/common/lib/time.js'
import type { Config } from '#config'
import { dataConverter } from './data-converter.ts'

export interface TemporalTarget {
  address: string
  namespace: string
  tls?: Config['temporal']['tls']
  apiKey?: string | undefined
  secretKey: string
}

const RETENTION_MS = 30 * 86_400_000

/** @throws when the home's secret is missing: without it nothing may be written to Temporal */
export function temporalTarget({
  temporal,
  secretKey,
}: Pick<Config, 'temporal' | 'secretKey'>): TemporalTarget {
  if (secretKey === undefined)
    throw new Error('ISOCENTER_SECRET_KEY: found nothing, expected 64 hexadecimal digits')
  const { address, namespace, tls, apiKey } = temporal
  return { address, namespace, tls, apiKey, secretKey }
}

export function connectionOptions({
  address,
  tls,
  apiKey,
}: TemporalTarget): Pick<ConnectionOptions, 'address' | 'tls' | 'apiKey'> {
  return {
    address,
    ...(tls === undefined ? {} : { tls: definedOf(tls) }),
    ...(apiKey === undefined ? {} : { apiKey }),
  } as Pick<ConnectionOptions, 'address' | 'tls' | 'apiKey'>
}

/** A client that needs no server until it is used, and finds it again by itself. */
export function lazyClient(target: TemporalTarget): Client {
  const connection = Connection.lazy(connectionOptions(target))
  return new Client({
    connection,
    namespace: target.namespace,
    dataConverter: dataConverter(target.secretKey),
  })
}

/** Registers the namespace where it is missing (a fresh or a lost server); safe to repeat. */
export async function ensureNamespace(client: Client): Promise<void> {
  const { workflowService } = client.connection
  const { namespace } = client.options
  try {
    await workflowService.describeNamespace({ namespace })
  } catch (error) {
    if (!isNamespaceMissing(error)) throw error
    await workflowService
      .registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs(RETENTION_MS) })
      .catch((other) => {
        // Another of our processes was first.
        if ((other as { code?: unknown }).code !== ALREADY_EXISTS) throw other
      })
  }
}

const NOT_FOUND = 5
const ALREADY_EXISTS = 6

/** True also of errors that wrap the server's own. */
export function isNamespaceMissing(error: unknown): boolean {
  for (let at = error; at !== undefined && at !== null; at = (at as { cause?: unknown }).cause) {
    const { code, message, name } = at as { code?: unknown; message?: unknown; name?: unknown }
    if (name === 'NamespaceNotFoundError' || (code === NOT_FOUND && /namespace/i.test(String(message))))
      return true
  }
  return false
}

function definedOf(tls: NonNullable<Config['temporal']['tls']>): object {
  return Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))
}
