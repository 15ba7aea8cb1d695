/** Whose turnaround is measured, in words: modality, patient class, site and hour of the day, as far as they narrow it. */
import type { Population } from '#db/queries/today.ts'
import { wordFor } from '../../strings/words.ts'
import { hourWords } from '../../ui/format.ts'

/** @param hour null: of every hour */
export function populationWords({
  of: { modality, patientClass, site },
  hour,
}: {
  of: Population
  hour: number | null
}): string[] {
  const words = [modality, patientClass && wordFor('why.class', patientClass), site]
  return [...words, hour === null ? undefined : hourWords(hour)].filter((word) => word !== undefined)
}
