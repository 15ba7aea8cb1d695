/** What each sender's rule is for another content of a known instance, at hand while objects come in. */
import type { AnySql } from '#db/client.ts'
import { type DuplicatePolicy, duplicatePolicy } from '#db/mutations/duplicates.ts'

/** How long a changed rule takes to be kept to. */
const FRESH_MS = 1_000

export class DuplicateRules {
  readonly #sql: AnySql
  readonly #known = new Map<string, { rule: DuplicatePolicy; until: number }>()

  constructor(sql: AnySql) {
    this.#sql = sql
  }

  /** Never waits for a database that is away: the last known rule holds, and without one the first stays. */
  async of(sourceAe: string): Promise<DuplicatePolicy> {
    const known = this.#known.get(sourceAe)
    if (known && known.until > Date.now()) return known.rule
    const asking = this.#ask(sourceAe, known?.rule ?? 'first-stays')
    return known ? known.rule : Promise.race([asking, after(FRESH_MS)])
  }

  async #ask(sourceAe: string, last: DuplicatePolicy): Promise<DuplicatePolicy> {
    this.#known.set(sourceAe, { rule: last, until: Date.now() + FRESH_MS })
    const rule = await duplicatePolicy(this.#sql, sourceAe).catch(() => last)
    this.#known.set(sourceAe, { rule, until: Date.now() + FRESH_MS })
    return rule
  }
}

function after(ms: number): Promise<DuplicatePolicy> {
  return new Promise((resolve) => setTimeout(() => resolve('first-stays'), ms).unref())
}
