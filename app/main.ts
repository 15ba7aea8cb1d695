/** The web process: pages, the event stream, the viewer and the web services, on one port. */
import { createServer } from 'node:http'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { config } from '#config'
import { runService } from '#db/service.ts'
import { startLiveServer } from './live/live-server.ts'
import { refuseSlowBodies, UNHURRIED } from './server/slow-bodies.ts'
import { webApp } from './server/web-app.ts'
import { openImageServices } from './viewer/image-services.ts'
import { prepareViewer } from './viewer/prepare.ts'

await runService('app', config, async ({ department, log }) => {
  const live = await startLiveServer(department)
  const secure = config.publicUrl.startsWith('https:')
  const server = { department, secure, isDemo: config.isDemo }
  const images = await openImageServices({
    server,
    viewerDirectory: (await prepareViewer()).directory,
    blobFolder: blobFolder(config.blobStore),
    aeTitle: config.aeTitle,
    log,
  })
  const web = createServer(UNHURRIED, await webApp(server, { live, images, log }))
  refuseSlowBodies(web)
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
      await images.close()
    },
  }
})

/** `file:` and a folder, as a path or as a URL. */
function blobFolder(location: string): string {
  if (!location.startsWith('file:')) throw new Error('BLOB_STORE: expected file:')
  return location.startsWith('file://') ? fileURLToPath(location) : resolve(location.slice('file:'.length))
}
