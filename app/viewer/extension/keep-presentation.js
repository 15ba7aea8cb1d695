/** What is on the screen, made into a presentation state and stored into the study. */
import { curveIn, rescaleOf } from './applied-presentation.js'
import { handOverShutter, shutterIn } from './drawn-shutters.js'
import { windowOf } from './grey-curve.js'
import { areaOf, drawnAspectOf, gridOf, orientationOf } from './image-grid.js'
import { imagesOf, referencesTo, referenceTo } from './image-references.js'
import { activeStack, imageOf, instanceOf } from './image-stacks.js'
import { choose, learnState, stateFor } from './known-states.js'
import { drawnOn } from './live-graphics.js'
import { tableValues } from './look-up-table.js'
import { presentationValues, storeValues } from './mark-json.js'
import { ownFor } from './own-greys.js'
import { person } from './person.js'
import { placing } from './presentation-drawing.js'
import { isFor, itemFor, many } from './presentation-state.js'

const { words } = window.config.isocenter

let services
let tell
let say

export function startKeeping(given) {
  ;({ services, tell, say } = given)
}

/** What is on the screen, stored into the study, and shown from then on as others will see it. */
export async function keepPresentation() {
  const stack = activeStack(services)
  const problem = whyNot(stack)
  if (problem) return say('warning', problem)
  const { viewport, instance, image } = stack
  const imageIds = alike(viewport, instance)
  const drawn = drawnOn(viewport, imageIds)
  const standing = stateFor(image)
  const shown = shownIn(viewport, { stack, imageIds, drawn, standing })
  if (!shown) return say('warning', words.greysNotKept)
  const values = presentationValues({
    study: instance.StudyInstanceUID,
    images: imagesOf(imageIds),
    shown,
    description: standing?.label,
  })
  try {
    await storeValues(values)
  } catch {
    return say('error', words.notKept)
  }
  for (const { annotation } of drawn) hide(annotation)
  handOverShutter(instance.SeriesInstanceUID)
  learnKept(values)
  choose(values.SOPInstanceUID)
  tell('presentation', { kept: values.SOPInstanceUID })
  say('success', words.presentationKept)
}

function whyNot(stack) {
  if (!person.mayMark) return words.mayNotMark
  if (!stack) return words.noStack
  const { instance, viewport } = stack
  if (Number(instance.SamplesPerPixel ?? 1) !== 1 || instance.PhotometricInterpretation === 'PALETTE COLOR')
    return words.greyOnly
  return orientationOf(viewport) ? null : words.noStack
}

// One Modality LUT is for all images of a presentation: those that are rescaled otherwise get none of it.
function alike(viewport, instance) {
  const wanted = JSON.stringify(rescaleOf(instance))
  return viewport.getImageIds().filter((imageId) => {
    const one = instanceOf(imageId)
    return one?.StudyInstanceUID === instance.StudyInstanceUID && JSON.stringify(rescaleOf(one)) === wanted
  })
}

/** Null for greys that no table can say. */
function shownIn(viewport, { stack: { instance, image }, imageIds, drawn, standing }) {
  const greys = greysIn(viewport)
  if (!greys) return null
  const spacing = many(instance.PixelSpacing).map(Number)
  const toPixel = pixelOnScreen(viewport, standing && itemFor(standing.areas, image))
  return {
    ...orientationOf(viewport),
    ...greys,
    area: areaOf(viewport),
    spacing: spacing.length === 2 ? [spacing[0], spacing[0] / drawnAspectOf(viewport)] : null,
    aspect: drawnAspectOf(viewport),
    isInverted: Boolean(viewport.getProperties().invert),
    rescale:
      instance.RescaleSlope === undefined ? null : { ...rescaleOf(instance), type: rescaleType(instance) },
    ...shutterIn(image, standing ?? ownFor({ instance, image, imageId: viewport.getCurrentImageId() })),
    layers: [...(standing?.layers.values() ?? [])],
    annotations: [
      ...(standing?.annotations ?? []).flatMap((item) => carriedOn(item, { standing, imageIds, toPixel })),
      ...drawn.map(({ imageId, graphics, texts }) => ({ image: referenceTo(imageId), graphics, texts })),
    ],
  }
}

/** As a window where it is one, or else as a table of what is on the screen. */
function greysIn(viewport) {
  const { voiRange, VOILUTFunction } = viewport.getProperties()
  if (!voiRange) return { window: null }
  const curve = curveIn(viewport)
  if (!curve) return { window: windowOf(voiRange, VOILUTFunction) }
  const table = tableValues(voiRange, curve)
  return table && { table }
}

const rescaleType = ({ RescaleType: type, Modality: modality }) => type || (modality === 'CT' ? 'HU' : 'US')

/** From where something stands on the screen, or in the displayed area, to PIXEL units. */
function pixelOnScreen(viewport, area) {
  const { toCanvas, fromCanvas } = gridOf(viewport)
  const place = placing(toCanvas, area)
  return (point, isOfScreen) =>
    isOfScreen ? fromCanvas(place(point, true)).map((at) => Math.round((at + 0.5) * 1000) / 1000) : point
}

// What a presentation that stands already says on images is said by its successor too, where it stands on them now.
function carriedOn({ about, layer, graphics, texts }, { standing, imageIds, toPixel }) {
  if (graphics.length + texts.length === 0) return []
  const carried = {
    layer,
    graphics: graphics.map(({ type, points, isOfScreen, isFilled }) => ({
      type,
      isFilled,
      points: points.map((point) => toPixel(point, isOfScreen)),
    })),
    texts: texts.map(({ text, at, to, isOfScreen, justification, anchor }) => ({
      text,
      at: toPixel(at, isOfScreen),
      ...(to && { to: toPixel(to, isOfScreen), justification }),
      ...(anchor && { anchor: toPixel(anchor.at, anchor.isOfScreen) }),
    })),
  }
  const seen = imageIds.filter((imageId) => {
    const image = imageOf(instanceOf(imageId), imageId)
    return isFor(standing, image) && itemFor([{ about }], image)
  })
  return seen.length > 0 ? [{ ...carried, images: referencesTo(seen) }] : []
}

const hidden = new Set()

function hide(annotation) {
  hidden.add(annotation.annotationUID)
  window.cornerstoneTools.annotation.visibility.setAnnotationVisibility(annotation.annotationUID, false)
}

// With the presentation off, what it was made of is there again to be changed.
export function showDrawn(isVisible) {
  for (const uid of hidden)
    window.cornerstoneTools.annotation.visibility.setAnnotationVisibility(uid, isVisible)
}

function learnKept(values) {
  const { displaySetService } = services
  const instance = {
    ...values,
    SeriesInstanceUID: `${values.SOPInstanceUID}.1`,
    SeriesNumber: 9002,
    ContentLabel: 'ISOCENTER',
    ContentCreatorName: person.reader,
    PresentationCreationDate: '99991231',
  }
  displaySetService.makeDisplaySets([instance], { madeInClient: true })
  learnState(instance)
}
