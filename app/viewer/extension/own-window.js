/** The viewer in a window of its own beside a reading room: where it stands is kept, and only the newest case stays open. */

const KEPT = 'isocenter.viewer-window'
const NAME = 'isocenter-viewer'
const { words } = window.config.isocenter

/** The page that this viewer belongs to: around it, or the one that opened it; null for a window that nobody talks to. */
export const room = window.parent !== window ? window.parent : window.opener

const isRoomsWindow = window.parent === window && window.name === NAME

export function watchOwnWindow({ currentStudy, tell }) {
  if (!isRoomsWindow) return
  keepPlace()
  const own = { at: Date.now(), study: currentStudy() }
  const windows = new BroadcastChannel(NAME)
  windows.onmessage = ({ data: other }) => {
    if (other.study === own.study || other.at < own.at) return
    tell('superseded')
    cover(words.superseded)
    window.close()
  }
  windows.postMessage(own)
}

function keepPlace() {
  let last = ''
  setInterval(() => {
    const { screenX: left, screenY: top, innerWidth: width, innerHeight: height } = window
    const now = JSON.stringify({ isOpen: true, left, top, width, height })
    if (now !== last && document.visibilityState === 'visible') localStorage.setItem(KEPT, now)
    last = now
  }, 1000)
}

/** The room has left its case: nobody's images stay on a screen that nobody is reading from. */
export const blank = () => cover(words.noCase)

function cover(sentence) {
  const over = Object.assign(document.createElement('p'), {
    className: 'isocenter-blank',
    textContent: sentence,
  })
  over.setAttribute('role', 'status')
  document.body.append(over)
}
