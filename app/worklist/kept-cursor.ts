/** The cursor of a list: an id, not a place. It is kept for the tab, so that coming back finds the same row. */
import { useEffect, useState } from 'react'

export function useKeptCursor(
  name: string,
  rows: readonly { id: string }[],
): [string | null, (id: string) => void] {
  const key = `cursor:${name}`
  // On the server and while waking up it is the first row; what was kept is only known to the browser.
  const [cursor, setCursor] = useState<string | null>(rows[0]?.id ?? null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: read once per list, not at every change of its rows
  useEffect(() => {
    const kept = sessionStorage.getItem(key)
    setCursor(kept !== null && rows.some(({ id }) => id === kept) ? kept : (rows[0]?.id ?? null))
  }, [key])
  return [
    cursor,
    (id) => {
      sessionStorage.setItem(key, id)
      setCursor(id)
    },
  ]
}
