/** A picture of eight bits a sample, ready to be encoded. */
export interface Raster {
  width: number
  height: number
  /** 1 for grey, 3 for RGB, pixel by pixel. */
  samples: 1 | 3
  data: Uint8Array
}

/** The picture at a smaller size, each pixel the mean of what it covers; a larger size is left as it is. */
export function fitInto(raster: Raster, box: { width: number; height: number }): Raster {
  const scale = Math.min(box.width / raster.width, box.height / raster.height)
  if (!(scale < 1)) return raster
  const width = Math.max(1, Math.round(raster.width * scale))
  const height = Math.max(1, Math.round(raster.height * scale))
  const { samples } = raster
  const data = new Uint8Array(width * height * samples)
  for (let y = 0; y < height; y++) {
    const [top, bottom] = covered(y, height, raster.height)
    for (let x = 0; x < width; x++) {
      const [left, right] = covered(x, width, raster.width)
      for (let s = 0; s < samples; s++) {
        let sum = 0
        for (let v = top; v < bottom; v++)
          for (let u = left; u < right; u++) sum += raster.data[(v * raster.width + u) * samples + s]!
        data[(y * width + x) * samples + s] = Math.round(sum / ((bottom - top) * (right - left)))
      }
    }
  }
  return { width, height, samples, data }
}

function covered(at: number, small: number, large: number): [from: number, to: number] {
  const from = Math.floor((at * large) / small)
  return [from, Math.max(from + 1, Math.floor(((at + 1) * large) / small))]
}

/** A part of the picture, as far as it has one there. */
export function cropped(
  raster: Raster,
  part: { left: number; top: number; width: number; height: number },
): Raster {
  const left = Math.min(Math.max(0, Math.floor(part.left)), raster.width - 1)
  const top = Math.min(Math.max(0, Math.floor(part.top)), raster.height - 1)
  const width = Math.max(1, Math.min(Math.floor(part.width), raster.width - left))
  const height = Math.max(1, Math.min(Math.floor(part.height), raster.height - top))
  const { samples } = raster
  const data = new Uint8Array(width * height * samples)
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * raster.width + left) * samples
    data.set(raster.data.subarray(from, from + width * samples), y * width * samples)
  }
  return { width, height, samples, data }
}

/** The picture as a mirror shows it, or stood on its head. */
export function turned(
  raster: Raster,
  { isMirrored, isUpsideDown }: { isMirrored: boolean; isUpsideDown: boolean },
): Raster {
  if (!isMirrored && !isUpsideDown) return raster
  const { width, height, samples } = raster
  const data = new Uint8Array(raster.data.length)
  for (let y = 0; y < height; y++) {
    const row = (isUpsideDown ? height - 1 - y : y) * width
    for (let x = 0; x < width; x++) {
      const from = (row + (isMirrored ? width - 1 - x : x)) * samples
      data.set(raster.data.subarray(from, from + samples), (y * width + x) * samples)
    }
  }
  return { ...raster, data }
}
