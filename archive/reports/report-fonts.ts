/** Which font draws which character of a report: the fonts that the screens use, each in pieces of some ranges of Unicode. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { charactersOf, fontFile, tablesOf } from './web-font.ts'

export interface Font {
  name: string
  /** As a PDF embeds it. */
  bytes: Buffer
}

/** Characters next to each other that one font draws. */
export interface Run {
  text: string
  font: Font
  isRightToLeft: boolean
}

/** The first that has a character draws it: Latin, Greek and Cyrillic, then kana and kanji, then hangul and hanja. */
const PACKAGES = [
  { name: '@fontsource-variable/inter', file: (piece: string) => `inter-${piece}-wght-normal.woff2` },
  { name: '@fontsource/noto-sans-jp', file: (piece: string) => `noto-sans-jp-${piece}-400-normal.woff` },
  { name: '@fontsource/noto-sans-kr', file: (piece: string) => `noto-sans-kr-${piece}-400-normal.woff` },
]

/** Scripts that these lack are drawn by what the machine has, where it has one of these. */
const OF_THE_MACHINE = [
  '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf',
  '/usr/share/fonts/dejavu/DejaVuSans.ttf',
  '/usr/share/fonts/TTF/DejaVuSans.ttf',
  '/Library/Fonts/Arial Unicode.ttf',
]
const DRAWN_BY_THE_MACHINE = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Armenian}\p{Script=Georgian}]/u

/** Stands for what no font here can draw (U+25A1): seen, never left out. */
export const MISSING = '\u25A1'

/** Text as runs, each in one font, those from right to left with their words in the order in which they are drawn. */
export function runsOf(text: string): Run[] {
  const runs: Run[] = []
  for (const character of text.normalize('NFC')) {
    const last = runs.at(-1)
    const isSpace = /\s/u.test(character)
    // A space belongs to the words beside it, in whatever font they are.
    if (last && isSpace) {
      last.text += ' '
      continue
    }
    const found = fontOf(isSpace ? ' ' : character)
    const [drawn, font] = found ? [character, found] : [MISSING, fontOf(MISSING)!]
    const isRightToLeft = RIGHT_TO_LEFT.test(character)
    if (last?.font === font && last.isRightToLeft === isRightToLeft) last.text += drawn
    else runs.push({ text: drawn, font, isRightToLeft })
  }
  return runs.flatMap((run) => (run.isRightToLeft ? wordsReversed(run) : [run]))
}

const RIGHT_TO_LEFT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/u

// The letters of a word are joined and turned by the font; its words, and the spaces between, by whoever sets the line.
function wordsReversed({ text, font }: Run): Run[] {
  const space = fontOf(' ')!
  return text
    .split(/(\s+)/)
    .filter((part) => part !== '')
    .reverse()
    .map((part) =>
      part.trim() === ''
        ? { text: part, font: space, isRightToLeft: false }
        : { text: part, font, isRightToLeft: true },
    )
}

const drawnBy = new Map<string, Font | null>()

function fontOf(character: string): Font | null {
  const known = drawnBy.get(character)
  if (known !== undefined) return known
  const codePoint = character.codePointAt(0)!
  const piece = pieces().find((one) => one.mayHave(codePoint) && one.has(codePoint))
  const font = piece?.font() ?? (DRAWN_BY_THE_MACHINE.test(character) ? ofTheMachine() : null)
  drawnBy.set(character, font)
  return font
}

let machine: Font | null | undefined

function ofTheMachine(): Font | null {
  if (machine !== undefined) return machine
  const path = OF_THE_MACHINE.find((one) => existsSync(one))
  machine = path ? { name: path, bytes: readFileSync(path) } : null
  return machine
}

interface Piece {
  /** By the ranges that its package states for it. */
  mayHave: (codePoint: number) => boolean
  /** By the font itself: not every one holds all of its ranges. */
  has: (codePoint: number) => boolean
  font: () => Font
}

let known: Piece[] | undefined

function pieces(): Piece[] {
  known ??= PACKAGES.flatMap(({ name, file }) => {
    const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
    const subsets = JSON.parse(readFileSync(join(folder, 'unicode.json'), 'utf8')) as Record<string, string>
    return Object.entries(subsets).map(([key, ranges]) =>
      pieceOf(join(folder, 'files', file(key.replace(/[[\]]/g, ''))), ranges.split(',').map(rangeOf)),
    )
  })
  return known
}

function pieceOf(path: string, ranges: readonly (readonly [number, number])[]): Piece {
  let opened: { has: (codePoint: number) => boolean; font: Font } | undefined
  const open = () => {
    if (opened) return opened
    const tables = tablesOf(readFileSync(path))
    opened = { has: charactersOf(tables), font: { name: path, bytes: fontFile(tables) } }
    return opened
  }
  return {
    mayHave: (codePoint) => ranges.some(([from, to]) => codePoint >= from && codePoint <= to),
    has: (codePoint) => open().has(codePoint),
    font: () => open().font,
  }
}

function rangeOf(text: string): [number, number] {
  const [from = '', to = from] = text.trim().replace('U+', '').split('-')
  return [Number.parseInt(from, 16), Number.parseInt(to, 16)]
}
