/** Images for the archive's benches: made here, each with identities of its own, all sharing one pixel buffer. */
import { randomFillSync } from 'node:crypto'
import { Dataset } from '#archive/dimse/dataset.ts'
import { encodeDataset } from '#archive/dimse/encode.ts'
import { EXPLICIT_LITTLE } from '#archive/dimse/transfer-syntax.ts'
import { newUid } from '#archive/dimse/uid.ts'

const CT = '1.2.840.10008.5.1.4.1.1.2'
const MG = '1.2.840.10008.5.1.4.1.1.1.2'
const ENHANCED_CT = '1.2.840.10008.5.1.4.1.1.2.1'

/** What is sent: sizes as a department knows them. */
export const KINDS = {
  /** 512 × 512 × 16 bit: half a megabyte. */
  ct: { sopClassUid: CT, modality: 'CT', rows: 512, columns: 512, frames: 1 },
  /** 6144 × 4096 × 16 bit: fifty megabytes. */
  mammogram: { sopClassUid: MG, modality: 'MG', rows: 6144, columns: 4096, frames: 1 },
  /** 96 frames of 512 × 512 × 16 bit in one object. */
  multiframe: { sopClassUid: ENHANCED_CT, modality: 'CT', rows: 512, columns: 512, frames: 96 },
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
      ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
      SOPClassUID: sopClassUid,
      SOPInstanceUID: sopInstanceUid,
      StudyDate: '20260312',
      StudyTime: '094207',
      AccessionNumber: '',
      Modality: modality,
      Manufacturer: 'Bench',
      StudyDescription: 'Bench',
      PatientName: 'Bench^Image',
      PatientID: `BENCH-${studyUid.slice(-8)}`,
      PatientBirthDate: '19600101',
      PatientSex: 'O',
      StudyInstanceUID: studyUid,
      SeriesInstanceUID: seriesUid,
      SeriesNumber: '1',
      InstanceNumber: String(index + 1),
      ImagePositionPatient: ['0', '0', String(index)],
      ImageOrientationPatient: ['1', '0', '0', '0', '1', '0'],
      SamplesPerPixel: 1,
      PhotometricInterpretation: 'MONOCHROME2',
      ...(frames > 1 ? { NumberOfFrames: String(frames) } : {}),
      Rows: rows,
      Columns: columns,
      PixelSpacing: ['0.5', '0.5'],
      BitsAllocated: 16,
      BitsStored: 12,
      HighBit: 11,
      PixelRepresentation: 0,
      WindowCenter: '2048',
      WindowWidth: '4096',
      RescaleIntercept: '-1024',
      RescaleSlope: '1',
    })
    const pieces = [Buffer.concat([encodeDataset(header, EXPLICIT_LITTLE), pixelHeader]), pixels]
    return { sopClassUid, sopInstanceUid, studyUid, seriesUid, pieces }
  })
}

export function bytesOf({ pieces }: BenchImage): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0)
}
