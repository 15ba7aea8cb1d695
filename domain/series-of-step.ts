/** Which series of a study a performed step made: those its MPPS named (0040,0340), those that refer to it (0008,1111), else by time. */

export interface StoredSeries {
  seriesUid: string
  /** When its first image was stored. */
  firstAt: Date
  /** SOP Instance UIDs in its images' Referenced Performed Procedure Step Sequence (0008,1111). */
  refersTo: readonly string[]
}

export interface PerformedStepOfStudy {
  id: string
  sopInstanceUid: string
  startedAt: Date
  /** Series that its MPPS named. */
  named: readonly string[]
}

/** Every stored series belongs to exactly one of the study's performed steps; these are the named one's. */
export function seriesOfStep(
  performedStepId: string,
  all: readonly PerformedStepOfStudy[],
  stored: readonly StoredSeries[],
): string[] {
  return stored.filter((series) => makerOf(series, all)?.id === performedStepId).map((one) => one.seriesUid)
}

function makerOf(
  series: StoredSeries,
  all: readonly PerformedStepOfStudy[],
): PerformedStepOfStudy | undefined {
  return (
    all.find((performed) => performed.named.includes(series.seriesUid)) ??
    all.find((performed) => series.refersTo.includes(performed.sopInstanceUid)) ??
    onTheTable(series, all)
  )
}

/** Nobody says whose it is: the exam that had begun last when its first image came. */
function onTheTable(
  { firstAt }: StoredSeries,
  all: readonly PerformedStepOfStudy[],
): PerformedStepOfStudy | undefined {
  const inOrder = all.toSorted((a, b) => a.startedAt.getTime() - b.startedAt.getTime())
  return inOrder.findLast((performed) => performed.startedAt <= firstAt) ?? inOrder[0]
}
