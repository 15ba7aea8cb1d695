/** The demonstration department: two sites in two time zones, their rooms, and the devices that stand in them. */
import type { BusinessCalendar } from './calendar.ts'
import type { DeviceProfileName } from './device-profile.ts'
import type { Modality } from './words.ts'

export type SeedSite = { id: string; name: string; calendar: BusinessCalendar }

/** Monday to Friday, 07:00 to 19:00: a full window is one business day. */
const WEEKDAYS = [1, 2, 3, 4, 5].map((weekday) => ({ weekday, opens: '07:00', closes: '19:00' }))

// Two zones on purpose: what mistakes one site's clock for the other's shows at once.
export const SEED_SITES: readonly SeedSite[] = [
  { id: 'MAIN', name: 'Main hospital', calendar: { zone: 'Europe/Berlin', windows: WEEKDAYS, holidays: [] } },
  { id: 'WEST', name: 'West clinic', calendar: { zone: 'Europe/Lisbon', windows: WEEKDAYS, holidays: [] } },
]

/** One scanner in one room; the AE title is unique in the department. */
export type SeedDevice = {
  aeTitle: string
  room: string
  siteId: string
  modality: Modality
  profile: DeviceProfileName
}

const device = (
  aeTitle: string,
  room: string,
  modality: Modality,
  profile: DeviceProfileName,
  siteId = 'MAIN',
): SeedDevice => ({ aeTitle, room, siteId, modality, profile })

export const SEED_DEVICES: readonly SeedDevice[] = [
  device('CT1', 'CT 1', 'CT', 'full'),
  device('CT2', 'CT 2', 'CT', 'full'),
  device('MR1', 'MR 1', 'MR', 'full'),
  device('MR2', 'MR 2', 'MR', 'full'),
  device('XR1', 'XR 1', 'DX', 'mpps'),
  device('XR2', 'XR portable', 'DX', 'mpps'),
  device('US1', 'US 1', 'US', 'store'),
  device('MG1', 'MG 1', 'MG', 'mpps'),
  device('CTW', 'CT W', 'CT', 'full', 'WEST'),
  device('XRW', 'XR W', 'DX', 'mpps', 'WEST'),
]
