/** Shutter, graphics and text of a presentation, drawn over the image and moved with it (PS3.3 C.10.5, C.7.6.11). */
import { cornersOf, gridOf } from './image-grid.js'
import { USUAL } from './presentation-colour.js'
import { itemFor, itemsFor } from './presentation-state.js'

const SVG = 'http://www.w3.org/2000/svg'

/** On one image: beyond these nothing could be told apart, and every picture would wait for them. */
const MOST_POINTS = 40_000
const MOST_TEXTS = 400

/** @param marks lines of our own at the upper edge, of the number of things that were left out */
export function drawPresentation(viewport, { state, image, marks }) {
  const { element } = viewport
  const layer = layerOf(element)
  const { clientWidth: width, clientHeight: height } = element
  layer.setAttribute('viewBox', `0 0 ${width} ${height}`)
  const { toCanvas } = gridOf(viewport)
  const place = placing(toCanvas, state ? itemFor(state.areas, image) : undefined)
  const left = { points: MOST_POINTS, texts: MOST_TEXTS, out: 0 }
  const shapes = state
    ? [
        ...state.shutters.map((shutter) => shutterPath(shutter, { toCanvas, width, height, state })),
        ...inLayers(state, image).flatMap((item) => [
          ...graphicPaths(item, { place, left }),
          ...item.texts.flatMap((text) => textShapes(text, { place, left, colour: item.colour })),
        ]),
      ]
    : []
  layer.replaceChildren(...shapes, ...marks(left.out).map((mark, line) => markText(mark, line, width)))
}

/** Lowest layer first. */
function inLayers({ annotations, layers }, image) {
  return itemsFor(annotations, image)
    .map((item) => ({ ...item, colour: layers.get(item.layer)?.colour ?? USUAL }))
    .sort((a, b) => (layers.get(a.layer)?.order ?? 0) - (layers.get(b.layer)?.order ?? 0))
}

function layerOf(element) {
  const before = element.querySelector(':scope > svg.isocenter-presentation')
  if (before) return before
  const made = document.createElementNS(SVG, 'svg')
  made.setAttribute('class', 'isocenter-presentation')
  element.append(made)
  return made
}

const shape = (name, attributes, text) => {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  if (text !== undefined) made.textContent = text
  return made
}

/** PIXEL: from the corner of the first pixel. DISPLAY: parts of the displayed area (PS3.3 C.10.5). */
export function placing(toCanvas, area) {
  const corners = area?.topLeft.length === 2 && area.bottomRight.length === 2 ? cornersOf(area) : null
  return ([x, y], isOfScreen) => {
    if (!isOfScreen || !corners) return toCanvas([x - 0.5, y - 0.5])
    const [a, b] = [toCanvas(corners.from), toCanvas(corners.to)]
    return [a[0] + x * (b[0] - a[0]), a[1] + y * (b[1] - a[1])]
  }
}

const round = (at) => Math.round(at * 10) / 10
const path = (points, end = '') => `M${points.map((at) => at.map(round).join(' ')).join('L')}${end}`

/** Everything but what the shutter leaves open. */
function shutterPath(shutter, { toCanvas, width, height, state }) {
  const grey = Math.round(state.shutterGrey * 255)
  const open = path(openingOf(shutter).map(toCanvas), 'Z')
  return shape('path', {
    class: 'shutter',
    'fill-rule': 'evenodd',
    fill: `rgb(${grey} ${grey} ${grey})`,
    d: `M0 0H${width}V${height}H0Z${open}`,
  })
}

function openingOf(shutter) {
  if (shutter.shape === 'POLYGONAL') return shutter.points.map(([x, y]) => [x - 1, y - 1])
  if (shutter.shape === 'CIRCULAR') {
    const { center, radius } = shutter
    return around((angle) => [
      center.column - 1 + radius * Math.cos(angle),
      center.row - 1 + radius * Math.sin(angle),
    ])
  }
  const [left, right] = [shutter.left - 1.5, shutter.right - 0.5]
  const [upper, lower] = [shutter.upper - 1.5, shutter.lower - 0.5]
  return [
    [left, upper],
    [right, upper],
    [right, lower],
    [left, lower],
  ]
}

const STEPS = 72
const around = (point) => Array.from({ length: STEPS }, (_, n) => point((2 * Math.PI * n) / STEPS))

/** Of one layer one path of lines and one of areas, however many shapes there are. */
function graphicPaths({ graphics, colour }, { place, left }) {
  const drawn = { lines: '', areas: '' }
  for (const graphic of graphics) {
    left.points -= graphic.points.length
    if (left.points < 0) left.out += 1
    else drawn[graphic.isFilled ? 'areas' : 'lines'] += outlineOf(graphic, place)
  }
  return [
    ...(drawn.areas
      ? [shape('path', { class: 'graphic', style: `fill: ${colour}; stroke: ${colour}`, d: drawn.areas })]
      : []),
    ...(drawn.lines ? [shape('path', { class: 'graphic', style: `stroke: ${colour}`, d: drawn.lines })] : []),
  ]
}

function outlineOf({ type, points, isOfScreen, isFilled }, place) {
  const at = points.map((point) => place(point, isOfScreen))
  if (type === 'POINT') {
    const [x, y] = at[0].map(round)
    return `M${x - 5} ${y}h10M${x} ${y - 5}v10`
  }
  if (type === 'CIRCLE') return circle(at)
  if (type === 'ELLIPSE') return path(ellipse(at), 'Z')
  return path(type === 'INTERPOLATED' ? smooth(at) : at, isFilled ? 'Z' : '')
}

function circle([[x, y], [toX, toY]]) {
  const r = round(Math.hypot(toX - x, toY - y))
  return `M${round(x - r)} ${round(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`
}

/** The ends of the major axis, then of the minor one. */
function ellipse([a, b, c, d]) {
  const middle = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]
  const [major, minor] = [
    [(b[0] - a[0]) / 2, (b[1] - a[1]) / 2],
    [(d[0] - c[0]) / 2, (d[1] - c[1]) / 2],
  ]
  return around((angle) =>
    middle.map((at, axis) => at + major[axis] * Math.cos(angle) + minor[axis] * Math.sin(angle)),
  )
}

const BETWEEN = 8

/** A smooth line through all points (Catmull-Rom): how it is drawn between them is nowhere laid down. */
function smooth(points) {
  const isClosed = String(points[0]) === String(points.at(-1))
  const nth = (n) =>
    isClosed
      ? points[(n + points.length - 1) % (points.length - 1)]
      : points[Math.min(Math.max(n, 0), points.length - 1)]
  const lines = points.slice(0, -1).flatMap((_, n) => {
    const [p, q, r, s] = [nth(n - 1), nth(n), nth(n + 1), nth(n + 2)]
    return Array.from({ length: BETWEEN }, (_step, step) => {
      const t = step / BETWEEN
      return q.map(
        (at, axis) =>
          at +
          0.5 *
            t *
            (r[axis] -
              p[axis] +
              t *
                (2 * p[axis] -
                  5 * at +
                  4 * r[axis] -
                  s[axis] +
                  t * (3 * (at - r[axis]) + s[axis] - p[axis]))),
      )
    })
  })
  return [...lines, points.at(-1)]
}

const LINE_PX = 16
const MOST_LINES = 40

function textShapes({ text, at, to, isOfScreen, justification, anchor }, { place, left, colour }) {
  left.texts -= 1
  if (left.texts < 0) {
    left.out += 1
    return []
  }
  const from = place(at, isOfScreen)
  const box = to ? boxOf(from, place(to, isOfScreen)) : { x: from[0], y: from[1], width: 0 }
  const [align, part] = ALIGNED[justification] ?? ALIGNED.LEFT
  const x = round(box.x + box.width * part)
  // In a box the words hang from its upper edge; at an anchor they stand.
  const y = box.y + (to ? LINE_PX - 3 : 0)
  const lines = text.split(/\r\n|\r|\n/).slice(0, MOST_LINES)
  const style = `fill: ${colour}; stroke: ${edgeOf(colour)}`
  const words = lines.map((line, n) =>
    shape('text', { class: 'words', style, x, y: round(y + n * LINE_PX), 'text-anchor': align }, line),
  )
  if (!anchor) return words
  const end = place(anchor.at, anchor.isOfScreen)
  const begin = [x, end[1] > y ? y + (lines.length - 1) * LINE_PX + 4 : y - LINE_PX + 3]
  return [shape('path', { class: 'graphic', style: `stroke: ${colour}`, d: path([begin, end]) }), ...words]
}

/** Words are read on bone and on air: light ones have a dark edge, dark ones a light one. */
function edgeOf(colour) {
  const [red, green, blue] = (/\((\d+) (\d+) (\d+)\)/.exec(colour) ?? []).slice(1).map(Number)
  return 0.3 * red + 0.6 * green + 0.1 * blue < 60 ? 'white' : 'black'
}

const ALIGNED = { LEFT: ['start', 0], CENTER: ['middle', 0.5], RIGHT: ['end', 1] }

// Turned and flipped, its corners are others.
const boxOf = (a, b) => ({
  x: Math.min(a[0], b[0]),
  y: Math.min(a[1], b[1]),
  width: Math.abs(b[0] - a[0]),
})

/** Below the letter that says which side of the patient is up. */
const MARKS_FROM = 42

function markText({ words, look = '' }, line, width) {
  const at = { x: round(width / 2), y: MARKS_FROM + line * LINE_PX, 'text-anchor': 'middle' }
  return shape('text', { class: `mark ${look}`.trim(), ...at }, words)
}
