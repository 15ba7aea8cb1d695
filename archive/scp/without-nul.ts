/** Messages of sloppy senders with a NUL in the middle of a value, which Postgres keeps in no text: the rest is meant. */
import type { Dataset } from '#archive/dimse/dataset.ts'

/** The same data set, its text without NUL, as the header of an object is kept too. */
export function withoutNul(dataset: Dataset): Dataset {
  for (const element of dataset.inOrder()) {
    if (element.kind === 'sequence') for (const item of element.items) withoutNul(item)
    else if (element.kind === 'value' && dataset.texts(element.tag).some((text) => text.includes('\0')))
      dataset.put({ ...element, value: Buffer.from(element.value.filter((byte) => byte !== 0)) })
  }
  return dataset
}
