/** What each sender's rule is for another content of a known instance, at hand while objects come in. */
import type { AnySql } from '#db/client.ts'
import { type DuplicatePolicy, duplicatePolicy } from '#db/mutations/duplicates.ts'

/** How long a changed rule takes to be kept to. */
const FRESH_MS = 1_000
/** How long one object waits for a database that is slow or away; those behind it do not. */
const PATIENCE_MS = 500

interface Asking {
  since: number
  answer: Promise<DuplicatePolicy>
}

/** Times are not those of the clock on the wall, which may be set back. */
export class DuplicateRules {
  readonly #sql: AnySql
  readonly #known = new Map<string, { rule: DuplicatePolicy; until: number }>()
  readonly #asking = new Map<string, Asking>()

  constructor(sql: AnySql) {
    this.#sql = sql
  }

  /** Never waits long for a database that is away: the last known rule holds, and without one the first stays. */
  async of(sourceAe: string): Promise<DuplicatePolicy> {
    const known = this.#known.get(sourceAe)
    if (known && known.until > performance.now()) return known.rule
    const last = known?.rule ?? 'first-stays'
    const { since, answer } = this.#asking.get(sourceAe) ?? this.#ask(sourceAe, last)
    const patienceMs = since + PATIENCE_MS - performance.now()
    return patienceMs > 0 ? Promise.race([answer, after(patienceMs, last)]) : last
  }

  #ask(sourceAe: string, last: DuplicatePolicy): Asking {
    const answer = duplicatePolicy(this.#sql, sourceAe)
      .catch(() => last)
      .then((rule) => {
        this.#known.set(sourceAe, { rule, until: performance.now() + FRESH_MS })
        this.#asking.delete(sourceAe)
        return rule
      })
    const asking = { since: performance.now(), answer }
    this.#asking.set(sourceAe, asking)
    return asking
  }
}

function after(ms: number, rule: DuplicatePolicy): Promise<DuplicatePolicy> {
  return new Promise((resolve) => setTimeout(() => resolve(rule), ms).unref())
}
