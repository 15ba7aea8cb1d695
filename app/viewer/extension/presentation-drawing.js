/** Shutter, graphics and text of a presentation, drawn over the image and moved with it. */
import { cornersOf, gridOf } from './image-grid.js'
import { itemFor, itemsFor } from './presentation-state.js'

const SVG = 'http://www.w3.org/2000/svg'

export function drawPresentation(viewport, { state, uid, marks }) {
  const { element } = viewport
  const layer = layerOf(element)
  const { clientWidth: width, clientHeight: height } = element
  layer.setAttribute('viewBox', `0 0 ${width} ${height}`)
  const { toCanvas } = gridOf(viewport)
  const place = placing(toCanvas, state ? itemFor(state.areas, uid) : undefined)
  const shapes = state
    ? [
        ...state.shutters.map((shutter) => shutterPath(shutter, { toCanvas, width, height, state })),
        ...itemsFor(state.annotations, uid).flatMap((item) => [
          ...item.graphics.map((graphic) => graphicPath(graphic, place)),
          ...item.texts.flatMap((text) => textLines(text, place)),
        ]),
      ]
    : []
  layer.replaceChildren(...shapes, ...marks.map((mark, line) => markText(mark, line, width)))
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
function placing(toCanvas, area) {
  const corners = area && cornersOf(area)
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

function graphicPath({ type, points, isOfScreen }, place) {
  const at = points.map((point) => place(point, isOfScreen))
  if (type === 'POINT') {
    const [x, y] = at[0].map(round)
    return shape('path', { class: 'graphic', d: `M${x - 5} ${y}h10M${x} ${y - 5}v10` })
  }
  if (type === 'CIRCLE') {
    const [[x, y], [toX, toY]] = at
    return shape('circle', {
      class: 'graphic',
      cx: round(x),
      cy: round(y),
      r: round(Math.hypot(toX - x, toY - y)),
    })
  }
  if (type === 'ELLIPSE') return shape('path', { class: 'graphic', d: path(ellipse(at), 'Z') })
  return shape('path', { class: 'graphic', d: path(at) })
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

const LINE_PX = 16

function textLines({ text, at, isOfScreen }, place) {
  const [x, y] = place(at, isOfScreen)
  return text
    .split(/\r\n|\r|\n/)
    .map((line, n) => shape('text', { class: 'words', x: round(x), y: round(y + n * LINE_PX) }, line))
}

function markText({ words, isKey }, line, width) {
  const at = { x: round(width / 2), y: 20 + line * LINE_PX, 'text-anchor': 'middle' }
  return shape('text', { class: isKey ? 'mark key' : 'mark', ...at }, words)
}
