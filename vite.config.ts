/** Builds the screens: the browser's bundle, and the server bundle that `app/main.ts` loads. */
import { reactRouter } from '@react-router/dev/vite'
import { defineConfig, type Plugin } from 'vite'

export default defineConfig({
  plugins: [oneCopyPerProcess(), reactRouter()],
  // The policy allows fonts and images from our own address only, so nothing is inlined as a data URL.
  build: { assetsInlineLimit: 0, chunkSizeWarningLimit: 1_000 },
  clearScreen: false,
})

/**
 * Leaves the server's own modules out of the server bundle: `app/main.ts` has already loaded them, and a second
 * copy would mean a second connection pool and a second set of context keys.
 */
function oneCopyPerProcess(): Plugin {
  const serverOnly = /^#(?:db|domain|workflows|archive|interop|config|app\/server)(?:\/|$)/
  return {
    name: 'one-copy-per-process',
    enforce: 'pre',
    apply: 'build',
    resolveId(source) {
      if (this.environment.name === 'ssr' && serverOnly.test(source)) return { id: source, external: true }
      return null
    },
  }
}
