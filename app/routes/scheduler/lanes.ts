/** Blocks of one room that stand at the same height share its width, side by side: none lies over another one's name. */

export interface Extent {
  id: string
  top: number
  height: number
}

export interface Lane {
  /** Counted from the left, of so many. */
  lane: number
  of: number
}

/** Blocks that touch one another, through others too, are one group; a group has as many lanes as its fullest height. */
export function lanesOf(blocks: readonly Extent[]): Map<string, Lane> {
  const found = new Map<string, Lane>()
  let group: { id: string; lane: number }[] = []
  let bottoms: number[] = []
  const close = () => {
    for (const { id, lane } of group) found.set(id, { lane, of: bottoms.length })
    group = []
    bottoms = []
  }
  for (const { id, top, height } of [...blocks].sort((one, other) => one.top - other.top)) {
    if (bottoms.every((bottom) => bottom <= top)) close()
    const free = bottoms.findIndex((bottom) => bottom <= top)
    const lane = free < 0 ? bottoms.length : free
    bottoms[lane] = top + height
    group.push({ id, lane })
  }
  close()
  return found
}
