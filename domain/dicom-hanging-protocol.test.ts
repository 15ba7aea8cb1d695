import { expect, test } from 'vitest'
import { type ImportedHanging, type Item, importedHanging } from './dicom-hanging-protocol.ts'
import { readLayout } from './hanging-layout.ts'

const CATALOGUE = [{ modality: 'CT', scheme: 'LN', code: '24725-4' }]

const LEFT_HALF = [0, 1, 0.5, 0]
const RIGHT_HALF = [0.5, 1, 1, 0]

const display = (imageSet: number, position: number[], more: Item = {}): Item => ({
  DisplaySetNumber: [imageSet],
  DisplaySetPresentationGroup: [1],
  ImageSetNumber: [imageSet],
  ImageBoxesSequence: [
    {
      ImageBoxNumber: [1],
      DisplayEnvironmentSpatialPosition: position,
      ImageBoxLayoutType: ['STACK'],
    },
  ],
  ...more,
})

const AXIAL: Item = {
  ImageSetSelectorUsageFlag: ['MATCH'],
  SelectorAttribute: ['SeriesDescription'],
  SelectorAttributeVR: ['LO'],
  SelectorLOValue: ['AX 5.0'],
}

const PROTOCOL: Item = {
  SOPClassUID: ['1.2.840.10008.5.1.4.38.1'],
  HangingProtocolName: ['CT COMPARE'],
  HangingProtocolDescription: ['Head with its prior'],
  HangingProtocolDefinitionSequence: [
    {
      Modality: ['CT'],
      ProcedureCodeSequence: [
        { CodeValue: ['24725-4'], CodingSchemeDesignator: ['LN'], CodeMeaning: ['CT head'] },
      ],
    },
  ],
  NumberOfPriorsReferenced: [1],
  NumberOfScreens: [1],
  ImageSetsSequence: [
    {
      ImageSetSelectorSequence: [AXIAL],
      TimeBasedImageSetsSequence: [
        {
          ImageSetNumber: [1],
          ImageSetSelectorCategory: ['RELATIVE_TIME'],
          RelativeTime: [0, 0],
          RelativeTimeUnits: ['MINUTES'],
        },
        { ImageSetNumber: [2], ImageSetSelectorCategory: ['ABSTRACT_PRIOR'], AbstractPriorValue: [1, 1] },
      ],
    },
  ],
  DisplaySetsSequence: [display(1, LEFT_HALF), display(2, RIGHT_HALF)],
}

const imported = (more: Item = {}) => importedHanging({ ...PROTOCOL, ...more }, CATALOGUE) as ImportedHanging
const reasons = (of: ImportedHanging) => of.leftOut.map(({ why }) => why)

test('[VW-02] a hanging protocol with its prior beside the exam becomes a layout for its procedure, and nothing of it is lost', () => {
  expect(imported()).toEqual({
    name: 'CT COMPARE',
    description: 'Head with its prior',
    modality: 'CT',
    procedure: CATALOGUE[0],
    place: 'beside',
    layout: {
      rows: 1,
      columns: 2,
      viewports: [
        { study: 'current', series: 'AX 5.0', nth: 0, plane: 'stack' },
        { study: 'prior', series: 'AX 5.0', nth: 0, plane: 'stack' },
      ],
    },
    leftOut: [],
  })
  expect(readLayout(imported().layout)).toEqual(imported().layout)
})

test('[VW-02] boxes are counted from the lower left: what stands above is in the upper row', () => {
  const { layout } = imported({
    DisplaySetsSequence: [display(1, [0, 0.5, 1, 0]), display(2, [0, 1, 1, 0.5])],
  })
  expect([layout.rows, layout.columns]).toEqual([2, 1])
  expect(layout.viewports.map(({ study }) => study)).toEqual(['prior', 'current'])
})

test('[VW-02] a reformatted set hangs in its plane; a slab keeps the plane and says so', () => {
  const mpr = (type: string, direction: string): Item => ({
    ReformattingOperationType: [type],
    ReformattingOperationInitialViewDirection: [direction],
  })
  const one = imported({
    DisplaySetsSequence: [
      display(1, LEFT_HALF, mpr('MPR', 'SAGITTAL')),
      display(2, RIGHT_HALF, mpr('SLAB', 'CORONAL')),
    ],
  })
  expect(one.layout.viewports.map(({ plane }) => plane)).toEqual(['sagittal', 'coronal'])
  expect(one.leftOut).toEqual([{ why: 'shown', what: 'SLAB CORONAL' }])
})

test('[VW-02] several screens hang in a window of its own', () => {
  const two = imported({ NumberOfScreens: [2] })
  expect([two.place, reasons(two)]).toEqual(['own-window', ['screens']])
})

test('[VW-02] image sets that differ in what a layout cannot say show one series after the other', () => {
  const set = (number: number, plane: string): Item => ({
    ImageSetSelectorSequence: [
      { SelectorAttribute: ['ImageType'], SelectorAttributeVR: ['CS'], SelectorCSValue: [plane] },
    ],
    TimeBasedImageSetsSequence: [{ ImageSetNumber: [number], RelativeTime: [0, 0] }],
  })
  const one = imported({ ImageSetsSequence: [set(1, 'AXIAL'), set(2, 'LOCALIZER')] })
  expect(one.layout.viewports.map(({ nth }) => nth)).toEqual([0, 1])
  expect(one.leftOut).toEqual([
    { why: 'selector', what: 'ImageType: AXIAL' },
    { why: 'selector', what: 'ImageType: LOCALIZER' },
  ])
})

test.each<[string, Item, string]>([
  [
    'another region',
    {
      HangingProtocolDefinitionSequence: [
        { Modality: ['CT'], AnatomicRegionSequence: [{ CodeMeaning: ['Head'] }] },
      ],
    },
    'definition',
  ],
  [
    'a procedure that is not in the catalogue',
    {
      HangingProtocolDefinitionSequence: [
        { Modality: ['CT'], ProcedureCodeSequence: [{ CodeValue: ['X'] }] },
      ],
    },
    'procedure',
  ],
  ['three priors', { NumberOfPriorsReferenced: [3] }, 'priors'],
  ['synchronised scrolling', { SynchronizedScrollingSequence: [{}] }, 'attribute'],
  ['a private element', { '00731001': ['x'] }, 'attribute'],
  [
    'a second stage',
    {
      DisplaySetsSequence: [
        display(1, LEFT_HALF),
        display(2, RIGHT_HALF, { DisplaySetPresentationGroup: [2] }),
      ],
    },
    'group',
  ],
  [
    'a big box beside a small one',
    { DisplaySetsSequence: [display(1, [0, 1, 0.7, 0]), display(2, [0.7, 1, 1, 0])] },
    'sizes',
  ],
  ['a box over another', { DisplaySetsSequence: [display(1, LEFT_HALF), display(2, LEFT_HALF)] }, 'beyond'],
  [
    'a window of its own',
    { DisplaySetsSequence: [display(1, LEFT_HALF, { VOIType: ['LUNG'] })] },
    'attribute',
  ],
  [
    'sorting',
    { DisplaySetsSequence: [display(1, LEFT_HALF, { SortingOperationsSequence: [{}] })] },
    'attribute',
  ],
])('[VW-02] what a layout cannot say is named before it is kept: %s', (_, more, why) => {
  expect(reasons(imported(more))).toContain(why)
})

test('[VW-02] a wall of boxes keeps what fits the grid, and names the rest', () => {
  const wall = Array.from({ length: 36 }, (_, n) => {
    const [row, column] = [Math.floor(n / 6), n % 6]
    return display(1, [column / 6, 1 - row / 6, (column + 1) / 6, 1 - (row + 1) / 6])
  })
  const one = imported({ DisplaySetsSequence: wall })
  expect(readLayout(one.layout)).toMatchObject({ rows: 3, columns: 4 })
  expect(reasons(one)).toContain('beyond')
})

test('[VW-02] what is no hanging protocol, or shows nothing, is refused', () => {
  const other = { ...PROTOCOL, SOPClassUID: ['1.2.840.10008.5.1.4.1.1.2'] }
  expect(importedHanging(other, CATALOGUE)).toEqual({ refused: 'other-object' })
  expect(importedHanging({}, CATALOGUE)).toEqual({ refused: 'other-object' })
  expect(imported({ DisplaySetsSequence: [] })).toEqual({ refused: 'no-boxes' })
  const nowhere = display(1, [Number.NaN, 7, -3, 0])
  expect(imported({ DisplaySetsSequence: [nowhere] })).toEqual({ refused: 'no-boxes' })
})
