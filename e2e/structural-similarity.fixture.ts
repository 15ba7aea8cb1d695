/** How alike two pictures are: mean structural similarity of their grey values (Wang et al. 2004), in windows of 8 by 8. */
import { inflateSync } from 'node:zlib'

const SIDE = 8
const [C1, C2] = [(0.01 * 255) ** 2, (0.03 * 255) ** 2]

/** 1 for the same picture; 0 for pictures of another size. @param a, b as PNG */
export function similarity(a: Buffer, b: Buffer): number {
  const [one, other] = [greyOf(a), greyOf(b)]
  if (one.width !== other.width || one.height !== other.height) return 0
  let [sum, windows] = [0, 0]
  for (let y = 0; y + SIDE <= one.height; y += SIDE)
    for (let x = 0; x + SIDE <= one.width; x += SIDE) {
      sum += similarWindow(one, other, { x, y })
      windows += 1
    }
  return sum / windows
}

interface Grey {
  width: number
  height: number
  values: Uint8Array
}

function similarWindow(a: Grey, b: Grey, { x, y }: { x: number; y: number }): number {
  const n = SIDE * SIDE
  let [sumA, sumB, squareA, squareB, product] = [0, 0, 0, 0, 0]
  for (let row = y; row < y + SIDE; row++)
    for (let column = x; column < x + SIDE; column++) {
      const at = row * a.width + column
      const [p, q] = [a.values[at]!, b.values[at]!]
      sumA += p
      sumB += q
      squareA += p * p
      squareB += q * q
      product += p * q
    }
  const [meanA, meanB] = [sumA / n, sumB / n]
  const [varianceA, varianceB] = [squareA / n - meanA ** 2, squareB / n - meanB ** 2]
  const covariance = product / n - meanA * meanB
  return (
    ((2 * meanA * meanB + C1) * (2 * covariance + C2)) /
    ((meanA ** 2 + meanB ** 2 + C1) * (varianceA + varianceB + C2))
  )
}

/** Eight bits a sample, RGB or RGBA, not interlaced: what a browser makes of its own screen. */
function greyOf(png: Buffer): Grey {
  const [width, height, kind] = [png.readUInt32BE(16), png.readUInt32BE(20), png[25]]
  if (png[24] !== 8 || (kind !== 2 && kind !== 6)) throw new Error('not a screenshot')
  const samples = kind === 6 ? 4 : 3
  const rows = unfiltered(inflateSync(imageData(png)), { height, stride: width * samples, samples })
  const values = new Uint8Array(width * height)
  for (let n = 0; n < values.length; n++) {
    const at = n * samples
    values[n] = Math.round(0.299 * rows[at]! + 0.587 * rows[at + 1]! + 0.114 * rows[at + 2]!)
  }
  return { width, height, values }
}

function imageData(png: Buffer): Buffer {
  const chunks: Buffer[] = []
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      chunks.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)))
  return Buffer.concat(chunks)
}

/** PNG (ISO/IEC 15948) section 9. */
function unfiltered(
  data: Buffer,
  { height, stride, samples }: { height: number; stride: number; samples: number },
): Uint8Array {
  const rows = new Uint8Array(height * stride)
  for (let y = 0; y < height; y++) {
    const filter = data[y * (stride + 1)]
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x
      const left = x >= samples ? rows[at - samples]! : 0
      const up = y > 0 ? rows[at - stride]! : 0
      const corner = x >= samples && y > 0 ? rows[at - stride - samples]! : 0
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter ?? 0] ?? 0
      rows[at] = (data[y * (stride + 1) + 1 + x]! + guess) & 0xff
    }
  }
  return rows
}

function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(left + up - corner - value)) as [
    number,
    number,
    number,
  ]
  return a <= b && a <= c ? left : b <= c ? up : corner
}
