/** A presentation state put onto a viewport, and taken off again: greys, turn and flip, displayed area. */
import { curveOf, nodesOf } from './grey-curve.js'
import { orient, pixelAspectOf, showArea, stretch } from './image-grid.js'
import { isInverse, rangeBeside } from './own-presentation.js'
import { itemFor } from './presentation-state.js'

/** As the image came: its own greys, upright, the whole of it. @param own what it says itself, where it does */
export function restore(viewport, { instance, own }) {
  const lacks = restoreGreys(viewport, { instance, own })
  stretch(viewport, pixelAspectOf(viewport))
  orient(viewport, { rotation: 0, isFlipped: false })
  viewport.resetCamera()
  return lacks
}

/** @returns what of the image is not shown as it says, as names of words */
export function restoreGreys(viewport, { instance, own }) {
  const lacks = new Set(own?.lacks)
  if (Number(instance.SamplesPerPixel ?? 1) !== 1) return lacks
  const greys = ownGreys(viewport, { instance, own })
  if (viewport.useCPURendering && greys.grey) lacks.add('notShownTable')
  showGreys(viewport, greys)
  return lacks
}

/** A plain window in place of a curve. */
export function showWindow(viewport, { center, width }) {
  const range = window.cornerstone.utilities.windowLevel.toLowHighRange(width, center)
  showGreys(viewport, { ...range, isInverted: Boolean(viewport.getProperties().invert) })
}

function ownGreys(viewport, { instance, own }) {
  const isInverted = isInverse(instance)
  const ours = rescaleOf(instance)
  if (own?.padding) {
    const values = viewport.getCornerstoneImage().voxelManager.getScalarData()
    const range = rangeBeside(own.padding, { values, ...ours })
    if (range) return { ...range, grey: null, isInverted }
  }
  const curve =
    own?.hasGreys &&
    curveOf(
      { voi: voiOf(own.window), rescale: ours, modalityTable: own.modalityTable },
      { ours, stored: own.modalityTable ? domainOf(own.modalityTable) : storedRange(instance) },
    )
  return { ...(curve || asCame(viewport)), isInverted }
}

const domainOf = ({ first, entries }) => ({ lower: first, upper: first + entries.length - 1 })

// The viewer itself brings back what a series had on the screen last, which may have been a state's.
function asCame(viewport) {
  const image = viewport.getCornerstoneImage()
  const { windowCenter, windowWidth, voiLUTFunction, minPixelValue, maxPixelValue } = image
  const [center, width] = [windowCenter, windowWidth].map((value) => Number([value].flat()[0]))
  const form = ['SIGMOID', 'LINEAR_EXACT'].includes(voiLUTFunction) ? voiLUTFunction : 'LINEAR'
  const { toLowHighRange } = window.cornerstone.utilities.windowLevel
  const range =
    width > 0 && Number.isFinite(center)
      ? toLowHighRange(width, center, form)
      : { lower: minPixelValue, upper: maxPixelValue }
  return { ...range, form, grey: null }
}

/** Whether what stands in a viewport is a state's, though none of ours stands there now. */
export const hasCurve = (viewport) => Boolean(viewport.getProperties().colormap?.name?.startsWith(CURVE))

const CURVE = 'isocenter-'

/** @returns what of the state is not shown as it was made, as names of words */
export function apply(viewport, { state, image, instance, own }) {
  const lacks = new Set(state.lacks)
  if (Number(instance.SamplesPerPixel ?? 1) === 1)
    applyGreys(viewport, { state, image, instance, own, lacks })
  orient(viewport, state)
  const area = itemFor(state.areas, image)
  stretch(viewport, area?.aspect ?? pixelAspectOf(viewport))
  if (area?.topLeft.length === 2 && area.bottomRight.length === 2) {
    showArea(viewport, area)
    // No browser knows how large its screen is.
    if (area.mode === 'TRUE SIZE') lacks.add('notShownTrueSize')
  }
  return lacks
}

function applyGreys(viewport, { state, image, instance, own, lacks }) {
  const voi = voiOf(itemFor(state.windows, image))
  const asked = {
    voi,
    rescale: state.rescale,
    modalityTable: state.modalityTable,
    greyTable: state.greyTable,
  }
  const curve = curveOf(asked, { ours: rescaleOf(instance), stored: storedRange(instance) })
  if (!curve) lacks.add('notShownWindow')
  if (viewport.useCPURendering && (curve?.grey || curve?.form === 'SIGMOID')) lacks.add('notShownTable')
  const greys = curve ?? ownGreys(viewport, { instance, own })
  showGreys(viewport, { ...greys, isInverted: state.isGrey ? state.isInverted : isInverse(instance) })
}

function voiOf(window) {
  if (window?.table) return { table: window.table }
  return window?.width > 0 && Number.isFinite(window.center) ? window : null
}

/** What a state's own curve is in each viewport, for the one that is made of it. */
const curves = new WeakMap()

/** The curve of a viewport as it is now, after its window was changed by hand too; null for a line or a sigmoid. */
export function curveIn(viewport) {
  const { colormap, voiRange } = viewport.getProperties()
  const curve = curves.get(viewport)
  if (!curve || colormap?.name !== curve.name || !voiRange) return null
  const { lower, upper, grey } = curve
  const scale = (upper - lower) / (voiRange.upper - voiRange.lower)
  return (value) => grey(lower + (value - voiRange.lower) * scale)
}

/** A line and a sigmoid are the viewer's own; any other curve is a grey colour map, which it keeps from image to image. */
function showGreys(viewport, { lower, upper, form = 'LINEAR', grey, isInverted = false }) {
  // Without a graphics card there are lines only.
  if (viewport.useCPURendering)
    return viewport.setProperties({
      ...(upper > lower && { voiRange: { lower, upper } }),
      invert: isInverted,
    })
  viewport.setInvertColor(false)
  curves.delete(viewport)
  if (hasCurve(viewport)) forgetColours(viewport)
  if (viewport.getProperties().VOILUTFunction !== form) viewport.setVOILUTFunction(form, true)
  if (Number.isFinite(lower) && upper > lower) {
    if (grey) showCurve(viewport, { lower, upper, grey })
    viewport.setVOI({ lower, upper }, { voiUpdatedWithSetProperties: true })
  }
  viewport.setInvertColor(isInverted)
}

function showCurve(viewport, curve) {
  const { colormap } = window.cornerstone.utilities
  const name = `${CURVE}${viewport.id}`
  colormap.registerColormap({ Name: name, ColorSpace: 'RGB', RGBPoints: nodesOf(curve) })
  curves.set(viewport, { ...curve, name })
  viewport.setColormap({ name })
}

// The viewer knows no way back from a colour map; another function of the window makes it draw its own line anew.
function forgetColours(viewport) {
  viewport.colormap = undefined
  viewport.setVOILUTFunction('SIGMOID', true)
  viewport.setVOILUTFunction('LINEAR', true)
}

export const rescaleOf = (instance) => ({
  slope: Number(instance.RescaleSlope ?? 1) || 1,
  intercept: Number(instance.RescaleIntercept ?? 0),
})

function storedRange({ BitsStored = 16, PixelRepresentation = 0 }) {
  const count = 2 ** Number(BitsStored)
  return Number(PixelRepresentation) === 1
    ? { lower: -count / 2, upper: count / 2 - 1 }
    : { lower: 0, upper: count - 1 }
}
