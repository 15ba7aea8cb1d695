/** One stretch of a file that is opened for it alone, in as few trips through the thread pool as that takes. */
import { closeSync, open, read } from 'node:fs'

/** Fills the target from there on; fewer bytes than it holds are answered only at the end of the file. */
export function readStretch(path: string, target: Uint8Array, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, 'r', (error, file) => {
      if (error) return reject(error)
      const more = (done: number) =>
        read(file, target, done, target.length - done, offset + done, (failed, bytes) => {
          if (!failed && bytes > 0 && done + bytes < target.length) return more(done + bytes)
          // Nothing was written, so closing has nothing to wait for.
          closeSync(file)
          if (failed) reject(failed)
          else resolve(done + bytes)
        })
      more(0)
    })
  })
}
