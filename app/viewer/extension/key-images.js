/** Key images: which have been chosen on the screen, which are kept, and how those chosen are stored into the study. */
import { referenceToInstance } from './image-references.js'
import { activeStack } from './image-stacks.js'
import { keyImageValues, storeValues } from './mark-json.js'
import { person } from './person.js'
import { many } from './presentation-state.js'

const { words } = window.config.isocenter

/** By SOP Instance UID, and frame where there are many: whether the selection is stored. */
const keyImages = new Map()

let services
let tell
let currentStudy
let say
let present
let refresh

export function startKeyImages(given) {
  ;({ services, tell, currentStudy, say, present, refresh } = given)
}

export const forgetKeyImages = () => keyImages.clear()

export function learnKeyImages(instance) {
  for (const { uid, frames } of pointedOut(instance))
    for (const frame of frames.length ? frames : [null])
      keyImages.set(frame === null ? uid : `${uid} ${frame}`, true)
  refresh()
}

/** Rejection notes are key object selections too, and what they say is not for here. */
const REJECTIONS = ['113001', '113037', '113038', '113039']

export function pointedOut(instance) {
  const [title] = many(instance.ConceptNameCodeSequence)
  if (REJECTIONS.includes(title?.CodeValue)) return []
  return many(instance.ContentSequence)
    .flatMap((item) => many(item?.ReferencedSOPSequence))
    .map(({ ReferencedSOPInstanceUID: uid, ReferencedFrameNumber: frames }) => ({
      uid,
      frames: many(frames).map(Number),
    }))
}

/** What is said over an image of its being one. */
export function keyMarks(image) {
  const kept = keyImages.get(keyImageOf(image)) ?? keyImages.get(image.uid)
  return kept === undefined ? [] : [{ words: kept ? words.keyImage : words.keyImageNotKept, look: 'key' }]
}

const keyImageOf = ({ uid, frame, isOneOfMany }) => (isOneOfMany ? `${uid} ${frame}` : uid)

/** The image on the screen is a key image, or no longer one; it is one of the study's with `keepKeyImages`. */
export function toggleKeyImage() {
  const stack = activeStack(services)
  const problem = !person.mayMark ? words.mayNotMark : stack ? null : words.noStack
  if (problem) return say('warning', problem)
  const { viewport, image } = stack
  if (image.study !== currentStudy()) return say('warning', words.keyImagePrior)
  const key = keyImageOf(image)
  if (keyImages.get(key) === true || keyImages.get(image.uid) === true)
    return say('info', words.keyImageStands)
  if (!keyImages.delete(key)) keyImages.set(key, false)
  present(viewport.element)
  tell('key-images', { marked: keyImagesToKeep().length })
}

const keyImagesToKeep = () => [...keyImages].flatMap(([key, isKept]) => (isKept ? [] : [key]))

export async function keepKeyImages() {
  const toKeep = keyImagesToKeep()
  const images = markedImages(toKeep)
  if (images.length === 0) return say('info', words.keyImagesHow)
  const values = keyImageValues({ study: currentStudy(), images })
  try {
    await storeValues(values)
  } catch {
    return say('error', words.notKept)
  }
  for (const key of toKeep) keyImages.set(key, true)
  services.displaySetService.makeDisplaySets(
    [
      {
        ...values,
        SeriesInstanceUID: `${values.SOPInstanceUID}.1`,
        SeriesNumber: 9003,
        SeriesDescription: words.keyImages,
      },
    ],
    { madeInClient: true },
  )
  refresh()
  tell('key-images', { kept: toKeep.length, marked: keyImagesToKeep().length })
  say('success', words.keyImagesKept.replace('{n}', toKeep.length))
}

function markedImages(keys) {
  const frames = Map.groupBy(keys, (key) => key.split(' ')[0])
  const instances = services.displaySetService.getActiveDisplaySets().flatMap((set) => set.instances ?? [])
  const byUid = new Map(instances.map((instance) => [instance.SOPInstanceUID, instance]))
  return [...frames].flatMap(([uid, marked]) => {
    const instance = byUid.get(uid)
    const numbers = marked.flatMap((key) => (key.includes(' ') ? [Number(key.split(' ')[1])] : []))
    return instance ? [{ ...referenceToInstance(instance), frames: numbers }] : []
  })
}
