/** Makes the metadata of series ready as they come in, so that no viewer is the first to wait for them. */

import { type SeriesDue, seriesDue } from '#db/mutations/prerendered.ts'
import { studyOfSeries } from '#db/queries/corrections.ts'
import { correctionAt, keptMetadata, type MetadataDependencies } from './metadata.ts'

export interface PrerenderOptions extends MetadataDependencies {
  onError(error: unknown): void
  everyMs?: number
}

const EVERY_MS = 2_000
const MOST_AT_ONCE = 50

/**
 * Looks every two seconds; a series that has not changed between two looks is made ready. Several processes may do so
 * at once: what they make is the same.
 */
export class Prerender {
  readonly #options: PrerenderOptions
  #seen = new Map<string, number>()
  readonly #failed = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #isClosing = false

  constructor(options: PrerenderOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#running = this.look()
        .catch(this.#options.onError)
        .finally(() => {
          if (!this.#isClosing) this.start()
        })
    }, this.#options.everyMs ?? EVERY_MS)
    this.#timer.unref()
  }

  /** One look; answers when what was due is ready. */
  async look(): Promise<void> {
    const due = await seriesDue(this.#options.sql, MOST_AT_ONCE)
    const quiet = due.filter(({ id, rev }) => this.#seen.get(id) === rev)
    this.#seen = new Map(due.map(({ id, rev }) => [id, rev]))
    for (const series of quiet) {
      if (this.#isClosing) return
      await this.#make(series)
      this.#seen.delete(series.id)
    }
  }

  // What cannot be made ready keeps nobody else waiting, and is tried again when it changes.
  async #make(series: SeriesDue): Promise<void> {
    if (this.#failed.get(series.id) === series.rev) return
    try {
      const { sql } = this.#options
      const correction = await correctionAt(sql, await studyOfSeries(sql, series.id))
      for (const coding of ['gzip', 'zstd'] as const)
        await keptMetadata(this.#options, { ...series, correction }, coding)
    } catch (error) {
      this.#failed.set(series.id, series.rev)
      this.#options.onError(error)
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true
    clearTimeout(this.#timer)
    await this.#running
  }
}
