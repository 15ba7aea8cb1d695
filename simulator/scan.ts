/** One exam as a scanner does it: begin by MPPS, real images of the corpus under the order's identity, complete by MPPS. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Dataset } from '#archive/dimse/dataset.ts'
import { newUid } from '#archive/dimse/uid.ts'
import type { Peer } from '#archive/scu/association.ts'
import { mppsCreate, mppsSet } from '#archive/scu/mpps.ts'
import { datasetOfFile, storableDataset, store } from '#archive/scu/store.ts'
import { writeTime } from '#interop/v2/time.ts'
import { begunStep, completedStep, discontinuedStep } from './performed-step.ts'
import { type LocalTime, newUidMap, reIdentify } from './re-identify.ts'
import { type ScheduledExam, scheduledExams } from './scheduled-exam.ts'
import { CORPUS_SERIES } from './simulated-order.ts'

export interface Scan {
  /** The archive, and under which AE title the scanner calls it. */
  peer: Peer
  exam: ScheduledExam
  /** Folders of the corpus; default those fitting the exam's procedure code, else its modality. */
  series?: readonly string[]
  /** False for a device that sends no performed steps. */
  mpps?: boolean
  /** IANA zone the scanner's clock is set to; default Europe/Berlin. */
  zone?: string
  now?: () => Date
  /** The time on the table: after the beginning, before the images. */
  onTable?: () => Promise<void>
  /** At most so many images. */
  images?: number
  /** Images made and named by the MPPS that never arrive. */
  withhold?: number
  discontinue?: { code: string; meaning: string }
}

export interface Scanned {
  performedStepUid: string | undefined
  studyInstanceUid: string
  accession: string
  images: { sopInstanceUid: string; seriesInstanceUid: string; status: number | undefined }[]
  /** DIMSE statuses; undefined without MPPS. */
  created: number | undefined
  ended: number | undefined
}

/** Finds the exam on the worklist by its accession number and performs it. @throws when it does not stand there */
export async function scanLikeAModality(scan: Omit<Scan, 'exam'> & { accession: string }): Promise<Scanned> {
  const { accession, ...rest } = scan
  const [exam] = await scheduledExams(scan.peer, { accession })
  if (!exam) throw new Error(`accession ${accession} is not on the worklist of ${scan.peer.callingAe}`)
  return performExam({ ...rest, exam })
}

export async function performExam(scan: Scan): Promise<Scanned> {
  const { peer, exam, mpps = true, now = () => new Date(), zone = 'Europe/Berlin' } = scan
  const startedOn = localTime(now(), zone)
  const performedStepUid = mpps ? newUid() : undefined
  const performedStepId = `PPS${startedOn.time.slice(0, 6)}${exam.stepId.slice(-6)}`.slice(0, 16)
  const step = {
    id: performedStepId,
    stationAe: peer.callingAe,
    modality: exam.modality,
    startedOn,
    exams: [exam],
  }
  const created = performedStepUid
    ? await mppsCreate(peer, { sopInstanceUid: performedStepUid, attributes: begunStep(step) })
    : undefined
  await scan.onTable?.()
  const images = newImages(scan, { startedOn, performedStepUid, performedStepId })
  const sent = images.slice(0, images.length - (scan.withhold ?? 0))
  const results = await store(
    peer,
    sent.map(({ dataset, transferSyntaxUid }) => storableDataset(dataset, transferSyntaxUid)),
  )
  const statuses = new Map(results.map(({ sopInstanceUid, status }) => [sopInstanceUid, status]))
  const endedOn = localTime(now(), zone)
  const datasets = images.map(({ dataset }) => dataset)
  const attributes = scan.discontinue
    ? discontinuedStep(datasets, { endedOn, reason: scan.discontinue })
    : completedStep(datasets, endedOn)
  const ended = performedStepUid
    ? await mppsSet(peer, { sopInstanceUid: performedStepUid, attributes })
    : undefined
  return {
    performedStepUid,
    studyInstanceUid: exam.studyInstanceUid,
    accession: exam.accession,
    images: datasets.map((dataset) => {
      const sopInstanceUid = dataset.text('SOPInstanceUID') ?? ''
      const seriesInstanceUid = dataset.text('SeriesInstanceUID') ?? ''
      return { sopInstanceUid, seriesInstanceUid, status: statuses.get(sopInstanceUid) }
    }),
    created,
    ended,
  }
}

interface Image {
  dataset: Dataset
  transferSyntaxUid: string
}

type Performed = { startedOn: LocalTime; performedStepUid: string | undefined; performedStepId: string }

function newImages(scan: Scan, performed: Performed): Image[] {
  const uids = newUidMap()
  const rewriting = { ...performed, exam: scan.exam, stationName: scan.peer.callingAe, uids }
  return (scan.series ?? seriesFor(scan.exam))
    .flatMap(corpusSeries)
    .slice(0, scan.images)
    .map(({ dataset, transferSyntaxUid }, number) => ({
      dataset: reIdentify(dataset, rewriting, number),
      transferSyntaxUid,
    }))
}

function seriesFor({ procedureCode, modality }: ScheduledExam): readonly string[] {
  return CORPUS_SERIES[procedureCode] ?? SERIES_OF_MODALITY[modality] ?? ['dx-chest']
}

const SERIES_OF_MODALITY: Readonly<Record<string, readonly string[]>> = {
  CT: ['ct-head'],
  MR: ['mr-head'],
  DX: ['dx-chest'],
  CR: ['dx-chest'],
  US: ['us-abdomen', 'us-cine'],
  PT: ['pt-breast'],
}

const CORPUS = fileURLToPath(new URL('../corpus/', import.meta.url))

/** Every image of a folder of the corpus, in the order of its file names. */
export function corpusSeries(folder: string): Image[] {
  return readdirSync(`${CORPUS}${folder}`)
    .filter((name) => name.endsWith('.dcm'))
    .sort()
    .map((name) => datasetOfFile(readFileSync(`${CORPUS}${folder}/${name}`)))
}

/** DA and TM as the scanner's own clock shows them. */
export function localTime(instant: Date, zone: string): LocalTime {
  const written = writeTime(instant, zone)
  return { date: written.slice(0, 8), time: written.slice(8, 14) }
}
