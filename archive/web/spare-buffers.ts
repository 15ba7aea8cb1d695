/** Buffers that are used again: fresh memory for each frame costs as much as all the copying of its bytes. */
export class SpareBuffers {
  readonly #most: number
  readonly #spare = new Map<number, ArrayBuffer[]>()
  /** Handed out and not yet given back. */
  readonly #taken = new WeakSet<ArrayBufferLike>()
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
    const buffer = found ?? new ArrayBuffer(size)
    this.#taken.add(buffer)
    return Buffer.from(buffer, 0, length)
  }

  /**
   * Back once nobody reads from it any more. One that is never given back is only forgotten, and what was not taken here,
   * or is back already, is left alone.
   */
  give({ buffer }: Uint8Array): void {
    if (!this.#taken.delete(buffer)) return
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
