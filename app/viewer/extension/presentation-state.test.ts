import { expect, test } from 'vitest'
import { curveOf, windowOf } from './grey-curve.js'
import { lookedUp, readTable, tableValues } from './look-up-table.js'
import { colourOf, greyOf } from './presentation-colour.js'
import { isFor, itemFor, stateOf, withTables } from './presentation-state.js'

const HOUNSFIELD = { slope: 1, intercept: -1024 }
const STORED = { lower: 0, upper: 4095 }
const CT = { ours: HOUNSFIELD, stored: STORED }
const plain = { rescale: HOUNSFIELD }

const IMAGE = { study: '1.2', uid: '1.2.3', frame: 1 }
const reference = (uid: string, frames?: number | number[]) => ({
  ReferencedSOPInstanceUID: uid,
  ReferencedFrameNumber: frames,
})
const stateOn = (values: object) =>
  stateOf({
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.11.1',
    SOPInstanceUID: '1.9',
    StudyInstanceUID: '1.2',
    ReferencedSeriesSequence: [{ ReferencedImageSequence: [reference('1.2.3')] }],
    ...values,
  })

test('[VW-04] a window is the range that its function says, in the values that the image is shown in', () => {
  const voi = { center: 40, width: 80 }
  const range = (form: string) => curveOf({ ...plain, voi: { ...voi, form } }, CT)
  expect(range('LINEAR')).toEqual({ lower: 0, upper: 79, form: 'LINEAR', grey: null })
  expect(range('LINEAR_EXACT')).toEqual({ lower: 0, upper: 80, form: 'LINEAR', grey: null })
  expect(range('SIGMOID')).toEqual({ lower: 0, upper: 79, form: 'SIGMOID', grey: null })
  // A state without a Modality LUT speaks of stored values.
  const stored = { voi: { center: 1064, width: 80, form: 'LINEAR' }, rescale: { slope: 1, intercept: 0 } }
  expect(curveOf(stored, CT)).toMatchObject({ lower: 0, upper: 79 })
  for (const form of ['LINEAR', 'LINEAR_EXACT'])
    expect(windowOf(range(form)!, form)).toEqual({ ...voi, width: 80, form })
})

test('[VW-04] a VOI LUT, a Modality LUT and a Presentation LUT are looked up one after the other', () => {
  const table = { first: 100, entries: Float64Array.of(0, 0.25, 1), most: 4095 }
  const voi = curveOf({ ...plain, voi: { table } }, CT)!
  expect([voi.lower, voi.upper]).toEqual([100, 102])
  expect([99, 101, 101.5, 500].map(voi.grey!)).toEqual([0, 0.25, 0.625, 1])
  const dark = { first: 0, entries: Float64Array.of(0, 0.1, 0.2), most: 0xffff }
  const printed = curveOf({ ...plain, voi: { center: 40, width: 81, form: 'LINEAR' }, greyTable: dark }, CT)!
  expect(printed.grey!(79.5)).toBeCloseTo(0.2)
  expect(printed.grey!(39.5)).toBeCloseTo(0.1)
  const optical = { first: 0, entries: Float64Array.of(0, 1), most: 1000 }
  const modality = curveOf(
    { ...plain, voi: { center: 500, width: 500, form: 'LINEAR_EXACT' }, modalityTable: optical },
    CT,
  )!
  // Stored values 0 and 1, a thousand and nothing.
  expect([-1024, -1023.5, -1023].map(modality.grey!)).toEqual([0, 0.5, 1])
  expect(curveOf({ ...plain, voi: null }, CT)).toBeNull()
})

test('[VW-04] a look-up table is read from numbers, words and bytes, and what is none is refused', async () => {
  const numbers = await readTable({ LUTDescriptor: [3, 10, 8], LUTData: [0, 51, 255] })
  expect(numbers).toEqual({ first: 10, entries: Float64Array.of(0, 0.2, 1), most: 255 })
  expect([0, 10.5, 99].map((value) => lookedUp(numbers, value))).toEqual([0, 0.1, 1])
  const fetched = await readTable(
    { LUTDescriptor: [2, 0xffff, 16], LUTData: { BulkDataURI: 'there' } },
    { isSigned: true, fetchBulk: async () => Uint16Array.of(0, 0xffff).buffer },
  )
  expect(fetched).toMatchObject({ first: -1, entries: Float64Array.of(0, 1) })
  const broken = [
    {},
    { LUTDescriptor: 5, LUTData: [1] },
    { LUTDescriptor: [2, 0, 40], LUTData: [1, 2] },
    { LUTDescriptor: [2, 0, 16] },
  ]
  for (const item of broken) await expect(readTable(item)).rejects.toThrow()
})

test('[VW-04] a table that is written is read as the curve that it was made of', async () => {
  const wanted = (value: number) => ((value + 200) / 500) ** 2
  const written = tableValues({ lower: -200, upper: 300 }, wanted)!
  expect(written.LUTDescriptor).toEqual([501, -200, 16])
  const read = await readTable(written)
  for (const value of [-200, -3, 299]) expect(lookedUp(read, value)).toBeCloseTo(wanted(value), 4)
  // A range of values between nought and one has no table of whole numbers.
  expect(tableValues({ lower: 0, upper: 1 }, wanted)).toBeNull()
})

test('[VW-04] a state is for the frames that it names, and for no image of another study', () => {
  const state = stateOn({
    ReferencedSeriesSequence: [
      { ReferencedImageSequence: [reference('1.2.3', [2, 3])] },
      { ReferencedImageSequence: reference('1.2.4') },
    ],
    SoftcopyVOILUTSequence: [
      { ReferencedImageSequence: [reference('1.2.3', 3)], WindowCenter: 1, WindowWidth: 2 },
      { ReferencedImageSequence: [reference('1.2.4')], WindowCenter: 3, WindowWidth: 4 },
    ],
  })
  const images = [IMAGE, { ...IMAGE, frame: 3 }, { ...IMAGE, uid: '1.2.4' }, { ...IMAGE, uid: '1.2.9' }]
  expect(images.map((image) => isFor(state, image))).toEqual([false, true, true, false])
  expect(isFor(state, { ...IMAGE, frame: 3, study: '1.3' })).toBe(false)
  expect(images.map((image) => itemFor(state.windows, image))).toMatchObject([
    undefined as never,
    { center: 1 },
    { center: 3 },
    undefined as never,
  ])
})

test('[VW-04] layers have their colours and their order; a colour without a name is no colour', () => {
  const yellow = [57_739, 34_127, 48_340]
  const { layers } = stateOn({
    GraphicLayerSequence: [
      { GraphicLayer: 'UPPER', GraphicLayerOrder: 2, GraphicLayerRecommendedDisplayCIELabValue: yellow },
      { GraphicLayer: 'LOWER', GraphicLayerOrder: 1, GraphicLayerRecommendedDisplayGrayscaleValue: 0xffff },
      { GraphicLayer: 'PLAIN', GraphicLayerRecommendedDisplayCIELabValue: 'red' },
    ],
  })
  expect([...layers.values()].map(({ order, colour }) => [order, colour])).toEqual([
    [2, 'rgb(255 216 102)'],
    [1, 'rgb(255 255 255)'],
    [0, undefined],
  ])
  expect([greyOf(0), greyOf(1e9), colourOf([0xffff, 0x8080, 0x8080])]).toEqual([
    'rgb(0 0 0)',
    'rgb(255 255 255)',
    'rgb(255 255 255)',
  ])
})

test('[VW-04] a presentation that is broken in every place is read without a fault, and says what it lacks', async () => {
  const broken = {
    ReferencedSeriesSequence: [null, {}, { ReferencedImageSequence: 'nonsense' }],
    SoftcopyVOILUTSequence: [{ WindowCenter: 'x' }, { VOILUTSequence: [{ LUTDescriptor: null }] }],
    PresentationLUTSequence: [{}],
    DisplayedAreaSelectionSequence: [{ DisplayedAreaTopLeftHandCorner: [1] }, 7],
    ShutterShape: ['RECTANGULAR', 'CIRCULAR', 'POLYGONAL', 'BITMAP'],
    GraphicLayerSequence: [{}],
    GraphicAnnotationSequence: [
      {
        TextObjectSequence: [{}, { AnchorPoint: [1, 'y'] }, null],
        GraphicObjectSequence: [
          { GraphicType: 'ELLIPSE', GraphicData: [1, 2] },
          { GraphicType: 'STAR', GraphicData: [1, 2, 3, 4] },
          { GraphicType: 'POLYLINE', GraphicData: [1, Number.NaN, 3, 4] },
        ],
      },
    ],
  }
  const state = await withTables(stateOn(broken), broken)
  expect(isFor(state, IMAGE)).toBe(false)
  expect(state.annotations).toMatchObject([{ texts: [], graphics: [] }])
  expect(state.shutters).toEqual([])
  expect([...state.lacks].sort()).toEqual(['notShownGraphics', 'notShownShutter', 'notShownTable'])
  const { lacks } = stateOn({ SOPClassUID: '1.2.840.10008.5.1.4.1.1.11.3', MaskSubtractionSequence: [{}] })
  expect([...lacks]).toEqual(['notShownPalette', 'notShownMask'])
})
