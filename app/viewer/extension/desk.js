/**
 * What the reader's desk around the viewer asks of it: the measurement to be taken over, the image of one, and where
 * everything stood, so that a case that was set aside comes back as it was.
 */

import { finishMeasuring } from './caret.js'
import { lastChanged, lastOf } from './last-changed.js'

const READY_WITHIN_MS = 20_000
/** An arrow has no measure, and is not waited for any longer. */
const RECKONED_WITHIN_MS = 1000
const LOOK_EVERY_MS = 100
/** So often an image has to be found where it was put. */
const STAYED = 4

/** @returns what is said back, or null for what is nothing of the desk's */
export async function deskAsked(said, managers) {
  if (said.type === 'take-measurement') {
    const isWhole = await finishMeasuring()
    return { type: 'measurement', measurement: isWhole ? await newestMeasurement(managers) : null }
  }
  if (said.type === 'where') return { type: 'where', layout: whereNow(managers) }
  if (said.type === 'show-image') void showImage(said.image, managers)
  else if (said.type === 'restore') void restore(said.layout, managers)
  else return null
  return { type: 'heard', asked: said.type }
}

/** The one that was drawn or changed last, once the viewer has reckoned it. */
async function newestMeasurement({ services: { measurementService } }) {
  const isReckoned = ({ displayText: { primary } = {} }) => primary?.length > 0 && !/NaN/.test(primary.join())
  const measured = () => measurementService.getMeasurements().filter(isReckoned)
  await until(() => measured().some(({ uid }) => uid === lastChanged()), RECKONED_WITHIN_MS)
  const newest = lastOf(measured())
  if (!newest) return null
  return {
    text: newest.displayText.primary.map(rounded).join(', '),
    image: {
      studyUid: newest.referenceStudyUID ?? '',
      seriesUid: newest.referenceSeriesUID ?? '',
      sopInstanceUid: newest.SOPInstanceUID ?? '',
      frame: Number(newest.frameNumber) || 1,
      measurementId: newest.uid,
    },
  }
}

/** One decimal is more than a hand can place. */
function rounded(words) {
  return String(words).replace(/\d+\.\d+/g, (number) => String(Math.round(Number(number) * 10) / 10))
}

async function showImage(image, managers) {
  const { measurementService, viewportGridService } = managers.services
  const viewportId = viewportGridService.getActiveViewportId()
  if (measurementService.getMeasurement(image.measurementId))
    return measurementService.jumpToMeasurement(viewportId, image.measurementId)
  const set = managers.services.displaySetService.getDisplaySetForSOPInstanceUID(
    image.sopInstanceUid,
    image.seriesUid,
    image.frame,
  )
  if (!set) return
  const shown = viewportGridService.getState().viewports.get(viewportId)
  if (!shown?.displaySetInstanceUIDs?.includes(set.displaySetInstanceUID))
    viewportGridService.setDisplaySetsForViewports([
      { viewportId, displaySetInstanceUIDs: [set.displaySetInstanceUID] },
    ])
  const ready = await until(() => ofImage(managers, viewportId, image))
  if (ready) await ready.viewport.setImageIdIndex?.(ready.index)
}

/** As data that outlives the window: series and images by their UIDs, never by what this page calls them. */
function whereNow(managers) {
  const { viewportGridService, displaySetService, hangingProtocolService } = managers.services
  const { layout, viewports, activeViewportId } = viewportGridService.getState()
  const cells = [...viewports.values()].map((cell) => {
    const set = displaySetService.getDisplaySetByUID(cell.displaySetInstanceUIDs?.[0])
    return {
      ...{ x: cell.x, y: cell.y, width: cell.width, height: cell.height },
      isActive: cell.viewportId === activeViewportId,
      series: set ? seriesOf(set, displaySetService) : null,
      options: keptOptions(cell.viewportOptions),
      view: viewOf(managers, cell.viewportId),
    }
  })
  return {
    protocol: hangingProtocolService.getActiveProtocol()?.protocol?.id ?? null,
    rows: layout.numRows,
    columns: layout.numCols,
    cells,
  }
}

// A series may have made several display sets.
function seriesOf({ SeriesInstanceUID: uid, displaySetInstanceUID }, displaySetService) {
  const alike = displaySetService.getActiveDisplaySets().filter((set) => set.SeriesInstanceUID === uid)
  return { uid, nth: alike.findIndex((set) => set.displaySetInstanceUID === displaySetInstanceUID) }
}

function keptOptions({ viewportType, orientation, toolGroupId } = {}) {
  return { viewportType, orientation, toolGroupId }
}

function viewOf({ services: { cornerstoneViewportService } }, viewportId) {
  const viewport = cornerstoneViewportService.getCornerstoneViewport(viewportId)
  if (!viewport) return null
  const { voiRange, invert } = viewport.getProperties?.() ?? {}
  const image = imageIn(viewport.getCurrentImageId?.() ?? '')
  const isStack = typeof viewport.setImageIdIndex === 'function'
  return {
    image: isStack ? image : null,
    reference: isStack ? null : plain(viewport.getViewReference?.()),
    presentation: plain(viewport.getViewPresentation?.()),
    voiRange: plain(voiRange),
    invert: Boolean(invert),
  }
}

const imageIn = (imageId) => {
  const [, sopInstanceUid, frame] = /\/instances\/([0-9.]+)\/frames\/(\d+)/.exec(imageId) ?? []
  return sopInstanceUid ? { sopInstanceUid, frame: Number(frame) } : null
}

const plain = (value) => (value === undefined || value === null ? null : JSON.parse(JSON.stringify(value)))

async function restore(where, managers) {
  const { viewportGridService, displaySetService, cornerstoneViewportService } = managers.services
  const shown = () => {
    const [first] = viewportGridService.getState().viewports.values()
    return (
      first?.displaySetInstanceUIDs?.length &&
      cornerstoneViewportService.getCornerstoneViewport(first.viewportId)
    )
  }
  const setOf = ({ uid, nth }) =>
    displaySetService.getActiveDisplaySets().filter((set) => set.SeriesInstanceUID === uid)[nth]
  const isHere = () => shown() && where.cells.every(({ series }) => series === null || setOf(series))
  if (!(await until(isHere))) return
  if (!isHungSo(where, { viewportGridService, setOf })) layOut(where, { viewportGridService, setOf })
  const ids = await until(() => {
    const { viewports } = viewportGridService.getState()
    return viewports.size === where.cells.length && [...viewports.keys()]
  })
  if (!ids) return
  await Promise.all(where.cells.map((cell, n) => lookAgain(cell, { managers, viewportId: ids[n] })))
  const active = where.cells.findIndex(({ isActive }) => isActive)
  if (active >= 0) viewportGridService.setActiveViewportId(ids[active])
}

function isHungSo({ cells, rows, columns }, { viewportGridService, setOf }) {
  const { layout, viewports } = viewportGridService.getState()
  const now = [...viewports.values()]
  if (layout.numRows !== rows || layout.numCols !== columns || now.length !== cells.length) return false
  return cells.every(
    ({ series, options }, n) =>
      series !== null &&
      now[n].displaySetInstanceUIDs?.[0] === setOf(series).displaySetInstanceUID &&
      now[n].viewportOptions?.viewportType === options.viewportType &&
      now[n].viewportOptions?.orientation === options.orientation,
  )
}

function layOut({ cells, rows, columns }, { viewportGridService, setOf }) {
  viewportGridService.setLayout({
    numRows: rows,
    numCols: columns,
    layoutOptions: cells.map(({ x, y, width, height }) => ({ x, y, width, height })),
    findOrCreateViewport: (position) => {
      const { series, options } = cells[position]
      return {
        displaySetInstanceUIDs: series ? [setOf(series).displaySetInstanceUID] : [],
        displaySetOptions: [{}],
        viewportOptions: options,
      }
    },
  })
}

async function lookAgain({ view }, { managers, viewportId }) {
  if (!view) return
  const ready = await until(() => ofImage(managers, viewportId, view.image))
  if (!ready) return
  const { viewport, index } = ready
  if (view.image) await goTo(viewport, index)
  else if (view.reference) viewport.setViewReference?.(view.reference)
  if (view.voiRange) viewport.setProperties({ voiRange: view.voiRange, invert: view.invert })
  if (view.presentation) viewport.setViewPresentation?.(view.presentation)
  viewport.render()
}

/** The viewer's own first image is still on its way when a stack is there, and would win: until this one stays. */
async function goTo(viewport, index) {
  let stood = 0
  await until(() => {
    if (viewport.getCurrentImageIdIndex() === index) stood += 1
    else {
      stood = 0
      void viewport.setImageIdIndex(index)
    }
    return stood > STAYED
  })
}

/** The viewport once it has this image, or any for null. */
function ofImage({ services: { cornerstoneViewportService } }, viewportId, image) {
  const viewport = cornerstoneViewportService.getCornerstoneViewport(viewportId)
  const ids = viewport?.getImageIds?.() ?? []
  if (ids.length === 0) return null
  if (image === null) return { viewport, index: 0 }
  const index = ids.findIndex((id) => {
    const one = imageIn(id)
    return one?.sopInstanceUid === image.sopInstanceUid && one.frame === image.frame
  })
  return index < 0 ? null : { viewport, index }
}

/** Waits for what a viewer that has just been opened does not have yet; null when it never comes. */
async function until(found, withinMs = READY_WITHIN_MS) {
  for (let waited = 0; waited < withinMs; waited += LOOK_EVERY_MS) {
    const value = found()
    if (value) return value
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
  return null
}
