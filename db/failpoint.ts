/** Named places where a kill test may stop a process dead, before and after each commit and each acknowledgement. */
import { existsSync, readFileSync, unlinkSync } from 'node:fs'

let file: string | undefined

/** Arms the failpoints of this process with the file that a test writes a name into; undefined disarms. */
export function armFailpoints(path: string | undefined): void {
  file = path
}

/**
 * Dies by SIGKILL here when the armed file names this place; the file is consumed, so that the restarted
 * process lives on. Without an armed file this is one comparison.
 */
export async function failpoint(name: string): Promise<void> {
  if (file === undefined || !existsSync(file)) return
  if (readFileSync(file, 'utf8').trim() !== name) return
  unlinkSync(file)
  process.kill(process.pid, 'SIGKILL')
  // The signal arrives asynchronously; nothing after this line may run.
  await new Promise(() => {})
}
