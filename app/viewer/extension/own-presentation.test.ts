import { expect, test } from 'vitest'
import { inEightBits, unfold } from './colours.js'
import { curveOf } from './grey-curve.js'
import { isInverse, keyOfOwn, ownOf, rangeBeside, windowsIn, withOwnTables } from './own-presentation.js'

const GREY = {
  PhotometricInterpretation: 'MONOCHROME2',
  SOPClassUID: '1.2.840.10008.5.1.4.1.1.1.1',
  BitsAllocated: 16,
}
const table = (first: number, ...entries: number[]) => ({
  LUTDescriptor: [entries.length, first, 8],
  LUTData: entries,
})

test('[VW-01] an image whose window the viewer applies by itself is left to it', () => {
  expect(ownOf({ ...GREY, WindowCenter: 40, WindowWidth: 80, VOILUTFunction: 'SIGMOID' })).toBeNull()
  expect(
    ownOf({ ...GREY, PhotometricInterpretation: 'MONOCHROME1', PresentationLUTShape: 'INVERSE' }),
  ).toBeNull()
  expect(ownOf({ PhotometricInterpretation: 'RGB', VOILUTSequence: [table(0, 0, 255)] })).toBeNull()
  // A window and a table are two views of one image: the window comes first, as it does in pictures of the archive.
  expect(ownOf({ ...GREY, WindowCenter: 40, WindowWidth: 80, VOILUTSequence: [table(0, 0, 255)] })).toBeNull()
})

test('[VW-01] windows and tables of an image are offered by the names that it gives them, in its order', () => {
  const offered = windowsIn({
    ...GREY,
    PixelRepresentation: 1,
    WindowCenter: '100\\0',
    WindowWidth: [50, 'x'],
    WindowCenterWidthExplanation: 'SOFT\\BROKEN',
    VOILUTSequence: { ...table(0xffff, 0, 128, 255), LUTExplanation: 'HARD' },
  })
  expect(offered).toMatchObject([
    { name: 'SOFT', center: 100, width: 50, form: 'LINEAR' },
    { name: 'HARD', center: 0.5, width: 3 },
  ])
})

test('[VW-01] the greys of a VOI LUT and of a Modality LUT are those of their entries', async () => {
  const greys = async (values: object, sought: number[]) => {
    const { window, modalityTable } = await withOwnTables(ownOf({ ...GREY, ...values })!)
    const given = window?.table || window?.width ? window : null
    const plain = { slope: 1, intercept: 0 }
    const curve = curveOf(
      { voi: given, rescale: plain, ...(modalityTable && { modalityTable }) },
      { ours: plain, stored: { lower: 0, upper: 3 } },
    )!
    return sought.map((value) => Math.round(curve.grey!(value) * 255))
  }
  expect(await greys({ VOILUTSequence: [table(10, 0, 51, 255)] }, [9, 10, 11, 12, 99])).toEqual([
    0, 0, 51, 255, 255,
  ])
  const optical = { ModalityLUTSequence: [table(0, 255, 100, 50, 0)] }
  // LINEAR_EXACT from 50 to 150 of what the Modality LUT makes of 0, 1, 2 and 3.
  const window = { WindowCenter: 100, WindowWidth: 100, VOILUTFunction: 'LINEAR_EXACT' }
  expect(await greys({ ...optical, ...window }, [0, 1, 2, 3])).toEqual([255, 128, 0, 0])
  expect(await greys(optical, [0, 1, 2, 3])).toEqual([255, 100, 50, 0])
  // Of angiography it is for measuring.
  expect(ownOf({ ...GREY, SOPClassUID: '1.2.840.10008.5.1.4.1.1.12.1', ...optical, ...window })).toBeNull()
})

test('[VW-01] a table that cannot be read is said, and the image is shown without it', async () => {
  const own = await withOwnTables(ownOf({ ...GREY, VOILUTSequence: [{ LUTDescriptor: [2, 0, 16] }] })!)
  expect([own.window, [...own.lacks]]).toEqual([undefined, ['notShownTable']])
})

test('[VW-01] black and white change places once, whichever way an image says it', () => {
  const said = (PhotometricInterpretation: string, PresentationLUTShape?: string) =>
    isInverse({ PhotometricInterpretation, PresentationLUTShape })
  expect([said('MONOCHROME1', 'INVERSE'), said('MONOCHROME1'), said('MONOCHROME2', 'INVERSE')]).toEqual([
    true,
    true,
    true,
  ])
  expect(said('MONOCHROME2', 'IDENTITY')).toBe(false)
  expect(ownOf({ ...GREY, PresentationLUTShape: 'INVERSE' })).toMatchObject({
    hasGreys: true,
    isInverted: true,
  })
})

test('[VW-01] without a window the greys are spread over the picture and not over its padding', () => {
  const { padding } = ownOf({
    ...GREY,
    PixelRepresentation: 1,
    PixelPaddingValue: 0x8000,
    PixelPaddingRangeLimit: -32000,
  })!
  expect(padding).toEqual({ lower: -32768, upper: -32000 })
  const values = Int16Array.of(-32768, -32000, -10, 500)
  expect(rangeBeside(padding!, { values, slope: 1, intercept: 0 })).toEqual({ lower: -10, upper: 500 })
  expect(rangeBeside({ lower: 0, upper: 0 }, { values: [-1024], slope: 1, intercept: -1024 })).toBeNull()
  expect(ownOf({ ...GREY, PixelPaddingValue: 0, WindowCenter: 1, WindowWidth: 2 })).toBeNull()
})

test('[VW-01] a shutter is drawn, and a shutter or an overlay that cannot be is said', () => {
  const round = { CenterOfCircularShutter: [5, 5], RadiusOfCircularShutter: 3 }
  const own = ownOf({ ...GREY, ShutterShape: ['CIRCULAR', 'BITMAP'], ...round, 60000010: 8, 60000015: 4 })!
  expect(own.shutters).toMatchObject([{ shape: 'CIRCULAR' }])
  expect([...own.lacks]).toEqual(['notShownShutter', 'notShownOverlay'])
  expect(ownOf({ ...GREY, 60000010: 8, 60000102: 0 })).toBeNull()
})

test('[VW-01] the window of a reader stays where the next image says the same, and goes where it says another', async () => {
  const key = async (values: object, image = 'a') =>
    keyOfOwn(await withOwnTables(ownOf({ ...GREY, ...values })!), image)
  const one = { VOILUTSequence: [table(0, 0, 9, 255)] }
  expect(await key(one, 'b')).toBe(await key(one, 'a'))
  expect(await key({ VOILUTSequence: [table(0, 0, 8, 255)] })).not.toBe(await key(one))
  expect(await key({ PixelPaddingValue: 0 }, 'b')).not.toBe(await key({ PixelPaddingValue: 0 }, 'a'))
})

test('[VW-01] colours of sixteen bits lose the lower ones, and a segmented palette is written out', () => {
  const frame = {
    photometricInterpretation: 'RGB',
    pixelData: Uint16Array.of(0xffff, 0x8000, 0xff),
    bitsStored: 16,
  }
  inEightBits(frame)
  expect([...frame.pixelData]).toEqual([255, 128, 0])
  // Discrete 10 and 20, a line to 40 in two steps, and the first segment again.
  expect(unfold(Uint16Array.of(0, 2, 10, 20, 1, 2, 40, 2, 1, 0, 0), 6)).toEqual([10, 20, 30, 40, 10, 20])
})
