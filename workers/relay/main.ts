/** The relay's process: needs Postgres to live and Temporal only to ring. */
import { config } from '#config'
import { openDepartment } from '#db/department.ts'
import { armFailpoints } from '#db/failpoint.ts'
import { startHeartbeat } from '../heartbeat.ts'
import { openLog } from '../log.ts'
import { liveUnderSupervisor } from '../process-life.ts'
import { lazyClient, temporalTarget } from '../temporal-client.ts'
import { type Relay, startRelay } from './relay.ts'

armFailpoints(config.failpointFile)
const log = openLog('relay', config.logLevel)
const department = openDepartment(config.databaseUrl, { name: 'relay', max: 8 })
const client = lazyClient(temporalTarget(config))
let relay: Relay | undefined
let stopHeartbeat = async () => {}
const life = liveUnderSupervisor(async () => {
  await relay?.stop()
  await stopHeartbeat()
  await client.connection.close()
  await department.close()
})

relay = await startRelay({ department, client, log })
stopHeartbeat = startHeartbeat(department, 'relay', relay.state, log)
life.ready()
