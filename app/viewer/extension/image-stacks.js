/** Which image stands in a viewport, and the stack that it is one of. */

/** Null where no stack is shown, or none of its images yet. */
export const stackIn = (element) => {
  const { viewport } = window.cornerstone.getEnabledElement(element) ?? {}
  const imageId = viewport?.getCurrentImageId?.()
  const isStack = viewport?.type === window.cornerstone.Enums.ViewportType.STACK
  if (!isStack || !imageId || !viewport.getImageData()) return null
  const instance = instanceOf(imageId)
  return instance ? { viewport, instance, imageId, image: imageOf(instance, imageId) } : null
}

/** What stands in the viewport that the reader works in. */
export function activeStack({ viewportGridService, cornerstoneViewportService }) {
  const viewport = cornerstoneViewportService.getCornerstoneViewport(
    viewportGridService.getActiveViewportId(),
  )
  return viewport ? stackIn(viewport.element) : null
}

export const viewportsNow = () =>
  (window.cornerstone?.getRenderingEngines() ?? []).flatMap((engine) => engine.getViewports())

export const instanceOf = (imageId) => window.cornerstone.metaData.get('instance', imageId)

export const imageOf = (instance, imageId) => ({
  study: instance.StudyInstanceUID,
  series: instance.SeriesInstanceUID,
  uid: instance.SOPInstanceUID,
  frame: frameOf(imageId),
  isOneOfMany: Number(instance.NumberOfFrames) > 1,
})

/** Counted from one. */
export const frameOf = (imageId) => Number(/\/frames\/(\d+)/.exec(imageId)?.[1] ?? 1)
