import { inflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { pictureOf } from './picture.ts'
import { styleOf } from './rendered.ts'

// 0 1 2
// 3 4 5, in steps of 51.
const IMAGE = Buffer.from([0, 51, 102, 153, 204, 255])

/** The samples of the picture, row by row. */
async function shown(query: string): Promise<number[][]> {
  const { viewport } = styleOf(new URLSearchParams(query), { thumbnail: false })
  const png = await pictureOf(IMAGE, {
    shape: {
      rows: 2,
      columns: 3,
      samples: 1,
      bitsAllocated: 8,
      bitsStored: 8,
      highBit: 7,
      signed: false,
      float: false,
      planar: false,
      photometric: 'MONOCHROME2',
    },
    presentation: { slope: 1, intercept: 0, modalityLut: null, voi: null, inverse: false, palette: null },
    viewport,
    type: 'image/png',
    quality: 90,
  })
  const bytes = Buffer.from(png)
  const width = bytes.readUInt32BE(16)
  const at = bytes.indexOf('IDAT')
  const lines = inflateSync(bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at - 4)))
  return Array.from({ length: bytes.readUInt32BE(20) }, (_, y) =>
    [...lines.subarray(y * (width + 1) + 1, (y + 1) * (width + 1))].map((value) => value / 51),
  )
}

test('[DW-02] a negative width of the part that is wanted shows it mirrored, a negative height on its head', async () => {
  expect(await shown('viewport=10,10')).toEqual([
    [0, 1, 2],
    [3, 4, 5],
  ])
  expect(await shown('viewport=10,10,0,0,-3,2')).toEqual([
    [2, 1, 0],
    [5, 4, 3],
  ])
  expect(await shown('viewport=10,10,,,,-2')).toEqual([
    [3, 4, 5],
    [0, 1, 2],
  ])
  expect(await shown('viewport=10,10,-1,0,-2,-2')).toEqual([
    [5, 4],
    [2, 1],
  ])
  expect(() => styleOf(new URLSearchParams('viewport=10,10,0,0,0,2'), { thumbnail: false })).toThrow(
    /viewport/,
  )
})

test('[DW-02] a window narrower than one is one of floats, and none for LINEAR', () => {
  const style = (window: string) => styleOf(new URLSearchParams({ window }), { thumbnail: false }).window
  expect(style('0.5,0.1,linear-exact')).toEqual({ centre: 0.5, width: 0.1, shape: 'linear_exact' })
  expect(style('0.5,0.1,SIGMOID')).toEqual({ centre: 0.5, width: 0.1, shape: 'sigmoid' })
  for (const refused of ['0.5,0.1', '0.5,0.1,linear', '0.5,0,sigmoid', '0.5,-1,linear-exact'])
    expect(() => style(refused), refused).toThrow(/window/)
})
