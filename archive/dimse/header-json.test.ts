import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Dataset } from './dataset.ts'
import { toDicomJson } from './dicom-json.ts'
import { headerJson } from './header-json.ts'
import { scanHeader } from './header-scan.ts'

const CORPUS = new URL('../../corpus/', import.meta.url).pathname
const options = { bulkDataUri: (path: string) => `bulkdata/${path}` }
const PIXELS = new Set([0x7fe00010])

const files = readdirSync(CORPUS, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.dcm'))
  .sort()

test('a header in JSON says what the JSON model says, the first time and when all of it is remembered', () => {
  expect(files.length).toBeGreaterThan(20)
  for (const name of [...files, ...files]) {
    const { dataset } = scanHeader(readFileSync(CORPUS + name))
    const { '7FE00010': _, ...expected } = toDicomJson(dataset, options)
    const { json, text } = headerJson(dataset, { ...options, without: PIXELS })
    expect(json, name).toEqual(expected)
    expect(JSON.parse(text), name).toEqual(JSON.parse(JSON.stringify(expected)))
  }
})

test('the same bytes are another name in another character set', () => {
  const name = Buffer.from([0xc0, 0xd1, 0xd2, 0xd3])
  const said = ['ISO_IR 100', 'ISO_IR 144', 'ISO_IR 100'].map((set) => {
    const dataset = Dataset.of({ SpecificCharacterSet: set }).set('PatientName', name)
    return headerJson(dataset, { without: PIXELS }).json['00100010']!.Value![0]
  })
  expect(said).toEqual([{ Alphabetic: 'ÀÑÒÓ' }, { Alphabetic: 'Рбвг' }, { Alphabetic: 'ÀÑÒÓ' }])
})

test('what Postgres keeps in no JSON is left out of the text, in a value and deep in a sequence', () => {
  const dataset = Dataset.of({ SpecificCharacterSet: 'ISO_IR 192', StudyDescription: 'a\0b' })
  dataset.set('ReferencedStudySequence', [Dataset.of({ StudyDescription: 'c\0d' })])
  const { json, text } = headerJson(dataset, { without: PIXELS })
  expect(text).not.toContain('u0000')
  expect(json['00081030']).toEqual({ vr: 'LO', Value: ['ab'] })
  expect(JSON.parse(text)).toEqual(json)
})
