import { Connection } from '@temporalio/client'
import { expect, test } from 'vitest'
import { prepareNamespace } from '../temporal.ts'
import { testTemporal } from './temporal.ts'

test('closed workflows are kept for thirty days, however often the department starts', async () => {
  const { address, namespace } = await testTemporal()
  await prepareNamespace({ address, namespace })
  await prepareNamespace({ address, namespace })
  const connection = await Connection.connect({ address })
  const { config } = await connection.workflowService.describeNamespace({ namespace })
  await connection.close()
  expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 86_400)
})
