/** Builds the screens: the browser's bundle, and the server bundle that `app/main.ts` loads. */
import { reactRouter } from '@react-router/dev/vite'
import { defineConfig, type Plugin } from 'vite'

export default defineConfig({
  plugins: [oneCopyPerProcess(), fontsOfOneScript(), reactRouter()],
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

/** The scripts that a fallback font is carried for: [from, to] of the code points it may draw. */
const SCRIPTS: Record<string, readonly (readonly [number, number])[]> = {
  // Kana, Han and what stands between them, to the half and full width forms.
  jp: [
    [0x2e80, 0x312f],
    [0x3190, 0x9fff],
    [0xf900, 0xfaff],
    [0xff00, 0xffef],
    [0x20000, 0x3ffff],
  ],
  // Hangul: jamo, compatibility jamo, extensions and syllables.
  kr: [
    [0x1100, 0x11ff],
    [0x3130, 0x318f],
    [0xa960, 0xa97f],
    [0xac00, 0xd7ff],
  ],
}

/**
 * Keeps of a fallback font the faces of its own script. Each also has Latin ones, which a browser would load for any
 * letter that our own font has not brought yet.
 */
function fontsOfOneScript(): Plugin {
  return {
    name: 'fonts-of-one-script',
    enforce: 'pre',
    transform(css, id) {
      const [, language = ''] = /@fontsource\/noto-sans-([a-z]+)\/400\.css$/.exec(id) ?? []
      const script = SCRIPTS[language]
      if (!script) return null
      const faces = css.match(/@font-face \{[^}]+\}/g) ?? []
      return faces.map((face) => within(face, script)).join('\n')
    },
  }
}

function within(face: string, script: readonly (readonly [number, number])[]): string {
  const [all = '', text = ''] = /unicode-range: ([^;]+);/.exec(face) ?? []
  const ranges = text.split(',').filter((range) => {
    const [first = 0, last = first] = range
      .replace(/^u\+/i, '')
      .split('-')
      .map((hex) => Number.parseInt(hex, 16))
    return script.some(([from, to]) => first >= from && last <= to)
  })
  return ranges.length === 0 ? '' : face.replace(all, `unicode-range: ${ranges.join(',')};`)
}
