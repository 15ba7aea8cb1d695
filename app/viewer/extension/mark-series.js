/** Presentations and key images in the list of series: opened there, they lead to their images. */
import { choose, learnKeyImages, learnState, pointedOut } from './marks.js'
import { many, stateOf } from './presentation-state.js'

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
  if (isPresentation) learnState(instance)
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
    React.useEffect(() => {
      openMark(displaySets[0], { services, stacks, viewportId: viewportOptions?.viewportId ?? viewportId })
    }, [])
    return React.createElement('p', { className: 'isocenter-cannot-show' }, words.opening)
  }
}

function openMark(set, { services, stacks, viewportId }) {
  const { displaySetService, viewportGridService } = services
  const uid = set.Modality === 'PR' ? firstOf(set.instance) : pointedOut(set.instance)[0]
  const shown = displaySetService
    .getActiveDisplaySets()
    .find((one) => one.SOPClassHandlerId === stacks && one.instances?.some((i) => i.SOPInstanceUID === uid))
  if (!shown) return
  if (set.Modality === 'PR') choose(set.SOPInstanceUID)
  const index = shown.instances.findIndex((one) => one.SOPInstanceUID === uid)
  viewportGridService.setDisplaySetsForViewports([
    {
      viewportId,
      displaySetInstanceUIDs: [shown.displaySetInstanceUID],
      viewportOptions: { viewportType: 'stack', initialImageOptions: { index } },
    },
  ])
}

/** The first image that something is drawn on, or else the first one that it is for. */
function firstOf(instance) {
  const drawn = many(instance.GraphicAnnotationSequence).flatMap((item) => many(item.ReferencedImageSequence))
  return drawn[0]?.ReferencedSOPInstanceUID ?? [...stateOf(instance).images][0]
}
