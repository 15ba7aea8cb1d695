/** Has a report's PDF made in a thread of its own. */
import { Worker } from 'node:worker_threads'
import type { ReportPage } from './report-page.ts'

/** Ten pages take under a second; what takes this long will not end. */
const LONGEST_MS = 60_000

/** @throws when the page cannot be set; its words are in no message */
export async function renderReport(page: ReportPage): Promise<Buffer> {
  const worker = new Worker(new URL('./report-pdf-thread.ts', import.meta.url), {
    name: 'report',
    workerData: page,
  })
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const timer = setTimeout(() => reject(new Error('a report takes too long to set')), LONGEST_MS)
  worker.on('message', (bytes: Uint8Array) => resolve(Buffer.from(bytes)))
  worker.on('error', (error) => reject(new Error('a report cannot be set', { cause: error })))
  worker.on('exit', () => reject(new Error('a report cannot be set')))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}
