/** A study with real pixels on the reading list: images of the corpus under an order's identity, stored by DICOMweb. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
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
import type { OrderMessage } from '#domain/order-message.ts'
import { openItem } from './reading.fixture.ts'

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

/** An order, its exam with the images of a corpus folder, accepted by the technologist: one press from being read. */
export async function pixelStudy(
  archive: Archive,
  { folder, order = {} }: { folder: string; order?: Partial<OrderMessage> },
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
  const images = await storeFolder(archive, folder, exam!)
  await endExam(department, await actAs(department, 'tech'), { stepId: exam!.step })
  await settle(department, orderId)
  const technologist = await actAs(department, 'tech')
  const quality = await claim(department, technologist, {
    itemId: await openItem(department, orderId, 'quality'),
  })
  await acceptQuality(department, technologist, quality)
  await settle(department, orderId)
  const { accession, studyUid } = exam!
  return { orderId, itemId: await openItem(department, orderId, 'read'), accession, studyUid, images }
}

interface ExamRow {
  step: string
  studyUid: string
  accession: string
  patientId: string
}

async function storeFolder({ dicomweb, token }: Archive, folder: string, exam: ExamRow): Promise<number> {
  const files = readdirSync(CORPUS + folder).filter((name) => name.endsWith('.dcm'))
  const seriesUid = newUid()
  const parts = files.map((name) => asPart(reIdentified(`${CORPUS}${folder}/${name}`, exam, seriesUid)))
  const response = await fetch(`${dicomweb}/studies`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'multipart/related; type="application/dicom"; boundary=isocenter',
    },
    body: new Uint8Array(Buffer.concat([...parts, Buffer.from('--isocenter--\r\n')])),
  })
  if (!response.ok) throw new Error(`storing answered ${response.status}: ${await response.text()}`)
  return files.length
}

function reIdentified(file: string, exam: ExamRow, seriesUid: string): Buffer {
  const { dataset, transferSyntaxUid } = datasetOfFile(readFileSync(file))
  const sopInstanceUid = newUid()
  dataset.set('StudyInstanceUID', exam.studyUid)
  dataset.set('SeriesInstanceUID', seriesUid)
  dataset.set('SOPInstanceUID', sopInstanceUid)
  dataset.set('AccessionNumber', exam.accession)
  dataset.set('PatientID', exam.patientId)
  const sopClassUid = dataset.text('SOPClassUID') ?? ''
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
