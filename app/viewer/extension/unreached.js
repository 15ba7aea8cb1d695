/**
 * What the archive did not answer, and what it has nothing of: said over the viewer with a way on, where OHIF would turn
 * its wheel for ever or end on a page of its own. While nothing is shown yet, the study is asked for again by itself.
 */

const { words } = window.config.isocenter

const AGAIN_MS = 10_000
const LOOK_EVERY_MS = 400
/** OHIF leaves the address that it was opened at when it finds no study. */
const address = window.location.href
const NOTHING_FOUND = '/notfoundstudy'

let said = null

/** @param hasStudy whether anything of a study is here: what somebody has made of it is not thrown away by asking again */
export function watchUnreached({ hasStudy }) {
  window.isocenter = { ...window.isocenter, notAnswered: (error) => note(error, hasStudy()) }
  window.addEventListener('unhandledrejection', keepQuiet, { capture: true })
  setInterval(() => {
    if (window.location.pathname.endsWith(NOTHING_FOUND) && !said) say(words.nothingFound)
  }, LOOK_EVERY_MS)
}

/** Frames have words of their own; other answers are no fault of the line. */
function note(error, isHere) {
  const { status = 0, responseURL = '' } = error?.request ?? error ?? {}
  if (status === 401) return say(words.signedOut, { isCovering: true })
  const mayPass = status === 0 || status === 408 || status === 429 || status >= 500
  if (!mayPass || /\/(frames|bulkdata)\b/.test(responseURL)) return
  if (isHere) return responseURL ? say(words.partUnreached, { isCovering: false }) : undefined
  say(words.unreached)
  setTimeout(openAgain, AGAIN_MS)
}

// A frame that fails is said where it is missing: OHIF's own "something went wrong" would lie over that and say less.
function keepQuiet(event) {
  if (!/\/frames\/\d/.test(String(event.reason?.message))) return
  event.preventDefault()
  event.stopImmediatePropagation()
}

function say(sentence, { isCovering = true } = {}) {
  if (said?.isCovering) return
  said?.element.remove()
  const element = document.createElement('div')
  element.className = isCovering ? 'isocenter-blank' : 'isocenter-not-shown part'
  const line = Object.assign(document.createElement('p'), { textContent: sentence })
  line.setAttribute('role', 'alert')
  const button = Object.assign(document.createElement('button'), {
    type: 'button',
    textContent: words.openAgain,
  })
  button.addEventListener('click', openAgain)
  element.append(line, button)
  document.body.append(element)
  said = { element, isCovering }
}

const openAgain = () => window.location.replace(address)
