/** Between the pixels of an image and the canvas that shows it: where each is, turned and flipped how, showing which part. */

/** Indices count from the middle of the first pixel, as those of the standard's PIXEL units from its corner (PS3.3 C.10.5). */
export function gridOf(viewport) {
  const { imageData } = viewport.getImageData()
  return {
    toCanvas: ([column, row]) => viewport.worldToCanvas(imageData.indexToWorld([column, row, 0])),
    toWorld: ([column, row]) => imageData.indexToWorld([column, row, 0]),
    fromCanvas: (at) => imageData.worldToIndex(viewport.canvasToWorld(at)).slice(0, 2),
    fromWorld: (at) => imageData.worldToIndex(at).slice(0, 2),
  }
}

/**
 * What is on the screen, as a displayed area (PS3.3 C.10.4): the pixels in its corners after turning and flipping,
 * counted from one, in the image as it is stored.
 */
export function areaOf(viewport) {
  const { fromCanvas } = gridOf(viewport)
  const { clientWidth, clientHeight } = viewport.element
  const [from, to] = [fromCanvas([0, 0]), fromCanvas([clientWidth, clientHeight])]
  const way = [0, 1].map((axis) => (to[axis] < from[axis] ? -1 : 1))
  return {
    topLeft: from.map((at, axis) => Math.round(at + way[axis] / 2) + 1),
    bottomRight: to.map((at, axis) => Math.round(at - way[axis] / 2) + 1),
  }
}

/** The outer corners of an area, as indices. */
export function cornersOf({ topLeft, bottomRight }) {
  const way = [0, 1].map((axis) => (bottomRight[axis] < topLeft[axis] ? -1 : 1))
  return {
    from: topLeft.map((at, axis) => at - 1 - way[axis] / 2),
    to: bottomRight.map((at, axis) => at - 1 + way[axis] / 2),
  }
}

/**
 * Brings an area onto the screen: the whole of it as large as it fits, or so many pixels of the screen for each of the
 * image; the image is turned as it has to be by then.
 */
export function showArea(viewport, area) {
  const { from, to } = cornersOf(area)
  const { toCanvas, toWorld } = gridOf(viewport)
  const scale = scaleFor(viewport, { area, a: toCanvas(from), b: toCanvas(to) })
  const { parallelScale, focalPoint, position, viewPlaneNormal } = viewport.getCamera()
  const [first, last] = [toWorld(from), toWorld(to)]
  const move = focalPoint.map((at, axis) => (first[axis] + last[axis]) / 2 - at)
  const depth = move.reduce((sum, by, axis) => sum + by * viewPlaneNormal[axis], 0)
  const across = move.map((by, axis) => by - depth * viewPlaneNormal[axis])
  viewport.setCamera({
    parallelScale: parallelScale / scale,
    focalPoint: focalPoint.map((at, axis) => at + across[axis]),
    position: position.map((at, axis) => at + across[axis]),
  })
}

function scaleFor(viewport, { area, a, b }) {
  const [width, height] = [0, 1].map((axis) => Math.max(Math.abs(b[axis] - a[axis]), 1e-6))
  if (area.mode === 'MAGNIFY' && area.magnification > 0) {
    const { from, to } = cornersOf(area)
    const pixels = Math.hypot(to[0] - from[0], to[1] - from[1])
    return (area.magnification * pixels) / window.devicePixelRatio / Math.hypot(width, height)
  }
  const { clientWidth, clientHeight } = viewport.element
  return Math.min(clientWidth / width, clientHeight / height)
}

/** How much higher than wide a pixel is, as the image has it. */
export function pixelAspectOf(viewport) {
  const { spacing } = viewport.getImageData()
  return spacing[1] / spacing[0]
}

/** How much higher than wide it is drawn. */
export function drawnAspectOf(viewport) {
  const [across, down] = viewport.getCamera().aspectRatio ?? [1, 1]
  return (pixelAspectOf(viewport) * down) / across
}

/** Draws pixels so much higher than they are wide; a hundredth more or less is seen by nobody. */
export function stretch(viewport, aspect) {
  if (Math.abs(aspect / drawnAspectOf(viewport) - 1) > ASPECT_SEEN)
    viewport.setAspectRatio([pixelAspectOf(viewport) / aspect, 1])
}

const ASPECT_SEEN = 0.01

/** Image Rotation, clockwise, and then Image Horizontal Flip (PS3.3 C.10.6), as the canvas has it. */
export function orientationOf(viewport) {
  const { toCanvas } = gridOf(viewport)
  const origin = toCanvas([0, 0])
  const direction = (index) => toCanvas(index).map((at, axis) => at - origin[axis])
  const seen = [direction([8, 0]), direction([0, 8])].map(unit)
  return TURNS.find(({ axes }) => String(axes) === String(seen)) ?? null
}

const unit = (vector) => {
  const length = Math.hypot(...vector) || 1
  return vector.map((part) => Math.round(part / length) + 0)
}

/** Where the rows and the columns of an image run to on the screen, for each of the eight ways to lay it. */
const TURNS = [0, 90, 180, 270].flatMap((rotation) =>
  [false, true].map((isFlipped) => {
    const turned = [
      [1, 0],
      [0, 1],
    ].map(([x, y]) => turnedBy(rotation, x, y))
    const axes = turned.map(([x, y]) => [(isFlipped ? -x : x) + 0, y + 0])
    return { rotation, isFlipped, axes }
  }),
)

function turnedBy(rotation, x, y) {
  if (rotation === 90) return [-y + 0, x]
  if (rotation === 180) return [-x + 0, -y + 0]
  return rotation === 270 ? [y, -x + 0] : [x, y]
}

/** Turns and flips until the image lies as asked: what each of the viewer's own switches does, it says best itself. */
export function orient(viewport, { rotation, isFlipped }) {
  const isAsAsked = () => {
    const now = orientationOf(viewport)
    return now?.rotation === rotation && now.isFlipped === isFlipped
  }
  if (isAsAsked()) return true
  for (const flipHorizontal of [false, true])
    for (const turn of [0, 90, 180, 270]) {
      viewport.setViewPresentation({ rotation: turn, flipHorizontal, flipVertical: false })
      if (isAsAsked()) return true
    }
  return false
}
