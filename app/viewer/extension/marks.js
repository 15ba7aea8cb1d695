/**
 * Presentation states and key images of the studies on the screen: applied as the images are shown, made of what is on
 * the screen, and stored into the study.
 */
import {
  apply,
  curveIn,
  hasCurve,
  rescaleOf,
  restore,
  restoreGreys,
  showWindow,
} from './applied-presentation.js'
import { windowOf } from './grey-curve.js'
import { areaOf, drawnAspectOf, gridOf, orientationOf } from './image-grid.js'
import { drawnOn } from './live-graphics.js'
import { tableValues } from './look-up-table.js'
import { keyImageValues, presentationValues, storeValues } from './mark-json.js'
import { keyOfOwn, needsTables, ownOf, windowsIn, withOwnTables } from './own-presentation.js'
import { person } from './person.js'
import { drawPresentation, placing } from './presentation-drawing.js'
import { isFor, itemFor, many, stateOf, withTables } from './presentation-state.js'

const { words } = window.config.isocenter

/** Newest first. */
let states = []
const known = new Set()
let chosen = null
/** The one that was asked for last, which may still be on its way. */
let asked = null
let isOff = false
/** By SOP Instance UID, and frame where there are many: whether the selection is stored. */
const keyImages = new Map()
/** Shutters that were drawn and belong to no presentation yet, by series. */
const shutters = new Map()
/** What stands in each viewport: a state or the image's own, and what of it is not shown. */
const applied = new Map()
/** What images say of themselves, by image and choice; null while it is being read and where there is nothing to say. */
const owns = new Map()
/** Which of its own windows is shown instead of the first one, by series. */
const windows = new Map()

let services
let tell
let currentStudy

export function startMarks(given) {
  ;({ services, tell, currentStudy } = given)
}

export function forgetMarks() {
  states = []
  known.clear()
  chosen = null
  asked = null
  isOff = false
  keyImages.clear()
  shutters.clear()
  applied.clear()
  owns.clear()
  windows.clear()
}

/** A stored object that OHIF has come upon. It is applied once its tables are there, and not in parts before. */
export async function learnState(instance) {
  const uid = instance.SOPInstanceUID
  if (known.has(uid)) return
  known.add(uid)
  const state = await withTables(stateOf(instance), instance)
  // Another case has been opened meanwhile.
  if (!known.has(uid)) return
  states = [...states, state].sort((a, b) => (a.madeAt < b.madeAt ? 1 : -1))
  if (asked === uid) chosen = state
  refresh()
}

export function learnKeyImages(instance) {
  for (const { uid, frames } of pointedOut(instance))
    for (const frame of frames.length ? frames : [null])
      keyImages.set(frame === null ? uid : `${uid} ${frame}`, true)
  refresh()
}

const keyImageOf = ({ uid, frame, isOneOfMany }) => (isOneOfMany ? `${uid} ${frame}` : uid)

/** Rejection notes are key object selections too, and what they say is not for here. */
const REJECTIONS = ['113001', '113037', '113038', '113039']

export function pointedOut(instance) {
  const [title] = many(instance.ConceptNameCodeSequence)
  if (REJECTIONS.includes(title?.CodeValue)) return []
  return many(instance.ContentSequence)
    .flatMap((item) => many(item?.ReferencedSOPSequence))
    .map(({ ReferencedSOPInstanceUID: uid, ReferencedFrameNumber: frames }) => ({
      uid,
      frames: many(frames).map(Number),
    }))
}

export function watchMarks(element) {
  const { Events } = window.cornerstone.Enums
  element.addEventListener(Events.IMAGE_RENDERED, () => present(element))
  // OHIF gives a new stack its own window and place once more, behind its first picture.
  element.addEventListener(Events.VIEWPORT_NEW_IMAGE_SET, () => {
    applied.delete(element)
    for (const wait of [0, 60, 250]) setTimeout(() => again(element), wait)
  })
  watchReset(element)
}

/** The viewer's own reset knows of no curve and of no area: what stood there stands there again. */
function watchReset(element) {
  const { viewport } = window.cornerstone.getEnabledElement(element) ?? {}
  const reset = viewport?.resetProperties?.bind(viewport)
  if (!reset || viewport.type !== window.cornerstone.Enums.ViewportType.STACK) return
  viewport.resetProperties = () => {
    reset()
    windows.delete(stackIn(element)?.image.series)
    forgetApplied(element)
  }
}

function again(element) {
  if (!element.isConnected) return
  forgetApplied(element)
  present(element)
}

function forgetApplied(element) {
  const before = applied.get(element)
  if (before?.key) applied.set(element, { ...before, key: null })
}

function refresh() {
  for (const { element } of viewportsNow()) present(element)
}

const viewportsNow = () =>
  (window.cornerstone?.getRenderingEngines() ?? []).flatMap((engine) => engine.getViewports())

const instanceOf = (imageId) => window.cornerstone.metaData.get('instance', imageId)

const stackIn = (element) => {
  const { viewport } = window.cornerstone.getEnabledElement(element) ?? {}
  const imageId = viewport?.getCurrentImageId?.()
  const isStack = viewport?.type === window.cornerstone.Enums.ViewportType.STACK
  if (!isStack || !imageId || !viewport.getImageData()) return null
  const instance = instanceOf(imageId)
  return instance ? { viewport, instance, imageId, image: imageOf(instance, imageId) } : null
}

const imageOf = (instance, imageId) => ({
  study: instance.StudyInstanceUID,
  series: instance.SeriesInstanceUID,
  uid: instance.SOPInstanceUID,
  frame: frameOf(imageId),
  isOneOfMany: Number(instance.NumberOfFrames) > 1,
})

/** Counted from one. */
const frameOf = (imageId) => Number(/\/frames\/(\d+)/.exec(imageId)?.[1] ?? 1)

/** The state that is for an image now. */
function stateFor(image) {
  if (isOff) return null
  return chosen && isFor(chosen, image) ? chosen : (states.find((state) => isFor(state, image)) ?? null)
}

function present(element) {
  const stack = stackIn(element)
  if (!stack?.instance) return
  const { viewport, instance, image, imageId } = stack
  const state = stateFor(image)
  const own = ownFor(stack)
  const before = applied.get(element)
  const key = state ? keyOf(state, image) : own ? keyOfOwn(own, imageId) : null
  if ((before?.key ?? null) !== key || (key === null && hasCurve(viewport))) {
    const lacks = put({ viewport, image, instance, state, own, before })
    applied.set(element, { key, lacks, isState: Boolean(state), range: rangeIn(viewport) })
    viewport.render()
  }
  draw(viewport, { state, own, image, lacks: applied.get(element)?.lacks })
}

const rangeIn = (viewport) => JSON.stringify(viewport.getProperties().voiRange)

function put({ viewport, image, instance, state, own, before }) {
  if (state) return apply(viewport, { state, image, instance, own })
  if (before?.isState) return restore(viewport, { instance, own })
  // Without a window every image has another range of its own, but one that the reader has set stays.
  if (own?.padding && before?.key && before.range !== rangeIn(viewport)) return before.lacks
  return restoreGreys(viewport, { instance, own })
}

function ownFor({ imageId, instance, image }) {
  const chosen = windows.get(image.series) ?? 0
  const key = `${chosen} ${imageId}`
  if (!owns.has(key)) {
    const own = ownOf(instance, chosen)
    owns.set(key, own && needsTables(own) ? null : own)
    if (own && needsTables(own)) void readOwn(key, own)
  }
  return owns.get(key)
}

async function readOwn(key, own) {
  const read = await withOwnTables(own)
  // Another case has been opened meanwhile.
  if (!owns.has(key)) return
  owns.set(key, read)
  refresh()
}

const keyOf = ({ uid, windows, areas }, image) =>
  `${uid} ${windows.indexOf(itemFor(windows, image))} ${areas.indexOf(itemFor(areas, image))}`

function draw(viewport, { state, own, image, lacks }) {
  const drawn = shutterOver({ state, own, image })
  const shown = drawn ? { ...NO_STATE, ...drawn } : state
  const marks = (out) => [
    ...keyMarks(image),
    ...(state
      ? stateMarks(state, { lacks, out })
      : lacksMarks([...(lacks ?? [])].map((name) => words[name]))),
  ]
  drawPresentation(viewport, { state: shown, image, marks })
}

function keyMarks(image) {
  const kept = keyImages.get(keyImageOf(image)) ?? keyImages.get(image.uid)
  return kept === undefined ? [] : [{ words: kept ? words.keyImage : words.keyImageNotKept, look: 'key' }]
}

/** Whose it is, and what of it nobody sees here: a picture that differs from the one that was kept says so. */
function stateMarks({ creator, label }, { lacks = [], out }) {
  const missing = [...lacks].map((name) => words[name])
  if (out > 0) missing.push(words.notShownObjects.replace('{n}', out))
  return [{ words: [words.presentation, creator, label].filter(Boolean).join(' · ') }, ...lacksMarks(missing)]
}

const lacksMarks = (missing) =>
  missing.length ? [{ words: words.notAsMade.replace('{what}', missing.join(', ')), look: 'lacks' }] : []

/** The reader's own, or else the image's, where no state lies over it. */
function shutterOver({ state, own, image }) {
  if (state) return null
  const drawn = shutters.get(image.series)
  if (drawn === undefined) return own?.shutters.length ? own : null
  return drawn && { shutters: [drawn] }
}

const NO_STATE = { shutterGrey: 0, areas: [], annotations: [], shutters: [], layers: new Map() }

function activeStack() {
  const { viewportGridService, cornerstoneViewportService } = services
  const viewport = cornerstoneViewportService.getCornerstoneViewport(
    viewportGridService.getActiveViewportId(),
  )
  return viewport ? stackIn(viewport.element) : null
}

function say(type, message) {
  services.uiNotificationService.show({ title: '', message, type, duration: 4000 })
}

/** Presentations shown, or the images as they came. */
export function togglePresentation() {
  isOff = !isOff
  if (isOff) showDrawn(true)
  refresh()
}

/** Shows one state of several: chosen from the list of series. */
export function choose(uid) {
  asked = uid
  chosen = states.find((state) => state.uid === uid) ?? null
  isOff = false
  refresh()
  return chosen
}

/** What a window's menu offers for images: their own by name where there are several, before those for everybody. */
export function windowsOf({ instances, Modality: modality }, presets) {
  const own = windowsIn(instances?.[0] ?? {})
  const usual = presets?.[modality] ?? []
  const named = own.map(({ name, center, width, item }, n) => ({
    id: `own-${n}`,
    description: name || (item ? words.ownTable : words.ownWindow).replace('{n}', n + 1),
    window: String(width),
    level: String(center),
    own: n,
  }))
  const offered = [...(own.length > 1 ? named : []), ...usual]
  return offered.length > 0 ? offered : undefined
}

/** @returns whether it is done: a plain window over plain greys is the viewer's to set */
export function chooseWindow(viewportId, { own, window: width, level }) {
  const viewport = services.cornerstoneViewportService.getCornerstoneViewport(viewportId)
  const stack = viewport && stackIn(viewport.element)
  if (!stack) return false
  if (own !== undefined && !stateFor(stack.image)) {
    windows.set(stack.image.series, own)
    // Chosen again, it is as it was before the reader turned it.
    forgetApplied(viewport.element)
    present(viewport.element)
    return true
  }
  if (!hasCurve(viewport) && viewport.getProperties().VOILUTFunction !== 'SIGMOID') return false
  showWindow(viewport, { center: Number(level), width: Number(width) })
  viewport.render()
  return true
}

/** The last rectangle or circle that was drawn on the image becomes its shutter; without one the shutter goes. */
export function shutter() {
  const stack = activeStack()
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

/** What is on the screen, stored into the study, and shown from then on as others will see it. */
export async function keepPresentation() {
  const stack = activeStack()
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
  shutters.delete(instance.SeriesInstanceUID)
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

/** Each image once, with all of its frames. */
const imagesOf = (imageIds) => referencesTo(imageIds).map(({ frames, ...image }) => image)

/** Each image once; of one of many frames those that are meant. */
function referencesTo(imageIds) {
  const images = Map.groupBy(imageIds, (imageId) => instanceOf(imageId).SOPInstanceUID)
  return [...images.values()].map((ids) => {
    const [first, ...others] = ids.map(referenceTo)
    return first.frames ? { ...first, frames: [first, ...others].flatMap(({ frames }) => frames) } : first
  })
}

function referenceTo(imageId) {
  const instance = instanceOf(imageId)
  return {
    ...referenceToInstance(instance),
    ...(Number(instance.NumberOfFrames) > 1 && { frames: [frameOf(imageId)] }),
  }
}

const referenceToInstance = (instance) => ({
  sopClassUid: instance.SOPClassUID,
  sopInstanceUid: instance.SOPInstanceUID,
  seriesUid: instance.SeriesInstanceUID,
})

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

function shutterIn(image, standing) {
  const drawn = shutters.get(image.series)
  const taken = drawn !== undefined
  return {
    shutters: taken ? [drawn].filter(Boolean) : (standing?.shutters ?? []),
    shutterGrey: taken ? 0 : (standing?.shutterGrey ?? 0),
  }
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
function showDrawn(isVisible) {
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

/** The image on the screen is a key image, or no longer one; it is one of the study's with `keepKeyImages`. */
export function toggleKeyImage() {
  const stack = activeStack()
  const problem = !person.mayMark ? words.mayNotMark : stack ? null : words.noStack
  if (problem) return say('warning', problem)
  const { viewport, image } = stack
  if (image.study !== currentStudy()) return say('warning', words.keyImagePrior)
  const key = keyImageOf(image)
  if (keyImages.get(key) === true || keyImages.get(image.uid) === true)
    return say('info', words.keyImageStands)
  if (!keyImages.delete(key)) keyImages.set(key, false)
  present(viewport.element)
  tell('key-images', { marked: keyImagesToKeep().length })
}

const keyImagesToKeep = () => [...keyImages].flatMap(([key, isKept]) => (isKept ? [] : [key]))

export async function keepKeyImages() {
  const toKeep = keyImagesToKeep()
  const images = markedImages(toKeep)
  if (images.length === 0) return say('info', words.keyImagesHow)
  const values = keyImageValues({ study: currentStudy(), images })
  try {
    await storeValues(values)
  } catch {
    return say('error', words.notKept)
  }
  for (const key of toKeep) keyImages.set(key, true)
  services.displaySetService.makeDisplaySets(
    [
      {
        ...values,
        SeriesInstanceUID: `${values.SOPInstanceUID}.1`,
        SeriesNumber: 9003,
        SeriesDescription: words.keyImages,
      },
    ],
    { madeInClient: true },
  )
  refresh()
  tell('key-images', { kept: toKeep.length, marked: keyImagesToKeep().length })
  say('success', words.keyImagesKept.replace('{n}', toKeep.length))
}

function markedImages(keys) {
  const frames = Map.groupBy(keys, (key) => key.split(' ')[0])
  const instances = services.displaySetService.getActiveDisplaySets().flatMap((set) => set.instances ?? [])
  const byUid = new Map(instances.map((instance) => [instance.SOPInstanceUID, instance]))
  return [...frames].flatMap(([uid, marked]) => {
    const instance = byUid.get(uid)
    const numbers = marked.flatMap((key) => (key.includes(' ') ? [Number(key.split(' ')[1])] : []))
    return instance ? [{ ...referenceToInstance(instance), frames: numbers }] : []
  })
}
