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
    GraphicLayerSequence: asked.has('GraphicAnnotationSequence')
      ? [Dataset.of({ GraphicLayer: LAYER, GraphicLayerOrder: 1 }, UTF8)]
      : undefined,
  })
  copy(asked, dataset, SHAPE)
  for (const annotation of dataset.items('GraphicAnnotationSequence')) annotation.set('GraphicLayer', LAYER)
  for (const keyword of REQUIRED)
    if (!dataset.has(keyword)) throw new DicomError('dataset-malformed', { wanted: keyword })
  refuseStrangers(dataset, instances)
  return dataset
}

const LONGEST_LO = 64
const LAYER = 'ISOCENTER'
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
  GraphicAnnotationSequence: {
    ReferencedImageSequence: IMAGE,
    TextObjectSequence: {
      UnformattedTextValue: true,
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
