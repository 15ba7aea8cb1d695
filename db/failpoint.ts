/** Named places where a kill test may stop a process dead, before and after each commit and each acknowledgement. */
import { existsSync, unlinkSync } from 'node:fs'

let file: string | undefined

/** Arms the failpoints of this process: beside this path a test makes `<path>.<place>`; undefined disarms. */
export function armFailpoints(path: string | undefined): void {
  file = path
}

/**
 * Dies by SIGKILL here when a file names this place; the file is consumed, so that one process dies here once, of
 * however many come by. Without a path this is one comparison.
 */
export async function failpoint(name: string): Promise<void> {
  if (file === undefined || !existsSync(`${file}.${name}`)) return
  try {
    unlinkSync(`${file}.${name}`)
  } catch {
    // Another process was here first, and dies in our stead.
    return
  }
  process.kill(process.pid, 'SIGKILL')
  // The signal arrives asynchronously; nothing after this line may run.
  await new Promise(() => {})
}
