/** A scanner of the department: asks its worklist (RAD-5), and performs each exam whose patient has arrived (RAD-6, 7, 8). */

import type { Peer } from '#archive/scu/association.ts'
import { DEVICE_PROFILES, type DeviceProfileName } from '#domain/device-profile.ts'
import { keepDoing, type Pace, TABLE_MINUTES } from './pace.ts'
import type { Random } from './random.ts'
import { performExam } from './scan.ts'
import { type ScheduledExam, scheduledExams } from './scheduled-exam.ts'

export interface ModalityOptions {
  archive: { host: string; port: number; aeTitle: string }
  device: { aeTitle: string; modality: string; profile: DeviceProfileName; zone: string }
  pace: Pace
  random: Random
  now: () => Date
  say?: (event: ModalityEvent) => void
}

export type ModalityEvent =
  | { event: 'scanned'; device: string; images: number; failed: number }
  | { event: 'trouble'; device: string; error: unknown }

/** Runs until the department closes; one patient at a time. */
export async function runModality(options: ModalityOptions): Promise<void> {
  const { pace, device, random, say } = options
  // What was begun stays begun: a console does not perform an exam twice because its worklist still shows it.
  const performed = new Set<string>()
  await keepDoing(
    pace,
    async () => {
      await pace.wait(pace.minutes(POLL_MINUTES * random.between(0.8, 1.2)))
      const exam = (await scheduledExams(peerOf(options))).find(
        (one) => isHere(one) && !performed.has(one.stepId),
      )
      if (!exam) return
      performed.add(exam.stepId)
      await perform(options, exam)
    },
    (error) => say?.({ event: 'trouble', device: device.aeTitle, error }),
  )
}

const POLL_MINUTES = 0.15

function peerOf({ archive, device }: ModalityOptions): Peer {
  const { host, port, aeTitle } = archive
  return { host, port, calledAe: aeTitle, callingAe: device.aeTitle }
}

function isHere({ status }: ScheduledExam): boolean {
  return status === 'ARRIVED' || status === 'READY'
}

async function perform(options: ModalityOptions, exam: ScheduledExam): Promise<void> {
  const { device, pace, random, now, say } = options
  const minutes = (TABLE_MINUTES[device.modality] ?? 2) * random.between(0.7, 1.4)
  const { images } = await performExam({
    peer: peerOf(options),
    exam,
    mpps: DEVICE_PROFILES[device.profile].capabilities.includes('mpps'),
    zone: device.zone,
    now,
    onTable: () => pace.wait(pace.minutes(minutes)),
  })
  const failed = images.filter(({ status }) => status !== 0).length
  say?.({
    event: 'scanned',
    device: device.aeTitle,
    images: images.length,
    failed,
  })
}
