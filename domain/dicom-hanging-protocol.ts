/** A DICOM Hanging Protocol (PS3.3 section C.23) as one of our layouts, and what of it a layout cannot say. */
import type { HangingLayout, HungViewport, Plane, ViewerPlace } from './hanging-layout.ts'

type Value = string | number | Item
/** Values by keyword. */
export interface Item {
  readonly [keyword: string]: readonly Value[]
}

export interface Procedure {
  modality: string
  scheme: string
  code: string
}

/** Why something of it is left out, as a sentence is found by; `what` are the standard's own words. */
export interface LeftOut {
  why:
    | 'definition'
    | 'procedure'
    | 'priors'
    | 'prior'
    | 'screens'
    | 'selector'
    | 'group'
    | 'sizes'
    | 'empty'
    | 'beyond'
    | 'boxes'
    | 'shown'
    | 'attribute'
  what: string
}

export interface ImportedHanging {
  name: string
  description: string
  /** Empty where it is for any. */
  modality: string
  /** Of the catalogue; null: every procedure of the modality. */
  procedure: Procedure | null
  place: ViewerPlace
  layout: HangingLayout
  leftOut: readonly LeftOut[]
}

/** Why an object is no layout at all. */
export type NoHanging = 'other-object' | 'no-boxes'

const HANGING_PROTOCOL = '1.2.840.10008.5.1.4.38.1'
const MOST_ROWS = 3
const MOST_COLUMNS = 4
const MOST_LEFT_OUT = 60
const LONGEST = 64

/** @param catalogue what layouts can be kept for */
export function importedHanging(
  object: Item,
  catalogue: readonly Procedure[],
): ImportedHanging | { refused: NoHanging } {
  if (text(object, 'SOPClassUID') !== HANGING_PROTOCOL) return { refused: 'other-object' }
  const leftOut: LeftOut[] = []
  const note: Note = (why, what) => {
    const isKnown = leftOut.some((one) => one.why === why && one.what === what)
    if (!isKnown && leftOut.length < MOST_LEFT_OUT) leftOut.push({ why, what: what.slice(0, 200) })
  }
  for (const keyword of Object.keys(object))
    if (NOT_TAKEN.test(keyword) || isPrivate(keyword)) note('attribute', keyword)
  const target = targetOf(object, catalogue, note)
  const layout = layoutOf(object, { modality: target.modality, note })
  if (!layout) return { refused: 'no-boxes' }
  const priors = numbers(object, 'NumberOfPriorsReferenced')[0] ?? 0
  if (priors > 1) note('priors', String(priors))
  const screens = numbers(object, 'NumberOfScreens')[0] ?? 1
  if (screens > 1) note('screens', String(screens))
  return {
    name: plain(text(object, 'HangingProtocolName')),
    description: plain(text(object, 'HangingProtocolDescription')),
    ...target,
    place: screens > 1 ? 'own-window' : 'beside',
    layout,
    leftOut,
  }
}

type Note = (why: LeftOut['why'], what: string) => void

/** What stands beside the display sets and says how they behave. */
const NOT_TAKEN =
  /^(PartialDataDisplayHandling|SynchronizedScrollingSequence|NavigationIndicatorSequence|ImageBoxSynchronizationSequence|StructuredDisplay.*|HangingProtocolUserGroupName|HangingProtocolUserIdentificationCodeSequence)$/

const isPrivate = (keyword: string) => /^[0-9A-F]{8}$/i.test(keyword)

function targetOf(object: Item, catalogue: readonly Procedure[], note: Note) {
  const definitions = items(object, 'HangingProtocolDefinitionSequence')
  const found = definitions.map((definition) => ({
    definition,
    procedure: procedureOf(definition, catalogue),
  }))
  const chosen = found.find(({ procedure }) => procedure) ?? found[0]
  for (const one of found) {
    const { definition } = one
    const modality = text(definition, 'Modality')
    const codes = items(definition, 'ProcedureCodeSequence').map(spoken)
    if (one !== chosen) note('definition', [modality, ...codes].filter(Boolean).join(' '))
    else if (codes.length > 0 && !one.procedure) note('procedure', codes.join(', '))
    else if (codes.length > 1) note('procedure', codes.slice(1).join(', '))
    for (const [keyword, values] of Object.entries(definition)) {
      if (keyword === 'Modality' || keyword === 'ProcedureCodeSequence' || values.length === 0) continue
      const words = values.map((value) => (typeof value === 'object' ? spoken(value) : String(value)))
      if (words.some(Boolean)) note('definition', `${keyword}: ${words.join(', ')}`)
    }
  }
  const stated = text(chosen?.definition ?? {}, 'Modality')
  const modality = chosen?.procedure?.modality ?? (/^[A-Z]{2,16}$/.test(stated) ? stated : '')
  return { modality, procedure: chosen?.procedure ?? null }
}

function procedureOf(definition: Item, catalogue: readonly Procedure[]): Procedure | null {
  const modality = text(definition, 'Modality')
  const codes = items(definition, 'ProcedureCodeSequence')
  const isIt = (one: Procedure) =>
    (modality === '' || one.modality === modality) &&
    codes.some(
      (code) => text(code, 'CodeValue') === one.code && text(code, 'CodingSchemeDesignator') === one.scheme,
    )
  return catalogue.find(isIt) ?? null
}

const spoken = (code: Item) =>
  text(code, 'CodeMeaning') ||
  [text(code, 'CodingSchemeDesignator'), text(code, 'CodeValue')].filter(Boolean).join(' ')

interface Box {
  /** From the top left, 0 to 1. */
  left: number
  top: number
  right: number
  bottom: number
  display: Item
  imageSet: number
}

function layoutOf(object: Item, { modality, note }: { modality: string; note: Note }): HangingLayout | null {
  const sets = imageSets(object, { modality, note })
  const boxes = shownFirst(items(object, 'DisplaySetsSequence'), note).flatMap((display) =>
    boxesOf(display, note),
  )
  if (boxes.length === 0) return null
  const [lefts, tops] = [edges(boxes.map(({ left }) => left)), edges(boxes.map(({ top }) => top))]
  const columns = Math.min(lefts.length, MOST_COLUMNS)
  const rows = Math.min(tops.length, MOST_ROWS)
  const cells: (Box | null)[] = Array.from({ length: rows * columns }, () => null)
  for (const box of boxes) {
    const [column, row] = [at(lefts, box.left), at(tops, box.top)]
    const label = labelOf(box.display)
    if (column >= columns || row >= rows || cells[row * columns + column]) note('beyond', label)
    else cells[row * columns + column] = box
    const ends = [lefts[column + 1] ?? endOf(boxes, 'right'), tops[row + 1] ?? endOf(boxes, 'bottom')]
    if (!near(box.right, ends[0]!) || !near(box.bottom, ends[1]!)) note('sizes', label)
  }
  if (cells.includes(null)) note('empty', String(cells.filter((cell) => cell === null).length))
  if (!isEven(lefts, endOf(boxes, 'right')) || !isEven(tops, endOf(boxes, 'bottom'))) note('sizes', '')
  return {
    rows,
    columns,
    viewports: numbered(cells.map((box) => (box ? hungIn(box, { sets, note }) : EMPTY))),
  }
}

/** Presentation groups are stages, one after the other (C.23.3): a layout has the first. */
function shownFirst(displays: readonly Item[], note: Note): readonly Item[] {
  const groupOf = (display: Item) => numbers(display, 'DisplaySetPresentationGroup')[0] ?? 1
  const first = Math.min(...displays.map(groupOf))
  for (const display of displays) if (groupOf(display) !== first) note('group', labelOf(display))
  return displays.filter((display) => groupOf(display) === first)
}

const labelOf = (display: Item) =>
  text(display, 'DisplaySetLabel') || String(numbers(display, 'DisplaySetNumber')[0] ?? '')

const BOX_READ = [
  'ImageBoxNumber',
  'DisplayEnvironmentSpatialPosition',
  'ImageBoxLayoutType',
  'ImageBoxTileHorizontalDimension',
  'ImageBoxTileVerticalDimension',
]

function boxesOf(display: Item, note: Note): Box[] {
  const boxes = items(display, 'ImageBoxesSequence')
  if (boxes.length > 1) note('boxes', labelOf(display))
  return boxes.flatMap((box) => {
    const [left = Number.NaN, up = 0, right = 0, down = 0] = numbers(box, 'DisplayEnvironmentSpatialPosition')
    // The standard counts upwards from the lower left corner.
    const place = { left, top: 1 - up, right, bottom: 1 - down }
    if (!Object.values(place).every((edge) => edge >= -0.01 && edge <= 1.01)) {
      note('beyond', labelOf(display))
      return []
    }
    const tiles = ['Horizontal', 'Vertical'].map((way) => numbers(box, `ImageBoxTile${way}Dimension`)[0] ?? 1)
    if (tiles.some((count) => count > 1)) note('shown', `TILED ${tiles.join(' x ')}`)
    const type = text(box, 'ImageBoxLayoutType')
    if (type === 'CINE' || type === 'PROCESSED') note('shown', type)
    noteOthers(box, BOX_READ, note)
    return [{ ...place, display, imageSet: numbers(display, 'ImageSetNumber')[0] ?? 0 }]
  })
}

const near = (one: number, other: number) => Math.abs(one - other) < 0.02
const endOf = (boxes: readonly Box[], edge: 'right' | 'bottom') => Math.max(...boxes.map((box) => box[edge]))

function edges(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted.filter((value, n) => n === 0 || !near(value, sorted[n - 1]!))
}

function at(sorted: readonly number[], value: number): number {
  return Math.max(
    sorted.findLastIndex((edge) => edge < value + 0.02),
    0,
  )
}

/** All rows of a grid are as high as each other, and its columns as wide. */
function isEven(starts: readonly number[], end: number): boolean {
  const spans = starts.map((start, n) => (starts[n + 1] ?? end) - start)
  return spans.every((span) => near(span, spans[0]!))
}

interface ImageSet {
  study: 'current' | 'prior'
  series: string
}

type Wanted = HungViewport & { imageSet: number | null }

const EMPTY: Wanted = { study: 'current', series: '', nth: 0, plane: 'stack', imageSet: null }

const DISPLAY_READ = [
  'DisplaySetNumber',
  'DisplaySetLabel',
  'DisplaySetPresentationGroup',
  'DisplaySetPresentationGroupDescription',
  'ImageSetNumber',
  'ImageBoxesSequence',
  'ReformattingOperationType',
  'ReformattingOperationInitialViewDirection',
]

function hungIn({ display, imageSet }: Box, from: { sets: Map<number, ImageSet>; note: Note }): Wanted {
  const { sets, note } = from
  noteOthers(display, DISPLAY_READ, note)
  const set = sets.get(imageSet)
  if (!set) note('attribute', `ImageSetNumber ${imageSet}`)
  return { ...(set ?? EMPTY), nth: 0, plane: planeOf(display, note), imageSet }
}

const PLANES: Readonly<Record<string, Plane>> = {
  TRANSVERSE: 'axial',
  SAGITTAL: 'sagittal',
  CORONAL: 'coronal',
}

function planeOf(display: Item, note: Note): Plane {
  const [type, direction] = [
    text(display, 'ReformattingOperationType'),
    text(display, 'ReformattingOperationInitialViewDirection'),
  ]
  if (type === '') return 'stack'
  const plane = type === 'MPR' || type === 'SLAB' ? PLANES[direction] : undefined
  if (type !== 'MPR' || !plane) note('shown', `${type} ${direction}`.trim())
  return plane ?? 'stack'
}

/** Image sets that a layout cannot tell apart show one series after the other. */
function numbered(wanted: readonly Wanted[]): HungViewport[] {
  const alike = new Map<string, (number | null)[]>()
  return wanted.map(({ imageSet, ...viewport }) => {
    const key = `${viewport.study} ${viewport.series}`
    const known = alike.get(key) ?? []
    alike.set(key, known)
    if (imageSet === null || !known.includes(imageSet)) known.push(imageSet)
    const nth = imageSet === null ? known.length - 1 : known.indexOf(imageSet)
    return { ...viewport, nth }
  })
}

function imageSets(
  object: Item,
  { modality, note }: { modality: string; note: Note },
): Map<number, ImageSet> {
  const made = new Map<number, ImageSet>()
  for (const set of items(object, 'ImageSetsSequence')) {
    const series = seriesOf(items(set, 'ImageSetSelectorSequence'), { modality, note })
    noteOthers(set, ['ImageSetSelectorSequence', 'TimeBasedImageSetsSequence'], note)
    for (const timed of items(set, 'TimeBasedImageSetsSequence'))
      made.set(numbers(timed, 'ImageSetNumber')[0] ?? 0, { study: studyOf(timed, note), series })
  }
  return made
}

function seriesOf(selectors: readonly Item[], { modality, note }: { modality: string; note: Note }): string {
  let series = ''
  for (const selector of selectors) {
    const attribute = text(selector, 'SelectorAttribute')
    const values = Object.entries(selector)
      .filter(([keyword]) => /^Selector.+Value$|^SelectorCodeSequenceValue$/.test(keyword))
      .flatMap(([, found]) =>
        found.map((one) => (typeof one === 'object' ? spoken(one) : String(one).trim())),
      )
    const isPlain =
      text(selector, 'ImageSetSelectorUsageFlag') !== 'NO_MATCH' &&
      !('SelectorSequencePointer' in selector) &&
      !('FilterByOperator' in selector)
    if (isPlain && attribute === 'Modality' && values.length === 1 && values[0] === modality) continue
    if (isPlain && attribute === 'SeriesDescription' && series === '' && values[0]) {
      series = plain(values[0])
      if (values.length > 1) note('selector', `${attribute}: ${values.slice(1).join(', ')}`)
    } else note('selector', `${isPlain ? '' : 'not or nested '}${attribute}: ${values.join(', ')}`.trim())
  }
  return series
}

/** Relative time counts back from the current study, an abstract prior by its place among the priors (C.23.1.1). */
function studyOf(timed: Item, note: Note): 'current' | 'prior' {
  const label = text(timed, 'ImageSetLabel')
  const relative = numbers(timed, 'RelativeTime')
  const abstract = numbers(timed, 'AbstractPriorValue')
  if (text(timed, 'ImageSetSelectorCategory') === 'ABSTRACT_PRIOR' || abstract.length > 0) {
    const isNewest = abstract.length > 0 && abstract.every((value) => value === 1)
    const code = items(timed, 'AbstractPriorCodeSequence').map(spoken).join(', ')
    if (!isNewest) note('prior', `${label} ${abstract.join(' to ')} ${code}`.trim())
    return 'prior'
  }
  if (relative.every((value) => value === 0)) return 'current'
  note('prior', `${label} ${relative.join(' to ')} ${text(timed, 'RelativeTimeUnits')}`.trim())
  return 'prior'
}

/** Whatever else it says about this part is named, never passed over. */
function noteOthers(item: Item, read: readonly string[], note: Note): void {
  for (const [keyword, values] of Object.entries(item))
    if (!read.includes(keyword) && values.length > 0 && values[0] !== '') note('attribute', keyword)
}

/** As long as it may be, and nothing in it that is no character. */
const plain = (words: string) =>
  words
    .toWellFormed()
    .replace(/\p{Cc}/gu, ' ')
    .slice(0, LONGEST)
    .toWellFormed()
    .trim()

function text(item: Item, keyword: string): string {
  const [value] = item[keyword] ?? []
  return typeof value === 'string' ? value.trim() : ''
}

const numbers = (item: Item, keyword: string): number[] =>
  (item[keyword] ?? []).filter((value) => typeof value === 'number')

const items = (item: Item, keyword: string): Item[] =>
  (item[keyword] ?? []).filter((value) => typeof value === 'object')
