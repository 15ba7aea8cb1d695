/** Threads that decode and render, one to a core: the event loop only hands frames over and takes them back. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { WebError } from './exchange.ts'
import type { PictureAsked } from './picture.ts'
import type { PixelShape } from './pixel-shape.ts'

export interface FrameJob {
  transferSyntaxUid: string
  frame: Uint8Array
  shape: PixelShape
  /** Null: the native frame is wanted, little endian, samples of a pixel together. */
  picture: Omit<PictureAsked, 'shape'> | null
}

export type FrameTask = FrameJob & { id: number }
export type FrameReply = { id: number; bytes: Uint8Array } | { id: number; words: string }

interface Waiting {
  task: FrameTask
  resolve: (bytes: Uint8Array) => void
  reject: (error: unknown) => void
}

interface Thread {
  worker: Worker
  current: Waiting | undefined
  timer: NodeJS.Timeout | undefined
}

/** A frame of the largest mammogram takes under two seconds; one that takes this long is not one. */
const LONGEST_MS = 30_000

export class FrameThreads {
  readonly #size: number
  readonly #threads = new Set<Thread>()
  readonly #waiting: Waiting[] = []
  #nextId = 1

  constructor({ size = Math.max(1, availableParallelism()) }: { size?: number } = {}) {
    this.#size = size
  }

  /** @throws WebError 500 with what is wrong with the frame */
  run(job: FrameJob): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    this.#waiting.push({ task: { ...job, id: this.#nextId++ }, resolve, reject })
    this.#hand()
    return promise
  }

  async close(): Promise<void> {
    const threads = [...this.#threads]
    this.#threads.clear()
    await Promise.all(threads.map(({ worker }) => worker.terminate()))
  }

  #hand(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#idle()
      if (!thread) return
      const next = this.#waiting.shift()!
      thread.current = next
      thread.timer = setTimeout(() => this.#end(thread, 'the frame takes too long to read'), LONGEST_MS)
      thread.timer.unref()
      // A process may not end while somebody waits for a frame, and may while nobody does.
      thread.worker.ref()
      thread.worker.postMessage(next.task)
    }
  }

  #idle(): Thread | undefined {
    for (const thread of this.#threads) if (!thread.current) return thread
    return this.#threads.size < this.#size ? this.#start() : undefined
  }

  #start(): Thread {
    const worker = new Worker(new URL('./frame-thread.ts', import.meta.url), { name: 'frames' })
    const thread: Thread = { worker, current: undefined, timer: undefined }
    this.#threads.add(thread)
    worker.on('message', (reply: FrameReply) => this.#take(thread, reply))
    worker.on('error', () => this.#end(thread, 'the frame cannot be read'))
    worker.on('exit', () => this.#end(thread, 'the frame cannot be read'))
    worker.unref()
    return thread
  }

  #take(thread: Thread, reply: FrameReply): void {
    const { current } = thread
    clearTimeout(thread.timer)
    thread.current = undefined
    thread.worker.unref()
    if ('bytes' in reply) current?.resolve(reply.bytes)
    else current?.reject(new WebError(500, reply.words))
    this.#hand()
  }

  /** A thread that died or hangs takes its frame with it and nothing else. */
  #end(thread: Thread, words: string): void {
    if (!this.#threads.delete(thread)) return
    clearTimeout(thread.timer)
    thread.current?.reject(new WebError(500, words))
    thread.current = undefined
    void thread.worker.terminate()
    this.#hand()
  }
}
