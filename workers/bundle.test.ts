import { pino } from 'pino'
import { expect, test } from 'vitest'
import { bundleWorkflows, LARGEST_BUNDLE_BYTES } from './bundle.ts'
import { temporalLogger } from './log.ts'

test('the workflows stay small enough for thousands of orders to be kept in memory', async () => {
  const { code } = await bundleWorkflows(temporalLogger(pino({ level: 'silent' })))
  expect(code).toContain('orderWorkflow')
  expect(Buffer.byteLength(code)).toBeLessThan(LARGEST_BUNDLE_BYTES)
}, 60_000)
