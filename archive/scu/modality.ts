/** A modality as its peers see it: asks its worklist, reports its steps, sends its images (IHE RAD-5, 6, 7, 8). */
import { Dataset, type Value } from '../dimse/dataset.ts'
import { STATUS, StatusError } from '../dimse/status.ts'
import { newUid } from '../dimse/uid.ts'
import type { OpenOptions, Peer } from './association.ts'
import { find } from './find.ts'
import { mppsCreate, mppsSet } from './mpps.ts'
import { reidentified, type SourceImage } from './reidentified.ts'
import { type Storable, storableDataset, store } from './store.ts'

export type ModalityOptions = {
  /** Its own AE title is `peer.callingAe`. */
  readonly peer: Peer
  readonly modality: string
  /** Of the dates and times it writes. */
  readonly timeZone: string
  readonly association?: Omit<OpenOptions, 'contexts'>
}

/** An entry of the worklist, chosen by a technologist. */
export type Entry = Dataset

/** A performed procedure step under way on this modality. */
export type PerformedStep = {
  readonly sopInstanceUid: string
  readonly entry: Entry
  readonly studyInstanceUid: string
  /** What has been sent for it, by series. */
  readonly series: Map<string, { description: string; protocol: string; images: Storable[] }>
}

export class Modality {
  private readonly options: ModalityOptions

  constructor(options: ModalityOptions) {
    this.options = options
  }

  /** Scheduled entries; `keys` are matching keys added to, or put over, the usual return keys. */
  worklist(keys: Record<string, Value> = {}, stepKeys: Record<string, Value> = {}): Promise<Entry[]> {
    const step = Dataset.of({ ...STEP_RETURN_KEYS, Modality: this.options.modality, ...stepKeys })
    const identifier = Dataset.of({
      SpecificCharacterSet: 'ISO_IR 192',
      ...RETURN_KEYS,
      ...keys,
      ScheduledProcedureStepSequence: [step],
    })
    return find(this.options.peer, 'worklist', identifier, this.options.association)
  }

  /**
   * N-CREATE, in progress.
   * @throws StatusError when it is refused
   */
  async begin(entry: Entry, at: Date): Promise<PerformedStep> {
    const sopInstanceUid = newUid()
    const studyInstanceUid = entry.text('StudyInstanceUID') ?? newUid()
    const attributes = this.begun(entry, studyInstanceUid, at)
    expectSuccess(
      await mppsCreate(this.options.peer, { sopInstanceUid, attributes }, this.options.association),
    )
    return { sopInstanceUid, entry, studyInstanceUid, series: new Map() }
  }

  /**
   * Sends real images as this step's own: new UIDs, the entry's patient and order, the same pixels.
   * @throws StatusError for the first that is refused
   */
  async send(step: PerformedStep, images: readonly SourceImage[]): Promise<Storable[]> {
    const made = reidentified(images, step.entry, step.studyInstanceUid)
    const storables = made.map(({ dataset, transferSyntaxUid }) =>
      storableDataset(dataset, transferSyntaxUid),
    )
    const results = await store(this.options.peer, storables, this.options.association)
    for (const { status, error } of results) {
      if (error) throw error
      expectSuccess(status!)
    }
    for (const [index, { dataset }] of made.entries()) note(step, dataset, storables[index]!)
    return storables
  }

  /** N-SET with the series sent. @throws StatusError when it is refused */
  async complete(step: PerformedStep, at: Date): Promise<void> {
    await this.finish(step, at, { PerformedProcedureStepStatus: 'COMPLETED' })
  }

  /** N-SET; the reason is a code of CID 9300, such as 110514 for a wrong worklist entry. */
  async discontinue(step: PerformedStep, at: Date, reason: { code: string; meaning: string }): Promise<void> {
    const code = Dataset.of({
      CodeValue: reason.code,
      CodingSchemeDesignator: 'DCM',
      CodeMeaning: reason.meaning,
    })
    await this.finish(step, at, {
      PerformedProcedureStepStatus: 'DISCONTINUED',
      PerformedProcedureStepDiscontinuationReasonCodeSequence: [code],
    })
  }

  private async finish(step: PerformedStep, at: Date, more: Record<string, Value>): Promise<void> {
    const { date, time } = instant(at, this.options.timeZone)
    const attributes = Dataset.of({
      ...more,
      PerformedProcedureStepEndDate: date,
      PerformedProcedureStepEndTime: time,
      PerformedSeriesSequence: [...step.series].map(([uid, series]) => seriesItem(uid, series)),
    })
    const { sopInstanceUid } = step
    expectSuccess(await mppsSet(this.options.peer, { sopInstanceUid, attributes }, this.options.association))
  }

  /** Every type 1 and 2 attribute of an N-CREATE (PS3.4 table F.7.2-1). */
  private begun(entry: Entry, studyInstanceUid: string, at: Date): Dataset {
    const { date, time } = instant(at, this.options.timeZone)
    const scheduled = entry.item('ScheduledProcedureStepSequence')
    return Dataset.of({
      SpecificCharacterSet: 'ISO_IR 192',
      ScheduledStepAttributesSequence: [scheduledStep(entry, studyInstanceUid)],
      ...copied(entry, ['PatientName', 'PatientID', 'PatientBirthDate', 'PatientSex']),
      ReferencedPatientSequence: [],
      PerformedProcedureStepID: `P${date.slice(2)}${time}`,
      PerformedStationAETitle: this.options.peer.callingAe,
      PerformedStationName: scheduled?.text('ScheduledStationName') ?? '',
      PerformedLocation: scheduled?.text('ScheduledProcedureStepLocation') ?? '',
      PerformedProcedureStepStartDate: date,
      PerformedProcedureStepStartTime: time,
      PerformedProcedureStepStatus: 'IN PROGRESS',
      PerformedProcedureStepDescription: scheduled?.text('ScheduledProcedureStepDescription') ?? '',
      PerformedProcedureTypeDescription: '',
      ProcedureCodeSequence: [...entry.items('RequestedProcedureCodeSequence')],
      PerformedProcedureStepEndDate: '',
      PerformedProcedureStepEndTime: '',
      Modality: scheduled?.text('Modality') ?? this.options.modality,
      StudyID: '',
      PerformedProtocolCodeSequence: [...(scheduled?.items('ScheduledProtocolCodeSequence') ?? [])],
      PerformedSeriesSequence: [],
    })
  }
}

const RETURN_KEYS = {
  AccessionNumber: '',
  ReferringPhysicianName: '',
  PatientName: '',
  PatientID: '',
  IssuerOfPatientID: '',
  PatientBirthDate: '',
  PatientSex: '',
  PatientWeight: '',
  MedicalAlerts: '',
  Allergies: '',
  PregnancyStatus: '',
  StudyInstanceUID: '',
  RequestedProcedureDescription: '',
  RequestedProcedureCodeSequence: [],
  RequestedProcedureID: '',
  RequestedProcedurePriority: '',
} satisfies Record<string, Value>

const STEP_RETURN_KEYS = {
  Modality: '',
  ScheduledStationAETitle: '',
  ScheduledProcedureStepStartDate: '',
  ScheduledProcedureStepStartTime: '',
  ScheduledPerformingPhysicianName: '',
  ScheduledProcedureStepDescription: '',
  ScheduledProtocolCodeSequence: [],
  ScheduledProcedureStepID: '',
  ScheduledStationName: '',
  ScheduledProcedureStepLocation: '',
} satisfies Record<string, Value>

function scheduledStep(entry: Entry, studyInstanceUid: string): Dataset {
  const scheduled = entry.item('ScheduledProcedureStepSequence') ?? new Dataset()
  return Dataset.of({
    StudyInstanceUID: studyInstanceUid,
    ReferencedStudySequence: [],
    ...copied(entry, ['AccessionNumber', 'RequestedProcedureID', 'RequestedProcedureDescription']),
    ...copied(scheduled, ['ScheduledProcedureStepID', 'ScheduledProcedureStepDescription']),
    ScheduledProtocolCodeSequence: [...scheduled.items('ScheduledProtocolCodeSequence')],
  })
}

const copied = (from: Dataset, keywords: readonly string[]): Record<string, Value> =>
  Object.fromEntries(keywords.map((keyword) => [keyword, from.text(keyword) ?? '']))

function note({ series }: PerformedStep, image: Dataset, storable: Storable) {
  const uid = image.text('SeriesInstanceUID')!
  const description = image.text('SeriesDescription') ?? ''
  const known = series.get(uid) ?? {
    description,
    // Type 1 of a performed series: a protocol is named even when the scanner's was not.
    protocol: image.text('ProtocolName') ?? (description || 'Standard'),
    images: [],
  }
  known.images.push(storable)
  series.set(uid, known)
}

type Series = { description: string; protocol: string; images: Storable[] }

function seriesItem(uid: string, { description, protocol, images }: Series): Dataset {
  return Dataset.of({
    PerformingPhysicianName: '',
    OperatorsName: '',
    ProtocolName: protocol,
    SeriesInstanceUID: uid,
    SeriesDescription: description,
    RetrieveAETitle: '',
    ReferencedImageSequence: images.map(({ sopClassUid, sopInstanceUid }) =>
      Dataset.of({ ReferencedSOPClassUID: sopClassUid, ReferencedSOPInstanceUID: sopInstanceUid }),
    ),
    ReferencedNonImageCompositeSOPInstanceSequence: [],
  })
}

/** DA and TM of an instant, in the zone the scanner's clock shows. */
function instant(at: Date, timeZone: string): { date: string; time: string } {
  const [date, time] = at.toLocaleString('sv-SE', { timeZone }).split(' ')
  return { date: date!.replaceAll('-', ''), time: time!.replaceAll(':', '') }
}

function expectSuccess(status: number) {
  // The B000H to BFFFH of a coerced object is success with a remark.
  if (status !== STATUS.success && status >>> 12 !== 0xb) throw new StatusError({ status })
}
