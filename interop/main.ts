/** The HL7 v2 process: an MLLP listener whose AA means that the order and its message are committed. */
import { config } from '#config'
import { raiseListenerException } from '#db/mutations/listener-exceptions.ts'
import { runService } from '#db/service.ts'
import { connectionsOf } from './connections.ts'
import { answerFrame, answerTooLong } from './orders-in.ts'
import { listenMllp } from './v2/mllp-server.ts'

await runService('interop', config, async ({ department, log }) => {
  const orders = { department, connectionFor: connectionsOf(department.sql) }
  let lastMessageAt: string | null = null
  const server = await listenMllp({
    host: config.listen,
    port: config.ports.mllp,
    async onMessage(bytes, peer) {
      lastMessageAt = new Date().toISOString()
      return answerFrame(orders, bytes, peer.address)
    },
    onTooLong: (head) => answerTooLong(orders, head),
    onEvent(event, peer) {
      if (event.type === 'failed')
        log.error({ err: event.error }, 'a message could not be processed; its sender will repeat it')
      else log.warn({ event: event.type, peer: peer.address }, 'MLLP')
      void raiseListenerException(department, event, peer.address).catch((error) =>
        log.error({ err: error }, 'exception not written'),
      )
    },
  })
  return {
    stop: () => server.close(),
    state: () => ({ connections: server.connections(), lastMessageAt }),
  }
})
