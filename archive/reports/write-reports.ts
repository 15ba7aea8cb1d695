/** Writes the reports that are owed to their studies: real objects of the archive, stored like any that came from outside. */
import type { Logger } from 'pino'
import type { Dataset } from '#archive/dimse/dataset.ts'
import { encodeDataset } from '#archive/dimse/encode.ts'
import { EXPLICIT_LITTLE } from '#archive/dimse/transfer-syntax.ts'
import type { Ingest } from '#archive/ingest/ingest.ts'
import type { AnySql } from '#db/client.ts'
import { putOff } from '#db/mutations/report-objects.ts'
import { type ReportObject, reportObject, reportObjectsOwed } from '#db/queries/report-objects.ts'
import { REPORT_OBJECT_CLASSES } from '#domain/report-object.ts'
import { basicTextSr } from './basic-text-sr.ts'
import { encapsulatedPdf } from './encapsulated-pdf.ts'
import { renderReport } from './render-report.ts'
import { type ReportPage, reportPage } from './report-page.ts'

const AT_ONCE = 10

export interface ReportWriting {
  sql: AnySql
  ingest: Ingest
  aeTitle: string
  log: Logger
  /** Who sets the page; default a thread for each. */
  render?: (page: ReportPage) => Promise<Buffer>
}

/**
 * How many were written. An object keeps its UID over every attempt and its row is done when the index has it, so that
 * it is never there twice; one that cannot be written is tried again later and keeps no other waiting.
 */
export async function writeReports({ log, ...writing }: ReportWriting): Promise<number> {
  const { sql, ingest } = writing
  const owed = await reportObjectsOwed(sql, { limit: AT_ONCE, machineNow: new Date() })
  let written = 0
  for (const { sopInstanceUid } of owed) {
    try {
      if (await writeReport(writing, sopInstanceUid)) written += 1
    } catch (error) {
      log.error({ err: error, sopInstanceUid }, 'a report was not written into its study; it is tried again')
      await putOff(sql, { sopInstanceUid, machineNow: new Date() })
    }
  }
  if (written > 0) ingest.flush()
  return written
}

async function writeReport(
  { sql, ingest, aeTitle, render = renderReport }: Omit<ReportWriting, 'log'>,
  sopInstanceUid: string,
): Promise<boolean> {
  const object = await reportObject(sql, sopInstanceUid)
  if (!object) return false
  const dataset = await datasetOf(object, render)
  const coming = await ingest.begin({
    sopClassUid: REPORT_OBJECT_CLASSES[object.kind],
    sopInstanceUid,
    transferSyntaxUid: EXPLICIT_LITTLE,
    sourceAe: aeTitle,
    peer: '',
  })
  coming.write(encodeDataset(dataset, EXPLICIT_LITTLE))
  const fault = await coming.finish()
  if (fault) throw new Error(`a report of ours was set aside: ${fault.reason}`)
  return true
}

async function datasetOf(
  object: ReportObject,
  render: NonNullable<ReportWriting['render']>,
): Promise<Dataset> {
  return object.kind === 'sr'
    ? basicTextSr(object)
    : encapsulatedPdf(object, await render(reportPage(object)))
}
