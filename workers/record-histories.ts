/**
 * Writes histories of runs into workflows/histories/, so that every later version of the workflows must replay them:
 * `node workers/record-histories.ts <name>=<workflow id> …` against a running department.
 */
import { writeFile } from 'node:fs/promises'
import { config } from '#config'
import { openDepartment } from '#db/department.ts'
import { encryptingCodec } from './codec.ts'
import { patientsIn, readableHistory } from './history.ts'
import { lazyClient, temporalTarget } from './temporal-client.ts'

const folder = new URL('../workflows/histories/', import.meta.url)

const target = temporalTarget(config)
const client = lazyClient(target)
const department = openDepartment(config.databaseUrl, { name: 'record-histories', max: 1 })
try {
  for (const argument of process.argv.slice(2)) await record(argument)
} finally {
  await client.connection.close()
  await department.close()
}

async function record(argument: string): Promise<void> {
  const [name, workflowId] = argument.split('=')
  if (!name || !workflowId) throw new Error(`found ${argument}, expected <name>=<workflow id>`)
  const history = await readableHistory(client, encryptingCodec(target.secretKey), workflowId)
  const patients = await patientsIn(history, department)
  if (patients.length > 0)
    throw new Error(`${workflowId}: its history holds data of ${patients.length} patients; not written`)
  await writeFile(new URL(`${name}.json`, folder), history)
  process.stdout.write(`${name}.json written\n`)
}
