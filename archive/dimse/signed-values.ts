/** Values of pixels are signed where the pixels are: "US or SS" in PS3.6, and Implicit VR does not say which. */
import type { Dataset } from './dataset.ts'
import type { Tag } from './dictionary.ts'

const PIXEL_REPRESENTATION = 0x00280103

/** Smallest and largest ones, padding, what a real world value is mapped from; lookup tables say it in their own way. */
const AS_PIXELS_ARE: readonly Tag[] = [
  ...[0x00189810, 0x00221452, 0x00280104, 0x00280105, 0x00280106, 0x00280107, 0x00280108, 0x00280109],
  ...[0x00280110, 0x00280111, 0x00280120, 0x00280121, 0x00409211, 0x00409216],
]

/** Changes and answers the data set of an Implicit VR one, items included, which inherit the representation. */
export function withSignedValues(dataset: Dataset, inherited = false): Dataset {
  const own = dataset.number(PIXEL_REPRESENTATION)
  const isSigned = own === undefined ? inherited : own === 1
  if (isSigned)
    for (const tag of AS_PIXELS_ARE) {
      const element = dataset.element(tag)
      if (element?.kind === 'value' && element.vr === 'US') dataset.put({ ...element, vr: 'SS' })
    }
  for (const element of dataset.elements.values())
    if (element.kind === 'sequence') for (const item of element.items) withSignedValues(item, isSigned)
  return dataset
}
