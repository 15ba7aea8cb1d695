/**
 * A caret on the image, for measuring by keys: arrows move it, Enter places an end, Esc gives up. What it draws is
 * drawn by the viewer's own tool, which cannot tell it from a mouse.
 */

const { words } = window.config.isocenter

/** Tools that place one point after the other. */
const TOOLS = [
  'Length',
  'Bidirectional',
  'Angle',
  'CobbAngle',
  'ArrowAnnotate',
  'RectangleROI',
  'EllipticalROI',
  'CircleROI',
]
const TOOL_GROUPS = ['default', 'mpr', 'SRToolGroup', 'volume3d']

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }
const STEP_PX = 4
const FINE_PX = 1
/** A held arrow gains a step with every so many repeats. */
const REPEATS_TO_GAIN = 5
const MOST_STEPS = 6
const SETTLED_WITHIN_MS = 2500
const LOOK_EVERY_MS = 20
/** A mouse that goes so far without a line open has taken over; a knock against the table has not. */
const MOUSE_TAKES_OVER_PX = 24

let services
let commands
/** `{ element, viewport, tool, name, world, mark, held, mouse, placed }` while the caret stands. */
let standing = null
let isByKeys = false
/** Where it stood last, by element. */
const left = new WeakMap()
let lastDrawn = null
let hint

export function startCaret(given) {
  ;({ services, commands } = given)
  hint = Object.assign(document.createElement('p'), { className: 'isocenter-caret-hint' })
  hint.setAttribute('role', 'status')
  document.body.append(hint)
  window.addEventListener('keydown', onKey, { capture: true })
  window.addEventListener('pointerdown', onPress, { capture: true })
  window.addEventListener('pointermove', onMouse, { capture: true, passive: true })
  const { eventTarget, Enums } = window.cornerstone
  eventTarget.addEventListener(window.cornerstoneTools.Enums.Events.TOOL_ACTIVATED, onTool)
  eventTarget.addEventListener(Enums.Events.ELEMENT_DISABLED, ({ detail }) => {
    if (detail.element === standing?.element) putAway()
  })
}

export function watchCaret(element) {
  const { Events } = window.cornerstone.Enums
  element.addEventListener(Events.IMAGE_RENDERED, () => {
    if (standing?.element === element) drawCaret()
  })
  // An open line belongs to the image that it was begun on.
  element.addEventListener(Events.STACK_NEW_IMAGE, () => {
    if (standing?.element === element && isOpen()) giveUp()
  })
}

/** Takes a tool in hand, in every viewport. */
export function measureWith(toolName) {
  commands.runCommand('setToolActiveToolbar', { toolName, toolGroupIds: TOOL_GROUPS })
}

/**
 * An open line ends where the caret stands: whoever takes the measurement over means it so.
 * @returns false while a point of it is missing
 */
export async function finishMeasuring() {
  if (standing && isOpen()) place()
  if (standing && isOpen()) return false
  // The viewer reckons a line now and then while it is drawn, and once more after its end.
  for (let waited = 0; waited < SETTLED_WITHIN_MS && lastDrawn?.invalidated; waited += LOOK_EVERY_MS)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  lastDrawn = null
  return true
}

function onPress() {
  isByKeys = false
  putAway()
}

function onMouse({ movementX, movementY }) {
  if (!standing || isOpen()) return
  standing.mouse += Math.abs(movementX) + Math.abs(movementY)
  if (standing.mouse > MOUSE_TAKES_OVER_PX) putAway()
}

// Each group of viewports says it for itself; a mouse that chose the tool will place the ends too.
function onTool() {
  const wasByKeys = isByKeys
  queueMicrotask(() => {
    const now = toolNow()
    if (standing && now?.name !== standing.name) {
      if (isOpen()) giveUp()
      putAway()
    }
    if (now && wasByKeys && !standing) stand(now)
  })
}

function toolNow() {
  const id = services.viewportGridService.getActiveViewportId()
  const viewport = id && services.cornerstoneViewportService.getCornerstoneViewport(id)
  if (!viewport?.element) return null
  const group = window.cornerstoneTools.ToolGroupManager.getToolGroupForViewport(
    id,
    viewport.renderingEngineId,
  )
  const name = group?.getActivePrimaryMouseButtonTool()
  return TOOLS.includes(name) ? { viewport, name, tool: group.getToolInstance(name) } : null
}

function stand({ viewport, name, tool }) {
  const { element } = viewport
  if (!viewport.getImageData?.()) return
  const mark = document.createElement('div')
  mark.className = 'isocenter-caret'
  element.append(mark)
  const { clientWidth, clientHeight } = element
  const world = seenAgain(viewport) ?? viewport.canvasToWorld([clientWidth / 2, clientHeight / 2])
  standing = { element, viewport, tool, name, world, mark, held: 0, mouse: 0, placed: null }
  // A button that was pressed by a key would go on taking Enter.
  document.activeElement?.blur()
  drawCaret()
  say(words.caretStands)
}

function seenAgain(viewport) {
  const { element } = viewport
  const world = left.get(element)
  const [x, y] = world ? viewport.worldToCanvas(world) : []
  return x >= 0 && y >= 0 && x < element.clientWidth && y < element.clientHeight ? world : null
}

function putAway() {
  if (!standing) return
  left.set(standing.element, standing.world)
  standing.mark.remove()
  standing = null
  say('')
}

const isOpen = () => Boolean(standing.placed && standing.tool.isDrawing)

const isAmongImages = (element) =>
  element === document.body || Boolean(element?.closest?.('[data-cy="viewport-grid"]'))

function onKey(event) {
  isByKeys = true
  if (!standing || event.altKey || event.ctrlKey || event.metaKey || !isAmongImages(event.target)) return
  const isOwn = event.key in WAYS || event.key === 'Enter' || event.key === 'Escape'
  if (!isOwn) return
  event.preventDefault()
  event.stopImmediatePropagation()
  if (event.key in WAYS) move(WAYS[event.key], event)
  else if (event.repeat) return
  else if (event.key === 'Enter') place()
  else if (isOpen()) giveUp()
  else putAway()
}

function move([across, down], { shiftKey, repeat }) {
  const { viewport, element } = standing
  standing.held = repeat ? standing.held + 1 : 0
  const steps = Math.min(1 + Math.floor(standing.held / REPEATS_TO_GAIN), MOST_STEPS)
  const step = shiftKey ? FINE_PX : STEP_PX * steps
  const [x, y] = viewport.worldToCanvas(standing.world)
  const within = (value, size) => Math.min(Math.max(value, 0), size - 1)
  standing.world = viewport.canvasToWorld([
    within(x + across * step, element.clientWidth),
    within(y + down * step, element.clientHeight),
  ])
  drawCaret()
  if (isOpen()) tellTool('MOUSE_MOVE')
}

function place() {
  const { tool, viewport, world, placed } = standing
  const at = viewport.worldToCanvas(world)
  if (!isOpen()) {
    const begun = tool.addNewAnnotation(asIfByMouse('MOUSE_DOWN'))
    if (!begun) return
    window.cornerstoneTools.annotation.selection.setAnnotationSelected(begun.annotationUID)
    standing.placed = at
    lastDrawn = begun
    return say(words.caretFirstEnd)
  }
  // Nothing is as long as a point.
  if (Math.hypot(at[0] - placed[0], at[1] - placed[1]) < FINE_PX / 2) return
  tellTool('MOUSE_MOVE')
  tellTool('MOUSE_UP')
  standing.placed = at
  if (tool.isDrawing) return say(words.caretNextEnd)
  // The arrows go back to the images.
  putAway()
  viewport.render()
  say(words.caretMeasured)
}

function giveUp() {
  const { tool, element, viewport } = standing
  const uid = tool.cancel(element)
  if (uid) window.cornerstoneTools.annotation.state.removeAnnotation(uid)
  standing.placed = null
  lastDrawn = null
  viewport.render()
  say(words.caretStands)
}

const tellTool = (name) => standing.element.dispatchEvent(asIfByMouse(name))

/** What the viewer makes of a mouse's event, with the caret in the mouse's place. */
function asIfByMouse(name) {
  const { element, viewport } = standing
  const canvas = viewport.worldToCanvas(standing.world)
  // The image may have changed under the caret: an end lies in the plane that is shown now.
  const world = viewport.canvasToWorld(canvas)
  const { left: pageLeft, top: pageTop } = element.getBoundingClientRect()
  const client = [canvas[0] + pageLeft, canvas[1] + pageTop]
  const points = { canvas, world, client, page: client }
  const none = { canvas: [0, 0], world: [0, 0, 0], client: [0, 0], page: [0, 0] }
  const { id: viewportId, renderingEngineId } = viewport
  return new CustomEvent(window.cornerstoneTools.Enums.Events[name], {
    cancelable: true,
    detail: {
      ...{ element, viewportId, renderingEngineId },
      ...{ startPoints: points, lastPoints: points, currentPoints: points, deltaPoints: none },
    },
  })
}

function drawCaret() {
  const { mark, viewport, world } = standing
  const [x, y] = viewport.worldToCanvas(world)
  mark.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`
}

function say(sentence) {
  hint.classList.toggle('standing', standing !== null)
  hint.textContent = sentence
}
