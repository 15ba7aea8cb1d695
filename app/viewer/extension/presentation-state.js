/** A stored presentation state as the viewer applies it (PS3.3 A.33.1 and A.33.2): read once, from what OHIF has read. */
import { readTable } from './look-up-table.js'
import { colourOf, greyOf } from './presentation-colour.js'

/** A sequence of one item comes as that item, now and then; a value of one, as that value. */
export const many = (value) =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]

/** Whatever is no item, in what was written badly or on purpose, is left out. */
export const items = (value) => many(value).filter((item) => typeof item === 'object' && item !== null)

/** Several values may still stand in one text. */
export const listed = (value) => (typeof value === 'string' ? value.split('\\') : many(value))

const numbers = (value) => listed(value).map(Number)
const allNumbers = (value) => {
  const list = numbers(value)
  return list.every(Number.isFinite) ? list : []
}
const number = (value) => {
  const [first] = numbers(value)
  return Number.isFinite(first) && many(value)[0] !== null ? first : undefined
}

export function stateOf(instance) {
  const annotations = items(instance.GraphicAnnotationSequence)
  return {
    uid: instance.SOPInstanceUID,
    study: instance.StudyInstanceUID,
    label: instance.ContentDescription || instance.ContentLabel || '',
    creator: nameOf(instance.ContentCreatorName),
    madeAt: `${instance.PresentationCreationDate ?? ''}${instance.PresentationCreationTime ?? ''}`,
    images: items(instance.ReferencedSeriesSequence).flatMap((series) =>
      aboutOf(series.ReferencedImageSequence),
    ),
    // Without a Modality LUT the window is one of stored values.
    rescale: {
      slope: number(instance.RescaleSlope) || 1,
      intercept: number(instance.RescaleIntercept) ?? 0,
    },
    windows: items(instance.SoftcopyVOILUTSequence).map((item) => ({
      about: aboutOf(item.ReferencedImageSequence),
      center: number(item.WindowCenter),
      width: number(item.WindowWidth),
      form: item.VOILUTFunction ?? 'LINEAR',
      item: items(item.VOILUTSequence)[0],
    })),
    isInverted: instance.PresentationLUTShape === 'INVERSE',
    isGrey: instance.PresentationLUTShape !== undefined || Boolean(instance.PresentationLUTSequence),
    areas: items(instance.DisplayedAreaSelectionSequence).map(areaOf),
    rotation: number(instance.ImageRotation) ?? 0,
    isFlipped: instance.ImageHorizontalFlip === 'Y',
    shutters: shuttersOf(instance),
    shutterGrey: (number(instance.ShutterPresentationValue) ?? 0) / 65535,
    layers: layersOf(instance.GraphicLayerSequence),
    annotations: annotations.map((item) => ({
      about: aboutOf(item.ReferencedImageSequence),
      layer: item.GraphicLayer ?? '',
      texts: items(item.TextObjectSequence).flatMap(textOf),
      graphics: items(item.GraphicObjectSequence).flatMap(graphicOf),
    })),
    /** What of it is not shown as it was made: names of words. */
    lacks: lacksOf(instance, annotations),
  }
}

/** Tables may have to be fetched; one that cannot be read is none, and that is said. */
export async function withTables(state, instance) {
  const read = async (item, options) => {
    if (!item) return undefined
    try {
      return await readTable(item, options)
    } catch {
      state.lacks.add('notShownTable')
      return undefined
    }
  }
  const isSigned = state.rescale.intercept < 0
  for (const window of state.windows) window.table = await read(window.item, { isSigned })
  state.modalityTable = await read(items(instance.ModalityLUTSequence)[0])
  state.greyTable = await read(items(instance.PresentationLUTSequence)[0])
  return state
}

/** References to images: of one of many frames perhaps to some of those. */
const aboutOf = (sequence) =>
  items(sequence).map((image) => ({
    uid: image.ReferencedSOPInstanceUID,
    frames: numbers(image.ReferencedFrameNumber).filter(Number.isInteger),
  }))

const isAbout = (about, { uid, frame }) =>
  about.some((one) => one.uid === uid && (one.frames.length === 0 || one.frames.includes(frame)))

/** Whether a state is for an image: never for one of another study (PS3.3 C.11.11). */
export const isFor = (state, image) => state.study === image.study && isAbout(state.images, image)

/** The item that is for an image: one without a list is for all of them. */
export const itemFor = (list, image) => itemsFor(list, image)[0]

export const itemsFor = (list, image) =>
  list.filter(({ about }) => about.length === 0 || isAbout(about, image))

function areaOf(item) {
  const spacing = allNumbers(item.PresentationPixelSpacing)
  const ratio = allNumbers(item.PresentationPixelAspectRatio)
  const [down, across] = spacing.length === 2 ? spacing : ratio
  return {
    about: aboutOf(item.ReferencedImageSequence),
    topLeft: allNumbers(item.DisplayedAreaTopLeftHandCorner),
    bottomRight: allNumbers(item.DisplayedAreaBottomRightHandCorner),
    mode: item.PresentationSizeMode ?? 'SCALE TO FIT',
    magnification: number(item.PresentationPixelMagnificationRatio),
    /** How much higher than wide a pixel is. */
    aspect: down > 0 && across > 0 ? down / across : undefined,
  }
}

/** By name; those of a lower order lie below. */
function layersOf(sequence) {
  const layers = items(sequence).map((item) => ({
    name: item.GraphicLayer ?? '',
    order: number(item.GraphicLayerOrder) ?? 0,
    description: item.GraphicLayerDescription,
    lab: ofThree(item.GraphicLayerRecommendedDisplayCIELabValue),
    grey: number(item.GraphicLayerRecommendedDisplayGrayscaleValue),
  }))
  return new Map(
    layers.map((layer) => [
      layer.name,
      {
        ...layer,
        colour: layer.lab ? colourOf(layer.lab) : layer.grey === undefined ? undefined : greyOf(layer.grey),
      },
    ]),
  )
}

function ofThree(value) {
  const list = allNumbers(value)
  return list.length === 3 ? list : undefined
}

const LONGEST_TEXT = 1024

function textOf(item) {
  const [from] = pairs(item.BoundingBoxTopLeftHandCorner)
  const [to] = pairs(item.BoundingBoxBottomRightHandCorner)
  const [anchor] = pairs(item.AnchorPoint)
  const at = from ?? anchor
  if (!at) return []
  const isOfScreen = (from ? item.BoundingBoxAnnotationUnits : item.AnchorPointAnnotationUnits) === 'DISPLAY'
  return [
    {
      text: String(item.UnformattedTextValue ?? '').slice(0, LONGEST_TEXT),
      at,
      isOfScreen,
      ...(from && to && { to, justification: item.BoundingBoxTextHorizontalJustification ?? 'LEFT' }),
      ...(anchor &&
        item.AnchorPointVisibility === 'Y' && {
          anchor: { at: anchor, isOfScreen: item.AnchorPointAnnotationUnits === 'DISPLAY' },
        }),
    },
  ]
}

/** The fewest points that each shape can be drawn of. */
const LEAST_POINTS = { POINT: 1, POLYLINE: 2, INTERPOLATED: 2, CIRCLE: 2, ELLIPSE: 4 }

function graphicOf(item) {
  const points = pairs(item.GraphicData)
  if (!(points.length >= LEAST_POINTS[item.GraphicType])) return []
  return [
    {
      type: item.GraphicType,
      isOfScreen: item.GraphicAnnotationUnits === 'DISPLAY',
      isFilled: item.GraphicFilled === 'Y',
      points,
    },
  ]
}

function pairs(value) {
  if (value === undefined || value === null) return []
  const list = allNumbers(value)
  return Array.from({ length: list.length >> 1 }, (_, n) => [list[2 * n], list[2 * n + 1]])
}

export function shuttersOf(instance) {
  const shapes = shapesOf(instance)
  const one = (keyword) => number(instance[keyword])
  const [row, column] = allNumbers(instance.CenterOfCircularShutter)
  return shapes.flatMap((shape) => {
    if (shape === 'RECTANGULAR')
      return whole({
        shape,
        left: one('ShutterLeftVerticalEdge'),
        right: one('ShutterRightVerticalEdge'),
        upper: one('ShutterUpperHorizontalEdge'),
        lower: one('ShutterLowerHorizontalEdge'),
      })
    if (shape === 'CIRCULAR') {
      const radius = one('RadiusOfCircularShutter')
      return row === undefined || !(radius > 0) ? [] : { shape, center: { row, column }, radius }
    }
    // Row and column alternate (PS3.3 C.7.6.11).
    const points = pairs(instance.VerticesOfThePolygonalShutter).map(([y, x]) => [x, y])
    return shape === 'POLYGONAL' && points.length > 2 ? { shape, points } : []
  })
}

export const shapesOf = ({ ShutterShape }) => many(ShutterShape).flatMap((shape) => String(shape).split('\\'))

const whole = (shutter) => (Object.values(shutter).includes(undefined) ? [] : [shutter])

const PSEUDO_COLOUR = '1.2.840.10008.5.1.4.1.1.11.3'
const BLENDING = '1.2.840.10008.5.1.4.1.1.11.4'

function lacksOf(instance, annotations) {
  const drawn = annotations.flatMap((item) => items(item.GraphicObjectSequence))
  const readable = drawn.flatMap(graphicOf)
  const lacks = {
    notShownPalette: instance.SOPClassUID === PSEUDO_COLOUR,
    notShownBlending: instance.SOPClassUID === BLENDING,
    notShownMask: items(instance.MaskSubtractionSequence).length > 0,
    notShownShutter: shapesOf(instance).length > shuttersOf(instance).length,
    notShownOverlay: Object.keys(instance).some((key) => /^60[0-9A-F]{2}3000$/i.test(key)),
    notShownGraphics:
      readable.length < drawn.length ||
      annotations.some((item) => items(item.CompoundGraphicSequence).length > 0),
  }
  return new Set(Object.keys(lacks).filter((name) => lacks[name]))
}

function nameOf(name) {
  const first = Array.isArray(name) ? name[0] : name
  const text = typeof first === 'string' ? first : (first?.Alphabetic ?? '')
  const [family, given] = text.split('^')
  return [family, given].filter(Boolean).join(', ')
}
