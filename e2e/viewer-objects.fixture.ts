/** Objects for the viewer that samples are hard to come by of, made with our own encoder. */
import { Dataset, type Value } from '#archive/dimse/dataset.ts'
import { EXPLICIT_LITTLE } from '#archive/dimse/transfer-syntax.ts'
import { newUid } from '#archive/dimse/uid.ts'
import type { DicomObject } from './reading-images.fixture.ts'

const SIDE = 256

/** A run of X-Ray angiography: contrast flows down a vessel, frame by frame. */
export function angiography(frames: number): DicomObject {
  const pixels = Buffer.alloc(frames * SIDE * SIDE)
  for (let frame = 0; frame < frames; frame++)
    for (let y = 0; y < SIDE; y++)
      for (let x = 0; x < SIDE; x++)
        pixels[(frame * SIDE + y) * SIDE + x] = density(x, y, ((frame + 1) / frames) * SIDE)
  return made({
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.12.1',
    Modality: 'XA',
    SeriesDescription: 'Left coronary',
    ImageType: ['ORIGINAL', 'PRIMARY', 'SINGLE PLANE'],
    PixelIntensityRelationship: 'LIN',
    NumberOfFrames: frames,
    FrameIncrementPointer: [0x00181063],
    FrameTime: 66,
    CineRate: 15,
    RecommendedDisplayFrameRate: 15,
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: SIDE,
    Columns: SIDE,
    BitsAllocated: 8,
    BitsStored: 8,
    HighBit: 7,
    PixelRepresentation: 0,
    WindowCenter: 128,
    WindowWidth: 256,
    VOILUTFunction: 'LINEAR',
    PixelData: pixels,
  })
}

function density(x: number, y: number, reached: number): number {
  const field = 190 - Math.hypot(x - SIDE / 2, y - SIDE / 2) / 2
  const vessel = SIDE / 2 + 40 * Math.sin(y / 30)
  return Math.round(y < reached && Math.abs(x - vessel) < 6 ? field / 3 : field)
}

/** A radiograph whose stored values grow from left to right, sixteen with every column, told as `values` say. */
export function radiograph(label: string, values: Record<string, Value>): DicomObject {
  const pixels = Buffer.alloc(SIDE * SIDE * 2)
  for (let at = 0; at < SIDE * SIDE; at++) pixels.writeUInt16LE((at % SIDE) * 16, at * 2)
  return made({
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.1.1',
    Modality: 'DX',
    SeriesDescription: label,
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: SIDE,
    Columns: SIDE,
    BitsAllocated: 16,
    BitsStored: 12,
    HighBit: 11,
    PixelRepresentation: 0,
    PixelData: pixels,
    ...values,
  })
}

/** A look-up table for the values of such a radiograph. @param grey of 0 to 1, from 0 to 1 */
export function lookUpTable(grey: (value: number) => number, values: Record<string, Value> = {}): Dataset {
  const entries = Buffer.alloc(4096 * 2)
  for (let value = 0; value < 4096; value++)
    entries.writeUInt16LE(Math.round(grey(value / 4095) * 0xffff), value * 2)
  const descriptor = Buffer.from(Uint16Array.of(4096, 0, 16).buffer)
  return Dataset.of(values).set('LUTDescriptor', descriptor, 'US').set('LUTData', entries, 'OW')
}

/** Lays a plane of ones over an image (PS3.3 C.9.2). */
export function overlaid(
  image: DicomObject,
  { row, column, rows, columns }: { row: number; column: number; rows: number; columns: number },
): DicomObject {
  const numbers = (list: number[]) => Buffer.from(Int16Array.from(list).buffer)
  image.dataset
    .set(0x60000010, numbers([rows]), 'US')
    .set(0x60000011, numbers([columns]), 'US')
    .set(0x60000040, 'G', 'CS')
    .set(0x60000050, numbers([row, column]), 'SS')
    .set(0x60000100, numbers([1]), 'US')
    .set(0x60000102, numbers([0]), 'US')
    .set(0x60003000, Buffer.alloc((rows * columns) / 8, 0xff), 'OW')
  return image
}

/** Points out images (key object selection, PS3.3 section A.35.4). */
export function keyImages(images: readonly Dataset[]): DicomObject {
  return made({
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.88.59',
    Modality: 'KO',
    SeriesDescription: 'Key images',
    ...container(
      code('113000', 'DCM', 'Of Interest'),
      images.map((image) => imageItem(image)),
    ),
    CurrentRequestedProcedureEvidenceSequence: [evidence(images)],
  })
}

/** How images are to be shown (Grayscale Softcopy Presentation State, PS3.3 section A.33.1), as another system says it. */
export function presentation(
  label: string,
  images: readonly Dataset[],
  values: Record<string, Value>,
): DicomObject {
  return made({
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.11.1',
    Modality: 'PR',
    SeriesDescription: label,
    ContentLabel: 'OTHER',
    ContentDescription: label,
    PresentationCreationDate: '20260102',
    PresentationCreationTime: '101500',
    ReferencedSeriesSequence: [
      ...Map.groupBy(images, (image) => image.text('SeriesInstanceUID')!).entries(),
    ].map(([SeriesInstanceUID, list]) =>
      Dataset.of({ SeriesInstanceUID, ReferencedImageSequence: list.map(sopReference) }),
    ),
    PresentationLUTShape: 'IDENTITY',
    ...values,
  })
}

/** A length on an image, as TID 1500 has it (PS3.16). */
export function lengthReport(image: Dataset, length: { from: number[]; to: number[] }): DicomObject {
  const group = container(code('125007', 'DCM', 'Measurement Group'), [
    item('HAS OBS CONTEXT', 'TEXT', code('112039', 'DCM', 'Tracking Identifier'), { TextValue: 'Lesion 1' }),
    item('HAS OBS CONTEXT', 'UIDREF', code('112040', 'DCM', 'Tracking Unique Identifier'), { UID: newUid() }),
    item('CONTAINS', 'NUM', code('410668003', 'SCT', 'Length'), {
      MeasuredValueSequence: [
        Dataset.of({
          NumericValue: '42',
          MeasurementUnitsCodeSequence: [code('mm', 'UCUM', 'millimeter')],
        }),
      ],
      ContentSequence: [
        item('INFERRED FROM', 'SCOORD', null, {
          GraphicType: 'POLYLINE',
          GraphicData: [...length.from, ...length.to],
          ContentSequence: [imageItem(image, 'SELECTED FROM')],
        }),
      ],
    }),
  ])
  const measurements = container(code('126010', 'DCM', 'Imaging Measurements'), [contained(group)])
  return made({
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.88.33',
    Modality: 'SR',
    SeriesDescription: 'Measurements',
    CompletionFlag: 'COMPLETE',
    VerificationFlag: 'UNVERIFIED',
    ...container(code('126000', 'DCM', 'Imaging Measurement Report'), [contained(measurements)]),
    ContentTemplateSequence: [Dataset.of({ MappingResource: 'DCMR', TemplateIdentifier: '1500' })],
    CurrentRequestedProcedureEvidenceSequence: [evidence([image])],
  })
}

/** The outline of a square on one image (PS3.3 section A.19). */
export function outline(image: Dataset): DicomObject {
  const [x, y, z] = image.numbers('ImagePositionPatient') as [number, number, number]
  const [side] = image.numbers('PixelSpacing') as [number]
  const corner = (column: number, row: number) => [x + column * side, y + row * side, z]
  const square = [corner(180, 180), corner(320, 180), corner(320, 320), corner(180, 320)].flat()
  const reference = sopReference(image)
  const frameOfReference = image.text('FrameOfReferenceUID')!
  return made({
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.481.3',
    Modality: 'RTSTRUCT',
    SeriesDescription: 'Outline',
    StructureSetLabel: 'Outline',
    FrameOfReferenceUID: frameOfReference,
    ReferencedFrameOfReferenceSequence: [
      Dataset.of({
        FrameOfReferenceUID: frameOfReference,
        RTReferencedStudySequence: [
          Dataset.of({
            ReferencedSOPClassUID: '1.2.840.10008.3.1.2.3.1',
            ReferencedSOPInstanceUID: image.text('StudyInstanceUID')!,
            RTReferencedSeriesSequence: [
              Dataset.of({
                SeriesInstanceUID: image.text('SeriesInstanceUID')!,
                ContourImageSequence: [reference],
              }),
            ],
          }),
        ],
      }),
    ],
    StructureSetROISequence: [
      Dataset.of({
        ROINumber: 1,
        ReferencedFrameOfReferenceUID: frameOfReference,
        ROIName: 'Target',
        ROIGenerationAlgorithm: 'MANUAL',
      }),
    ],
    ROIContourSequence: [
      Dataset.of({
        ROIDisplayColor: [255, 200, 0],
        ReferencedROINumber: 1,
        ContourSequence: [
          Dataset.of({
            ContourImageSequence: [reference],
            ContourGeometricType: 'CLOSED_PLANAR',
            NumberOfContourPoints: 4,
            ContourData: square.map((at) => at.toFixed(3)),
          }),
        ],
      }),
    ],
    RTROIObservationsSequence: [
      Dataset.of({ ObservationNumber: 1, ReferencedROINumber: 1, RTROIInterpretedType: 'GTV' }),
    ],
  })
}

function made(values: Record<string, Value>): DicomObject {
  const dataset = Dataset.of({
    StudyInstanceUID: newUid(),
    SeriesInstanceUID: newUid(),
    SOPInstanceUID: newUid(),
    SeriesNumber: 90,
    InstanceNumber: 1,
    StudyDate: '20260102',
    StudyTime: '101500',
    ContentDate: '20260102',
    ContentTime: '101500',
    Manufacturer: 'ISOCENTER',
    ...values,
  })
  return { dataset, transferSyntaxUid: EXPLICIT_LITTLE }
}

const code = (value: string, scheme: string, meaning: string) =>
  Dataset.of({ CodeValue: value, CodingSchemeDesignator: scheme, CodeMeaning: meaning })

function container(name: Dataset, items: readonly Dataset[]): Record<string, Value> {
  return {
    ValueType: 'CONTAINER',
    ConceptNameCodeSequence: [name],
    ContinuityOfContent: 'SEPARATE',
    ContentSequence: items,
  }
}

const contained = (values: Record<string, Value>) => Dataset.of({ RelationshipType: 'CONTAINS', ...values })

function item(
  relationship: string,
  type: string,
  name: Dataset | null,
  values: Record<string, Value>,
): Dataset {
  return Dataset.of({
    RelationshipType: relationship,
    ValueType: type,
    ConceptNameCodeSequence: name ? [name] : undefined,
    ...values,
  })
}

const imageItem = (image: Dataset, relationship = 'CONTAINS') =>
  item(relationship, 'IMAGE', null, {
    ReferencedSOPSequence: [sopReference(image)],
  })

const sopReference = (image: Dataset) =>
  Dataset.of({
    ReferencedSOPClassUID: image.text('SOPClassUID')!,
    ReferencedSOPInstanceUID: image.text('SOPInstanceUID')!,
  })

function evidence(images: readonly Dataset[]): Dataset {
  const [first] = images
  return Dataset.of({
    StudyInstanceUID: first!.text('StudyInstanceUID')!,
    ReferencedSeriesSequence: [
      Dataset.of({
        SeriesInstanceUID: first!.text('SeriesInstanceUID')!,
        ReferencedSOPSequence: images.map(sopReference),
      }),
    ],
  })
}
