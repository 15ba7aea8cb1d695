/** References to images of the stacks on the screen, as a stored object makes them (PS3.3 C.11.11, C.18.4). */
import { frameOf, instanceOf } from './image-stacks.js'

/** Each image once; of one of many frames those that are meant. */
export function referencesTo(imageIds) {
  const images = Map.groupBy(imageIds, (imageId) => instanceOf(imageId).SOPInstanceUID)
  return [...images.values()].map((ids) => {
    const [first, ...others] = ids.map(referenceTo)
    return first.frames ? { ...first, frames: [first, ...others].flatMap(({ frames }) => frames) } : first
  })
}

/** Each image once, with all of its frames. */
export const imagesOf = (imageIds) => referencesTo(imageIds).map(({ frames, ...image }) => image)

export function referenceTo(imageId) {
  const instance = instanceOf(imageId)
  return {
    ...referenceToInstance(instance),
    ...(Number(instance.NumberOfFrames) > 1 && { frames: [frameOf(imageId)] }),
  }
}

export const referenceToInstance = (instance) => ({
  sopClassUid: instance.SOPClassUID,
  sopInstanceUid: instance.SOPInstanceUID,
  seriesUid: instance.SeriesInstanceUID,
})
