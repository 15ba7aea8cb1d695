/** Colours and greys as presentation states state them (PS3.3 C.10.7.1.1), as a screen shows them. */

/** Of what is drawn on a layer that recommends nothing. */
export const USUAL = '#ffd866'

const MOST = 0xffff

/** A P-value, from black to white. */
export const greyOf = (value) => {
  const part = Math.round((Math.min(Math.max(value, 0), MOST) / MOST) * 255)
  return `rgb(${part} ${part} ${part})`
}

/** L* from 0 to 100, a* and b* from -128 to 127, each over sixteen bits, under D50. */
export function colourOf([l, a, b]) {
  const height = ((l / MOST) * 100 + 16) / 116
  const xyz = [height + ((a / MOST) * 255 - 128) / 500, height, height - ((b / MOST) * 255 - 128) / 200].map(
    (part, n) => WHITE[n] * (part > 6 / 29 ? part ** 3 : 3 * (6 / 29) ** 2 * (part - 4 / 29)),
  )
  const parts = TO_RGB.map((row) => row.reduce((sum, factor, n) => sum + factor * xyz[n], 0))
  return `rgb(${parts.map(encoded).join(' ')})`
}

/** D50. */
const WHITE = [0.9642, 1, 0.8249]

/** From XYZ under D50 to linear sRGB (Bradford). */
const TO_RGB = [
  [3.1338561, -1.6168667, -0.4906146],
  [-0.9787684, 1.9161415, 0.033454],
  [0.0719453, -0.2289914, 1.4052427],
]

function encoded(linear) {
  const part = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055
  return Math.round(Math.min(Math.max(part, 0), 1) * 255)
}
