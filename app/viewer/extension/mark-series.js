/** Presentations and key images in the list of series: opened there, they lead to their images. */
import { learnKeyImages, pointedOut } from './key-images.js'
import { choose, learnState } from './known-states.js'
import { stateOf } from './presentation-state.js'

const { words } = window.config.isocenter

/** Grayscale, Colour, Pseudo-Colour, Blending (PS3.4 B.5): those whose parts are the same are applied alike. */
const PRESENTATIONS = ['1', '2', '3', '4'].map((last) => `1.2.840.10008.5.1.4.1.1.11.${last}`)
const KEY_OBJECTS = ['1.2.840.10008.5.1.4.1.1.88.59']

export const MARKS = 'isocenter.sopClassHandlerModule.marks'

export const markHandler = () => ({
  name: 'marks',
  sopClassUids: [...PRESENTATIONS, ...KEY_OBJECTS],
  getDisplaySetsFromSeries: (instances) => instances.map(displaySetOf),
})

function displaySetOf(instance) {
  const isPresentation = PRESENTATIONS.includes(instance.SOPClassUID)
  // What cannot be read is listed all the same, and says so when it is opened.
  if (isPresentation) learnState(instance).catch(() => {})
  else learnKeyImages(instance)
  const said = isPresentation ? words.presentation : words.keyImages
  return {
    displaySetInstanceUID: `isocenter-${instance.SOPInstanceUID}`,
    SOPClassHandlerId: MARKS,
    SOPClassUID: instance.SOPClassUID,
    SOPInstanceUID: instance.SOPInstanceUID,
    StudyInstanceUID: instance.StudyInstanceUID,
    SeriesInstanceUID: instance.SeriesInstanceUID,
    SeriesNumber: instance.SeriesNumber,
    SeriesDate: instance.SeriesDate,
    SeriesDescription: instance.SeriesDescription || said,
    label: instance.SeriesDescription || said,
    Modality: isPresentation ? 'PR' : 'KO',
    instance,
    instances: [instance],
    numImageFrames: 0,
    // No picture of its own.
    thumbnailSrc: null,
    isDerivedDisplaySet: true,
    isHydrated: true,
  }
}

/** In the place of a mark its images are shown: the one it speaks of first, in the viewport that it was opened in. */
export function markViewport(stacks, { services }) {
  return ({ displaySets, viewportOptions, viewportId }) => {
    const { React } = window.config.isocenter
    const [said, say] = React.useState(words.opening)
    React.useEffect(() => {
      const opening = { services, stacks, viewportId: viewportOptions?.viewportId ?? viewportId }
      if (!openMark(displaySets[0], opening)) say(words.markElsewhere)
    }, [])
    return React.createElement('p', { className: 'isocenter-cannot-show' }, said)
  }
}

function openMark(set, { services, stacks, viewportId }) {
  const { displaySetService, viewportGridService } = services
  const first = set.Modality === 'PR' ? firstOf(set.instance) : pointedOut(set.instance)[0]
  const isShown = (image) => image.SOPInstanceUID === first?.uid
  const shown = displaySetService
    .getActiveDisplaySets()
    .find((one) => one.SOPClassHandlerId === stacks && one.instances?.some(isShown))
  if (!shown) return false
  if (set.Modality === 'PR') choose(set.SOPInstanceUID)
  const frame = first.frames?.[0] ?? 1
  const index = shown.instances.length > 1 ? shown.instances.findIndex(isShown) : frame - 1
  viewportGridService.setDisplaySetsForViewports([
    {
      viewportId,
      displaySetInstanceUIDs: [shown.displaySetInstanceUID],
      viewportOptions: { viewportType: 'stack', initialImageOptions: { index } },
    },
  ])
  return true
}

/** The first image that something is drawn on, or else the first one that it is for. */
function firstOf(instance) {
  const { annotations, images } = stateOf(instance)
  return annotations.flatMap(({ about }) => about)[0] ?? images[0]
}
