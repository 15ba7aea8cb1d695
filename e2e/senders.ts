/** The department's neighbours as they must be: each repeats until it is told yes, and keeps a ledger of what it was told. */
import { createHash } from 'node:crypto'
import type { Dataset } from '#archive/dimse/dataset.ts'
import { encodeDataset } from '#archive/dimse/encode.ts'
import { STATUS } from '#archive/dimse/status.ts'
import { newUid } from '#archive/dimse/uid.ts'
import { type Peer, withAssociation } from '#archive/scu/association.ts'
import { mppsCreate, mppsSet } from '#archive/scu/mpps.ts'
import { type Storable, storableDataset, storageContexts, storeOn } from '#archive/scu/store.ts'
import { buildOrm, newControlId, type OrmContent } from '#simulator/orm.ts'
import { begunStep, completedStep } from '#simulator/performed-step.ts'
import { newUidMap, reIdentify } from '#simulator/re-identify.ts'
import { corpusSeries, localTime } from '#simulator/scan.ts'
import { type ScheduledExam, scheduledExams } from '#simulator/scheduled-exam.ts'
import { sendOrm } from '#simulator/send-orm.ts'
import type { RunningDepartment } from './department.ts'
import { persist } from './persist.ts'

const ANSWER_WITHIN_MS = 10_000
const ZONE = 'Europe/Berlin'

export interface OrderSent {
  placer: string
  controlId: string
  /** How often it was sent: all but the last time without an answer. */
  times: number
}

/** Sends the same bytes until they are acknowledged. @throws at once when they are refused */
export async function placeOrder(department: RunningDepartment, content: OrmContent): Promise<OrderSent> {
  const { host, port } = department.endpoints().mllp
  const controlId = newControlId()
  const bytes = buildOrm({ ...content, controlId })
  let times = 0
  const kind = await persist(`the acknowledgement of ${content.placer}`, async () => {
    times += 1
    return (await sendOrm({ host, port, orm: bytes, timeoutMs: ANSWER_WITHIN_MS })).kind
  })
  if (kind !== 'acknowledged') throw new Error(`${content.placer} was answered ${kind}`)
  return { placer: content.placer, controlId, times }
}

export interface ImageSent {
  studyInstanceUid: string
  seriesInstanceUid: string
  sopInstanceUid: string
  /** Of the data set as it went over the wire, in the syntax it went in. */
  sha256: string
}

export interface ScanSent {
  performedStepUid: string
  images: ImageSent[]
}

export interface ScanWanted {
  accession: string
  /** AE title of the scanner. */
  station: string
  /** Folder of the corpus and how many of its images. */
  series: string
  images: number
}

/** Performs the exam as its scanner: begun, stored and completed, each of it repeated until it was answered. */
export async function scanExam(department: RunningDepartment, wanted: ScanWanted): Promise<ScanSent> {
  const peer = peerOf(department, wanted.station)
  const exam = await persist(`${wanted.accession} on the worklist of ${wanted.station}`, async () => {
    const [found] = await scheduledExams(peer, { accession: wanted.accession })
    return found
  })
  const performed = newPerformance(peer, exam)
  const { performedStepUid } = performed
  const begun = begunStep({ ...performed.step, exams: [exam] })
  await agreed('the begun step', STATUS.duplicateSopInstance, () =>
    mppsCreate(peer, { sopInstanceUid: performedStepUid, attributes: begun }),
  )
  const images = newImages(performed, wanted)
  await storeAll(
    peer,
    images.map(({ storable }) => storable),
  )
  const completed = completedStep(
    images.map(({ dataset }) => dataset),
    localTime(new Date(), ZONE),
  )
  await agreed('the completed step', STATUS.processingFailure, () =>
    mppsSet(peer, { sopInstanceUid: performedStepUid, attributes: completed }),
  )
  return { performedStepUid, images: images.map(({ sent }) => sent) }
}

function peerOf(department: RunningDepartment, callingAe: string): Peer {
  const { host, port, aeTitle } = department.endpoints().dicom
  return { host, port, calledAe: aeTitle, callingAe }
}

/** Success, or what a repeat is answered when an answer before it was lost. */
async function agreed(what: string, known: number, tell: () => Promise<number>): Promise<void> {
  let times = 0
  await persist(what, async () => {
    times += 1
    const status = await tell()
    if (status === STATUS.success || (times > 1 && status === known)) return status
    throw new Error(`answered ${status.toString(16)}`)
  })
}

/** Sends what has no Success yet, on a new association each time one breaks. */
async function storeAll(peer: Peer, storables: readonly Storable[]): Promise<void> {
  const stored = new Set<Storable>()
  await persist('Success for every image', async () => {
    const contexts = storageContexts(storables)
    await withAssociation(peer, { contexts }, async (association) => {
      for (const storable of storables) {
        if (stored.has(storable)) continue
        const status = await storeOn(association, storable)
        if (status !== STATUS.success) throw new Error(`answered ${status.toString(16)}`)
        stored.add(storable)
      }
    })
    return stored.size
  })
}

type Performance = ReturnType<typeof newPerformance>

function newPerformance(peer: Peer, exam: ScheduledExam) {
  const startedOn = localTime(new Date(), ZONE)
  const id = `PPS${startedOn.time.slice(0, 6)}${exam.stepId.slice(-6)}`
  return {
    exam,
    performedStepUid: newUid(),
    step: { id, stationAe: peer.callingAe, modality: exam.modality, startedOn },
  }
}

interface NewImage {
  dataset: Dataset
  storable: Storable
  sent: ImageSent
}

function newImages({ exam, performedStepUid, step }: Performance, wanted: ScanWanted): NewImage[] {
  const rewriting = {
    exam,
    performedStepUid,
    performedStepId: step.id,
    stationName: step.stationAe,
    startedOn: step.startedOn,
    uids: newUidMap(),
  }
  return corpusSeries(wanted.series)
    .slice(0, wanted.images)
    .map(({ dataset: original, transferSyntaxUid }, number) => {
      const dataset = reIdentify(original, rewriting, number)
      return {
        dataset,
        storable: storableDataset(dataset, transferSyntaxUid),
        sent: {
          studyInstanceUid: exam.studyInstanceUid,
          seriesInstanceUid: dataset.text('SeriesInstanceUID') ?? '',
          sopInstanceUid: dataset.text('SOPInstanceUID') ?? '',
          sha256: createHash('sha256').update(encodeDataset(dataset, transferSyntaxUid)).digest('hex'),
        },
      }
    })
}
