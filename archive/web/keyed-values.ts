/** A file of a few kilobytes that is no image, whole and by keyword, for whoever reads it by its own module (PS3.3). */
import type { Dataset, Element } from '../dimse/dataset.ts'
import { isNumeric } from '../dimse/dataset.ts'
import { decodeDataset } from '../dimse/decode.ts'
import { isDicomError } from '../dimse/dicom-error.ts'
import { hexOf, isPrivate, keywordOf } from '../dimse/dictionary.ts'
import { readPart10 } from '../dimse/part10.ts'

export type KeyedValue = string | number | KeyedValues
/** Values by keyword; what has none stands under its eight hexadecimal digits. */
export type KeyedValues = { readonly [keyword: string]: readonly KeyedValue[] }

const LIMITS = { depth: 12, elements: 50_000, bytes: 4 * 1024 * 1024 }

/** @returns null for what is no DICOM file, or a broken one */
export function readKeyedValues(bytes: Uint8Array): KeyedValues | null {
  try {
    const file = Buffer.from(bytes)
    const { transferSyntaxUid, datasetOffset } = readPart10(file)
    return keyed(decodeDataset(file, transferSyntaxUid, { offset: datasetOffset, limits: LIMITS }))
  } catch (error) {
    if (isDicomError(error)) return null
    throw error
  }
}

function keyed(dataset: Dataset): KeyedValues {
  const named = dataset.inOrder().map((element) => {
    const { tag } = element
    const name = (isPrivate(tag) ? undefined : keywordOf(tag)) ?? hexOf(tag)
    return [name, valuesOf(element, dataset)] as const
  })
  return Object.fromEntries(named)
}

function valuesOf(element: Element, dataset: Dataset): readonly KeyedValue[] {
  if (element.kind === 'sequence') return element.items.map(keyed)
  if (element.kind !== 'value') return []
  const { tag, vr } = element
  if (vr === 'AT') return dataset.numbers(tag).map((value) => keywordOf(value) ?? hexOf(value))
  return isNumeric(vr) ? dataset.numbers(tag) : dataset.texts(tag)
}
