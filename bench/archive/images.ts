/** Images for the archive's benches: made here, each with identities of its own, all sharing one pixel buffer. */
import { randomFillSync } from 'node:crypto'
import { Dataset, type Value } from '#archive/dimse/dataset.ts'
import { encodeDataset } from '#archive/dimse/encode.ts'
import { EXPLICIT_LITTLE } from '#archive/dimse/transfer-syntax.ts'
import { newUid } from '#archive/dimse/uid.ts'

const CT = '1.2.840.10008.5.1.4.1.1.2'
const MG = '1.2.840.10008.5.1.4.1.1.1.2'
const MULTIFRAME_WORD = '1.2.840.10008.5.1.4.1.1.7.3'

/** What is sent: sizes as a department knows them. */
export const KINDS = {
  /** 512 × 512 × 16 bit: half a megabyte. */
  ct: { sopClassUid: CT, modality: 'CT', rows: 512, columns: 512, frames: 1 },
  /** 6144 × 4096 × 16 bit: fifty megabytes. */
  mammogram: { sopClassUid: MG, modality: 'MG', rows: 6144, columns: 4096, frames: 1 },
  /** 96 frames of 512 × 512 × 16 bit in one object. */
  multiframe: { sopClassUid: MULTIFRAME_WORD, modality: 'OT', rows: 512, columns: 512, frames: 96 },
} as const

export type Kind = keyof typeof KINDS

export interface BenchImage {
  sopClassUid: string
  sopInstanceUid: string
  studyUid: string
  seriesUid: string
  /** The data set in Explicit VR Little Endian: its header, then the pixels that all of them share. */
  pieces: readonly Buffer[]
}

/** So many objects of one series. */
export function images(kind: Kind, count: number): BenchImage[] {
  const { sopClassUid, modality, rows, columns, frames } = KINDS[kind]
  const pixels = randomFillSync(Buffer.allocUnsafe(rows * columns * 2 * frames))
  // Twelve bits, as scanners have them; also what a codec or a renderer would be given.
  for (let at = 1; at < pixels.length; at += 2) pixels[at]! &= 0x0f
  const studyUid = newUid()
  const seriesUid = newUid()
  const pixelHeader = Buffer.from([0xe0, 0x7f, 0x10, 0x00, 0x4f, 0x57, 0, 0, 0, 0, 0, 0])
  pixelHeader.writeUInt32LE(pixels.length, 8)
  return Array.from({ length: count }, (_, index) => {
    const sopInstanceUid = newUid()
    const header = Dataset.of({
      SpecificCharacterSet: 'ISO_IR 100',
      SOPClassUID: sopClassUid,
      SOPInstanceUID: sopInstanceUid,
      StudyDate: '20260312',
      StudyTime: '094207',
      ContentDate: '20260312',
      ContentTime: '094207',
      AccessionNumber: '',
      Modality: modality,
      Manufacturer: 'Bench',
      ReferringPhysicianName: '',
      StudyDescription: 'Bench',
      PatientName: 'Bench^Image',
      PatientID: `BENCH-${studyUid.slice(-8)}`,
      PatientBirthDate: '19600101',
      PatientSex: 'O',
      StudyInstanceUID: studyUid,
      SeriesInstanceUID: seriesUid,
      StudyID: '1',
      SeriesNumber: '1',
      InstanceNumber: String(index + 1),
      SamplesPerPixel: 1,
      PhotometricInterpretation: 'MONOCHROME2',
      Rows: rows,
      Columns: columns,
      BitsAllocated: 16,
      BitsStored: 12,
      HighBit: 11,
      PixelRepresentation: 0,
      RescaleSlope: '1',
      ...OF_KIND[kind](studyUid, index),
    })
    const pieces = [Buffer.concat([encodeDataset(header, EXPLICIT_LITTLE), pixelHeader]), pixels]
    return { sopClassUid, sopInstanceUid, studyUid, seriesUid, pieces }
  })
}

type Described = Record<string, Value>

/** What an object of the class has to say (PS3.3 A.3, A.26, A.8.4). */
const OF_KIND: Readonly<Record<Kind, (studyUid: string, index: number) => Described>> = {
  ct: (studyUid, index) => ({
    ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
    BodyPartExamined: 'CHEST',
    PatientPosition: 'HFS',
    FrameOfReferenceUID: `${studyUid}.1`,
    PositionReferenceIndicator: '',
    ImagePositionPatient: ['0', '0', String(index)],
    ImageOrientationPatient: ['1', '0', '0', '0', '1', '0'],
    PixelSpacing: ['0.5', '0.5'],
    SliceThickness: '1',
    KVP: '120',
    AcquisitionNumber: '1',
    WindowCenter: '1024',
    WindowWidth: '4096',
    RescaleIntercept: '-1024',
  }),
  mammogram: () => ({
    ImageType: ['ORIGINAL', 'PRIMARY', ''],
    PresentationIntentType: 'FOR PRESENTATION',
    BodyPartExamined: 'BREAST',
    ImageLaterality: 'R',
    OrganExposed: 'BREAST',
    AnatomicRegionSequence: [code('76752008', 'Breast')],
    ViewCodeSequence: [code('399368009', 'medio-lateral oblique').set('ViewModifierCodeSequence', [])],
    PatientOrientation: ['P', 'FR'],
    PositionerType: 'MAMMOGRAPHIC',
    DetectorType: 'DIRECT',
    ImagerPixelSpacing: ['0.05', '0.05'],
    PixelIntensityRelationship: 'LOG',
    PixelIntensityRelationshipSign: 1,
    PresentationLUTShape: 'IDENTITY',
    LossyImageCompression: '00',
    BurnedInAnnotation: 'NO',
    AcquisitionContextSequence: [],
    WindowCenter: '2048',
    WindowWidth: '4096',
    RescaleIntercept: '0',
    RescaleType: 'US',
  }),
  multiframe: () => ({
    ImageType: ['DERIVED', 'SECONDARY'],
    ConversionType: 'SYN',
    BodyPartExamined: 'CHEST',
    PatientOrientation: '',
    NumberOfFrames: String(KINDS.multiframe.frames),
    FrameIncrementPointer: [FRAME_TIME],
    FrameTime: '40',
    BurnedInAnnotation: 'NO',
    PresentationLUTShape: 'IDENTITY',
    RescaleIntercept: '0',
    RescaleType: 'US',
  }),
}

/** (0018,1063) */
const FRAME_TIME = 0x00181063

const code = (value: string, meaning: string) =>
  Dataset.of({ CodeValue: value, CodingSchemeDesignator: 'SCT', CodeMeaning: meaning })

export function bytesOf({ pieces }: BenchImage): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0)
}
