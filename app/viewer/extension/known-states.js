/** The presentation states of the studies on the screen: which is for an image now, by choice or as the newest one. */
import { isFor, stateOf, withTables } from './presentation-state.js'

/** Newest first. */
let states = []
const known = new Set()
let chosen = null
/** The one that was asked for last, which may still be on its way. */
let asked = null
let isOff = false

let refresh

export function startStates(given) {
  ;({ refresh } = given)
}

export function forgetStates() {
  states = []
  known.clear()
  chosen = null
  asked = null
  isOff = false
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

/** The state that is for an image now. */
export function stateFor(image) {
  if (isOff) return null
  return chosen && isFor(chosen, image) ? chosen : (states.find((state) => isFor(state, image)) ?? null)
}

/** Shows one state of several: chosen from the list of series. */
export function choose(uid) {
  asked = uid
  chosen = states.find((state) => state.uid === uid) ?? null
  isOff = false
  refresh()
  return chosen
}

/** States are shown, or the images as they came. @returns whether they are off */
export function turnStates() {
  isOff = !isOff
  return isOff
}
