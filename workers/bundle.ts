/** The workflows as one bundle for Temporal's sandbox. */
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode, type Logger } from '@temporalio/worker'
import { failureConverterPath } from './data-converter.ts'

/** A lean workflow caches in 216 KB; a validation or date library at top level multiplies that by five. */
export const LARGEST_BUNDLE_BYTES = 1_800_000

export function bundleWorkflows(logger?: Logger): Promise<{ code: string }> {
  return bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)),
    failureConverterPath,
    ...(logger ? { logger } : {}),
  })
}
