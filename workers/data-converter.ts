/** How every worker and client of ours turns values into what Temporal stores: encrypted, failures included. */
import { fileURLToPath } from 'node:url'
import type { DataConverter } from '@temporalio/common'
import { encryptingCodec } from './codec.ts'

/** Loaded by path, since it also goes into the workflow bundle. */
export const failureConverterPath = fileURLToPath(
  new URL('../workflows/failure-converter.ts', import.meta.url),
)

/** Without a key (a recorded history, already decrypted) payloads stay readable. */
export function dataConverter(secretKey: string | undefined): DataConverter {
  return { failureConverterPath, payloadCodecs: secretKey === undefined ? [] : [encryptingCodec(secretKey)] }
}
