/** What a C-FIND answers of a match: the keys that were asked for, in the requestor's character set (PS3.4 C.4.1.1.3.2). */
import { Dataset } from '#archive/dimse/dataset.ts'
import type { Tag } from '#archive/dimse/dictionary.ts'
import type { Match } from '#archive/dimse/services.ts'
import { keysOf } from './matching.ts'

const UTF8 = ['ISO_IR 192']

/**
 * The candidate cut to the identifier's keys. A key that we have nothing for is answered empty; when it was to be
 * matched on, the answer says that it was not (FF01H). Text is in UTF-8 unless the identifier names a set that holds it.
 * `always` are in the answer whether they were asked for or not.
 */
export function answer(candidate: Dataset, identifier: Dataset, always: readonly Tag[] = []): Match {
  const sets = identifier.has('SpecificCharacterSet') ? identifier.characterSets : UTF8
  const projected = project(candidate, identifier)
  for (const tag of always) projected.put(candidate.element(tag)!)
  const dataset = projected.readableIn(sets)
  return asksForTheUnknown(candidate, identifier) ? { dataset, optionalKeysUnsupported: true } : dataset
}

function project(candidate: Dataset, identifier: Dataset): Dataset {
  const projected = new Dataset(candidate.characterSets)
  for (const key of keysOf(identifier)) {
    const own = candidate.element(key.tag)
    if (!own) projected.set(key.tag, null, key.vr)
    else if (own.kind !== 'sequence' || key.kind !== 'sequence') projected.put(own)
    else {
      const [wanted] = key.items
      const isWhole = !wanted || keysOf(wanted).length === 0
      projected.put(isWhole ? own : { ...own, items: own.items.map((item) => project(item, wanted)) })
    }
  }
  return projected
}

function asksForTheUnknown(candidate: Dataset, identifier: Dataset): boolean {
  return keysOf(identifier).some((key) => {
    if (key.kind === 'sequence') {
      const [wanted] = key.items
      const item = candidate.item(key.tag)
      if (!wanted) return false
      return (
        asksForTheUnknown(item ?? new Dataset(), wanted) && (item !== undefined || !candidate.has(key.tag))
      )
    }
    return !candidate.has(key.tag) && identifier.texts(key.tag).some((text) => text !== '' && text !== '*')
  })
}
