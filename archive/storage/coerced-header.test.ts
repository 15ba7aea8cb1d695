/** Corrected headers as bytes: in every transfer syntax, and nothing else of the object altered. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { bufferSource } from '#archive/dimse/byte-source.ts'
import { Dataset } from '#archive/dimse/dataset.ts'
import { decodeDataset } from '#archive/dimse/decode.ts'
import { encodeDataset } from '#archive/dimse/encode.ts'
import { scanHeader } from '#archive/dimse/header-scan.ts'
import { EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE } from '#archive/dimse/transfer-syntax.ts'
import { coercedHeader, isDeflated } from './coerced-header.ts'
import type { Coercion } from './coercion.ts'

const CORPUS = new URL('../../corpus/', import.meta.url).pathname

function aCoercion(name: Record<string, string> = { Alphabetic: 'TESTPERSON^VERA' }): Coercion {
  return {
    attributes: {
      '00080050': { vr: 'SH', Value: ['A0000001'] },
      '00100010': { vr: 'PN', Value: [name] },
      '00100020': { vr: 'LO', Value: ['SYN-1'] },
      '00400275': { vr: 'SQ', Value: [{ '00401001': { vr: 'SH', Value: ['RP-1'] } }] },
    },
    source: 'CT1',
    at: new Date('2026-01-02T03:04:05Z'),
    system: 'ISOCENTER',
  }
}

const CHANGED = [
  'AccessionNumber',
  'PatientName',
  'PatientID',
  'RequestAttributesSequence',
  'OriginalAttributesSequence',
]

/** Elements of the data set but for those that were changed, as bytes. */
function others(dataset: Dataset): Map<number, string> {
  const left = new Dataset(dataset.characterSets)
  for (const element of dataset.inOrder()) left.put(element)
  for (const keyword of CHANGED) left.delete(keyword)
  return new Map(
    left
      .inOrder()
      .map((element) => [
        element.tag,
        encodeDataset(new Dataset().put(element), EXPLICIT_LITTLE).toString('base64'),
      ]),
  )
}

function coerced(
  bytes: Buffer,
  at: { datasetOffset: number; transferSyntaxUid: string },
  coercion: Coercion,
) {
  const { header, rest } = coercedHeader(bufferSource(bytes), at, coercion)
  const whole = Buffer.concat([header, bytes.subarray(rest)])
  return { whole, dataset: decodeDataset(whole, at.transferSyntaxUid) }
}

const files = readdirSync(CORPUS, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.dcm') && !name.startsWith('broken'))
  .filter((name) => !isDeflated(scanHeader(readFileSync(CORPUS + name)).transferSyntaxUid))

test('[AR-05] every kind of object carries what was corrected, what it said before, and all else as it was', () => {
  const syntaxes = new Set<string>()
  for (const name of files) {
    const bytes = readFileSync(CORPUS + name)
    const at = scanHeader(bytes)
    syntaxes.add(at.transferSyntaxUid)
    const before = decodeDataset(bytes, at.transferSyntaxUid, { offset: at.datasetOffset })
    const { dataset } = coerced(bytes, at, aCoercion())
    expect(dataset.text('PatientName'), name).toBe('TESTPERSON^VERA')
    expect(dataset.text('PatientID'), name).toBe('SYN-1')
    expect(dataset.item('RequestAttributesSequence')?.text('RequestedProcedureID'), name).toBe('RP-1')
    const record = dataset.items('OriginalAttributesSequence').at(-1)!
    expect(record.text('ModifyingSystem')).toBe('ISOCENTER')
    expect(record.text('AttributeModificationDateTime')).toBe('20260102030405+0000')
    expect(record.text('ReasonForTheAttributeModification')).toBe('COERCE')
    const original = record.item('ModifiedAttributesSequence')!
    for (const keyword of ['PatientName', 'PatientID', 'AccessionNumber'])
      expect(original.bytes(keyword) ?? null, `${name} ${keyword}`).toEqual(
        before.bytes(keyword) ?? Buffer.alloc(0),
      )
    expect(others(dataset), name).toEqual(others(before))
  }
  expect(syntaxes.size).toBeGreaterThan(5)
})

test('[AR-05] an object corrected twice says both things that it said before', () => {
  const bytes = readFileSync(`${CORPUS}ct-head/01.dcm`)
  const at = scanHeader(bytes)
  const first = coerced(bytes, at, aCoercion())
  const again = { datasetOffset: 0, transferSyntaxUid: at.transferSyntaxUid }
  const { dataset } = coerced(first.whole, again, aCoercion({ Alphabetic: 'TESTPERSON^WILMA' }))
  const said = dataset
    .items('OriginalAttributesSequence')
    .map((record) => record.item('ModifiedAttributesSequence')!.text('PatientName'))
  expect(said).toEqual([scanHeader(bytes).dataset.text('PatientName'), 'TESTPERSON^VERA'])
})

const made = (characterSet: string | undefined, syntax: string) => {
  const dataset = Dataset.of(
    {
      ...(characterSet === undefined ? {} : { SpecificCharacterSet: characterSet }),
      SOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
      PatientName: characterSet === undefined ? 'MUELLER^JOHN' : 'MÜLLER^JÖRG',
      PatientID: '1',
      StudyDescription: characterSet === undefined ? 'SCHAEDEL' : 'SCHÄDEL',
      ImageComments: 'one line\r\n',
      Rows: 2,
    },
    characterSet === undefined ? [] : undefined,
  )
  return { bytes: encodeDataset(dataset, syntax), at: { datasetOffset: 0, transferSyntaxUid: syntax } }
}

test.each([EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG])(
  '[AR-05] a name that the object could not write before comes out right, and its other words too (%s)',
  (syntax) => {
    const name = { Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎' }
    for (const set of [undefined, 'ISO_IR 100', 'ISO_IR 192']) {
      const { bytes, at } = made(set, syntax)
      const { dataset } = coerced(bytes, at, aCoercion(name))
      expect(dataset.text('PatientName'), set).toBe('Yamada^Tarou=山田^太郎')
      expect(dataset.text('StudyDescription'), set).toBe(set === undefined ? 'SCHAEDEL' : 'SCHÄDEL')
      const original = dataset.item('OriginalAttributesSequence')!.item('ModifiedAttributesSequence')!
      expect(original.text('PatientName'), set).toBe(set === undefined ? 'MUELLER^JOHN' : 'MÜLLER^JÖRG')
      expect(dataset.text('ImageComments'), set).toBe('one line\r\n')
      expect(dataset.number('Rows')).toBe(2)
    }
  },
)
