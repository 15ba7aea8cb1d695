import { execFile } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { encodeJpeg } from './jpeg.ts'
import { encodePng } from './png.ts'
import { fitInto, type Raster } from './raster.ts'

const run = promisify(execFile)

function picture(samples: 1 | 3): Raster {
  const [width, height] = [61, 43]
  const data = new Uint8Array(width * height * samples)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let s = 0; s < samples; s++)
        data[(y * width + x) * samples + s] = 128 + 100 * Math.sin(x / (5 + s)) * Math.cos(y / (7 - s))
  return { width, height, samples, data }
}

/** DCMTK reads our JPEG into an object and out of it again: an independent decoder. */
async function decodedByDcmtk(jpeg: Buffer): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'isocenter-jpeg-'))
  await writeFile(join(folder, 'a.jpg'), jpeg)
  await run('img2dcm', ['a.jpg', 'a.dcm'], { cwd: folder })
  await run('dcmdjpeg', ['a.dcm', 'b.dcm'], { cwd: folder })
  const { stdout } = await run('dcmdump', ['+W', folder, '+P', 'PixelData', 'b.dcm'], { cwd: folder })
  const [, raw] = /=(\S+\.raw)/.exec(stdout)!
  return readFile(raw!)
}

test.each([1, 3] as const)(
  'a JPEG of %i samples is read by another decoder with small differences',
  async (samples) => {
    const raster = picture(samples)
    const decoded = await decodedByDcmtk(encodeJpeg(raster, 95))
    expect(decoded.length - raster.data.length).toBeLessThanOrEqual(1)
    let worst = 0
    for (const [n, value] of raster.data.entries()) worst = Math.max(worst, Math.abs(value - decoded[n]!))
    expect(worst).toBeLessThan(12)
  },
)

test('a PNG holds every sample as it was', async () => {
  const raster = picture(3)
  const png = await encodePng(raster)
  expect(png.subarray(1, 4).toString()).toBe('PNG')
  expect([png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25]]).toEqual([61, 43, 8, 2])
  const lines = inflateSync(png.subarray(41, 41 + png.readUInt32BE(33)))
  for (let y = 0; y < raster.height; y++) {
    const line = lines.subarray(y * 184 + 1, (y + 1) * 184)
    expect(line.equals(raster.data.subarray(y * 183, (y + 1) * 183))).toBe(true)
  }
})

test('a thumbnail keeps its proportions and its mean, and is never blown up', () => {
  const raster = picture(1)
  const small = fitInto(raster, { width: 20, height: 20 })
  expect([small.width, small.height]).toEqual([20, 14])
  const mean = ({ data }: Raster) => data.reduce((sum, value) => sum + value, 0) / data.length
  expect(Math.abs(mean(small) - mean(raster))).toBeLessThan(3)
  expect(fitInto(raster, { width: 500, height: 500 })).toBe(raster)
})
