import { expect, test } from 'vitest'
import { Dataset } from './dataset.ts'
import { toDicomJson } from './dicom-json.ts'
import { encodeDataset } from './encode.ts'
import { type HeaderScan, identityOf, scanHeader } from './header-scan.ts'
import { encodeFileMeta } from './part10.ts'
import { structureSet } from './structure-set.fixture.ts'
import { EXPLICIT_LITTLE } from './transfer-syntax.ts'

const RT_STRUCTURE_SET = '1.2.840.10008.5.1.4.1.1.481.3'

const scanned = (dataset: Buffer): HeaderScan => {
  const meta = { sopClassUid: RT_STRUCTURE_SET, sopInstanceUid: '1.2.3', transferSyntaxUid: EXPLICIT_LITTLE }
  return scanHeader(Buffer.concat([encodeFileMeta(meta), dataset]))
}

test.each([
  ['more outlines than are read', { count: 60_000, points: 4 }],
  ['outlines of more bytes than are read', { count: 8_000, points: 300 }],
])('[AR-01] of a structure set with %s all else is read, and they are walked to their end', (_, size) => {
  for (const length of ['defined', 'undefined'] as const) {
    const whole = structureSet('1.2.3', { ...size, length })
    const { dataset } = scanned(whole)
    expect(identityOf(dataset)).toMatchObject({ sopInstanceUid: '1.2.3', studyInstanceUid: '1.2.3.1' })
    expect(dataset.item('StructureSetROISequence')?.text('ROIName')).toBe('BODY')
    expect(dataset.text('ApprovalStatus')).toBe('UNAPPROVED')
    expect(dataset.element('ROIContourSequence')).toMatchObject({ kind: 'located', vr: 'SQ' })
    expect(Object.keys(toDicomJson(dataset))).not.toContain('30060039')
    // Cut anywhere inside them, it is an object that ends early.
    for (const part of [0.3, 0.6, 0.9])
      expect(() => scanned(whole.subarray(0, Math.floor(whole.length * part)))).toThrow(/dataset-truncated/)
  }
})

test('[AR-01] a structure set of the usual size is read whole', () => {
  const { dataset } = scanned(structureSet('1.2.3', { count: 200, points: 30 }))
  const [roi] = dataset.items('ROIContourSequence')
  expect(roi!.items('ContourSequence')).toHaveLength(200)
  expect(roi!.item('ContourSequence')!.numbers('ContourData')).toHaveLength(90)
})

test('[AR-01] what is wrong inside a sequence that is not read is still found', () => {
  const whole = structureSet('1.2.3', { count: 60_000, points: 4 })
  const middle = whole.indexOf(Buffer.from('CLOSED_PLANAR'), whole.length / 2)
  // The VR of an element, and a length beyond the item that it stands in.
  const wrongVr = Buffer.from(whole)
  wrongVr.write('??', middle - 4, 'latin1')
  expect(() => scanned(wrongVr)).toThrow(/dataset-malformed/)
  const wrongLength = Buffer.from(whole)
  wrongLength.writeUInt16LE(0xfffe, middle - 2)
  expect(() => scanned(wrongLength)).toThrow(/dataset-truncated/)
})

test('[AR-01] elements without end are refused, in sequences and beside them', () => {
  expect(() => scanned(structureSet('1.2.3', { count: 200_000, points: 1 }))).toThrow('dataset-too-large')
  // Not in one sequence that could be left: each of them is small.
  const many = Dataset.of({}, [])
  const items = Array.from({ length: 4_000 }, () => Dataset.of({ ROINumber: 1 }, []))
  for (let n = 0; n < 40; n++) many.put({ kind: 'sequence', tag: 0x00091000 + n, vr: 'SQ', items })
  expect(() => scanned(encodeDataset(many, EXPLICIT_LITTLE))).toThrow('dataset-too-large')
})

test('[AR-01] File Meta or a command in a data set is refused: behind our own nobody could tell where it begins', () => {
  const part10 = { meta: new Dataset(), transferSyntaxUid: EXPLICIT_LITTLE, datasetOffset: 0 }
  for (const before of [{ TransferSyntaxUID: EXPLICIT_LITTLE }, { Priority: 0 }]) {
    const dataset = encodeDataset(Dataset.of({ ...before, PatientID: '1' }, []), EXPLICIT_LITTLE)
    expect(() => scanHeader(dataset, { part10 })).toThrow('dataset-malformed')
  }
})
