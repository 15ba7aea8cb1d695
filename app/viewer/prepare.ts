/**
 * Makes `build/viewer` out of the published OHIF site: re-based from `/` to `/viewer/`, mended and pre-compressed.
 * The published bundles carry their base path baked in; each place is counted, so that another version of
 * `@ohif/app` fails here, in words, and not in front of a radiologist.
 */
import { createHash } from 'node:crypto'
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

const PUBLISHED = fileURLToPath(new URL('../../node_modules/@ohif/app/', import.meta.url))
const BUILD = fileURLToPath(new URL('../../build/viewer/', import.meta.url))

/** `ort` is in-browser AI (136 MB); the service worker and the rest call other hosts or belong to them. */
const LEFT_OUT = new Set([
  'ort',
  'sw.js',
  'init-service-worker.js',
  'google.js',
  'silent-refresh.html',
  'oidc-client.min.js',
  'serve.json',
  '_headers',
  '_redirects',
  'app-config.js',
])

const COMPRESSIBLE = /\.(?:js|css|html|json|svg|wasm)$/
const SMALLEST_WORTH_COMPRESSING = 1400

interface Change {
  file: RegExp
  from: string
  to: string
  /** Occurrences in each file that matches, and how many files must match. */
  times: number
  files: number
}

const REBASES: readonly Change[] = [
  {
    file: /^index\.html$/,
    from: 'window.PUBLIC_URL="/"',
    to: 'window.PUBLIC_URL="/viewer/"',
    times: 2,
    files: 1,
  },
  { file: /^index\.html$/, from: 'href="/', to: 'href="/viewer/', times: 28, files: 1 },
  { file: /^index\.html$/, from: ' src="/', to: ' src="/viewer/', times: 2, files: 1 },
  { file: /^index\.html$/, from: 'content="/', to: 'content="/viewer/', times: 2, files: 1 },
  {
    file: /^(?:app|136|2299|8097|compute|histogram-worker|interpolation|polySeg)\.bundle\.[0-9a-f]+\.js$/,
    from: '__webpack_require__.p = "/"',
    to: '__webpack_require__.p = "/viewer/"',
    times: 1,
    files: 8,
  },
  {
    file: /^app\.bundle\.[0-9a-f]+\.js$/,
    from: "'/dicom-microscopy-viewer/",
    to: "'/viewer/dicom-microscopy-viewer/",
    times: 1,
    files: 1,
  },
  { file: /^app\.bundle\.css$/, from: 'url(/', to: 'url(/viewer/', times: 5, files: 1 },
  { file: /^manifest\.json$/, from: '"/assets/', to: '"/viewer/assets/', times: 9, files: 1 },
]

const MENDS: readonly Change[] = [
  {
    // A letter as wide as its viewport: the browser's list of its pages would take half of that.
    file: /^7463\.bundle\.[0-9a-f]+\.js$/,
    from: 'data: url,',
    to: "data: url && url + '#navpanes=0&view=FitH',",
    times: 1,
    files: 1,
  },
  {
    // In production its sentence reads "Something went wrongfalse.".
    file: /^app\.bundle\.[0-9a-f]+\.js$/,
    from: "t('Something went wrong')}${!isProduction &&",
    to: "t('Something went wrong')}${isProduction ? '' :",
    times: 1,
    files: 1,
  },
  {
    // VOI LUT Function has one value. Its first letter is taken for it, and no image that states one is shown.
    file: /^app\.bundle\.[0-9a-f]+\.js$/,
    from: 'voiLutModule.voiLUTFunction[0]) ||',
    to: '[voiLutModule.voiLUTFunction].flat()[0]) ||',
    times: 1,
    files: 1,
  },
  {
    // Two pixels of YBR_FULL_422 share their colour: so many bytes, or else the frame is not shown.
    file: /^app\.bundle\.[0-9a-f]+\.js$/,
    from: `(3 * Math.ceil(columns / 2) + Math.floor(columns / 2)) *
                Math.ceil(rows / 2) +
                Math.floor(rows / 2) * columns);`,
    to: '2 * columns * rows);',
    times: 1,
    files: 1,
  },
  {
    // Colours of sixteen bits would all be white.
    file: /^app\.bundle\.[0-9a-f]+\.js$/,
    from: 'if (isColorConversionRequired(imageFrame)) {',
    to: 'window.isocenter?.inEightBits(imageFrame);\n                if (isColorConversionRequired(imageFrame)) {',
    times: 1,
    files: 1,
  },
  {
    // A segmented palette is one as well.
    file: /^app\.bundle\.[0-9a-f]+\.js$/,
    from: 'const paletteData = item[tag];',
    to: `if (item['Segmented' + tag])
    return window.isocenter?.unfoldedPalette(item['Segmented' + tag], item[descriptorTag]);
  const paletteData = item[tag];`,
    times: 1,
    files: 1,
  },
  {
    // Overlays of all groups would have one name each, and none would be found under its tag.
    file: /^app\.bundle\.[0-9a-f]+\.js$/,
    from: `var entry = DicomMetaDictionary.dictionary[punctuatedTag];
        var naturalName = tag;`,
    to: `var entry = /^60/.test(tag) ? undefined : DicomMetaDictionary.dictionary[punctuatedTag];
        var naturalName = tag;`,
    times: 1,
    files: 1,
  },
  {
    file: /^app\.bundle\.[0-9a-f]+\.js$/,
    from: `let groupStr = \`60\${overlayGroup.toString(16)}\`;
          if (groupStr.length === 3) {
            groupStr = \`600\${overlayGroup.toString(16)}\`;
          }
          const OverlayDataTag`,
    to: `const groupStr = \`60\${overlayGroup.toString(16).padStart(2, '0').toUpperCase()}\`;
          const OverlayDataTag`,
    times: 1,
    files: 1,
  },
  {
    // One plane is laid over every frame; what has more of them is said not to be shown.
    file: /^app\.bundle\.[0-9a-f]+\.js$/,
    from: 'const OverlayData = instance[OverlayDataTag];',
    to: "const OverlayData = instance[groupStr + '0015'] > 1 ? undefined : instance[OverlayDataTag];",
    times: 1,
    files: 1,
  },
  {
    file: /^app\.bundle\.[0-9a-f]+\.js$/,
    from: 'const OverlayOrigin = instance[OverlayOriginTag];',
    to: 'const OverlayOrigin = instance[OverlayOriginTag] ?? [1, 1];',
    times: 1,
    files: 1,
  },
  {
    // Overlay Origin is row and column (PS3.3 C.9.2).
    file: /^app\.bundle\.[0-9a-f]+\.js$/,
    from: `x = OverlayOrigin[0];
            y = OverlayOrigin[1];`,
    to: `x = OverlayOrigin[1];
            y = OverlayOrigin[0];`,
    times: 1,
    files: 1,
  },
  {
    // An overlay ends where its origin says, and turns and flips as its image does.
    file: /^89\.bundle\.[0-9a-f]+\.js$/,
    from: `const overlayBottomRightWorldPos = esm.utilities.imageToWorldCoords(imageId, [width, height]);
    const overlayBottomRightOnCanvas = viewport.worldToCanvas(overlayBottomRightWorldPos);`,
    to: `const at = point => viewport.worldToCanvas(esm.utilities.imageToWorldCoords(imageId, point));
    const [from, right, under] = [overlayTopLeftOnCanvas, at([x - 1 + width, y - 1]), at([x - 1, y - 1 + height])];
    const across = [0, 1].map(axis => (right[axis] - from[axis]) / width);
    const down = [0, 1].map(axis => (under[axis] - from[axis]) / height);`,
    times: 1,
    files: 1,
  },
  {
    file: /^89\.bundle\.[0-9a-f]+\.js$/,
    from: `width: overlayBottomRightOnCanvas[0] - overlayTopLeftOnCanvas[0],
      height: overlayBottomRightOnCanvas[1] - overlayTopLeftOnCanvas[1],
      x: overlayTopLeftOnCanvas[0],
      y: overlayTopLeftOnCanvas[1],`,
    to: `width,
      height,
      x: 0,
      y: 0,
      transform: \`matrix(\${[across, down, from].map(([one, other]) => \`\${one} \${other}\`).join(' ')})\`,`,
    times: 1,
    files: 1,
  },
  {
    // An image's own windows and look-up tables, by name, where windows are offered.
    file: /^89\.bundle\.[0-9a-f]+\.js$/,
    from: 'viewportDisplaySets?.filter(displaySet => presets?.[displaySet.Modality])',
    to: 'viewportDisplaySets?.filter(displaySet => window.isocenter.windowsOf(displaySet, presets))',
    times: 1,
    files: 1,
  },
  {
    file: /^89\.bundle\.[0-9a-f]+\.js$/,
    from: 'presets: presets[displaySet.Modality]',
    to: 'presets: window.isocenter.windowsOf(displaySet, presets)',
    times: 1,
    files: 1,
  },
  {
    file: /^89\.bundle\.[0-9a-f]+\.js$/,
    from: 'const handleSetWindowLevel = (preset, immediate = false) => {',
    to: `const handleSetWindowLevel = (preset, immediate = false) => {
    if (window.isocenter.chooseWindow(viewportId, preset)) return;`,
    times: 1,
    files: 1,
  },
  {
    // What a vendor calls its window is no key of a translation.
    file: /^89\.bundle\.[0-9a-f]+\.js$/,
    from: 'label: t(preset.description),',
    to: 'label: preset.own === undefined ? t(preset.description) : preset.description,',
    times: 1,
    files: 1,
  },
  {
    // A frame that does not come at once is asked for again; left alone, it is missing until the page is loaded anew.
    file: /^app\.bundle\.[0-9a-f]+\.js$/,
    from: "registerImageLoader)('wadors', wadors_loadImage)",
    to: "registerImageLoader)('wadors', (imageId, options) => window.isocenter.load(wadors_loadImage, imageId, options))",
    times: 1,
    files: 1,
  },
  {
    // What a report measured is drawn with its image. Drawn before it is told what to draw, it stayed without it.
    file: /^7248\.bundle\.[0-9a-f]+\.js$/,
    from: '    trackingUniqueIdentifiers,\n    activeIndex\n  };\n',
    to: '    trackingUniqueIdentifiers,\n    activeIndex\n  };\n  viewport.render();\n',
    times: 1,
    files: 1,
  },
  {
    // Keys belong to a person, not to the workstation: nothing of them is left in its browser.
    file: /^app\.bundle\.[0-9a-f]+\.js$/,
    from: "localStorage.getItem('user-preferred-keys')",
    to: 'window.isocenter?.keptKeys()',
    times: 3,
    files: 1,
  },
  {
    file: /^app\.bundle\.[0-9a-f]+\.js$/,
    from: "localStorage.setItem('user-preferred-keys', ",
    to: 'window.isocenter.keepKeys(',
    times: 2,
    files: 1,
  },
]

const CHANGES = [...REBASES, ...MENDS]

/** Whether we change a file, so that the hash in its name does not say what is in it. */
export const isChanged = (name: string): boolean => CHANGES.some(({ file }) => file.test(name))

const SERVICE_WORKER =
  '<script rel="preload" as="script" type="module" src="/init-service-worker.js"></script>'

export interface PreparedViewer {
  directory: string
  version: string
  /** False when an earlier preparation still holds. */
  made: boolean
  files: number
}

/** Idempotent: a stamp of the published version and of this recipe says whether there is anything to do. */
export async function prepareViewer({
  published = PUBLISHED,
  directory = BUILD,
}: {
  published?: string
  directory?: string
} = {}): Promise<PreparedViewer> {
  const { version } = JSON.parse(await readFile(join(published, 'package.json'), 'utf8')) as {
    version: string
  }
  const stamp = createHash('sha256')
    .update(version)
    .update(await readFile(fileURLToPath(import.meta.url)))
    .digest('hex')
  const done = await readStamp(directory)
  if (done?.stamp === stamp) return { directory, version, made: false, files: done.files }

  const making = join(dirname(directory), `.${basename(directory)}-${process.pid}`)
  await rm(making, { recursive: true, force: true })
  const files = await copySite(join(published, 'dist'), making)
  await writeFile(join(making, STAMP), JSON.stringify({ stamp, version, files }))
  await rm(directory, { recursive: true, force: true })
  await rename(making, directory)
  return { directory, version, made: true, files }
}

const STAMP = '.prepared.json'

async function readStamp(directory: string): Promise<{ stamp: string; files: number } | null> {
  try {
    return JSON.parse(await readFile(join(directory, STAMP), 'utf8'))
  } catch {
    // Absent or half written: both mean that it must be made.
    return null
  }
}

async function copySite(from: string, to: string): Promise<number> {
  const counts = new Map<Change, number>(CHANGES.map((change) => [change, 0]))
  const names = (await filesBelow(from)).filter((name) => !isLeftOut(name))
  // Eight at a time keep the thread pool of gzip busy without holding the whole site in memory.
  const queue = [...names]
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let name = queue.pop(); name !== undefined; name = queue.pop())
        await copyOne({ from, to, name, counts })
    }),
  )
  for (const [change, files] of counts)
    if (files !== change.files)
      throw new Error(
        `OHIF: ${change.from} expected in ${change.files} file(s), found in ${files}: not the version we know`,
      )
  return names.length
}

function isLeftOut(name: string): boolean {
  return LEFT_OUT.has(name.split('/')[0]!) || name.endsWith('.map')
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(directory, '/').length))
}

async function copyOne(copy: {
  from: string
  to: string
  name: string
  counts: Map<Change, number>
}): Promise<void> {
  const source = join(copy.from, copy.name)
  const target = join(copy.to, copy.name)
  await mkdir(dirname(target), { recursive: true })
  const changes = CHANGES.filter((change) => change.file.test(copy.name))
  if (changes.length === 0 && !COMPRESSIBLE.test(copy.name)) return copyFile(source, target)

  let bytes = await readFile(source)
  if (changes.length > 0) {
    let text = bytes.toString('utf8')
    if (copy.name === 'index.html')
      text = replaceCounted(text, { from: SERVICE_WORKER, to: '', times: 1, name: copy.name })
    for (const change of changes) {
      text = replaceCounted(text, { ...change, name: copy.name })
      copy.counts.set(change, copy.counts.get(change)! + 1)
    }
    bytes = Buffer.from(text)
  }
  await writeFile(target, bytes)
  if (COMPRESSIBLE.test(copy.name) && bytes.length >= SMALLEST_WORTH_COMPRESSING)
    await writeFile(`${target}.gz`, await promisify(gzip)(bytes, { level: 6 }))
}

function replaceCounted(
  text: string,
  change: { from: string; to: string; times: number; name: string },
): string {
  const parts = text.split(change.from)
  if (parts.length - 1 !== change.times)
    throw new Error(
      `OHIF: ${change.from} expected ${change.times} time(s) in ${change.name}, found ${parts.length - 1}: not the version we know`,
    )
  return parts.join(change.to)
}
