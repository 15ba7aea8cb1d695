/** One order's way through the department's wires and screens, walked by senders and people who repeat until they are answered. */
import { randomInt } from 'node:crypto'
import type { OrmContent } from '#simulator/orm.ts'
import type { RunningDepartment } from './department.ts'
import { type OrderJson, orderOf, untilPhase } from './order-json.ts'
import { acceptImages, bookSlot, letIn, type Person, person, readAndSign, type Words } from './people.ts'
import { persist } from './persist.ts'
import { type OrderSent, placeOrder, type ScanSent, scanExam } from './senders.ts'

export interface Staff {
  scheduler: Person
  technologist: Person
  radiologist: Person
}

export function staffOf(department: RunningDepartment): Staff {
  return {
    scheduler: person(department, 'scheduler'),
    technologist: person(department, 'tech'),
    radiologist: person(department, 'radiologist'),
  }
}

/** A patient whose name, number and birth date occur nowhere by chance. */
export interface PlantedPatient {
  id: string
  family: string
  given: string
  birthDate: string
}

export function plantedPatient(number: number): PlantedPatient {
  const salt = randomInt(36 ** 6)
    .toString(36)
    .padStart(6, '0')
    .toUpperCase()
  return {
    id: `SYN-${salt}${number}`,
    family: `Quxlort${salt}`,
    given: `Vimbrel${salt}`,
    birthDate: '1947-08-19',
  }
}

/** CT of the head, urgent enough that nothing waits: no recall time between signature and release. */
function ctOrder({ number, patient, isBooked = true }: Walk): OrmContent {
  // Apart from each other, so that every one of them finds a room.
  const start = new Date(Date.now() - (20 * 60 - 12 * (number % 60)) * 60_000)
  return {
    placer: `KILL${Date.now().toString(36).toUpperCase()}${number}`,
    patient: {
      id: patient.id,
      issuer: 'SYNTHETIC',
      name: { alphabetic: { family: patient.family, given: patient.given } },
      birthDate: patient.birthDate,
      sex: 'M',
    },
    priority: 'stat',
    procedures: [{ code: '30799-1', text: 'CT head without contrast', modality: 'CT' }],
    ...(isBooked ? { start } : {}),
    reason: 'Fall, bleeding?',
    requester: { id: 'SYN-D01', name: { family: 'Ferreira', given: 'Luís', prefix: 'Dr' } },
  }
}

export interface Walked {
  patient: PlantedPatient
  sent: OrderSent
  scan: ScanSent
  words: Words
}

export interface Walk {
  department: RunningDepartment
  staff: Staff
  number: number
  patient: PlantedPatient
  /** False: the order names no time, and the scheduler finds one. */
  isBooked?: boolean
  /** False: the scanner begins without anybody having said that the patient is here. */
  arrives?: boolean
}

/** From the placer's message to the signature. */
export async function walkToSignature(walk: Walk): Promise<Walked> {
  const { department, staff, number, patient, isBooked = true, arrives = true } = walk
  const sent = await placeOrder(department, ctOrder(walk))
  const { placer } = sent
  if (!isBooked) await bookSlot(department, staff.scheduler, placer)
  if (arrives) await letIn(department, staff.technologist, placer)
  const order = await persist(`the room of ${placer}`, () => booked(department, placer))
  const station = stationOf(department, order)
  const scan = await scanExam(department, {
    accession: order.accession,
    station,
    series: 'ct-head',
    images: 3,
  })
  await acceptImages(department, staff.technologist, placer)
  const words = {
    findings: `Study ${number}: no bleeding, no fracture.`,
    impression: `Normal head ${number}.`,
  }
  await readAndSign(department, staff.radiologist, placer, words)
  return { patient, sent, scan, words }
}

/** The same until every destination has acknowledged the report. */
export async function walkToDelivery(walk: Walk): Promise<Walked> {
  const walked = await walkToSignature(walk)
  await untilPhase(walk.department, walked.sent.placer, 'delivered')
  return walked
}

async function booked(department: RunningDepartment, placer: string): Promise<OrderJson | undefined> {
  const order = await orderOf(department, placer)
  return order.procedures.some(({ steps }) => steps.some(({ room }) => room)) ? order : undefined
}

function stationOf(department: RunningDepartment, order: OrderJson): string {
  const room = order.procedures[0]?.steps[0]?.room
  const device = department.endpoints().devices.find((one) => one.room === room)
  if (!device) throw new Error(`no scanner stands in ${room}`)
  return device.aeTitle
}
