/** How a presentation state turns values into grey: Modality LUT, VOI LUT, Presentation LUT, one after the other (PS3.4 N.2). */
import { lookedUp } from './look-up-table.js'

/** So many nodes of a curve are more than there are greys on a screen. */
const NODES = 1024
/** A sigmoid has come to its end so many widths from its middle. */
const SIGMOID_WIDTHS = 2

/**
 * @param voi `{ center, width, form }` or `{ table }`; null for none
 * @param ours how the image's values on the screen were rescaled: the state's may differ
 * @param stored the stored values that the image can have, as `{ lower, upper }`
 * @returns `{ lower, upper, form, grey }` in the image's values, with `grey` null for a plain line or sigmoid; null
 *   where the state says nothing of greys
 */
export function curveOf({ voi, rescale, modalityTable, greyTable }, { ours, stored }) {
  if (!voi && !greyTable && !modalityTable) return null
  const fromState = (value) => ours.slope * ((value - rescale.intercept) / rescale.slope) + ours.intercept
  const toState = (value) => {
    const raw = (value - ours.intercept) / ours.slope
    return modalityTable
      ? lookedUp(modalityTable, raw) * modalityTable.most
      : rescale.slope * raw + rescale.intercept
  }
  if (voi && !voi.table && !greyTable && !modalityTable) {
    const plain = plainCurve(voi, fromState)
    if (plain) return plain
  }
  const isBounded = voi && !modalityTable
  const [lower, upper] = inOrder(
    isBounded
      ? boundsOf(voi).map(fromState)
      : [stored.lower, stored.upper].map((raw) => ours.slope * raw + ours.intercept),
  )
  // Without a VOI LUT whatever comes out of the Modality LUT is spread over all greys.
  const bounds = voi
    ? boundsOf(voi)
    : modalityTable
      ? [0, modalityTable.most]
      : inOrder([lower, upper].map(toState))
  const grey = (value) => {
    const windowed = voiGrey(voi, { value: toState(value), bounds })
    return greyTable
      ? lookedUp(greyTable, greyTable.first + windowed * (greyTable.entries.length - 1))
      : windowed
  }
  return { lower, upper, form: 'LINEAR', grey }
}

const inOrder = (values) => [...values].sort((a, b) => a - b)

/** What the viewer draws itself, and goes on drawing as the window is changed by hand. */
function plainCurve(voi, fromState) {
  if (voi.form !== 'SIGMOID') {
    const [lower, upper] = inOrder(boundsOf(voi).map(fromState))
    return { lower, upper, form: 'LINEAR', grey: null }
  }
  const middle = fromState(voi.center)
  const width = Math.abs(fromState(voi.center + voi.width) - middle)
  if (width < 1) return null
  const [lower, upper] = boundsOf({ center: middle, width, form: 'LINEAR' })
  return { lower, upper, form: 'SIGMOID', grey: null }
}

/** The least and the greatest value that a VOI LUT tells apart. */
function boundsOf({ table, center, width, form }) {
  if (table) return [table.first, table.first + table.entries.length - 1]
  if (form === 'SIGMOID') return [center - width * SIGMOID_WIDTHS, center + width * SIGMOID_WIDTHS]
  if (form === 'LINEAR_EXACT') return [center - width / 2, center + width / 2]
  return [center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2]
}

/** PS3.3 C.11.2.1.2 and C.11.2.1.3, from 0 to 1. */
function voiGrey(voi, { value, bounds: [lower, upper] }) {
  if (voi?.table) return lookedUp(voi.table, value)
  if (voi?.form === 'SIGMOID') return 1 / (1 + Math.exp((-4 * (value - voi.center)) / voi.width))
  if (upper <= lower) return value > lower ? 1 : 0
  return Math.min(Math.max((value - lower) / (upper - lower), 0), 1)
}

/** As nodes of a colour map over the range. */
export function nodesOf({ lower, upper, grey }) {
  return Array.from({ length: NODES }, (_, n) => {
    const at = n / (NODES - 1)
    const value = grey(lower + at * (upper - lower))
    return [at, value, value, value]
  }).flat()
}

/** A range as a window again: PS3.3 C.11.2.1.2 and C.11.2.1.3. */
export function windowOf({ lower, upper }, form = 'LINEAR') {
  const middle = (lower + upper) / 2
  if (form === 'LINEAR_EXACT') return { center: middle, width: upper - lower, form }
  return { center: middle + 0.5, width: upper - lower + 1, form }
}
