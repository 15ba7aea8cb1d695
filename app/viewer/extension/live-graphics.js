/** What a reader has drawn with the viewer's tools, as graphics and text of a presentation (PS3.3 C.10.5). */
import { gridOf } from './image-grid.js'

const MOST_POINTS = 1000

/** Annotations on these images: `{ annotation, imageId, graphics, texts }`, points in PIXEL units. */
export function drawnOn(viewport, imageIds) {
  const { annotation } = window.cornerstoneTools
  const wanted = new Set(imageIds)
  const { fromWorld } = gridOf(viewport)
  const pixel = (world) => fromWorld(world).map((at) => Math.round((at + 0.5) * 1000) / 1000)
  return annotation.state
    .getAllAnnotations()
    .filter(({ metadata, isVisible }) => wanted.has(metadata?.referencedImageId) && isVisible !== false)
    .flatMap((one) => {
      const graphics = graphicsOf(one, pixel)
      return graphics
        ? [{ annotation: one, imageId: one.metadata.referencedImageId, graphics, texts: textsOf(one, pixel) }]
        : []
    })
}

const line = (...points) => ({ type: 'POLYLINE', points })

const GRAPHICS = {
  Length: ([a, b]) => [line(a, b)],
  ArrowAnnotate: ([a, b]) => [line(a, b)],
  Bidirectional: ([a, b, c, d]) => [line(a, b), line(c, d)],
  Angle: ([a, b, c]) => [line(a, b, c)],
  CobbAngle: ([a, b, c, d]) => [line(a, b), line(c, d)],
  RectangleROI: ([a, b, c, d]) => [line(a, b, d, c, a)],
  CircleROI: ([center, end]) => [{ type: 'CIRCLE', points: [center, end] }],
  EllipticalROI: ([bottom, top, left, right]) => [
    { type: 'ELLIPSE', points: longerFirst([bottom, top], [left, right]) },
  ],
  Probe: ([at]) => [{ type: 'POINT', points: [at] }],
}

const distance = ([a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1])
const longerFirst = (one, other) =>
  distance(one) >= distance(other) ? [...one, ...other] : [...other, ...one]

/** Null for what cannot be said in lines. */
function graphicsOf({ metadata, data }, pixel) {
  const contour = data.contour?.polyline
  if (contour?.length > 1) {
    const every = Math.ceil(contour.length / MOST_POINTS)
    const points = contour.filter((_, n) => n % every === 0).map(pixel)
    return [line(...points, ...(data.contour.closed ? [points[0]] : []))]
  }
  const make = GRAPHICS[metadata.toolName]
  return make && data.handles?.points?.length ? make(data.handles.points.map(pixel)) : null
}

function textsOf({ data }, pixel) {
  const words = [data.label || data.text, ...measured(data)].filter(Boolean).join('\n')
  const at = data.handles.textBox?.worldPosition ?? data.handles.points?.[0]
  return words && at ? [{ text: words, at: pixel(at) }] : []
}

function measured({ cachedStats }) {
  const [stats = {}] = Object.values(cachedStats ?? {})
  const { length, width, angle, area, mean } = stats
  const in1 = (value) => Number(value).toFixed(1)
  const isNumber = Number.isFinite
  return [
    isNumber(length) && `${in1(length)}${isNumber(width) ? ` x ${in1(width)}` : ''} ${stats.unit ?? 'mm'}`,
    isNumber(angle) && `${in1(angle)} deg`,
    isNumber(area) && `${in1(area)} ${stats.areaUnit ?? 'mm2'}`.replace('²', '2'),
    isNumber(mean) && `mean ${in1(mean)} ${stats.modalityUnit ?? ''}`.trim(),
  ].filter(Boolean)
}
