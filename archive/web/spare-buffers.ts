/** Buffers that are used again: fresh memory for each frame costs as much as all the copying of its bytes. */
export class SpareBuffers {
  readonly #most: number
  readonly #spare = new Map<number, ArrayBuffer[]>()
  #bytes = 0

  /** @param most bytes that may lie about unused */
  constructor(most: number) {
    this.#most = most
  }

  /** So many bytes, with whatever was in them before. */
  take(length: number): Buffer {
    const size = Math.ceil(length / STEP_BYTES) * STEP_BYTES
    const found = this.#spare.get(size)?.pop()
    if (found) this.#bytes -= size
    return Buffer.from(found ?? new ArrayBuffer(size), 0, length)
  }

  /** Back once nobody reads from it any more. One that is never given back is only forgotten. */
  give({ buffer }: Buffer): void {
    const size = buffer.byteLength
    if (this.#bytes + size > this.#most) this.#forget()
    if (size > this.#most) return
    const same = this.#spare.get(size)
    if (same) same.push(buffer as ArrayBuffer)
    else this.#spare.set(size, [buffer as ArrayBuffer])
    this.#bytes += size
  }

  // Frames of another size are asked for now.
  #forget(): void {
    this.#spare.clear()
    this.#bytes = 0
  }
}

const STEP_BYTES = 64 * 1024
