/** What the numbers of the day are measured over: what the address says, and the orders behind a number. */
import type { Days } from '#app/server/figures.ts'
import type { Population, SegmentFigures } from '#db/queries/today.ts'
import { t } from '../../strings/words.ts'
import { count, minutes } from '../../ui/format.ts'

/** Of which days, of what hour and whose turnaround, and which segment is drawn by hour: what the address says. */
export interface Measured {
  days: Days
  of: Population
  /** Null: of every hour. */
  hour: number | null
  by: Segment | null
}

export type Segment = Pick<SegmentFigures, 'from' | 'to'>

export function addressOf({
  days,
  of: { modality, patientClass, site },
  hour,
  by,
}: Measured): URLSearchParams {
  return new URLSearchParams({
    ...(days !== 1 && { days: String(days) }),
    ...(modality && { modality }),
    ...(patientClass && { class: patientClass }),
    ...(site && { site }),
    ...(hour !== null && { hour: String(hour) }),
    ...(by && { by: `${by.from}~${by.to}` }),
  })
}

export function ordersBehind({ from, to }: Segment, measured: Measured): string {
  const address = addressOf({ ...measured, by: null })
  address.set('segment', `${from}~${to}`)
  address.set('days', String(measured.days))
  return `/orders?${address}`
}

export function segmentWords({ from, to }: Segment): string {
  return `${t(`mark.${from}`)} → ${t(`mark.${to}`)}`
}

export function segmentFigures({ n, p50, p90, p95 }: SegmentFigures): string {
  if (n === 0 || p50 === null) return t('today.no-data')
  const all = [p50, p90, p95].filter((ms) => ms !== null).map(minutes)
  return `${all.join(' · ')} (n ${count(n)})`
}
