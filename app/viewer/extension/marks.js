/**
 * Presentation states and key images of the studies on the screen: applied as the images are shown, made of what is on
 * the screen, and stored into the study.
 */
import { areaOf, orient, orientationOf, showArea } from './image-grid.js'
import { drawnOn } from './live-graphics.js'
import { keyImageValues, presentationValues, storeValues } from './mark-json.js'
import { person } from './person.js'
import { drawPresentation } from './presentation-drawing.js'
import { itemFor, many, stateOf } from './presentation-state.js'

const { words } = window.config.isocenter

/** Newest first. */
let states = []
let chosen = null
let isOff = false
/** By SOP Instance UID: whether the selection is stored. */
const keyImages = new Map()
/** Shutters that were drawn and belong to no presentation yet, by series. */
const shutters = new Map()
/** What stands in each viewport: the state, and how it was before. */
const applied = new Map()

let services
let tell
let currentStudy

export function startMarks(given) {
  ;({ services, tell, currentStudy } = given)
}

export function forgetMarks() {
  states = []
  chosen = null
  isOff = false
  keyImages.clear()
  shutters.clear()
  applied.clear()
}

/** A stored object that OHIF has come upon. */
export function learnState(instance) {
  if (states.some(({ uid }) => uid === instance.SOPInstanceUID)) return
  states = [...states, stateOf(instance)].sort((a, b) => (a.madeAt < b.madeAt ? 1 : -1))
  refresh()
}

export function learnKeyImages(instance) {
  for (const uid of pointedOut(instance)) keyImages.set(uid, true)
  refresh()
}

/** Rejection notes are key object selections too, and what they say is not for here. */
const REJECTIONS = ['113001', '113037', '113038', '113039']

export function pointedOut(instance) {
  const [title] = many(instance.ConceptNameCodeSequence)
  if (REJECTIONS.includes(title?.CodeValue)) return []
  return many(instance.ContentSequence)
    .flatMap((item) => many(item.ReferencedSOPSequence))
    .map(({ ReferencedSOPInstanceUID: uid }) => uid)
}

export function watchMarks(element) {
  const { Events } = window.cornerstone.Enums
  element.addEventListener(Events.IMAGE_RENDERED, () => present(element))
  // OHIF gives a new stack its own window and place once more, behind its first picture.
  element.addEventListener(Events.VIEWPORT_NEW_IMAGE_SET, () => {
    applied.delete(element)
    for (const wait of [0, 60, 250]) setTimeout(() => again(element), wait)
  })
}

function again(element) {
  if (!element.isConnected) return
  const before = applied.get(element)
  if (before?.key) applied.set(element, { ...before, key: null })
  present(element)
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
  return isStack && imageId && viewport.getImageData() ? { viewport, instance: instanceOf(imageId) } : null
}

/** The state that is for an image now. */
function stateFor(uid) {
  if (isOff) return null
  return chosen?.images.has(uid) ? chosen : (states.find(({ images }) => images.has(uid)) ?? null)
}

function present(element) {
  const stack = stackIn(element)
  if (!stack?.instance) return
  const { viewport, instance } = stack
  const uid = instance.SOPInstanceUID
  const state = stateFor(uid)
  const before = applied.get(element)
  const key = state
    ? `${state.uid} ${state.windows.indexOf(itemFor(state.windows, uid))} ${state.areas.indexOf(itemFor(state.areas, uid))}`
    : null
  if ((before?.key ?? null) !== key) {
    if (state) {
      const plain = before?.plain ?? howItIs(viewport)
      applied.set(element, { key, plain })
      apply(viewport, { state, uid, instance })
    } else {
      applied.delete(element)
      restore(viewport, before.plain)
    }
    viewport.render()
  }
  draw(viewport, { state, uid, instance })
}

function howItIs(viewport) {
  const { voiRange, invert } = viewport.getProperties()
  return { voiRange: voiRange && { ...voiRange }, invert, view: viewport.getViewPresentation() }
}

function restore(viewport, plain) {
  if (!plain) return
  viewport.setProperties({ ...(plain.voiRange && { voiRange: plain.voiRange }), invert: plain.invert })
  viewport.setViewPresentation(plain.view)
}

function apply(viewport, { state, uid, instance }) {
  const window = itemFor(state.windows, uid)
  const properties = {
    ...(state.isGrey && { invert: state.isInverted }),
    ...(window?.width > 0 && { voiRange: rangeOf(window, state.rescale, rescaleOf(instance)) }),
  }
  if (Object.keys(properties).length > 0) viewport.setProperties(properties)
  orient(viewport, state)
  const area = itemFor(state.areas, uid)
  if (area?.topLeft.length === 2 && area.bottomRight.length === 2) showArea(viewport, area)
}

export const rescaleOf = (instance) => ({
  slope: Number(instance.RescaleSlope ?? 1),
  intercept: Number(instance.RescaleIntercept ?? 0),
})

/** A window of the state's values as a range of the image's, which may be rescaled in another way (PS3.3 C.11.2.1.2). */
export function rangeOf({ center, width }, theirs, ours) {
  const bounds = [center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2]
  const [lower, upper] = bounds
    .map((value) => ours.slope * ((value - theirs.intercept) / theirs.slope) + ours.intercept)
    .sort((a, b) => a - b)
  return { lower, upper }
}

/** And back: PS3.3 C.11.2.1.2, LINEAR. */
export const windowOf = ({ lower, upper }) => ({
  center: (lower + upper) / 2 + 0.5,
  width: upper - lower + 1,
})

function draw(viewport, { state, uid, instance }) {
  const kept = keyImages.get(uid)
  const marks = [
    ...(kept === undefined ? [] : [{ words: kept ? words.keyImage : words.keyImageNotKept, isKey: true }]),
    ...(state
      ? [{ words: [words.presentation, state.creator, state.label].filter(Boolean).join(' · ') }]
      : []),
  ]
  const shutter = shutters.get(instance.SeriesInstanceUID)
  const shown = !state && shutter ? { ...NO_STATE, shutters: [shutter] } : state
  drawPresentation(viewport, { state: shown, uid, marks })
}

const NO_STATE = { shutterGrey: 0, areas: [], annotations: [], shutters: [] }

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
  chosen = states.find((state) => state.uid === uid) ?? null
  isOff = false
  refresh()
  return chosen
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
  } else if (!shutters.delete(instance.SeriesInstanceUID)) say('info', words.shutterHow)
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
  const { viewport, instance } = stack
  const imageIds = alike(viewport, instance)
  const drawn = drawnOn(viewport, imageIds)
  const standing = stateFor(instance.SOPInstanceUID)
  const values = presentationValues({
    study: instance.StudyInstanceUID,
    images: imagesOf(imageIds),
    shown: shownIn(viewport, { instance, drawn, standing }),
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

function imagesOf(imageIds) {
  const found = new Map()
  for (const imageId of imageIds) {
    const one = instanceOf(imageId)
    found.set(one.SOPInstanceUID, referenceTo(one))
  }
  return [...found.values()]
}

const referenceTo = (instance) => ({
  sopClassUid: instance.SOPClassUID,
  sopInstanceUid: instance.SOPInstanceUID,
  seriesUid: instance.SeriesInstanceUID,
})

function shownIn(viewport, { instance, drawn, standing }) {
  const { voiRange, invert } = viewport.getProperties()
  const spacing = many(instance.PixelSpacing).map(Number)
  const carried = (standing?.annotations ?? []).flatMap((item) => carriedOn(item, instance))
  return {
    ...orientationOf(viewport),
    area: areaOf(viewport),
    spacing: spacing.length === 2 ? spacing : null,
    window: voiRange ? windowOf(voiRange) : null,
    isInverted: Boolean(invert),
    rescale:
      instance.RescaleSlope === undefined ? null : { ...rescaleOf(instance), type: rescaleType(instance) },
    shutter: shutters.get(instance.SeriesInstanceUID) ?? standing?.shutters[0],
    annotations: [
      ...carried,
      ...drawn.map(({ imageId, graphics, texts }) => ({
        image: referenceTo(instanceOf(imageId)),
        graphics,
        texts,
      })),
    ],
  }
}

const rescaleType = ({ RescaleType: type, Modality: modality }) => type || (modality === 'CT' ? 'HU' : 'US')

// What a presentation that stands already says on images is said by its successor too.
function carriedOn({ about, graphics, texts }, instance) {
  const ofImage = (list) => list.filter(({ isOfScreen }) => !isOfScreen)
  const [lines, said] = [ofImage(graphics), ofImage(texts)]
  if (lines.length + said.length === 0) return []
  const uids = about.length ? about : [instance.SOPInstanceUID]
  return uids.map((sopInstanceUid) => ({
    image: { ...referenceTo(instance), sopInstanceUid },
    graphics: lines,
    texts: said,
  }))
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
    ContentLabel: 'ISOCENTER',
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
  const { viewport, instance } = stack
  const uid = instance.SOPInstanceUID
  if (keyImages.get(uid) === true) return say('info', words.keyImageStands)
  if (!keyImages.delete(uid)) keyImages.set(uid, false)
  present(viewport.element)
  tell('key-images', { marked: keyImagesToKeep().length })
}

const keyImagesToKeep = () => [...keyImages].flatMap(([uid, isKept]) => (isKept ? [] : [uid]))

export async function keepKeyImages() {
  const wanted = new Set(keyImagesToKeep())
  const instances = services.displaySetService
    .getActiveDisplaySets()
    .flatMap((set) => set.instances ?? [])
    .filter(
      ({ SOPInstanceUID: uid, StudyInstanceUID: study }) => study === currentStudy() && wanted.delete(uid),
    )
  if (instances.length === 0) return say('info', words.keyImagesHow)
  const values = keyImageValues({ study: currentStudy(), images: instances.map(referenceTo) })
  try {
    await storeValues(values)
  } catch {
    return say('error', words.notKept)
  }
  for (const { SOPInstanceUID: uid } of instances) keyImages.set(uid, true)
  services.displaySetService.makeDisplaySets(
    [{ ...values, SeriesInstanceUID: `${values.SOPInstanceUID}.1`, SeriesDescription: words.keyImages }],
    { madeInClient: true },
  )
  refresh()
  tell('key-images', { kept: instances.length, marked: keyImagesToKeep().length })
  say('success', words.keyImagesKept.replace('{n}', instances.length))
}
