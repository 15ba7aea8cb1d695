/** What stands in each viewport over its image: a presentation state or the image's own, put there as images are shown. */
import { apply, hasCurve, restore, restoreGreys } from './applied-presentation.js'
import { forgetShutters, shutterOver, startShutters } from './drawn-shutters.js'
import { stackIn, viewportsNow } from './image-stacks.js'
import { showDrawn, startKeeping } from './keep-presentation.js'
import { forgetKeyImages, keyMarks, startKeyImages } from './key-images.js'
import { forgetStates, startStates, stateFor, turnStates } from './known-states.js'
import { forgetOwnGreys, forgetWindow, ownFor, startOwnGreys } from './own-greys.js'
import { keyOfOwn } from './own-presentation.js'
import { drawPresentation } from './presentation-drawing.js'
import { itemFor } from './presentation-state.js'

const { words } = window.config.isocenter

/** By the viewport's element: what was put there, and what of it is not shown. */
const applied = new Map()

/** Whatever changes what is on the screen is given the means to have it drawn anew. */
export function startMarks({ services, tell, currentStudy }) {
  const say = (type, message) =>
    services.uiNotificationService.show({ title: '', message, type, duration: 4000 })
  startStates({ refresh })
  startOwnGreys({ services, refresh, presentAnew })
  startShutters({ services, say, present })
  startKeyImages({ services, tell, currentStudy, say, present, refresh })
  startKeeping({ services, tell, say })
}

export function forgetMarks() {
  forgetStates()
  forgetKeyImages()
  forgetShutters()
  applied.clear()
  forgetOwnGreys()
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
    forgetWindow(stackIn(element)?.image.series)
    forgetApplied(element)
  }
}

function again(element) {
  if (!element.isConnected) return
  presentAnew(element)
}

function presentAnew(element) {
  forgetApplied(element)
  present(element)
}

function forgetApplied(element) {
  const before = applied.get(element)
  if (before?.key) applied.set(element, { ...before, key: null })
}

/** Presentations shown, or the images as they came. */
export function togglePresentation() {
  if (turnStates()) showDrawn(true)
  refresh()
}

function refresh() {
  for (const { element } of viewportsNow()) present(element)
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

const NO_STATE = { shutterGrey: 0, areas: [], annotations: [], shutters: [], layers: new Map() }

/** Whose it is, and what of it nobody sees here: a picture that differs from the one that was kept says so. */
function stateMarks({ creator, label }, { lacks = [], out }) {
  const missing = [...lacks].map((name) => words[name])
  if (out > 0) missing.push(words.notShownObjects.replace('{n}', out))
  return [{ words: [words.presentation, creator, label].filter(Boolean).join(' · ') }, ...lacksMarks(missing)]
}

const lacksMarks = (missing) =>
  missing.length ? [{ words: words.notAsMade.replace('{what}', missing.join(', ')), look: 'lacks' }] : []
