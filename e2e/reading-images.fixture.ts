/** A study with real pixels on the reading list: objects under an order's identity, stored by DICOMweb. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Dataset } from '#archive/dimse/dataset.ts'
import { encodeDataset } from '#archive/dimse/encode.ts'
import { encodeFileMeta } from '#archive/dimse/part10.ts'
import { newUid } from '#archive/dimse/uid.ts'
import { datasetOfFile } from '#archive/scu/store.ts'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { acceptQuality } from '#db/mutations/quality.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { endExam } from '#db/mutations/steps.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs, anEnvelope, anOrder } from '#db/order.fixture.ts'
import { openItem } from '#db/reading.fixture.ts'
import type { OrderMessage } from '#domain/order-message.ts'

const CORPUS = fileURLToPath(new URL('../corpus/', import.meta.url))

export interface PixelStudy {
  orderId: string
  itemId: string
  accession: string
  studyUid: string
  images: number
}

interface Archive {
  department: Department
  dicomweb: string
  token: string
}

export interface DicomObject {
  dataset: Dataset
  transferSyntaxUid: string
}

/** The images of a folder of the repo's own corpus. */
export function imagesOf(folder: string): DicomObject[] {
  const files = readdirSync(CORPUS + folder).filter((name) => name.endsWith('.dcm'))
  return files.map((name) => datasetOfFile(readFileSync(join(CORPUS, folder, name))))
}

/** An order, its exam with these objects, accepted by the technologist: one press from being read. */
export async function pixelStudy(
  archive: Archive,
  { objects, order = {} }: { objects: readonly DicomObject[]; order?: Partial<OrderMessage> },
): Promise<PixelStudy> {
  const { department } = archive
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [
    anOrder(order),
  ])
  if (received.outcome !== 'accepted') throw new Error(`the order was ${received.outcome}`)
  const orderId = received.orderIds[0]!
  const [exam] = await department.sql<ExamRow[]>`
    select s.id as step, p.study_uid as "studyUid", o.accession, i.value as "patientId"
    from steps s join procedures p on p.id = s.procedure_id join orders o on o.id = s.order_id
      join patient_identifiers i on i.patient_id = o.patient_id
    where s.order_id = ${orderId}`
  await storeObjects(archive, reIdentified(objects, exam!))
  await endExam(department, await actAs(department, 'tech'), { stepId: exam!.step })
  await settle(department, orderId)
  const technologist = await actAs(department, 'tech')
  const quality = await claim(department, technologist, {
    itemId: await openItem(department, orderId, 'quality'),
  })
  await acceptQuality(department, technologist, quality)
  await settle(department, orderId)
  const { accession, studyUid } = exam!
  return {
    orderId,
    itemId: await openItem(department, orderId, 'read'),
    accession,
    studyUid,
    images: objects.length,
  }
}

interface ExamRow {
  step: string
  studyUid: string
  accession: string
  patientId: string
}

async function storeObjects({ dicomweb, token }: Archive, objects: readonly DicomObject[]): Promise<void> {
  const response = await fetch(`${dicomweb}/studies`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'multipart/related; type="application/dicom"; boundary=isocenter',
    },
    body: new Uint8Array(
      Buffer.concat([...objects.map((object) => asPart(fileOf(object))), Buffer.from('--isocenter--\r\n')]),
    ),
  })
  if (response.status !== 200)
    throw new Error(`storing answered ${response.status}: ${await response.text()}`)
}

/** The same objects as those of the exam: series and objects get UIDs of their own, and references follow them. */
function reIdentified(objects: readonly DicomObject[], exam: ExamRow): DicomObject[] {
  const renamed = new Map<string, string>()
  for (const { dataset } of objects) {
    for (const keyword of ['SeriesInstanceUID', 'SOPInstanceUID']) {
      const uid = dataset.text(keyword)!
      renamed.set(uid, renamed.get(uid) ?? newUid())
    }
    renamed.set(dataset.text('StudyInstanceUID') ?? '', exam.studyUid)
  }
  return objects.map(({ dataset, transferSyntaxUid }) => ({
    dataset: withUids(dataset, renamed)
      .set('StudyInstanceUID', exam.studyUid)
      .set('AccessionNumber', exam.accession)
      .set('PatientID', exam.patientId),
    transferSyntaxUid,
  }))
}

function withUids(dataset: Dataset, renamed: ReadonlyMap<string, string>): Dataset {
  const made = new Dataset(dataset.characterSets)
  for (const element of dataset.inOrder()) {
    if (element.kind === 'sequence')
      made.put({ ...element, items: element.items.map((item) => withUids(item, renamed)) })
    else made.put(element)
    if (element.vr !== 'UI') continue
    const uids = dataset.texts(element.tag)
    if (uids.some((uid) => renamed.has(uid)))
      made.set(
        element.tag,
        uids.map((uid) => renamed.get(uid) ?? uid),
      )
  }
  return made
}

function fileOf({ dataset, transferSyntaxUid }: DicomObject): Buffer {
  const sopClassUid = dataset.text('SOPClassUID') ?? ''
  const sopInstanceUid = dataset.text('SOPInstanceUID') ?? ''
  const meta = encodeFileMeta({ sopClassUid, sopInstanceUid, transferSyntaxUid })
  return Buffer.concat([meta, encodeDataset(dataset, transferSyntaxUid)])
}

const asPart = (file: Buffer) =>
  Buffer.concat([
    Buffer.from('--isocenter\r\nContent-Type: application/dicom\r\n\r\n'),
    file,
    Buffer.from('\r\n'),
  ])

async function settle(department: Department, orderId: string): Promise<void> {
  await settleOrder(department, await dutyAct(department), { orderId })
}
