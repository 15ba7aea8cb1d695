/** Where React Router finds the screens and how it builds them. */
import type { Config } from '@react-router/dev/config'

export default {
  appDirectory: 'app',
  buildDirectory: 'build',
  ssr: true,
  // All addresses with the page: whoever goes to another screen while the server is away is told so on this one.
  routeDiscovery: { mode: 'initial' },
} satisfies Config
