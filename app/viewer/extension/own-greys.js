/** What images say of their own greys: read as they are shown, and which of their windows a viewport's menu chose. */
import { hasCurve, showWindow } from './applied-presentation.js'
import { stackIn } from './image-stacks.js'
import { stateFor } from './known-states.js'
import { needsTables, ownOf, windowsIn, withOwnTables } from './own-presentation.js'

const { words } = window.config.isocenter

/** What images say of themselves, by image and choice; null while it is being read and where there is nothing to say. */
const owns = new Map()
/** Which of its own windows is shown instead of the first one, by series. */
const windows = new Map()

let services
let refresh
let presentAnew

export function startOwnGreys(given) {
  ;({ services, refresh, presentAnew } = given)
}

export function forgetOwnGreys() {
  owns.clear()
  windows.clear()
}

export function ownFor({ imageId, instance, image }) {
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

/** The first of its windows stands for a series again. */
export const forgetWindow = (series) => windows.delete(series)

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
    presentAnew(viewport.element)
    return true
  }
  if (!hasCurve(viewport) && viewport.getProperties().VOILUTFunction !== 'SIGMOID') return false
  showWindow(viewport, { center: Number(level), width: Number(width) })
  viewport.render()
  return true
}
