/** The workers' process: runs what workflows decide. */
import { Runtime } from '@temporalio/worker'
import { config } from '#config'
import { runService } from '#db/service.ts'
import { runtimeOptions } from './log.ts'
import { startWorkers } from './start-workers.ts'
import { temporalTarget } from './temporal-client.ts'

await runService('workers', config, async ({ department, log }) => {
  // Signals are the service's business, so that workers, heartbeat and database stop in this order.
  Runtime.install(runtimeOptions(log))
  const workers = await startWorkers({ target: temporalTarget(config), department, log })
  workers.done.catch((error) => {
    log.fatal({ err: error }, 'a worker stopped')
    process.exit(1)
  })
  return { stop: () => workers.stop() }
})
