/**
 * Frames that do not come: asked for again with growing pauses, counted, said on the image that is missing, and tried
 * again in the background until they are there. A viewport never shows another image in the place of a missing one.
 */

const { words } = window.config.isocenter

/** Between the tries of one load. A restart of the web process takes about as long as all of them. */
const PAUSES_MS = [400, 1200, 3600]
const AGAIN_MS = 20_000

const failed = new Set()
/** Asked for again at this moment. */
const late = new Set()
const wanted = new Map()
const listeners = new Set()

/** Called with every change of what has failed. */
export const onFailedFrames = (listener) => listeners.add(listener)

export const failedFrames = () => [...failed]

/** Another case: what was missing of the last one is nobody's business any more. */
export function forgetFailedFrames() {
  failed.clear()
  changed()
}

/** The loader of images of OHIF comes through here (prepare.ts puts the call in its place). */
window.isocenter = {
  ...window.isocenter,
  load: (load, imageId, options) => ({ promise: persist(load, imageId, options), cancelFn: undefined }),
}

async function persist(load, imageId, options) {
  try {
    return await persistently(load, imageId, options)
  } finally {
    late.delete(imageId)
    coverAll()
  }
}

async function persistently(load, imageId, options) {
  for (const pause of PAUSES_MS) {
    try {
      return await load(imageId, { ...options }).promise
    } catch (error) {
      if (!mayPass(error)) throw error
      late.add(imageId)
      coverAll()
      await new Promise((resolve) => setTimeout(resolve, pause * (0.8 + Math.random() * 0.4)))
    }
  }
  return load(imageId, { ...options }).promise
}

/** Whether the same request may have another answer soon: no answer at all, a busy or broken server, a cut-off body. */
function mayPass(error) {
  const status = error?.status
  return typeof status !== 'number' || status === 0 || status === 408 || status === 429 || status >= 500
}

export function watchFrames() {
  const { eventTarget, Enums } = window.cornerstone
  eventTarget.addEventListener(Enums.Events.IMAGE_LOAD_FAILED, ({ detail }) => note(detail.imageId, true))
  eventTarget.addEventListener(Enums.Events.IMAGE_LOADED, ({ detail }) => note(detail.image.imageId, false))
  window.addEventListener('online', tryAgain)
  setInterval(tryAgain, AGAIN_MS)
}

/** Which image a viewport is to show, whether it can or not. */
export function watchWanted(element) {
  const { Events } = window.cornerstone.Enums
  const want = ({ detail }) => {
    wanted.set(element, detail.imageId)
    cover(element)
  }
  element.addEventListener(Events.PRE_STACK_NEW_IMAGE, want)
  element.addEventListener(Events.STACK_NEW_IMAGE, want)
}

function note(imageId, isFailed) {
  if (failed.has(imageId) === isFailed) return
  if (isFailed) failed.add(imageId)
  else failed.delete(imageId)
  changed()
  if (!isFailed) showAtLast(imageId)
}

function changed() {
  coverAll()
  for (const listener of listeners) listener()
}

function coverAll() {
  for (const element of wanted.keys())
    if (element.isConnected) cover(element)
    else wanted.delete(element)
}

/** What is still missing, one request at a time behind what the reader looks at. */
export async function tryAgain() {
  for (const imageId of failedFrames())
    await window.cornerstone.imageLoader
      .loadAndCacheImage(imageId, { priority: 10, requestType: 'prefetch' })
      // It is counted where it fails.
      .catch(() => {})
}

function showAtLast(imageId) {
  for (const [element, image] of wanted) {
    if (image !== imageId || !element.isConnected) continue
    const { viewport } = window.cornerstone.getEnabledElement(element) ?? {}
    const index = viewport?.getImageIds?.().indexOf(imageId) ?? -1
    if (index >= 0) viewport.setImageIdIndex(index).then(() => viewport.render())
  }
}

/** Over the viewport while the image that belongs there is missing. */
function cover(element) {
  const before = element.querySelector(':scope > .isocenter-missing')
  const image = wanted.get(element)
  if (!failed.has(image) && !late.has(image)) return before?.remove()
  if (before) return
  const over = Object.assign(document.createElement('div'), { className: 'isocenter-missing' })
  const said = Object.assign(document.createElement('p'), { textContent: words.frameMissing })
  said.setAttribute('role', 'alert')
  over.append(said, againButton())
  element.append(over)
}

export function againButton() {
  const button = Object.assign(document.createElement('button'), {
    type: 'button',
    textContent: words.tryAgain,
  })
  button.addEventListener('click', (event) => {
    event.stopPropagation()
    void tryAgain()
  })
  return button
}

/** In the corner of the viewer, for as long as something is missing: how much of how many. */
export function sayMissing(missing, available) {
  let badge = document.querySelector('.isocenter-not-shown')
  if (missing === 0) return badge?.remove()
  if (!badge) {
    badge = Object.assign(document.createElement('div'), { className: 'isocenter-not-shown' })
    badge.setAttribute('role', 'status')
    badge.append(document.createElement('span'), againButton())
    document.body.append(badge)
  }
  badge.firstChild.textContent = words.notShown
    .replace('{missing}', missing)
    .replace('{images}', Math.max(available, missing))
}
