/** How the images are hung now, as it is kept: which study, which series and which plane in each cell of the grid. */

/** @returns null for a grid that is none, or with a viewport without a series */
export function hungNow({ viewportGridService, displaySetService }, { currentStudy, stacks }) {
  const { layout, viewports } = viewportGridService.getState()
  const cells = [...viewports.values()].sort((a, b) => a.y - b.y || a.x - b.x)
  const [rows, columns] = [layout.numRows, layout.numCols]
  if (cells.length !== rows * columns) return null
  const sets = displaySetService.getActiveDisplaySets().filter((set) => set.SOPClassHandlerId === stacks)
  const hung = cells.map(({ displaySetInstanceUIDs, viewportOptions }) => {
    const shown = displaySetService.getDisplaySetByUID(displaySetInstanceUIDs?.[0])
    return shown ? hungIn({ shown, viewportOptions, sets, currentStudy }) : null
  })
  return hung.includes(null) ? null : { rows, columns, viewports: hung }
}

function hungIn({ shown, viewportOptions, sets, currentStudy }) {
  const series = (shown.SeriesDescription ?? '').trim().slice(0, 64)
  const alike = sets.filter(
    (set) =>
      set.StudyInstanceUID === shown.StudyInstanceUID &&
      (series === '' || (set.SeriesDescription ?? '').trim() === series),
  )
  const isVolume = viewportOptions?.viewportType === 'volume'
  const plane = ['axial', 'sagittal', 'coronal'].find((one) => one === viewportOptions?.orientation)
  return {
    study: shown.StudyInstanceUID === currentStudy ? 'current' : 'prior',
    series,
    nth: Math.max(alike.indexOf(shown), 0),
    plane: isVolume ? (plane ?? 'axial') : 'stack',
  }
}
