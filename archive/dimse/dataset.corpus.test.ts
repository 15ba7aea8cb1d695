import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { isDicomError } from './dicom-error.ts'
import { toDicomJson } from './dicom-json.ts'
import { identityOf, scanHeader } from './header-scan.ts'

const DATA = process.env.ISOCENTER_CORPUS ?? resolve(import.meta.dirname, '../../../shared/data')
const DICOM = join(DATA, 'dicom')

type Row = Record<string, string>

function table(name: string): Row[] {
  const [head, ...lines] = readFileSync(join(DATA, name), 'utf8').trimEnd().split('\n')
  const keys = head!.split('\t')
  return lines.map((line) =>
    Object.fromEntries(line.split('\t').map((value, index) => [keys[index]!, value])),
  )
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? filesUnder(path) : [path]
  })
}

const scanFile = (file: string) => scanHeader(readFileSync(join(DICOM, file)))

/** Without the empty groups and components that a name may end in. */
const bare = (name: string) =>
  name
    .split('=')
    .map((group) => group.replace(/[\^ ]+$/, ''))
    .join('=')
    .replace(/=+$/, '')

test.each(table('charset_expected.tsv'))('the name in $file reads as $PatientName', (row) => {
  const { dataset } = scanFile(row.file!)
  expect(bare(dataset.text('PatientName') ?? '')).toBe(bare(row.PatientName ?? ''))
  expect(dataset.text('PatientID') ?? '').toBe(row.PatientID ?? '')
  expect(dataset.text('StudyInstanceUID') ?? '').toBe(row.StudyInstanceUID ?? '')
})

test.each(table('charset_expected.tsv'))(
  'the name in $file survives being answered in its own set',
  (row) => {
    const { dataset } = scanFile(row.file!)
    const pixelless = dataset.delete('PixelData')
    const again = pixelless.inCharacterSets(pixelless.characterSets)
    expect(bare(again.text('PatientName') ?? '')).toBe(bare(row.PatientName ?? ''))
  },
)

const rows = table('MANIFEST.tsv')
const whole = rows.filter(
  ({ file }) => !file!.startsWith('broken/') && !file!.includes('DICOMDIR') && !file!.endsWith('.wl'),
)

test.each(whole)('$file is scanned whole, with its study, frames and transfer syntax', (row) => {
  const { dataset, pixelData } = scanFile(row.file!)
  if (row.study_uid) expect(identityOf(dataset).studyInstanceUid).toBe(row.study_uid)
  if (row.patient_id) expect(dataset.text('PatientID')).toBe(row.patient_id)
  if (pixelData && row.frames) expect(pixelData.numberOfFrames).toBe(Number(row.frames))
  if (pixelData?.encapsulated) expect(pixelData.frames).toHaveLength(pixelData.numberOfFrames)
  expect(() => JSON.stringify(toDicomJson(dataset))).not.toThrow()
})

test.each(filesUnder(join(DICOM, 'broken')))('%s is read or refused with a reason', (path) => {
  try {
    JSON.stringify(toDicomJson(scanHeader(readFileSync(path)).dataset))
  } catch (error) {
    expect(isDicomError(error)).toBe(true)
  }
})

test('what is cut short is not taken for whole', () => {
  for (const name of ['MR_truncated.dcm', 'rtplan_truncated.dcm']) {
    expect(() => scanFile(`broken/${name}`)).toThrow('dataset-truncated')
  }
})
