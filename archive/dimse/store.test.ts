import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import type { Dataset } from './dataset.ts'
import { decodeDataset } from './decode.ts'
import { scanHeader } from './header-scan.ts'
import { type Listener, type ListenOptions, listenDimse } from './listener.ts'
import { encodeFileMeta, readPart10 } from './part10.ts'
import { isStandardStorage } from './sop-class.ts'
import { shelf } from './store-sink.fixture.ts'
import { EXPLICIT_LITTLE, IMPLICIT_LITTLE } from './transfer-syntax.ts'

const run = promisify(execFile)
const corpus = fileURLToPath(new URL('../../corpus/', import.meta.url))
const listeners: Listener[] = []

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close()))
})

async function archive(services: ReturnType<typeof shelf>['services'], more: Partial<ListenOptions> = {}) {
  const anySyntax = { transferSyntaxes: [EXPLICIT_LITTLE, IMPLICIT_LITTLE], anyTransferSyntax: true }
  const supports = (uid: string) => (isStandardStorage(uid) ? anySyntax : undefined)
  const authorise = () => ({ accept: true as const, supports, services })
  const listener = await listenDimse({ host: '127.0.0.1', port: 0, authorise, ...more })
  listeners.push(listener)
  return String(listener.port)
}

const filesOf = (folder: string) =>
  readdirSync(join(corpus, folder)).map((name) => join(corpus, folder, name))

/** Every value and fragment as bytes; VRs aside, which a toolkit knows better for private elements of Implicit VR. */
function contentOf(dataset: Dataset): unknown[] {
  // Data Set Trailing Padding (FFFC,FFFC) means nothing, and DCMTK leaves it out.
  const elements = dataset.inOrder().filter(({ tag }) => tag !== 0xfffcfffc)
  return elements.map((element) => {
    if (element.kind === 'sequence') return [element.tag, element.items.map(contentOf)]
    if (element.kind === 'fragments')
      return [element.tag, element.fragments.map((bytes) => bytes.toString('base64'))]
    return [element.tag, element.kind === 'value' && element.value.toString('base64')]
  })
}

// Deflated Image Frame Compression (1.2.840.10008.1.2.8.1) is younger than Debian's DCMTK.
const UNKNOWN_TO_DCMTK = 'liver-deflate.dcm'

test('[AR-01] dcmsend sends images of nine transfer syntaxes, and none loses a thing', async () => {
  const { kept, services } = shelf()
  const port = await archive(services)
  const files = filesOf('transfer-syntax').filter((path) => !path.endsWith(UNKNOWN_TO_DCMTK))
  for (const file of files) await run('dcmsend', ['--decompress-never', '127.0.0.1', port, file])
  // The three uncompressed ones are interchangeable: of them our first is taken.
  const encapsulated = ['.1.99', '.4.50', '.4.51', '.4.80', '.4.90', '.5'].map(
    (end) => `1.2.840.10008.1.2${end}`,
  )
  expect(new Set(kept.map(({ transferSyntaxUid }) => transferSyntaxUid))).toEqual(
    new Set([EXPLICIT_LITTLE, ...encapsulated]),
  )
  for (const file of files) {
    const original = readFileSync(file)
    const { datasetOffset, transferSyntaxUid, meta } = readPart10(original)
    const sopInstanceUid = meta.text('MediaStorageSOPInstanceUID')
    const content = contentOf(decodeDataset(original, transferSyntaxUid, { offset: datasetOffset }))
    const twins = kept.filter((one) => one.sopInstanceUid === sopInstanceUid)
    expect(twins.map((twin) => contentOf(decodeDataset(twin.bytes, twin.transferSyntaxUid)))).toContainEqual(
      content,
    )
  }
})

test('[AR-01] storescu sends a series, and what is kept with our file meta is a file DCMTK reads', async () => {
  const { kept, services } = shelf()
  const port = await archive(services)
  await run('storescu', ['--max-pdu', '16384', '127.0.0.1', port, ...filesOf('ct-head')])
  expect(kept).toHaveLength(filesOf('ct-head').length)
  for (const { sopInstanceUid, transferSyntaxUid, bytes } of kept) {
    const sopClassUid = '1.2.840.10008.5.1.4.1.1.2'
    const file = Buffer.concat([encodeFileMeta({ sopClassUid, sopInstanceUid, transferSyntaxUid }), bytes])
    const scan = scanHeader(file)
    expect(scan.dataset.text('SOPInstanceUID')).toBe(sopInstanceUid)
    expect(scan.pixelData?.at.length).toBe(512 * 512 * 2)
  }
})

test('a full disk answers A700H and the association goes on', async () => {
  let full = true
  const { kept, aborted, services } = shelf(() => {
    if (full) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
  })
  const port = await archive(services)
  const [first, second] = filesOf('ct-head')
  const refused = await run('storescu', ['-v', '127.0.0.1', port, first!]).catch((error) => error)
  expect(refused.stdout + refused.stderr).toContain('Refused: OutOfResources')
  expect(aborted).toHaveLength(1)
  full = false
  await run('storescu', ['127.0.0.1', port, second!])
  expect(kept).toHaveLength(1)
})

test('a slow disk slows the sender instead of filling memory', async () => {
  let waiting = 0
  let most = 0
  const { kept, services } = shelf(async () => {
    most = Math.max(most, ++waiting)
    await new Promise((resolve) => setTimeout(resolve, 1))
    waiting--
  })
  const port = await archive(services)
  await run('storescu', ['127.0.0.1', port, ...filesOf('ct-head').slice(0, 3)])
  expect(kept).toHaveLength(3)
  expect(most).toBe(1)
})
