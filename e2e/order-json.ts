/** What `/api` and DICOMweb say about an order, in the words of the contract. */
import { createHash } from 'node:crypto'
import { readPart10 } from '#archive/dimse/part10.ts'
import type { RunningDepartment } from './department.ts'
import { persist } from './persist.ts'
import type { ImageSent } from './senders.ts'

export interface OrderJson {
  id: string
  accession: string
  placer: string
  phase: string
  rev: number
  studyInstanceUid: string
  procedures: { id: string; steps: { id: string; status: string; room: string | null }[] }[]
  workItems: { id: string; kind: string; state: string }[]
}

export interface TimelineJson {
  rev: number
  at: string
  type: string
  actor: { id: string; role: string }
  data: Record<string, unknown>
  hash: string
  previousHash: string
}

export interface DeliveryJson {
  controlId: string
  reportVersion: number
  attempts: number
  state: string
}

type Page<T> = { items: T[] }

/** @throws when there is not exactly one */
export async function orderOf(department: RunningDepartment, placer: string): Promise<OrderJson> {
  const { items } = await department.ask<Page<OrderJson>>(`/api/orders?placer=${placer}`)
  const [order] = items
  if (!order || items.length > 1) throw new Error(`${placer} has ${items.length} orders`)
  return order
}

export async function timelineOf(department: RunningDepartment, orderId: string): Promise<TimelineJson[]> {
  return (await department.ask<Page<TimelineJson>>(`/api/orders/${orderId}/timeline`)).items
}

export async function deliveriesOf(department: RunningDepartment, orderId: string): Promise<DeliveryJson[]> {
  return (await department.ask<Page<DeliveryJson>>(`/api/deliveries?order=${orderId}`)).items
}

/** Waits until the order stands in a phase. */
export function untilPhase(
  department: RunningDepartment,
  placer: string,
  phase: string,
  withinMs?: number,
): Promise<OrderJson> {
  return persist(
    `${placer} ${phase}`,
    async () => {
      const order = await orderOf(department, placer)
      if (order.phase !== phase) throw new Error(`it is ${order.phase}`)
      return order
    },
    withinMs,
  )
}

/** SOP Instance UIDs of a study as QIDO-RS lists them (PS3.18 section 10.6): what came from scanners, and its reports. */
export async function instancesListed(
  department: RunningDepartment,
  studyUid: string,
): Promise<{ images: string[]; reports: string[] }> {
  const found = await department.ask<Record<string, { Value?: string[] }>[]>(
    `/dicom-web/studies/${studyUid}/instances`,
    { headers: { Accept: 'application/dicom+json' } },
  )
  const listed = found.map((instance) => ({
    uid: instance['00080018']?.Value?.[0] ?? '',
    isReport: REPORT_CLASSES.includes(instance['00080016']?.Value?.[0] ?? ''),
  }))
  const uids = (isReport: boolean) => listed.filter((one) => one.isReport === isReport).map(({ uid }) => uid)
  return { images: uids(false), reports: uids(true) }
}

/** Basic Text SR and Encapsulated PDF: what a department makes of a report (PS3.4 B.5). */
export const REPORT_CLASSES = ['1.2.840.10008.5.1.4.1.1.88.11', '1.2.840.10008.5.1.4.1.1.104.1']

/** SHA-256 of the data set that WADO-RS answers for an instance, in whatever syntax it is kept. */
export async function hashStored(department: RunningDepartment, image: ImageSent): Promise<string> {
  const { dicomweb, tokens } = department.endpoints()
  const { studyInstanceUid: study, seriesInstanceUid: series, sopInstanceUid: instance } = image
  const response = await fetch(`${dicomweb}/studies/${study}/series/${series}/instances/${instance}`, {
    headers: {
      Authorization: `Bearer ${tokens.integration}`,
      Accept: 'multipart/related; type="application/dicom"; transfer-syntax=*',
    },
  })
  if (!response.ok) throw new Error(`WADO-RS answered ${response.status}`)
  const part = onlyPart(Buffer.from(await response.arrayBuffer()))
  return createHash('sha256')
    .update(part.subarray(readPart10(part).datasetOffset))
    .digest('hex')
}

/** The body of a multipart message's one part (RFC 2046 section 5.1.1). */
function onlyPart(body: Buffer): Buffer {
  const begin = body.indexOf('\r\n\r\n') + 4
  const boundary = body.subarray(0, body.indexOf('\r\n'))
  const end = body.indexOf(Buffer.concat([Buffer.from('\r\n'), boundary]), begin)
  if (begin < 4 || end < 0) throw new Error('the answer has no part')
  return body.subarray(begin, end)
}
