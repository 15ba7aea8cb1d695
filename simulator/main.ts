/** The simulated department's process: the EMR first, then everybody, until SIGTERM. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { config } from '#config'
import { emrReceiver } from './emr.ts'
import { emrControl } from './emr-control.ts'
import { fileLedger } from './emr-ledger.ts'
import { type Endpoints, readEndpoints } from './endpoints.ts'
import { simulateDepartment, told } from './simulated-department.ts'

const log = pino({ name: 'simulator', level: config.logLevel, base: { pid: process.pid } })
const folder = join(config.home, 'simulator')
const closing = new AbortController()

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => closing.abort())
process.on('unhandledRejection', (error) => log.error(told(error), 'a rejection nobody handled'))

const emr = await emrReceiver({
  host: config.listen,
  port: config.ports.emr,
  ledger: fileLedger(join(folder, 'emr-ledger.jsonl')),
})
const control = await emrControl(emr, { host: config.listen, port: config.ports.emrControl })
const where = await departmentIsThere()
process.send?.({ type: 'ready' })
log.info('ready')
await simulateDepartment({ where, folder, speed: config.speed, closing: closing.signal, log })
await control.close()
await emr.close()
process.exit(0)

/** The file is written anew at each change of a process, and read until it can be. */
async function departmentIsThere(): Promise<Endpoints> {
  for (;;) {
    try {
      return readEndpoints(config.home)
    } catch (error) {
      if (closing.signal.aborted) process.exit(0)
      log.warn(told(error), 'endpoints.json cannot be read yet')
      await sleep(1_000)
    }
  }
}
