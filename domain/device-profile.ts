/** What a device can prove about the end of an exam, and how long to wait for it: only what it can do is required. */
import { MINUTE_MS } from './calendar.ts'

export const DEVICE_CAPABILITIES = ['mwl', 'mpps', 'mppsNames', 'commitment', 'endExam'] as const
/** Modality worklist · MPPS · MPPS names instances (0040,0340) · storage commitment · "end exam" on our screen. */
export type DeviceCapability = (typeof DEVICE_CAPABILITIES)[number]

export type DeviceProfile = {
  name: string
  capabilities: readonly DeviceCapability[]
  /** After the last image, when nothing else can tell the end; null where something else does. */
  quietMs: number | null
  /** How long after the last sign of life an end that never came is given up on. */
  endTimeoutMs: number
  /** How long after the end named instances may still be missing; null where none are ever named. */
  missingTimeoutMs: number | null
  /** How long after the end a storage commitment request is awaited; null without that capability. */
  commitTimeoutMs: number | null
}

export const DEVICE_PROFILE_NAMES = ['full', 'mpps', 'store', 'unknown'] as const
export type DeviceProfileName = (typeof DEVICE_PROFILE_NAMES)[number]

export const DEVICE_PROFILES: Readonly<Record<DeviceProfileName, DeviceProfile>> = {
  full: {
    name: 'full',
    capabilities: ['mwl', 'mpps', 'mppsNames', 'commitment', 'endExam'],
    quietMs: null,
    endTimeoutMs: 60 * MINUTE_MS,
    missingTimeoutMs: 10 * MINUTE_MS,
    commitTimeoutMs: 15 * MINUTE_MS,
  },
  mpps: {
    name: 'mpps',
    capabilities: ['mwl', 'mpps', 'mppsNames'],
    quietMs: null,
    endTimeoutMs: 30 * MINUTE_MS,
    missingTimeoutMs: 5 * MINUTE_MS,
    commitTimeoutMs: null,
  },
  store: {
    name: 'store',
    capabilities: ['mwl', 'endExam'],
    quietMs: 5 * MINUTE_MS,
    endTimeoutMs: 30 * MINUTE_MS,
    missingTimeoutMs: null,
    commitTimeoutMs: null,
  },
  unknown: {
    name: 'unknown',
    capabilities: [],
    quietMs: 10 * MINUTE_MS,
    endTimeoutMs: 10 * MINUTE_MS,
    missingTimeoutMs: null,
    commitTimeoutMs: null,
  },
}

export function can(profile: DeviceProfile, capability: DeviceCapability): boolean {
  return profile.capabilities.includes(capability)
}
