import { readFileSync } from 'node:fs'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Dataset } from '#archive/dimse/dataset.ts'
import { tagOf } from '#archive/dimse/dictionary.ts'
import { newUid } from '#archive/dimse/uid.ts'
import { mppsCreate, mppsSet } from '#archive/scu/mpps.ts'
import { datasetOfFile } from '#archive/scu/store.ts'
import { parseMessage } from '#interop/v2/message.ts'
import { type EmrReceiver, emrReceiver } from '#simulator/emr.ts'
import { begunStep, completedStep } from '#simulator/performed-step.ts'
import { localTime } from '#simulator/scan.ts'
import { scheduledExams } from '#simulator/scheduled-exam.ts'
import { sendOrm } from '#simulator/send-orm.ts'
import { openBrowser, signIn } from './app.fixture.ts'
import { attributeOf, findWorklist, imagesFor, sendImages } from './dcmtk.ts'
import { type RunningDepartment, startDepartment, until } from './department.ts'
import { REPORT_CLASSES } from './order-json.ts'

let department: RunningDepartment
let emr: EmrReceiver
let browser: Browser

beforeAll(async () => {
  department = await startDepartment()
  emr = await emrReceiver({ port: department.endpoints().emr.port })
  browser = await openBrowser()
}, 300_000)

afterAll(async () => {
  await browser?.close()
  await emr?.close()
  await department?.stop()
}, 90_000)

interface OrderJson {
  id: string
  accession: string
  issuer: string
  phase: string
  patientId: string
  patientName: string
  studyInstanceUid: string
  receivedAt: string
  workItems: { kind: string }[]
}

const planted = { id: 'SYN-77001', family: 'QUINTERO', given: 'ABIGAIL' }

async function orderOf(placer: string): Promise<OrderJson> {
  const { items } = await department.ask<{ items: OrderJson[] }>(`/api/orders?placer=${placer}`)
  if (!items[0]) throw new Error('the order is not there')
  return items[0]
}

async function untilPhase(placer: string, phase: string): Promise<void> {
  let seen = ''
  await until(
    async () => {
      seen = (await orderOf(placer)).phase
      return seen === phase
    },
    30_000,
    () => `the order is ${seen} and not ${phase}`,
  )
}

async function pageOf(user: string): Promise<{ page: Page; context: BrowserContext }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  await signIn(page, department.endpoints().app, department.account(user))
  return { page, context }
}

test('[VW-01] one order goes from the HL7 message to the acknowledged report, and every wire and screen agrees about it', async () => {
  const { dicom, mllp, app, dicomweb, tokens } = department.endpoints()
  const placer = `PL-${Date.now()}`

  // Order: AA means that it is there.
  const answer = await sendOrm({
    port: mllp.port,
    orm: {
      placer,
      patient: {
        id: planted.id,
        name: { alphabetic: { family: planted.family, given: planted.given } },
        birthDate: '19780214',
        sex: 'F',
      },
      priority: 'stat',
      procedures: [{ code: '30799-1', text: 'CT head' }],
      start: new Date(),
      requester: { id: '1001', name: { family: 'SAMPLE', given: 'OTTO' } },
      reason: 'Known mass',
    },
  })
  expect(answer.code).toBe('AA')
  const order = await orderOf(placer)
  expect(order).toMatchObject({ phase: 'scheduled', patientId: planted.id, patientName: 'QUINTERO^ABIGAIL' })

  // Scheduling: the modality worklist shows it, under the numbers of the JSON.
  const [entry] = await findWorklist(dicom, { accession: order.accession })
  expect(entry).toMatchObject({
    patientName: 'QUINTERO^ABIGAIL',
    patientId: planted.id,
    studyInstanceUid: order.studyInstanceUid,
    status: 'SCHEDULED',
  })

  // Arrival, on the technologist's screen.
  const tech = await pageOf('tech')
  await tech.page.locator(`[data-accession="${order.accession}"]`).first().click()
  await tech.page.getByRole('button', { name: /^Arrived/ }).click()
  await untilPhase(placer, 'arrived')
  expect((await findWorklist(dicom, { accession: order.accession }))[0]!.status).toBe('READY')

  // Acquisition: MPPS begins, DCMTK sends, MPPS names what it sent.
  const scanner = { host: dicom.host, port: dicom.port, calledAe: dicom.aeTitle, callingAe: entry!.stationAe }
  const [exam] = await scheduledExams(scanner, { accession: order.accession })
  const performedStep = newUid()
  const began = await mppsCreate(scanner, {
    sopInstanceUid: performedStep,
    attributes: begunStep({
      id: 'PPS1',
      stationAe: entry!.stationAe,
      modality: 'CT',
      startedOn: localTime(new Date(), 'Europe/Berlin'),
      exams: [exam!],
    }),
  })
  expect(began).toBe(0)
  await untilPhase(placer, 'acquiring')
  const files = await imagesFor(entry!, 'ct-head')
  await sendImages(dicom, files, entry!.stationAe)
  const sent = files.map((file) => datasetOfFile(readFileSync(file)).dataset)
  const ended = await mppsSet(scanner, {
    sopInstanceUid: performedStep,
    attributes: completedStep(sent, localTime(new Date(), 'Europe/Berlin')),
  })
  expect(ended).toBe(0)
  await untilPhase(placer, 'quality-check')

  // Quality check: accepted on the screen, so that it reaches reading.
  await tech.page.goto(`${app}/quality-check`)
  const row = tech.page.locator(`[data-accession="${order.accession}"]`).first()
  await row.click()
  await tech.page.getByRole('button', { name: /^Accept exam/ }).click()
  await untilPhase(placer, 'reading')
  await tech.context.close()

  // Reading: the next case opens with its images beside the report.
  const reader = await pageOf('radiologist')
  await until(
    async () => (await reader.page.locator(`[data-accession="${order.accession}"]`).count()) > 0,
    15_000,
    () => 'the study is not on the reading list',
  )
  await reader.page.getByRole('button', { name: /Next case/ }).click()
  await reader.page.waitForURL(/\/reading\/[0-9A-Z]{26}/)
  const viewer = reader.page.frameLocator('iframe').first()
  await viewer.locator('canvas').first().waitFor({ timeout: 60_000 })
  await reader.page
    .getByRole('textbox', { name: 'Findings' })
    .fill('No bleed. Ventricles normal & symmetric.')
  await reader.page.getByRole('textbox', { name: 'Impression' }).fill('Normal CT of the head.')
  await reader.page.getByLabel('Password').fill(department.account('radiologist').password)
  await reader.page.getByRole('button', { name: /Sign final/ }).click()
  await untilPhase(placer, 'delivered')

  // The receiver has one message, about this order, from this signer.
  expect(emr.messages).toHaveLength(1)
  const report = emr.messages[0]!.message
  expect([report.get('ORC-2.1'), report.get('OBR-18'), report.get('OBR-25'), report.get('PID-3.1')]).toEqual([
    placer,
    order.accession,
    'F',
    planted.id,
  ])
  expect(report.toBytes().toString()).toContain('Ventricles normal \\T\\ symmetric.')
  expect(
    parseMessage(report.toBytes())
      .all('OBX')
      .map((obx) => obx.value(5)),
  ).toContain(order.studyInstanceUid)

  // JSON, timeline and deliveries agree.
  const { items: deliveries } = await department.ask<{ items: Record<string, unknown>[] }>(
    `/api/deliveries?order=${order.id}`,
  )
  expect(deliveries).toMatchObject([
    { state: 'acknowledged', attempts: 1, controlId: report.get('MSH-10'), reportVersion: 1 },
  ])
  const { items: events } = await department.ask<{ items: { rev: number; type: string; at: string }[] }>(
    `/api/orders/${order.id}/timeline`,
  )
  expect(events.map((event) => event.rev)).toEqual(events.map((_, index) => index + 1))
  const way = [
    'order.received',
    'step.scheduled',
    'step.arrived',
    'performed-step.begun',
    'performed-step.ended',
    'quality.accepted',
    'report.signed',
    'delivery.acknowledged',
  ]
  const instants = way.map((type) => events.find((event) => event.type === type)?.at)
  expect(instants).toEqual([...instants].sort())

  // DICOMweb has the same study, with every image that DCMTK sent.
  const headers = { Authorization: `Bearer ${tokens.integration}`, Accept: 'application/dicom+json' }
  const studies = (await (
    await fetch(`${dicomweb}/studies?AccessionNumber=${order.accession}`, { headers })
  ).json()) as Record<string, { Value: unknown[] }>[]
  expect(studies).toHaveLength(1)
  expect(studies[0]!['0020000D']!.Value).toEqual([order.studyInstanceUid])
  const listed = (await (
    await fetch(`${dicomweb}/studies/${order.studyInstanceUid}/instances`, { headers })
  ).json()) as Record<string, { Value: unknown[] }>[]
  const instances = listed.filter((one) => !REPORT_CLASSES.includes(one['00080016']!.Value[0] as string))
  expect(instances.map((one) => one['00080018']!.Value[0]).sort()).toEqual(
    (await attributeOf(files, '0008,0018')).sort(),
  )
  await wholeInstance(order.studyInstanceUid, instances[0]!, files)

  // The screen says the same.
  await reader.page.goto(`${app}/orders/${order.id}`)
  await reader.page.getByText('delivered', { exact: false }).first().waitFor()
  expect(await reader.page.content()).toContain(order.accession)
  await reader.context.close()
  expect(await department.check()).toContain('sound')
}, 240_000)

// What an order says of its patient goes out instead of what the scanner said (PS3.3 C.12.1.1.9): these may differ.
const CORRECTED = new Set([
  'SpecificCharacterSet',
  'AccessionNumber',
  'PatientName',
  'PatientID',
  'IssuerOfPatientID',
  'PatientBirthDate',
  'PatientSex',
  'RequestAttributesSequence',
  'OriginalAttributesSequence',
])

/** Every other element, pixels included, is as DCMTK sent it, under our own File Meta. */
async function wholeInstance(
  studyUid: string,
  instance: Record<string, { Value: unknown[] }>,
  files: string[],
): Promise<void> {
  const { dicomweb, tokens } = department.endpoints()
  const [series, uid] = [instance['0020000E']!.Value[0], instance['00080018']!.Value[0] as string]
  const response = await fetch(`${dicomweb}/studies/${studyUid}/series/${series}/instances/${uid}`, {
    headers: {
      Authorization: `Bearer ${tokens.integration}`,
      Accept: 'multipart/related; type="application/dicom"; transfer-syntax=*',
    },
  })
  const body = Buffer.from(await response.arrayBuffer())
  const begin = body.indexOf('DICM') - 128
  const received = datasetOfFile(body.subarray(begin, body.lastIndexOf('\r\n--'))).dataset
  const uids = await attributeOf(files, '0008,0018')
  const sent = datasetOfFile(readFileSync(files[uids.indexOf(uid)]!)).dataset
  expect(sent.inOrder().length).toBeGreaterThan(30)
  expect(uncorrected(received)).toEqual(uncorrected(sent))
  expect(received.text('PatientID')).toBe(planted.id)
}

function uncorrected(dataset: Dataset): unknown[] {
  const tags = new Set([...CORRECTED].map(tagOf))
  return dataset
    .inOrder()
    .filter(({ tag }) => !tags.has(tag))
    .map((element) => (element.kind === 'value' ? [element.tag, element.value.toString('base64')] : element))
}
