/** A browser's end of a list that is asked for again and again: only what it lacks travels. */
import { noteFailedLoad } from '../live/failed-load.ts'
import { type KeptRows, keptRows, type RowsAnswer } from './kept-rows.ts'

/** What a list's route answers: its rows, and whatever else its screen shows. */
export type ListAnswer<R, Beside> = Beside & { list: RowsAnswer<R> }
export type ListLoaded<R, Beside> = Beside & { rows: readonly R[] }

export interface ListSource<R, Beside> {
  /** The rows that the page came with, so that the first question already says what is there. */
  seed(answer: ListAnswer<R, Beside>): void
  /**
   * Null when the answer is no list: the router asks itself then, and follows where it is sent.
   * @param search what the screen's address narrows the list to
   */
  load(search: URLSearchParams): Promise<ListLoaded<R, Beside> | null>
  /** One page more of the list that is shown, from the next load on. */
  wantMore(): void
}

/** @param path the address of the rows, and of the screen that shows them */
export function listSource<R, Beside>(path: { rows: string; screen: string }): ListSource<R, Beside> {
  const kept: KeptRows<R> = keptRows()
  let standing: ListLoaded<R, Beside> | undefined
  let [pages, pagesOf] = [1, '']

  function take({ list, ...beside }: ListAnswer<R, Beside>): ListLoaded<R, Beside> | null {
    const rows = kept.take(list)
    if (rows === null) return null
    standing = { ...(beside as unknown as Beside), rows }
    return standing
  }
  async function ask(have: string, asked: string): Promise<ListLoaded<R, Beside> | null> {
    const query = new URLSearchParams(asked)
    query.set('have', have)
    if (pages > 1) query.set('pages', String(pages))
    const response = await fetch(`${path.rows}?${query}`)
    if (response.status >= 500) throw new Error(`${path.rows} answered ${response.status}`)
    if (!response.ok || response.redirected) return null
    const loaded = take((await response.json()) as ListAnswer<R, Beside>)
    return loaded === null && have !== '' ? ask('', asked) : loaded
  }
  return {
    seed: (answer) => void take(answer),
    async load(search) {
      const asked = search.toString()
      // Another list starts from its own top.
      if (asked !== pagesOf) [pages, pagesOf] = [1, asked]
      try {
        return await ask(kept.version, asked)
      } catch (error) {
        // A list that is on the screen stays there: it is better than none, and it is asked for again.
        if (standing === undefined || location.pathname !== path.screen) throw error
        noteFailedLoad()
        return standing
      }
    },
    wantMore() {
      pages += 1
    },
  }
}

/** The rows of an answer that holds all of them. */
export function allRows<R>({ order = [], rows = {} }: RowsAnswer<R>): R[] {
  return order.flatMap((number) => rows[number] ?? [])
}
