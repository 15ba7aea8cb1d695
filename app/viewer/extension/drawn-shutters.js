/** Shutters that a reader has drawn over a series, before they belong to a presentation (PS3.3 C.7.6.11). */
import { activeStack } from './image-stacks.js'
import { drawnOn } from './live-graphics.js'
import { ownFor } from './own-greys.js'

const { words } = window.config.isocenter

/** By series; null where the images' own was taken away. */
const shutters = new Map()

let services
let say
let present

export function startShutters(given) {
  ;({ services, say, present } = given)
}

export const forgetShutters = () => shutters.clear()

/** The last rectangle or circle that was drawn on the image becomes its shutter; without one the shutter goes. */
export function shutter() {
  const stack = activeStack(services)
  if (!stack) return
  const { viewport, instance } = stack
  const drawn = drawnOn(viewport, [viewport.getCurrentImageId()])
    .filter(({ annotation: { metadata } }) => SHUTTERS.includes(metadata.toolName))
    .at(-1)
  if (drawn) {
    shutters.set(instance.SeriesInstanceUID, shutterOf(drawn))
    window.cornerstoneTools.annotation.state.removeAnnotation(drawn.annotation.annotationUID)
    viewport.render()
  } else if (!shutters.delete(instance.SeriesInstanceUID)) {
    // The image's own goes too, and comes back.
    if (ownFor(stack)?.shutters.length) shutters.set(instance.SeriesInstanceUID, null)
    else say('info', words.shutterHow)
  }
  present(viewport.element)
}

const SHUTTERS = ['RectangleROI', 'CircleROI']

/** Pixels are counted from one (PS3.3 C.7.6.11). */
function shutterOf({ graphics: [{ type, points }] }) {
  const at = (value) => Math.round(value + 0.5)
  if (type === 'CIRCLE') {
    const [[x, y], [toX, toY]] = points
    const radius = Math.max(Math.round(Math.hypot(toX - x, toY - y)), 1)
    return { shape: 'CIRCULAR', center: { row: at(y), column: at(x) }, radius }
  }
  const [columns, rows] = [points.map(([x]) => x), points.map(([, y]) => y)]
  return {
    shape: 'RECTANGULAR',
    left: at(Math.min(...columns)),
    right: at(Math.max(...columns)),
    upper: at(Math.min(...rows)),
    lower: at(Math.max(...rows)),
  }
}

/** The reader's own, or else the image's, where no state lies over it. */
export function shutterOver({ state, own, image }) {
  if (state) return null
  const drawn = shutters.get(image.series)
  if (drawn === undefined) return own?.shutters.length ? own : null
  return drawn && { shutters: [drawn] }
}

/** What a presentation made now says of its shutter. */
export function shutterIn(image, standing) {
  const drawn = shutters.get(image.series)
  const taken = drawn !== undefined
  return {
    shutters: taken ? [drawn].filter(Boolean) : (standing?.shutters ?? []),
    shutterGrey: taken ? 0 : (standing?.shutterGrey ?? 0),
  }
}

/** From here on it is a presentation's. */
export const handOverShutter = (series) => shutters.delete(series)
