/** A browser's end of a list that is asked for again and again: only what it lacks travels. */
import { noteFailedLoad } from '../live/failed-load.ts'
import { type KeptRows, keptRows, type RowsAnswer } from './kept-rows.ts'

/** What a list's route answers: its rows, and whatever else its screen shows. */
export type ListAnswer<R, Beside> = Beside & { list: RowsAnswer<R> }
export type ListLoaded<R, Beside> = Beside & { rows: readonly R[] }

export interface ListSource<R, Beside> {
  /** The rows that the page came with, so that the first question already says what is there. */
  seed(answer: ListAnswer<R, Beside>): void
  /** Null when the answer is no list: the router asks itself then, and follows where it is sent. */
  load(): Promise<ListLoaded<R, Beside> | null>
}

/** @param path the address of the rows, and of the screen that shows them */
export function listSource<R, Beside>(path: { rows: string; screen: string }): ListSource<R, Beside> {
  const kept: KeptRows<R> = keptRows()
  let standing: ListLoaded<R, Beside> | undefined

  function take({ list, ...beside }: ListAnswer<R, Beside>): ListLoaded<R, Beside> | null {
    const rows = kept.take(list)
    if (rows === null) return null
    standing = { ...(beside as unknown as Beside), rows }
    return standing
  }
  async function ask(have: string): Promise<ListLoaded<R, Beside> | null> {
    const response = await fetch(`${path.rows}?have=${encodeURIComponent(have)}`)
    if (response.status >= 500) throw new Error(`${path.rows} answered ${response.status}`)
    if (!response.ok || response.redirected) return null
    const loaded = take((await response.json()) as ListAnswer<R, Beside>)
    return loaded === null && have !== '' ? ask('') : loaded
  }
  return {
    seed: (answer) => void take(answer),
    async load() {
      try {
        return await ask(kept.version)
      } catch (error) {
        // A list that is on the screen stays there: it is better than none, and it is asked for again.
        if (standing === undefined || location.pathname !== path.screen) throw error
        noteFailedLoad()
        return standing
      }
    },
  }
}

/** The rows of an answer that holds all of them. */
export function allRows<R>({ order = [], rows = {} }: RowsAnswer<R>): R[] {
  return order.flatMap((number) => rows[number] ?? [])
}
