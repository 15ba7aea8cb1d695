/** The web process: pages, the event stream, the viewer and the web services, on one port. */
import { createServer } from 'node:http'
import { config } from '#config'
import { runService } from '#db/service.ts'
import { startLiveServer } from './live/live-server.ts'
import { webApp } from './server/web-app.ts'

await runService('app', config, async ({ department, log }) => {
  const live = await startLiveServer(department)
  const secure = config.publicUrl.startsWith('https:')
  const web = createServer(await webApp({ department, secure, isDemo: config.isDemo }, { live, log }))
  await new Promise<void>((resolve, reject) => {
    web.once('error', reject)
    web.listen(config.ports.app, config.listen, resolve)
  })
  return {
    state: () => ({ screens: live.open }),
    async stop() {
      await live.close()
      // What is being answered gets a moment; kept-alive connections of browsers would never end by themselves.
      web.closeIdleConnections()
      setTimeout(() => web.closeAllConnections(), 3_000).unref()
      await new Promise((resolve) => web.close(resolve))
    },
  }
})
