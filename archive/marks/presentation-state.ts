/** How a reader has images on the screen: a Grayscale Softcopy Presentation State (PS3.3 A.33.1). */
import { Dataset } from '#archive/dimse/dataset.ts'
import { DicomError } from '#archive/dimse/dicom-error.ts'
import { dicomInstant, type Instance, sopReference } from '#archive/ingest/rejection-note.ts'
import { type Mark, markDataset } from './mark.ts'

export const GRAYSCALE_PRESENTATION = '1.2.840.10008.5.1.4.1.1.11.1'

/** PS3.3 C.11.10: what is asked for is copied attribute by attribute, so that nothing else gets into an object of ours. */
export function presentationDataset(mark: Mark): Dataset {
  const { asked, instances } = mark
  const { date, time } = dicomInstant(mark.at)
  const description = asked.text('ContentDescription')?.slice(0, LONGEST_LO) ?? ''
  const kind = {
    sopClassUid: GRAYSCALE_PRESENTATION,
    modality: 'PR' as const,
    seriesNumber: 9_002,
    seriesDescription: description || 'Presentation',
  }
  const dataset = markDataset(mark, kind, {
    // Of a paired body part perhaps: the images say which.
    Laterality: '',
    PresentationCreationDate: date,
    PresentationCreationTime: time,
    ContentLabel: 'ISOCENTER',
    ContentDescription: description,
    ContentCreatorName: { alphabetic: [mark.by.family, mark.by.given].filter(Boolean).join('^') },
    ReferencedSeriesSequence: referencedSeries(instances),
  })
  copy(asked, dataset, SHAPE)
  layOut(dataset)
  for (const keyword of REQUIRED)
    if (!dataset.has(keyword)) throw new DicomError('dataset-malformed', { wanted: keyword })
  refuseStrangers(dataset, instances)
  return dataset
}

const LONGEST_LO = 64
const LAYER = 'ISOCENTER'
/** The yellow that the viewer draws with, and white where there is no colour. */
const YELLOW = [57_739, 34_127, 48_340]
const WHITE = 0xffff
const UTF8 = ['ISO_IR 192']
const REQUIRED = ['DisplayedAreaSelectionSequence', 'PresentationLUTShape']

type Shape = { readonly [keyword: string]: true | Shape }

const IMAGE: Shape = {
  ReferencedSOPClassUID: true,
  ReferencedSOPInstanceUID: true,
  ReferencedFrameNumber: true,
}

const SHAPE: Shape = {
  // Modality LUT: without it the values are the stored ones, whatever the image says of itself.
  RescaleIntercept: true,
  RescaleSlope: true,
  RescaleType: true,
  SoftcopyVOILUTSequence: {
    ReferencedImageSequence: IMAGE,
    WindowCenter: true,
    WindowWidth: true,
    VOILUTFunction: true,
    VOILUTSequence: { LUTDescriptor: true, LUTExplanation: true, LUTData: true },
  },
  PresentationLUTShape: true,
  DisplayedAreaSelectionSequence: {
    ReferencedImageSequence: IMAGE,
    DisplayedAreaTopLeftHandCorner: true,
    DisplayedAreaBottomRightHandCorner: true,
    PresentationSizeMode: true,
    PresentationPixelSpacing: true,
    PresentationPixelAspectRatio: true,
    PresentationPixelMagnificationRatio: true,
  },
  ImageRotation: true,
  ImageHorizontalFlip: true,
  ShutterShape: true,
  ShutterLeftVerticalEdge: true,
  ShutterRightVerticalEdge: true,
  ShutterUpperHorizontalEdge: true,
  ShutterLowerHorizontalEdge: true,
  CenterOfCircularShutter: true,
  RadiusOfCircularShutter: true,
  VerticesOfThePolygonalShutter: true,
  ShutterPresentationValue: true,
  GraphicLayerSequence: {
    GraphicLayer: true,
    GraphicLayerOrder: true,
    GraphicLayerRecommendedDisplayGrayscaleValue: true,
    GraphicLayerRecommendedDisplayCIELabValue: true,
    GraphicLayerDescription: true,
  },
  GraphicAnnotationSequence: {
    ReferencedImageSequence: IMAGE,
    GraphicLayer: true,
    TextObjectSequence: {
      UnformattedTextValue: true,
      BoundingBoxAnnotationUnits: true,
      BoundingBoxTopLeftHandCorner: true,
      BoundingBoxBottomRightHandCorner: true,
      BoundingBoxTextHorizontalJustification: true,
      AnchorPointAnnotationUnits: true,
      AnchorPoint: true,
      AnchorPointVisibility: true,
    },
    GraphicObjectSequence: {
      GraphicAnnotationUnits: true,
      GraphicDimensions: true,
      NumberOfGraphicPoints: true,
      GraphicData: true,
      GraphicType: true,
      GraphicFilled: true,
    },
  },
}

function copy(from: Dataset, to: Dataset, shape: Shape): void {
  for (const [keyword, inner] of Object.entries(shape)) {
    const element = from.element(keyword)
    if (!element || (inner === true) === (element.kind === 'sequence')) continue
    if (inner === true) to.put(element)
    else
      to.set(
        keyword,
        from.items(keyword).map((item) => copied(item, inner)),
      )
  }
}

function copied(item: Dataset, shape: Shape): Dataset {
  const made = new Dataset(UTF8)
  copy(item, made, shape)
  return made
}

/** Whatever is drawn lies on a layer that the presentation knows (PS3.3 C.10.7): on ours, where none was said. */
function layOut(dataset: Dataset): void {
  const layers = [...dataset.items('GraphicLayerSequence')]
  const names = new Set(layers.map((layer) => layer.text('GraphicLayer')))
  const annotations = [...dataset.items('GraphicAnnotationSequence')]
  for (const annotation of annotations)
    if (!names.has(annotation.text('GraphicLayer') ?? '')) annotation.set('GraphicLayer', LAYER)
  const isOnOurs = annotations.some((annotation) => annotation.text('GraphicLayer') === LAYER)
  if (isOnOurs && !names.has(LAYER)) layers.push(ourLayer(layers.length + 1))
  if (layers.length > 0) dataset.set('GraphicLayerSequence', layers)
}

const ourLayer = (order: number): Dataset =>
  Dataset.of(
    {
      GraphicLayer: LAYER,
      GraphicLayerOrder: order,
      GraphicLayerRecommendedDisplayGrayscaleValue: WHITE,
      GraphicLayerRecommendedDisplayCIELabValue: YELLOW,
    },
    UTF8,
  )

function referencedSeries(instances: readonly Instance[]): Dataset[] {
  return [...Map.groupBy(instances, ({ seriesUid }) => seriesUid)].map(([seriesUid, list]) =>
    Dataset.of({ SeriesInstanceUID: seriesUid, ReferencedImageSequence: list.map(sopReference) }),
  )
}

/** What an item is about must be among the images of the whole (PS3.3 C.11.11): a stray one would be about nothing. */
function refuseStrangers(dataset: Dataset, instances: readonly Instance[]): void {
  const known = new Set(instances.map(({ sopInstanceUid }) => sopInstanceUid))
  const about = ['SoftcopyVOILUTSequence', 'DisplayedAreaSelectionSequence', 'GraphicAnnotationSequence']
    .flatMap((keyword) => [...dataset.items(keyword)])
    .flatMap((item) => [...item.items('ReferencedImageSequence')])
  if (about.some((image) => !known.has(image.text('ReferencedSOPInstanceUID') ?? '')))
    throw new DicomError('dataset-malformed', { wanted: 'ReferencedSeriesSequence' })
}
