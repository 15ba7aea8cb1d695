import { readFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { toDicomJson } from '../dimse/dicom-json.ts'
import { scanHeader } from '../dimse/header-scan.ts'
import { FrameThreads } from './frame-threads.ts'
import type { Header } from './header.ts'
import { type PixelShape, pixelShapeOf } from './pixel-shape.ts'

const threads = new FrameThreads({ size: 2 })
afterAll(() => threads.close())

interface Frame {
  transferSyntaxUid: string
  frame: Buffer
  shape: PixelShape
}

function firstFrame(file: string): Frame {
  const bytes = readFileSync(new URL(`../../corpus/transfer-syntax/${file}`, import.meta.url))
  const { dataset, pixelData, transferSyntaxUid } = scanHeader(bytes)
  const stretches = pixelData!.frames[0]!.map(({ offset, length }) => bytes.subarray(offset, offset + length))
  const shape = pixelShapeOf(toDicomJson(dataset) as Header)!
  return { transferSyntaxUid, frame: Buffer.concat(stretches), shape }
}

const plain = firstFrame('mr-small.dcm').frame

test.each(['mr-small-rle.dcm', 'mr-small-jp2klossless.dcm', 'mr-small-jpeg-ls-lossless.dcm'])(
  '[DW-02] the image in %s decodes to the very pixels it was made from',
  async (file) => {
    const native = await threads.run({ ...firstFrame(file), picture: null })
    expect(Buffer.from(native).equals(plain)).toBe(true)
  },
)

test.each(['mr-small-rle.dcm', 'mr-small-jp2klossless.dcm', 'mr-small-jpeg-ls-lossless.dcm'])(
  'a frame of %s cut short or overwritten is refused in words, and the next one is read',
  async (file) => {
    const whole = firstFrame(file)
    const broken = [
      whole.frame.subarray(0, 3),
      whole.frame.subarray(0, 40),
      Buffer.alloc(500, 0xff),
      Buffer.alloc(0),
    ]
    for (const frame of broken)
      await expect(threads.run({ ...whole, frame, picture: null })).rejects.toMatchObject({ status: 500 })
    const native = await threads.run({ ...whole, picture: null })
    expect(Buffer.from(native).equals(plain)).toBe(true)
  },
)

test('a frame of another size than its header says is refused', async () => {
  const { shape, ...rest } = firstFrame('mr-small-jp2klossless.dcm')
  const wrong = { ...shape, rows: shape.rows * 2 }
  await expect(threads.run({ ...rest, shape: wrong, picture: null })).rejects.toThrow('header says otherwise')
})

test('many frames at once come back each to whoever asked for it', async () => {
  const files = ['mr-small-rle.dcm', 'sc-rgb-jpeg-dcmtk.dcm', 'mr-small-jpeg-ls-lossless.dcm']
  const frames = Array.from({ length: 12 }, (_, n) => firstFrame(files[n % 3]!))
  const natives = await Promise.all(frames.map((frame) => threads.run({ ...frame, picture: null })))
  expect(natives.map((native) => native.length)).toEqual(
    frames.map(({ shape }) => (shape.rows * shape.columns * shape.samples * shape.bitsAllocated) / 8),
  )
})
