/** A real Temporal server for test suites: one for the run, a namespace for each suite. */
import { inject } from 'vitest'
import { ulid } from '#db/ulid.ts'
import { prepareNamespace } from '../temporal.ts'

/** Registers a namespace of the suite's own and answers how to reach it. */
export async function testTemporal(): Promise<{ address: string; namespace: string }> {
  const response = await fetch(`${inject('testServices')}/temporal`)
  if (!response.ok) throw new Error(`the test Temporal did not start: ${await response.text()}`)
  const { address } = (await response.json()) as { address: string }
  const namespace = `suite-${ulid().toLowerCase()}`
  await prepareNamespace({ address, namespace })
  return { address, namespace }
}
