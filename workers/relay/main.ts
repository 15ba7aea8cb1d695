/** The relay's process: needs Postgres to live and Temporal only to ring. */
import { setTimeout as sleep } from 'node:timers/promises'
import { config } from '#config'
import { runService } from '#db/service.ts'
import { lazyClient, temporalTarget } from '../temporal-client.ts'
import { startRelay } from './relay.ts'

const STOP_WITHIN_MS = 5_000

await runService('relay', config, async ({ department, log }) => {
  const client = lazyClient(temporalTarget(config))
  const relay = await startRelay({ department, client, log })
  return {
    state: () => ({ ...relay.state() }),
    async stop() {
      // A call that waits for an absent Temporal is not waited for.
      await Promise.race([relay.stop(), sleep(STOP_WITHIN_MS)])
      await client.connection.close()
    },
  }
})
