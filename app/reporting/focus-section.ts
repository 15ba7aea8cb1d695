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
    const text = line.firstChild
    const length = line.textContent.length
    if (start <= length) {
      if (text?.nodeType === Node.TEXT_NODE && start + word.length <= length)
        document.getSelection()?.setBaseAndExtent(text, start, text, start + word.length)
      return
    }
    start -= length + 1
  }
}
