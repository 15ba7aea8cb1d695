/** The rows of a list as a browser has them: an answer names every row by its number and brings those it lacks. */

/** What a row says has a number for as long as the server runs: the same words are the same number. */
export interface RowsAnswer<R> {
  /** Names this very list; the next question says it. */
  version: string
  /** Left out when the list is the one that the question named. */
  order?: readonly number[]
  /** By number: the rows that the named list did not hold. */
  rows?: Readonly<Record<string, R>>
}

export interface KeptRows<R> {
  /** What the next question says it has; empty for nothing. */
  readonly version: string
  /**
   * The list as it is now. A row that says what it said is the same object, and so is a list that did not change.
   * Null when rows are missing: the question must be asked again without a version.
   */
  take(answer: RowsAnswer<R>): readonly R[] | null
}

export function keptRows<R>(): KeptRows<R> {
  let version = ''
  let byNumber = new Map<number, R>()
  let rows: readonly R[] = []
  return {
    get version() {
      return version
    },
    take(answer) {
      if (answer.order === undefined) return answer.version === version ? rows : null
      const next = new Map<number, R>()
      for (const number of answer.order) {
        const row = byNumber.get(number) ?? answer.rows?.[number]
        if (row === undefined) return null
        next.set(number, row)
      }
      version = answer.version
      byNumber = next
      rows = [...next.values()]
      return rows
    },
  }
}
