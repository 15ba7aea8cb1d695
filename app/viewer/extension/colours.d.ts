/** What the tests use of colours. */
export function inEightBits(frame: {
  photometricInterpretation: string
  pixelData: Uint8Array | Uint16Array
  bitsStored: number
}): void
export function unfold(segments: Uint16Array, count: number): number[]
