/** Every recorded run replays under today's workflows: a running order survives every upgrade. */
import { readdirSync, readFileSync } from 'node:fs'
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js'
import { Runtime, Worker } from '@temporalio/worker'
import { pino } from 'pino'
import { beforeAll, expect, test } from 'vitest'
import { bundleWorkflows } from '#workers/bundle.ts'
import { dataConverter } from '#workers/data-converter.ts'
import { runtimeOptions, temporalLogger } from '#workers/log.ts'

const folder = new URL('./histories/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
let workflowBundle: { code: string }

beforeAll(async () => {
  const log = pino({ level: 'silent' })
  Runtime.install(runtimeOptions(log))
  workflowBundle = await bundleWorkflows(temporalLogger(log))
})

test('there are histories of an order delivered and closed, of a cancelled one, and of a lane', () => {
  expect(files).toEqual(
    expect.arrayContaining([
      'order-closed.json',
      'order-cancelled.json',
      'order-rescanned.json',
      'delivery-lane.json',
    ]),
  )
})

test.each(files)('%s replays', async (name) => {
  const history = historyFromJSON(JSON.parse(readFileSync(new URL(name, folder), 'utf8')))
  await Worker.runReplayHistory(
    { workflowBundle, dataConverter: dataConverter(undefined), replayName: name },
    history,
    `${name.replace('.json', '')}-replayed`,
  )
})

test.each(files)('%s holds ids, enums, numbers and instants, and no message of a person', (name) => {
  const text = readFileSync(new URL(name, folder), 'utf8')
  const payloads = [...text.matchAll(/"data": "([A-Za-z0-9+/=]+)"/g)].map(([, data]) =>
    Buffer.from(data!, 'base64').toString('utf8'),
  )
  expect(payloads.length).toBeGreaterThan(0)
  for (const payload of payloads)
    expect(stringsIn(JSON.parse(payload)).filter((value) => !isPlain(value))).toEqual([])
})

/** A ULID, an instant, or a lower-case word of ours. */
function isPlain(value: string): boolean {
  return (
    /^[0-9A-HJKMNP-TV-Z]{26}$/.test(value) ||
    /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ||
    /^[a-z][a-z-]*$/.test(value)
  )
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(stringsIn)
}
