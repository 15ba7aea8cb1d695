/** Goes to a section of the report, and there to words that somebody should look at. */

interface Words {
  word: string
  index: number
}

export function focusSection(key: string, words?: Words): void {
  const field = document.querySelector<HTMLElement>(`.report-text[data-section="${CSS.escape(key)}"]`)
  if (!field) return
  field.focus()
  field.scrollIntoView({ block: 'nearest' })
  if (words) selectWords(field, words)
}

/** One paragraph is one line; between two of them stands the line break that a section's text has there. */
function selectWords(field: HTMLElement, { word, index }: Words): void {
  let start = index
  for (const line of field.children) {
    const length = line.textContent.length
    if (start <= length) {
      const [from, to] = [placeIn(line, start), placeIn(line, start + word.length)]
      if (from && to) document.getSelection()?.setBaseAndExtent(...from, ...to)
      return
    }
    start -= length + 1
  }
}

/** Parts of a line may be marked: each is a text of its own. */
function placeIn(line: Element, index: number): [Node, number] | null {
  const texts = document.createTreeWalker(line, NodeFilter.SHOW_TEXT)
  let left = index
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const length = text.textContent?.length ?? 0
    if (left <= length) return [text, left]
    left -= length
  }
  return null
}
