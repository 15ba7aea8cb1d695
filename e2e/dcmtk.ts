/** DCMTK's tools as a modality that is not ours: findscu asks the worklist, dcmodify makes the images the order's, storescu sends them. */
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
// Debian's DCMTK leaves Nagle on, and each small answer would wait 40 ms.
const environment = { ...process.env, TCP_NODELAY: '1' }

export interface Archive {
  host: string
  port: number
  aeTitle: string
}

export interface WorklistEntry {
  accession: string
  patientName: string
  patientId: string
  studyInstanceUid: string
  stepId: string
  status: string
  stationAe: string
}

/** Asks the modality worklist by accession number, as findscu does. */
export async function findWorklist(
  archive: Archive,
  { accession, as = 'FINDSCU' }: { accession: string; as?: string },
): Promise<WorklistEntry[]> {
  const keys = [`AccessionNumber=${accession}`, 'PatientName', 'PatientID', 'StudyInstanceUID']
  const step = ['ScheduledProcedureStepID', 'ScheduledProcedureStepStatus', 'ScheduledStationAETitle']
  const args = [...keys, ...step.map((key) => `ScheduledProcedureStepSequence[0].${key}`)].flatMap((key) => [
    '-k',
    key,
  ])
  const { stdout, stderr } = await run(
    'findscu',
    ['-W', '-aet', as, '-aec', archive.aeTitle, ...args, archive.host, String(archive.port)],
    { env: environment },
  )
  return (stdout + stderr)
    .split('Find Response:')
    .slice(1)
    .map((text) => ({
      accession: value(text, '0008,0050'),
      patientName: value(text, '0010,0010'),
      patientId: value(text, '0010,0020'),
      studyInstanceUid: value(text, '0020,000d'),
      stepId: value(text, '0040,0009'),
      status: value(text, '0040,0020'),
      stationAe: value(text, '0040,0001'),
    }))
}

function value(text: string, tag: string): string {
  return new RegExp(`\\(${tag}\\) \\w\\w \\[([^\\]]*)\\]`).exec(text)?.[1]?.replace(/[\s\0]+$/, '') ?? ''
}

/** Copies of a folder of the corpus with the order's identity and new UIDs, as files. */
export async function imagesFor(entry: WorklistEntry, series: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'isocenter-images-'))
  const source = fileURLToPath(new URL(`../corpus/${series}/`, import.meta.url))
  const names = readdirSync(source).filter((name) => name.endsWith('.dcm'))
  for (const name of names) cpSync(join(source, name), join(folder, name))
  const files = names.map((name) => join(folder, name))
  const identity = [
    `(0010,0010)=${entry.patientName}`,
    `(0010,0020)=${entry.patientId}`,
    `(0008,0050)=${entry.accession}`,
    `(0020,000d)=${entry.studyInstanceUid}`,
    `(0020,000e)=2.25.${BigInt(Date.now()) * 1_000_003n}`,
  ]
  await run('dcmodify', ['-nb', '-gin', ...identity.flatMap((change) => ['-i', change]), ...files])
  return files
}

/** Sends files; rejects unless every one was answered with Success. */
export async function sendImages(archive: Archive, files: string[], as: string): Promise<void> {
  const to = ['-aet', as, '-aec', archive.aeTitle, archive.host, String(archive.port)]
  await run('storescu', [...to, ...files], { env: environment })
}

/** One attribute of each file, as dcmdump prints it. */
export async function attributeOf(files: string[], tag: string): Promise<string[]> {
  const { stdout } = await run('dcmdump', ['+P', tag, ...files])
  return [...stdout.matchAll(/\[([^\]]*)\]/g)].map((match) => match[1]!.trim())
}
