/** dciodvfy (dicom3tools) as the judge of objects that we write: what it finds wrong against PS3.3, PS3.5 and PS3.16. */
import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Verdict {
  /** The IOD that it was held against, such as `CTImage`; empty when none was recognized. */
  iod: string
  errors: string[]
  warnings: string[]
}

/** Of a DICOM file, by its path or as its bytes. */
export async function dciodvfy(file: string | Buffer): Promise<Verdict> {
  const path = typeof file === 'string' ? file : written(file)
  const said = await output(path)
  const lines = said.split('\n').filter((line) => line !== '')
  return {
    iod: lines.find((line) => /^[A-Z]\w+$/.test(line)) ?? '',
    errors: lines.filter((line) => /\b(Error|Abort)\b/.test(line)),
    warnings: lines.filter((line) => /\bWarning\b/.test(line)),
  }
}

// It ends with 1 when it has found an error; with another number, or none, it did not come to an end.
async function output(path: string): Promise<string> {
  try {
    const { stdout, stderr } = await run('dciodvfy', ['-new', path], { maxBuffer: 2 ** 26 })
    return stdout + stderr
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string }
    if (code !== 1) throw error
    return `${stdout}${stderr}`
  }
}

function written(bytes: Buffer): string {
  const path = join(mkdtempSync(join(tmpdir(), 'dciodvfy-')), 'object.dcm')
  writeFileSync(path, bytes)
  return path
}
