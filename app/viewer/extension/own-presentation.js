/**
 * How an image itself says that it is to be shown, where the viewer does not see to it: VOI LUT and Modality LUT
 * Sequence (PS3.3 C.11.1, C.11.2), polarity, padding (C.7.5.1.1.2) and shutter (C.7.6.11).
 */
import { readTable } from './look-up-table.js'
import { items, listed, shapesOf, shuttersOf } from './presentation-state.js'

/** Of X-Ray angiography and radiofluoroscopy: their Modality LUT is for measuring, not for looking (PS3.3 C.8.7.1.1.2). */
const MEASURED_BY_TABLE = ['1.2.840.10008.5.1.4.1.1.12.1', '1.2.840.10008.5.1.4.1.1.12.2']

/**
 * The windows of an image and then its VOI LUTs, each in its order; the first is its default (PS3.3 C.11.2.1.2: one of
 * them is applied, never two).
 * @returns of each `{ name, center, width }`, with `form` of a window and `item` of a table
 */
export function windowsIn(instance) {
  const [centers, widths] = [listed(instance.WindowCenter), listed(instance.WindowWidth)].map((list) =>
    list.map(Number),
  )
  const names = listed(instance.WindowCenterWidthExplanation)
  const form = instance.VOILUTFunction ?? 'LINEAR'
  const windows = centers.flatMap((center, n) => {
    const width = widths[n]
    return Number.isFinite(center) && width > 0 ? [{ name: names[n], center, width, form }] : []
  })
  return [...windows, ...items(instance.VOILUTSequence).flatMap((item) => tableOf(item, instance))]
}

function tableOf(item, instance) {
  const [count, first] = listed(item.LUTDescriptor).map(Number)
  if (!Number.isFinite(count) || !Number.isFinite(first)) return []
  const width = count & 0xffff || 0x10000
  const from = first > 0x7fff && isSigned(instance) ? first - 0x10000 : first
  return [{ name: item.LUTExplanation, center: from + width / 2, width, item }]
}

/** Whether values may be below nought, which says how a descriptor is read (PS3.3 C.11.2.1.1). */
const isSigned = ({ PixelRepresentation, RescaleIntercept }) =>
  Number(PixelRepresentation) === 1 || Number(RescaleIntercept) < 0

/** Black and white change places: of X-Ray images both are said, and mean one turn (PS3.3 C.8.11.3.1.2). */
export const isInverse = ({ PhotometricInterpretation, PresentationLUTShape }) =>
  PhotometricInterpretation === 'MONOCHROME1' || PresentationLUTShape === 'INVERSE'

/**
 * @param chosen which of its windows, from nought
 * @returns null for an image that the viewer shows as it says by itself
 */
export function ownOf(instance, chosen = 0) {
  const isGrey = /^MONOCHROME[12]$/.test(instance.PhotometricInterpretation)
  const window = isGrey ? windowsIn(instance)[chosen] : undefined
  const modality = isGrey && !MEASURED_BY_TABLE.includes(instance.SOPClassUID)
  const made = {
    window,
    modalityItem: modality ? items(instance.ModalityLUTSequence)[0] : undefined,
    isInverted: isInverse(instance),
    padding: isGrey && !window ? paddingOf(instance) : null,
    isSigned: isSigned(instance),
    shutters: shuttersOf(instance),
    shutterGrey: (Number(listed(instance.ShutterPresentationValue)[0]) || 0) / 0xffff,
    lacks: lacksOf(instance),
  }
  const hasGreys = Boolean(
    window?.item ||
      made.modalityItem ||
      made.padding ||
      (window && chosen > 0) ||
      (isGrey && made.isInverted && instance.PhotometricInterpretation === 'MONOCHROME2'),
  )
  if (!hasGreys && made.shutters.length + made.lacks.size === 0) return null
  return { ...NOTHING_DRAWN, ...made, hasGreys }
}

function lacksOf(instance) {
  const lacks = {
    notShownShutter: shapesOf(instance).length > shuttersOf(instance).length,
    notShownOverlay: hasOverlayBeyond(instance),
  }
  return new Set(Object.keys(lacks).filter((name) => lacks[name]))
}

/** One of many frames, or in bits of the pixels themselves, as it was before 2004 (PS3.3 C.9.2). */
const hasOverlayBeyond = (instance) =>
  Object.keys(instance).some((key) => {
    const [, group] = /^(60[0-9A-F]{2})0010$/i.exec(key) ?? []
    return group && (Number(instance[`${group}0015`]) > 1 || Number(instance[`${group}0102`]) > 0)
  })

/** What a presentation state may have besides. */
const NOTHING_DRAWN = { areas: [], annotations: [], layers: new Map() }

/** Stored values that are no picture, as a range; null for none. */
function paddingOf({ PixelPaddingValue, PixelPaddingRangeLimit, PixelRepresentation, BitsAllocated }) {
  const [value] = listed(PixelPaddingValue).map(Number)
  if (!Number.isFinite(value)) return null
  const most = 2 ** Number(BitsAllocated ?? 16)
  // It is read as the other VR at times.
  const signed = (one) => (Number(PixelRepresentation) === 1 && one >= most / 2 ? one - most : one)
  const [limit = value] = listed(PixelPaddingRangeLimit).map(Number)
  const [lower, upper] = [signed(value), signed(limit)].sort((a, b) => a - b)
  return { lower, upper }
}

/** By the item that they were made of: the frames of an image have theirs in common. */
const tables = new WeakMap()

function tableFrom(item, options) {
  if (!tables.has(item)) tables.set(item, readTable(item, options))
  return tables.get(item)
}

export const needsTables = ({ window, modalityItem }) => Boolean(window?.item || modalityItem)

/** Tables may have to be fetched; one that cannot be read is none, and that is said. */
export async function withOwnTables(own, options = {}) {
  const read = async (item) => {
    if (!item) return undefined
    try {
      return await tableFrom(item, { isSigned: own.isSigned, ...options })
    } catch {
      own.lacks.add('notShownTable')
      return undefined
    }
  }
  const [table, modalityTable] = [await read(own.window?.item), await read(own.modalityItem)]
  // What the description of a table promised is no window.
  return { ...own, window: own.window?.item && !table ? undefined : { ...own.window, table }, modalityTable }
}

/** The least and the greatest value of a picture without its padding; null for one that is nothing else. */
export function rangeBeside({ lower, upper }, { values, slope, intercept }) {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const [from, to] = [lower * slope + intercept, upper * slope + intercept].sort((a, b) => a - b)
  for (const value of values) {
    if (value >= from && value <= to) continue
    if (value < least) least = value
    if (value > most) most = value
  }
  return least <= most ? { lower: least, upper: most } : null
}

/** Of images with the same one the reader's window stays from image to image. */
export function keyOfOwn({ window, modalityTable, isInverted, padding, hasGreys, shutters }, imageId) {
  if (!hasGreys) return `own shutter ${JSON.stringify(shutters)}`
  const { center, width, form, table } = window ?? {}
  return `own ${JSON.stringify([center, width, form, isInverted, printOf(table), printOf(modalityTable)])} ${padding ? imageId : ''}`
}

const printOf = (table) =>
  table && [
    table.first,
    table.entries.length,
    table.entries.reduce((sum, value, n) => (Math.imul(sum, 31) + value * 0xffff + n) | 0, 7),
  ]
