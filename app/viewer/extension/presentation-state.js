/** A stored presentation state as the viewer applies it (PS3.3 A.33.1 and A.33.2): read once, from what OHIF has read. */

/** A sequence of one item comes as that item, now and then; a value of one, as that value. */
export const many = (value) =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]

const numbers = (value) =>
  (typeof value === 'string' ? value.split('\\') : many(value)).map(Number).filter(Number.isFinite)

export function stateOf(instance) {
  return {
    uid: instance.SOPInstanceUID,
    study: instance.StudyInstanceUID,
    label: instance.ContentDescription || instance.ContentLabel || '',
    creator: nameOf(instance.ContentCreatorName),
    madeAt: `${instance.PresentationCreationDate ?? ''}${instance.PresentationCreationTime ?? ''}`,
    images: new Set(
      many(instance.ReferencedSeriesSequence).flatMap(({ ReferencedImageSequence }) =>
        aboutOf(ReferencedImageSequence),
      ),
    ),
    // Without a Modality LUT the window is one of stored values.
    rescale: {
      slope: numbers(instance.RescaleSlope)[0] ?? 1,
      intercept: numbers(instance.RescaleIntercept)[0] ?? 0,
    },
    windows: many(instance.SoftcopyVOILUTSequence).map((item) => ({
      about: aboutOf(item.ReferencedImageSequence),
      center: numbers(item.WindowCenter)[0],
      width: numbers(item.WindowWidth)[0],
    })),
    isInverted: instance.PresentationLUTShape === 'INVERSE',
    isGrey: instance.PresentationLUTShape !== undefined || Boolean(instance.PresentationLUTSequence),
    areas: many(instance.DisplayedAreaSelectionSequence).map((item) => ({
      about: aboutOf(item.ReferencedImageSequence),
      topLeft: numbers(item.DisplayedAreaTopLeftHandCorner),
      bottomRight: numbers(item.DisplayedAreaBottomRightHandCorner),
    })),
    rotation: numbers(instance.ImageRotation)[0] ?? 0,
    isFlipped: instance.ImageHorizontalFlip === 'Y',
    shutters: shuttersOf(instance),
    shutterGrey: (numbers(instance.ShutterPresentationValue)[0] ?? 0) / 65535,
    annotations: many(instance.GraphicAnnotationSequence).map((item) => ({
      about: aboutOf(item.ReferencedImageSequence),
      texts: many(item.TextObjectSequence).flatMap(textOf),
      graphics: many(item.GraphicObjectSequence).map((graphic) => ({
        type: graphic.GraphicType,
        isOfScreen: graphic.GraphicAnnotationUnits === 'DISPLAY',
        points: pairs(graphic.GraphicData),
      })),
    })),
  }
}

const aboutOf = (sequence) => many(sequence).map(({ ReferencedSOPInstanceUID: uid }) => uid)

/** The item that is for an image: one without a list is for all of them. */
export const itemFor = (items, uid) => items.find(({ about }) => about.length === 0 || about.includes(uid))

export const itemsFor = (items, uid) => items.filter(({ about }) => about.length === 0 || about.includes(uid))

function textOf(item) {
  const box = item.BoundingBoxTopLeftHandCorner
  const [at] = pairs(box ?? item.AnchorPoint)
  const units = box ? item.BoundingBoxAnnotationUnits : item.AnchorPointAnnotationUnits
  return at ? [{ text: item.UnformattedTextValue ?? '', at, isOfScreen: units === 'DISPLAY' }] : []
}

function pairs(value) {
  const list = numbers(value)
  return Array.from({ length: list.length >> 1 }, (_, n) => [list[2 * n], list[2 * n + 1]])
}

function shuttersOf(instance) {
  const shapes = many(instance.ShutterShape).flatMap((shape) => String(shape).split('\\'))
  const [row, column] = numbers(instance.CenterOfCircularShutter)
  return shapes.flatMap((shape) => {
    if (shape === 'RECTANGULAR')
      return {
        shape,
        left: numbers(instance.ShutterLeftVerticalEdge)[0],
        right: numbers(instance.ShutterRightVerticalEdge)[0],
        upper: numbers(instance.ShutterUpperHorizontalEdge)[0],
        lower: numbers(instance.ShutterLowerHorizontalEdge)[0],
      }
    if (shape === 'CIRCULAR')
      return { shape, center: { row, column }, radius: numbers(instance.RadiusOfCircularShutter)[0] }
    // Row and column alternate (PS3.3 C.7.6.11).
    const points = pairs(instance.VerticesOfThePolygonalShutter).map(([y, x]) => [x, y])
    return shape === 'POLYGONAL' && points.length > 2 ? { shape, points } : []
  })
}

function nameOf(name) {
  const first = Array.isArray(name) ? name[0] : name
  const text = typeof first === 'string' ? first : (first?.Alphabetic ?? '')
  const [family, given] = text.split('^')
  return [family, given].filter(Boolean).join(', ')
}
