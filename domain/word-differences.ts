/** What was changed between two texts, word by word, so that nobody has to read both to find it. */

export interface Piece {
  text: string
  change: 'same' | 'removed' | 'added'
}

/** The second text with what it lost in its place; removed words stand before those that replace them. */
export function wordDifferences(before: string, after: string): Piece[] {
  const [was, is] = [wordsOf(before), wordsOf(after)]
  const head = sameFromStart(was, is)
  const tail = sameFromStart(was.slice(head).reverse(), is.slice(head).reverse())
  const middle = changes(was.slice(head, was.length - tail), is.slice(head, is.length - tail))
  const same = (words: string[]): Piece[] => words.map((text) => ({ text, change: 'same' }))
  return joined([...same(is.slice(0, head)), ...middle, ...same(is.slice(is.length - tail))])
}

/** Words and the white space between them, each a token: joined again they are the text. */
const wordsOf = (text: string): string[] => text.match(/\s+|[^\s]+/gu) ?? []

function sameFromStart(one: readonly string[], other: readonly string[]): number {
  const at = one.findIndex((word, index) => word !== other[index])
  return at < 0 ? one.length : at
}

/** By the longest common run of words; both sides are short, since what is the same at either end is cut off before. */
function changes(was: readonly string[], is: readonly string[]): Piece[] {
  const lengths = commonLengths(was, is)
  const width = is.length + 1
  const pieces: Piece[] = []
  let [i, j] = [0, 0]
  while (i < was.length || j < is.length) {
    const [down = 0, right = 0] = [lengths[(i + 1) * width + j], lengths[i * width + j + 1]]
    if (i < was.length && j < is.length && was[i] === is[j]) {
      pieces.push({ text: is[j] ?? '', change: 'same' })
      i += 1
      j += 1
    } else if (i < was.length && (j === is.length || down >= right)) {
      pieces.push({ text: was[i] ?? '', change: 'removed' })
      i += 1
    } else {
      pieces.push({ text: is[j] ?? '', change: 'added' })
      j += 1
    }
  }
  return pieces
}

/** `lengths[i * width + j]`: how much the two have in common from word i and word j on. */
function commonLengths(was: readonly string[], is: readonly string[]): Uint32Array {
  const width = is.length + 1
  const lengths = new Uint32Array((was.length + 1) * width)
  for (let i = was.length - 1; i >= 0; i -= 1)
    for (let j = is.length - 1; j >= 0; j -= 1) {
      const [down = 0, right = 0] = [lengths[(i + 1) * width + j], lengths[i * width + j + 1]]
      const next = lengths[(i + 1) * width + j + 1] ?? 0
      lengths[i * width + j] = was[i] === is[j] ? next + 1 : Math.max(down, right)
    }
  return lengths
}

/** Neighbours of one kind are one piece; a run of changes tells first all that went, then all that came. */
function joined(pieces: readonly Piece[]): Piece[] {
  const runs: Piece[][] = []
  for (const piece of pieces.flatMap(bridged)) {
    const last = runs.at(-1)
    const goesOn = last && (last[0]?.change === 'same') === (piece.change === 'same')
    if (goesOn) last.push(piece)
    else runs.push([piece])
  }
  return runs.flatMap((run) =>
    (['same', 'removed', 'added'] as const)
      .map((change) => ({
        change,
        text: run
          .filter((piece) => piece.change === change)
          .map(({ text }) => text)
          .join(''),
      }))
      .filter(({ text }) => text !== ''),
  )
}

/** White space between two changed words has changed with them: `No shift` → `Shift of`, not word by word. */
function bridged(piece: Piece, index: number, pieces: readonly Piece[]): Piece[] {
  const isChanged = (neighbour: Piece | undefined) => neighbour !== undefined && neighbour.change !== 'same'
  const isBetween = isChanged(pieces[index - 1]) && isChanged(pieces[index + 1])
  if (piece.change !== 'same' || piece.text.trim() !== '' || !isBetween) return [piece]
  return [
    { text: piece.text, change: 'removed' },
    { text: piece.text, change: 'added' },
  ]
}
