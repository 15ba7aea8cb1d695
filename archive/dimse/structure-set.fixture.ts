/** RT Structure Sets as planning systems send them: few things said, and outlines by the ten thousand (PS3.3 A.19). */
import { Dataset } from './dataset.ts'
import { encodeDataset } from './encode.ts'
import { EXPLICIT_LITTLE } from './transfer-syntax.ts'

export interface Outlines {
  count: number
  /** Of each outline. */
  points: number
  /** How the sequences state their length. */
  length?: 'defined' | 'undefined'
}

/** Seven elements and items an outline, in Explicit VR Little Endian. */
export function structureSet(uid: string, outlines: Outlines, sopClassUid?: string): Buffer {
  const before = Dataset.of({
    SOPClassUID: sopClassUid ?? '1.2.840.10008.5.1.4.1.1.481.3',
    SOPInstanceUID: uid,
    Modality: 'RTSTRUCT',
    PatientName: 'TESTPERSON^OUTLINED',
    PatientID: 'OUTLINED',
    StudyInstanceUID: `${uid}.1`,
    SeriesInstanceUID: `${uid}.2`,
    StructureSetLabel: 'PLAN',
    StructureSetROISequence: [Dataset.of({ ROINumber: 1, ROIName: 'BODY' })],
  })
  const after = Dataset.of({ ApprovalStatus: 'UNAPPROVED' })
  const bytes = (dataset: Dataset) => encodeDataset(dataset, EXPLICIT_LITTLE)
  const [head, tail] = [bytes(before), bytes(after.delete('SpecificCharacterSet'))]
  const length = outlines.length ?? 'defined'
  const roi = sequence(0x30060040, [contours(outlines)], length)
  return Buffer.concat([head, sequence(0x30060039, [item(roi)], length), tail])
}

function contours({ count, points }: Outlines): Buffer {
  const image = Dataset.of({ ReferencedSOPInstanceUID: '1.2.840.99.1' })
  const data = Array.from({ length: points * 3 }, (_, n) => `${(n % 500) - 250}.25`)
  const one = item(
    encodeDataset(
      Dataset.of({
        ContourImageSequence: [image],
        ContourGeometricType: 'CLOSED_PLANAR',
        NumberOfContourPoints: points,
        ContourData: data,
      }).delete('SpecificCharacterSet'),
      EXPLICIT_LITTLE,
    ),
  )
  return Buffer.alloc(one.length * count, one)
}

function item(body: Buffer): Buffer {
  const head = Buffer.from('feff00e000000000', 'hex')
  head.writeUInt32LE(body.length, 4)
  return Buffer.concat([head, body])
}

function sequence(tag: number, items: Buffer[], length: 'defined' | 'undefined'): Buffer {
  const body = Buffer.concat(items)
  const head = Buffer.alloc(12)
  head.writeUInt16LE(tag >>> 16, 0)
  head.writeUInt16LE(tag & 0xffff, 2)
  head.write('SQ', 4, 'latin1')
  head.writeUInt32LE(length === 'defined' ? body.length : 0xffffffff, 8)
  return Buffer.concat([
    head,
    body,
    ...(length === 'defined' ? [] : [Buffer.from('feffdde000000000', 'hex')]),
  ])
}
