/**
 * Presentation states (PS3.3 A.33.1) and key object selections (A.35.4) in the DICOM JSON model (PS3.18 annex F), and
 * their way into the study (STOW-RS). The server completes them: who made them, when, of which patient.
 */

const GRAYSCALE_PRESENTATION = '1.2.840.10008.5.1.4.1.1.11.1'
const KEY_OBJECT_SELECTION = '1.2.840.10008.5.1.4.1.1.88.59'

const ATTRIBUTES = {
  SOPClassUID: ['00080016', 'UI'],
  SOPInstanceUID: ['00080018', 'UI'],
  Modality: ['00080060', 'CS'],
  StudyInstanceUID: ['0020000D', 'UI'],
  SeriesInstanceUID: ['0020000E', 'UI'],
  SeriesDescription: ['0008103E', 'LO'],
  ContentDescription: ['00700081', 'LO'],
  ReferencedSeriesSequence: ['00081115', 'SQ'],
  ReferencedImageSequence: ['00081140', 'SQ'],
  ReferencedSOPSequence: ['00081199', 'SQ'],
  ReferencedSOPClassUID: ['00081150', 'UI'],
  ReferencedSOPInstanceUID: ['00081155', 'UI'],
  ReferencedFrameNumber: ['00081160', 'IS'],
  RescaleIntercept: ['00281052', 'DS'],
  RescaleSlope: ['00281053', 'DS'],
  RescaleType: ['00281054', 'LO'],
  SoftcopyVOILUTSequence: ['00283110', 'SQ'],
  WindowCenter: ['00281050', 'DS'],
  WindowWidth: ['00281051', 'DS'],
  VOILUTFunction: ['00281056', 'CS'],
  VOILUTSequence: ['00283010', 'SQ'],
  LUTDescriptor: ['00283002', 'US'],
  LUTData: ['00283006', 'OW'],
  PresentationLUTShape: ['20500020', 'CS'],
  ShutterShape: ['00181600', 'CS'],
  ShutterLeftVerticalEdge: ['00181602', 'IS'],
  ShutterRightVerticalEdge: ['00181604', 'IS'],
  ShutterUpperHorizontalEdge: ['00181606', 'IS'],
  ShutterLowerHorizontalEdge: ['00181608', 'IS'],
  CenterOfCircularShutter: ['00181610', 'IS'],
  RadiusOfCircularShutter: ['00181612', 'IS'],
  VerticesOfThePolygonalShutter: ['00181620', 'IS'],
  ShutterPresentationValue: ['00181622', 'US'],
  DisplayedAreaSelectionSequence: ['0070005A', 'SQ'],
  DisplayedAreaTopLeftHandCorner: ['00700052', 'SL'],
  DisplayedAreaBottomRightHandCorner: ['00700053', 'SL'],
  PresentationSizeMode: ['00700100', 'CS'],
  PresentationPixelSpacing: ['00700101', 'DS'],
  PresentationPixelAspectRatio: ['00700102', 'IS'],
  ImageRotation: ['00700042', 'US'],
  ImageHorizontalFlip: ['00700041', 'CS'],
  GraphicAnnotationSequence: ['00700001', 'SQ'],
  GraphicLayerSequence: ['00700060', 'SQ'],
  GraphicLayer: ['00700002', 'CS'],
  GraphicLayerOrder: ['00700062', 'IS'],
  GraphicLayerDescription: ['00700068', 'LO'],
  GraphicLayerRecommendedDisplayGrayscaleValue: ['00700066', 'US'],
  GraphicLayerRecommendedDisplayCIELabValue: ['00700401', 'US'],
  TextObjectSequence: ['00700008', 'SQ'],
  UnformattedTextValue: ['00700006', 'ST'],
  BoundingBoxAnnotationUnits: ['00700003', 'CS'],
  BoundingBoxTopLeftHandCorner: ['00700010', 'FL'],
  BoundingBoxBottomRightHandCorner: ['00700011', 'FL'],
  BoundingBoxTextHorizontalJustification: ['00700012', 'CS'],
  AnchorPointAnnotationUnits: ['00700004', 'CS'],
  AnchorPoint: ['00700014', 'FL'],
  AnchorPointVisibility: ['00700015', 'CS'],
  GraphicObjectSequence: ['00700009', 'SQ'],
  GraphicAnnotationUnits: ['00700005', 'CS'],
  GraphicDimensions: ['00700020', 'US'],
  NumberOfGraphicPoints: ['00700021', 'US'],
  GraphicData: ['00700022', 'FL'],
  GraphicType: ['00700023', 'CS'],
  GraphicFilled: ['00700024', 'CS'],
  ContentSequence: ['0040A730', 'SQ'],
}

/** What has no value is left out. */
export function dicomJson(values) {
  const elements = Object.entries(values).flatMap(([keyword, value]) => {
    if (value === undefined) return []
    const [tag, vr] = ATTRIBUTES[keyword]
    const list = [value].flat()
    if (vr === 'OW') return [[tag, { vr, ...value }]]
    return [[tag, { vr: vrOf(vr, list), Value: vr === 'SQ' ? list.map(dicomJson) : list }]]
  })
  return Object.fromEntries(elements.sort(([a], [b]) => (a < b ? -1 : 1)))
}

// A descriptor of values below nought is of that VR (PS3.3 C.11.2.1.1).
const vrOf = (vr, list) => (vr === 'US' && list.some((value) => value < 0) ? 'SS' : vr)

/** Under 2.25, from a random UUID (PS3.5 B.2); `crypto.randomUUID` asks for HTTPS, and hospitals' networks are not. */
export function newUid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = (bytes[6] & 0x0f) | 0x40
  bytes[8] = (bytes[8] & 0x3f) | 0x80
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return `2.25.${BigInt(`0x${hex}`)}`
}

const sopReference = ({ sopClassUid, sopInstanceUid, frames }) => ({
  ReferencedSOPClassUID: sopClassUid,
  ReferencedSOPInstanceUID: sopInstanceUid,
  ReferencedFrameNumber: frames?.length ? frames : undefined,
})

/** By keyword, with each sequence as an array: as OHIF reads them from the archive, so that both are read one way. */
export function presentationValues({ study, images, shown, description }) {
  const series = Map.groupBy(images, ({ seriesUid }) => seriesUid)
  return {
    SOPClassUID: GRAYSCALE_PRESENTATION,
    SOPInstanceUID: newUid(),
    StudyInstanceUID: study,
    Modality: 'PR',
    ContentDescription: description || undefined,
    ReferencedSeriesSequence: [...series].map(([SeriesInstanceUID, list]) => ({
      SeriesInstanceUID,
      ReferencedImageSequence: list.map(sopReference),
    })),
    ...rescaleValues(shown.rescale),
    SoftcopyVOILUTSequence: voiValues(shown),
    PresentationLUTShape: shown.isInverted ? 'INVERSE' : 'IDENTITY',
    ...shutterValues(shown),
    DisplayedAreaSelectionSequence: [areaValues(shown)],
    ...orientationValues(shown),
    GraphicLayerSequence: layersOf(shown),
    GraphicAnnotationSequence: shown.annotations.length ? shown.annotations.map(annotationValues) : undefined,
  }
}

const rescaleValues = (rescale) =>
  rescale
    ? {
        RescaleIntercept: decimal(rescale.intercept),
        RescaleSlope: decimal(rescale.slope),
        RescaleType: rescale.type || 'US',
      }
    : {}

/** A plain line says nothing of its function: LINEAR is what is meant without one (PS3.3 C.11.2.1.2). */
function voiValues({ window, table }) {
  if (table) return [{ VOILUTSequence: [table] }]
  if (!window) return undefined
  const { center, width, form = 'LINEAR' } = window
  const VOILUTFunction = form === 'LINEAR' ? undefined : form
  return [{ WindowCenter: decimal(center), WindowWidth: decimal(width), VOILUTFunction }]
}

/** Layers of a presentation before this one; the archive adds ours. */
function layersOf({ annotations, layers = [] }) {
  const used = layers.filter(({ name }) => annotations.some(({ layer }) => layer === name))
  if (used.length === 0) return undefined
  return used.map(({ name, order, description, grey, lab }) => ({
    GraphicLayer: name,
    GraphicLayerOrder: order,
    GraphicLayerRecommendedDisplayGrayscaleValue: grey,
    GraphicLayerRecommendedDisplayCIELabValue: lab,
    GraphicLayerDescription: description || undefined,
  }))
}

function areaValues({ area, spacing, aspect = 1 }) {
  return {
    DisplayedAreaTopLeftHandCorner: area.topLeft,
    DisplayedAreaBottomRightHandCorner: area.bottomRight,
    PresentationSizeMode: 'SCALE TO FIT',
    ...(spacing
      ? { PresentationPixelSpacing: spacing.map(decimal) }
      : { PresentationPixelAspectRatio: aspect === 1 ? [1, 1] : [Math.round(aspect * 1000), 1000] }),
  }
}

const orientationValues = ({ rotation, isFlipped }) =>
  rotation || isFlipped ? { ImageRotation: rotation, ImageHorizontalFlip: isFlipped ? 'Y' : 'N' } : {}

function shutterValues({ shutters = [], shutterGrey = 0 }) {
  if (shutters.length === 0) return {}
  return {
    ShutterShape: shutters.map(({ shape }) => shape),
    ...Object.assign({}, ...shutters.map(shapeValues)),
    ShutterPresentationValue: Math.round(shutterGrey * 0xffff),
  }
}

function shapeValues(shutter) {
  if (shutter.shape === 'CIRCULAR')
    return {
      CenterOfCircularShutter: [shutter.center.row, shutter.center.column],
      RadiusOfCircularShutter: shutter.radius,
    }
  if (shutter.shape === 'POLYGONAL')
    return { VerticesOfThePolygonalShutter: shutter.points.flatMap(([x, y]) => [y, x]) }
  return {
    ShutterLeftVerticalEdge: shutter.left,
    ShutterRightVerticalEdge: shutter.right,
    ShutterUpperHorizontalEdge: shutter.upper,
    ShutterLowerHorizontalEdge: shutter.lower,
  }
}

function annotationValues({ image, images = [image], layer, graphics, texts }) {
  return {
    ReferencedImageSequence: images.map(sopReference),
    GraphicLayer: layer || undefined,
    TextObjectSequence: texts.length ? texts.map(textValues) : undefined,
    GraphicObjectSequence: graphics.length
      ? graphics.map(({ type, points, isFilled }) => ({
          GraphicAnnotationUnits: 'PIXEL',
          GraphicDimensions: 2,
          NumberOfGraphicPoints: points.length,
          GraphicData: points.flat(),
          GraphicType: type,
          GraphicFilled: type === 'POINT' ? undefined : isFilled ? 'Y' : 'N',
        }))
      : undefined,
  }
}

function textValues({ text, at, to, justification, anchor }) {
  return {
    UnformattedTextValue: text,
    ...(to && {
      BoundingBoxAnnotationUnits: 'PIXEL',
      BoundingBoxTopLeftHandCorner: at,
      BoundingBoxBottomRightHandCorner: to,
      BoundingBoxTextHorizontalJustification: justification,
    }),
    ...((anchor || !to) && {
      AnchorPointAnnotationUnits: 'PIXEL',
      AnchorPoint: anchor ?? at,
      AnchorPointVisibility: anchor ? 'Y' : 'N',
    }),
  }
}

export const keyImageValues = ({ study, images }) => ({
  SOPClassUID: KEY_OBJECT_SELECTION,
  SOPInstanceUID: newUid(),
  StudyInstanceUID: study,
  Modality: 'KO',
  ContentSequence: images.map((image) => ({ ReferencedSOPSequence: [sopReference(image)] })),
})

/** At most sixteen characters (PS3.5 section 6.2, DS). */
const decimal = (value) => Number(Number(value).toPrecision(9))

/** @throws in words of ours when the archive did not take it */
export async function storeValues(values) {
  const { launch } = window.config.isocenter
  const boundary = `isocenter-${values.SOPInstanceUID.slice(-12)}`
  const answered = await fetch(`/dicom-web/launch/${launch}/studies/${values.StudyInstanceUID}`, {
    method: 'POST',
    headers: {
      Accept: 'application/dicom+json',
      'Content-Type': `multipart/related; type="application/dicom+json"; boundary=${boundary}`,
    },
    body: [
      `--${boundary}`,
      'Content-Type: application/dicom+json',
      '',
      JSON.stringify([dicomJson(values)]),
      `--${boundary}--`,
      '',
    ].join('\r\n'),
  })
  if (!answered.ok) throw new Error(`stored: ${answered.status}`)
}
