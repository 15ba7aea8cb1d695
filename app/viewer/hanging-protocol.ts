/** A kept layout as OHIF hangs it: its own hanging protocol, with a selector of series for each viewport. */
import type { HangingLayout, HungViewport } from '#domain/hanging-layout.ts'

/** The one protocol of ours; the viewer registers it before it opens a study. */
export const KEPT_PROTOCOL = 'isocenter.kept'

/** Without one that was kept: one viewport, and in it the current study; OHIF's own would take the lowest series of any. */
export const PLAIN_LAYOUT: HangingLayout = {
  rows: 1,
  columns: 1,
  viewports: [{ study: 'current', series: '', nth: 0, plane: 'stack' }],
}

export function hangingProtocol({ rows, columns, viewports }: HangingLayout): object {
  const selectors = viewports.map((viewport, cell) => [`cell${cell}`, selectorOf(viewport)] as const)
  return {
    id: KEPT_PROTOCOL,
    name: KEPT_PROTOCOL,
    locked: true,
    numberOfPriorsReferenced: viewports.some(({ study }) => study === 'prior') ? 1 : 0,
    protocolMatchingRules: [],
    toolGroupIds: ['default'],
    displaySetSelectors: Object.fromEntries(selectors),
    defaultViewport: {
      viewportOptions: { viewportType: 'stack', toolGroupId: 'default', allowUnmatchedView: true },
      displaySets: [{ id: 'cell0', matchedDisplaySetsIndex: -1 }],
    },
    stages: [
      {
        name: KEPT_PROTOCOL,
        viewportStructure: { layoutType: 'grid', properties: { rows, columns } },
        viewports: viewports.map(viewportOf),
      },
    ],
  }
}

// The current study stands first in the address, its newest prior second.
function selectorOf({ study, series }: HungViewport): object {
  return {
    studyMatchingRules: [
      {
        attribute: 'studyInstanceUIDsIndex',
        from: 'options',
        required: true,
        constraint: { equals: { value: study === 'current' ? 0 : 1 } },
      },
    ],
    seriesMatchingRules: [
      // Documents and presentations are no images; a localizer is shown when it is asked for.
      { attribute: 'numImageFrames', required: true, constraint: { greaterThan: { value: 0 } } },
      ...(series === ''
        ? [{ attribute: 'numImageFrames', weight: 2, constraint: { greaterThan: { value: 3 } } }]
        : [
            { attribute: 'SeriesDescription', weight: 20, constraint: { equals: { value: series } } },
            { attribute: 'SeriesDescription', weight: 8, constraint: { containsI: series } },
          ]),
    ],
  }
}

function viewportOf({ plane, nth }: HungViewport, cell: number): object {
  const isVolume = plane !== 'stack'
  return {
    viewportOptions: {
      viewportType: isVolume ? 'volume' : 'stack',
      ...(isVolume && { orientation: plane }),
      toolGroupId: isVolume ? 'mpr' : 'default',
      allowUnmatchedView: true,
    },
    displaySets: [{ id: `cell${cell}`, matchedDisplaySetsIndex: nth }],
  }
}
