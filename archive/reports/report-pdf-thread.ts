/** One thread for one PDF: fonts and what sets them are in memory for as long as it takes, and never on the way of a scanner. */
import { parentPort, workerData } from 'node:worker_threads'
import type { ReportPage } from './report-page.ts'
import { reportPdf } from './report-pdf.ts'

parentPort!.postMessage(await reportPdf(workerData as ReportPage))
