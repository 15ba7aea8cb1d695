/** The relay's process: needs Postgres to live and Temporal only to ring. */
import { setTimeout as sleep } from 'node:timers/promises'
import { config } from '#config'
import { openDepartment } from '#db/department.ts'
import { armFailpoints } from '#db/failpoint.ts'
import { startHeartbeat } from '../heartbeat.ts'
import { openLog } from '../log.ts'
import { liveUnderSupervisor } from '../process-life.ts'
import { lazyClient, temporalTarget } from '../temporal-client.ts'
import { type Relay, startRelay } from './relay.ts'

const STOP_WITHIN_MS = 5_000

armFailpoints(config.failpointFile)
const log = openLog('relay', config.logLevel)
const department = openDepartment(config.databaseUrl, { name: 'relay', max: 8 })
const client = lazyClient(temporalTarget(config))
let relay: Relay | undefined
let stopHeartbeat = async () => {}
const life = liveUnderSupervisor(async () => {
  // A call that waits for an absent Temporal is not waited for.
  await Promise.race([relay?.stop(), sleep(STOP_WITHIN_MS)])
  await stopHeartbeat()
  await client.connection.close()
  await department.close()
})

relay = await startRelay({ department, client, log })
stopHeartbeat = startHeartbeat(department, 'relay', relay.state, log)
life.ready()
