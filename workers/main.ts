/** The workers' process: runs what workflows decide. */

import { Runtime } from '@temporalio/worker'
import { config } from '#config'
import { openDepartment } from '#db/department.ts'
import { armFailpoints } from '#db/failpoint.ts'
import { startHeartbeat } from './heartbeat.ts'
import { openLog, runtimeOptions } from './log.ts'
import { liveUnderSupervisor } from './process-life.ts'
import { type RunningWorkers, startWorkers } from './start-workers.ts'
import { temporalTarget } from './temporal-client.ts'

armFailpoints(config.failpointFile)
const log = openLog('workers', config.logLevel)
// Signals are handled below, so that workers, heartbeat and database stop in this order.
Runtime.install(runtimeOptions(log))

const department = openDepartment(config.databaseUrl, { name: 'workers', max: 16 })
let workers: RunningWorkers | undefined
let stopHeartbeat = async () => {}
const life = liveUnderSupervisor(async () => {
  await workers?.stop()
  await stopHeartbeat()
  await department.close()
})

workers = await startWorkers({ target: temporalTarget(config), department, log })
stopHeartbeat = startHeartbeat(department, 'workers', () => ({}), log)
life.ready()
workers.done.catch((error) => {
  log.fatal({ err: error }, 'a worker stopped')
  process.exit(1)
})
