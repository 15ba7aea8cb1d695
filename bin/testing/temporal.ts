/** A real Temporal server for test suites: one for the run, a namespace for each suite. */
import { Connection } from '@temporalio/client'
import { ulid } from 'ulid'
import { inject } from 'vitest'

/** Registers a namespace of the suite's own and answers how to reach it. */
export async function testTemporal(): Promise<{ address: string; namespace: string }> {
  const response = await fetch(`${inject('testServices')}/temporal`)
  if (!response.ok) throw new Error(`the test Temporal did not start: ${await response.text()}`)
  const { address } = (await response.json()) as { address: string }
  const namespace = `suite-${ulid().toLowerCase()}`
  const connection = await Connection.connect({ address })
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
    })
    await namespaceIsKnown(connection, namespace)
  } finally {
    await connection.close()
  }
  return { address, namespace }
}

/** The server's parts learn of a new namespace from a cache that is refreshed a moment later. */
async function namespaceIsKnown(connection: Connection, namespace: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      await connection.workflowService.listWorkflowExecutions({ namespace, pageSize: 1 })
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  throw new Error('the test namespace did not become usable within 10 s')
}
