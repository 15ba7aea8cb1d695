import { execFile } from 'node:child_process'
import { mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fileSource } from './byte-source.ts'
import { Dataset } from './dataset.ts'
import { decodeDataset } from './decode.ts'
import { isDicomError } from './dicom-error.ts'
import { fromDicomJson, toDicomJson } from './dicom-json.ts'
import { encodeDataset } from './encode.ts'
import { identityOf, scanHeader } from './header-scan.ts'
import { encodeFileMeta, readPart10 } from './part10.ts'
import { DEFLATED_LITTLE, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE } from './transfer-syntax.ts'
import { newUid, uidFault } from './uid.ts'

const run = promisify(execFile)
const SYNTAXES = [IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED_LITTLE]
const CT = '1.2.840.10008.5.1.4.1.1.2'

const examination = () =>
  Dataset.of({
    SOPClassUID: CT,
    SOPInstanceUID: '1.2.3.4',
    StudyInstanceUID: '1.2.3',
    SeriesInstanceUID: '1.2.3.1',
    PatientName: { alphabetic: 'Yamada^Tarou', ideographic: '山田^太郎', phonetic: 'やまだ^たろう' },
    StudyDescription: 'Schädel nativ',
    Rows: 2,
    Columns: 3,
    BitsAllocated: 16,
    SamplesPerPixel: 1,
    NumberOfFrames: 2,
    PixelSpacing: ['0.5', '0.5'],
    ExposureTime: 12,
    FrameIncrementPointer: [0x00181063],
    RequestAttributesSequence: [
      Dataset.of({
        ScheduledProcedureStepID: 'S1',
        ScheduledProcedureStepDescription: 'Größe',
        ScheduledProtocolCodeSequence: [Dataset.of({ CodeValue: 'CTH', CodingSchemeDesignator: 'L' })],
      }),
    ],
    PixelData: Buffer.from(Array.from({ length: 24 }, (_, index) => index)),
  })
    .set(0x00090010, 'ACME 1.0', 'LO')
    .set(0x00091001, Buffer.of(1, 2, 3, 4), 'UN')

function file(dataset: Dataset, syntax: string): Buffer {
  const meta = encodeFileMeta({ sopClassUid: CT, sopInstanceUid: '1.2.3.4', transferSyntaxUid: syntax })
  return Buffer.concat([meta, encodeDataset(dataset, syntax)])
}

test.each(SYNTAXES)('an examination written in %s reads the same', (syntax) => {
  const read = decodeDataset(encodeDataset(examination(), syntax), syntax)
  expect(toDicomJson(read)).toEqual(toDicomJson(examination()))
  expect(read.personName('PatientName')?.ideographic).toBe('山田^太郎')
  expect(read.numbers('PixelSpacing')).toEqual([0.5, 0.5])
  expect(read.numbers('FrameIncrementPointer')).toEqual([0x00181063])
  const step = read.item('RequestAttributesSequence')
  expect(step?.text('ScheduledProcedureStepDescription')).toBe('Größe')
  expect(step?.item('ScheduledProtocolCodeSequence')?.text('CodeValue')).toBe('CTH')
})

test.each(SYNTAXES)('DCMTK reads a file we write in %s and finds nothing to complain of', async (syntax) => {
  const path = join(mkdtempSync(join(tmpdir(), 'codec-')), 'a.dcm')
  writeFileSync(path, file(examination(), syntax))
  const { stdout, stderr } = await run('dcmdump', ['-q', '+U8', '+R', '4096', path])
  expect(stderr).toBe('')
  expect(stdout).toContain('[Yamada^Tarou=山田^太郎=やまだ^たろう]')
  expect(stdout).toContain('[Größe]')
  expect(stdout).toContain('0100\\0302\\0504')
})

test('a value that came with an odd length goes out with an even one', () => {
  const odd = Buffer.from('e07f10004f42000003000000010203', 'hex')
  const dataset = decodeDataset(odd, EXPLICIT_LITTLE)
  expect(encodeDataset(dataset, EXPLICIT_LITTLE).toString('hex')).toBe('e07f10004f4200000400000001020300')
})

test('what pads signed pixels is signed, though Implicit VR does not say so', () => {
  const image = Dataset.of({ PixelRepresentation: 1 }).set('PixelPaddingValue', -2000, 'SS')
  const mapping = new Dataset().set(0x00409216, -5, 'SS')
  image.set('RealWorldValueMappingSequence', [mapping])
  const read = decodeDataset(encodeDataset(image, IMPLICIT_LITTLE), IMPLICIT_LITTLE)
  expect([read.element('PixelPaddingValue')!.vr, read.number('PixelPaddingValue')]).toEqual(['SS', -2000])
  expect(read.item('RealWorldValueMappingSequence')!.number(0x00409216)).toBe(-5)
  const unsigned = Dataset.of({ PixelRepresentation: 0, PixelPaddingValue: 63_536 })
  const same = decodeDataset(encodeDataset(unsigned, IMPLICIT_LITTLE), IMPLICIT_LITTLE)
  expect(same.number('PixelPaddingValue')).toBe(63_536)
})

test('a data set DCMTK wrote with undefined lengths, in any syntax, says the same to us', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'codec-'))
  writeFileSync(join(folder, 'a.dcm'), file(examination(), EXPLICIT_LITTLE))
  for (const option of ['+ti', '+te', '+tb', '+td']) {
    await run('dcmconv', [option, '-e', join(folder, 'a.dcm'), join(folder, 'b.dcm')])
    const { dataset, pixelData, transferSyntaxUid } = scanHeader(readFileSync(join(folder, 'b.dcm')))
    const { '7FE00010': pixels, '00091001': vendor, ...rest } = toDicomJson(dataset)
    const { '7FE00010': _pixels, '00091001': _vendor, ...expected } = toDicomJson(examination())
    expect([transferSyntaxUid, rest]).toEqual([transferSyntaxUid, expected])
    expect(vendor?.InlineBinary).toBe('AQIDBA==')
    expect(pixels).toBeDefined()
    expect(pixelData).toMatchObject({ encapsulated: false, numberOfFrames: 2 })
    expect(pixelData?.frames.map(([frame]) => frame?.length)).toEqual([12, 12])
  }
})

test('an object cut anywhere is known to be cut', () => {
  const whole = file(examination(), EXPLICIT_LITTLE)
  const { datasetOffset } = readPart10(whole)
  const starts = new Set<number>()
  for (let end = datasetOffset + 1; end < whole.length; end++) {
    try {
      scanHeader(whole.subarray(0, end))
      starts.add(end)
    } catch (error) {
      expect(isDicomError(error)).toBe(true)
    }
  }
  // Only a cut between two whole elements of the outermost level can pass; what it lacks is then pixel data.
  const ends = examination()
    .inOrder()
    .map((element) => encodeDataset(new Dataset().put(element), EXPLICIT_LITTLE).length)
  const boundaries = ends.map(
    (_, index) => datasetOffset + ends.slice(0, index + 1).reduce((sum, n) => sum + n, 0),
  )
  expect([...starts]).toEqual(boundaries.slice(0, -1))
})

test('nothing is read past its limits: ten thousand levels, lying lengths, a deflate bomb', () => {
  const level = Buffer.from('4000 7502 ffff ffff feff 00e0 ffff ffff'.replaceAll(' ', ''), 'hex')
  const deep = Buffer.concat(Array.from({ length: 10_000 }, () => level))
  expect(() => decodeDataset(deep, IMPLICIT_LITTLE)).toThrow('dataset-too-deep')
  const lying = Buffer.from('10001000feffffff4142', 'hex')
  expect(() => decodeDataset(lying, IMPLICIT_LITTLE)).toThrow('dataset-truncated')
  const bomb = encodeDataset(Dataset.of({ PixelData: Buffer.alloc(4 * 1024 * 1024) }), DEFLATED_LITTLE)
  expect(() => decodeDataset(bomb, DEFLATED_LITTLE, { limits: { bytes: 1024 * 1024 } })).toThrow(
    'dataset-too-large',
  )
})

test('whatever bytes come as a data set, decoding ends in a data set or in a DicomError', () => {
  const start = encodeDataset(examination(), EXPLICIT_LITTLE)
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(start.length - 1), fc.nat(255)), { maxLength: 12 }),
      fc.constantFrom(...SYNTAXES),
      (changes, syntax) => {
        const bytes = Buffer.from(start)
        for (const [at, byte] of changes) bytes[at] = byte
        try {
          toDicomJson(decodeDataset(bytes, syntax))
        } catch (error) {
          expect(isDicomError(error)).toBe(true)
        }
      },
    ),
    { numRuns: 3000 },
  )
})

test('encapsulated frames are found by the offset table, one a fragment, or by their markers', () => {
  const frame = (first: number[], length: number) =>
    Buffer.concat([Buffer.from(first), Buffer.alloc(length - 2, 7)])
  const [a1, a2, b1] = [frame([0xff, 0xd8], 10), frame([1, 1], 6), frame([0xff, 0xd8], 8)]
  const offsets = Buffer.alloc(8)
  offsets.writeUInt32LE(8 + 10 + 8 + 6, 4)
  const framesOf = (fragments: Buffer[]) => {
    const dataset = examination().put({ kind: 'fragments', tag: 0x7fe00010, vr: 'OB', fragments })
    const bytes = file(dataset, '1.2.840.10008.1.2.4.50')
    const { pixelData } = scanHeader(bytes)
    return pixelData!.frames.map((parts) =>
      Buffer.concat(parts.map(({ offset, length }) => bytes.subarray(offset, offset + length))),
    )
  }
  const wanted = [Buffer.concat([a1!, a2!]), b1!]
  expect(framesOf([offsets, a1!, a2!, b1!])).toEqual(wanted)
  expect(framesOf([Buffer.alloc(0), a1!, a2!, b1!])).toEqual(wanted)
  expect(framesOf([Buffer.alloc(0), a1!, b1!])).toEqual([a1, b1])
  // A table that points between items is not believed.
  expect(framesOf([Buffer.from('0000000003000000', 'hex'), a1!, a2!, b1!])).toEqual(wanted)
})

test('a file is scanned from disk without reading its pixel data', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'codec-')), 'a.dcm')
  const dataset = examination().set('PixelData', Buffer.alloc(3 * 1024 * 1024), 'OW')
  const bytes = file(dataset, EXPLICIT_LITTLE)
  writeFileSync(path, bytes)
  const scan = scanHeader(fileSource(openSync(path, 'r'), bytes.length), { headerBytes: 100_000 })
  expect(scan.dataset.element('PixelData')?.kind).toBe('located')
  expect(identityOf(scan.dataset).studyInstanceUid).toBe('1.2.3')
  expect(() => scanHeader(fileSource(openSync(path, 'r'), bytes.length - 1))).toThrow('dataset-truncated')
})

test('UIDs: ours are legal, and a path or an empty component is not', () => {
  expect(uidFault(newUid())).toBeUndefined()
  expect(uidFault('../../..')).toBe('has characters other than digits and dots')
  expect(uidFault('1..2')).toBe('has an empty component')
  expect(() => identityOf(examination().set('StudyInstanceUID', '../../etc'))).toThrow('invalid-uid')
})

test('the JSON model comes back as the data set it was made of', () => {
  const dataset = examination().delete('PixelData')
  const again = fromDicomJson(toDicomJson(dataset))
  expect(toDicomJson(again)).toEqual(toDicomJson(dataset))
  expect(toDicomJson(dataset)['00280008']).toEqual({ vr: 'IS', Value: [2] })
  expect(toDicomJson(dataset)['00100010']?.Value).toEqual([
    { Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' },
  ])
})

test('an answer goes out in the set the modality asked in, or in UTF-8 when that cannot hold it', () => {
  const answer = Dataset.of({ PatientName: 'Müller^Änne', PatientID: 'P1' })
  const latin = answer.readableIn(['ISO_IR 100'])
  expect(latin.characterSets).toEqual(['ISO_IR 100'])
  expect(latin.bytes('PatientName')?.toString('latin1')).toBe('Müller^Änne ')
  expect(answer.readableIn([]).characterSets).toEqual(['ISO_IR 192'])
  expect(Dataset.of({ PatientName: 'Doe^Jane' }).readableIn([]).has('SpecificCharacterSet')).toBe(false)
})
