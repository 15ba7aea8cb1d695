/** What we agreed with one sender: every rule that differs between hospitals, with its default. */
import type { CharsetPolicy } from './charset.ts'

export type Authority = 'accession' | 'study-uid' | 'schedule'

export type Connection = CharsetPolicy & {
  /** For people: shown beside exceptions. */
  name: string
  /** Who we are on this wire (our MSH-3 and MSH-4) where the request doesn't name us. */
  application: string
  facility: string
  /** IANA zone of the site: clock times without offset are read in it. */
  zone: string
  /** Authority assumed for identifiers and order numbers that come without one. Never a wildcard. */
  authority: string
  /** What this sender may decide for us; everything else it sends is kept and ours is minted. */
  authorityFor: Authority[]
  /** A placer wishes, a scheduler (RAD-4) books, a filler reports on orders of its own. */
  role: 'placer' | 'scheduler' | 'filler'
  /** Where this sender puts the accession number (others use OBR-20, OBR-3.1, ORC-3.1, OBR-21): the first with a value counts. */
  accessionFrom: string[]
  /** MSH-11 values taken: a real site `P`, a demonstration all three. */
  processingIds: string[]
  /** Coding scheme assumed for procedure codes that come without one. */
  localScheme: string
  /** Priority words beyond table 0027; an unmapped word counts as urgent. */
  priorityWords: Record<string, 'stat' | 'urgent' | 'routine'>
  /** How long a control id counts as used: for good, for the day of MSH-7, or not at all (content alone decides). */
  controlIdScope: 'ever' | 'day' | 'none'
  /** An OMI^O23 without IPC segments: refused, or read as an ORM. */
  omiWithoutIpc: 'refuse' | 'read'
}

export const connectionDefaults: Connection = {
  name: 'default',
  application: 'ISOCENTER',
  facility: 'MAIN',
  zone: 'UTC',
  authority: 'UNKNOWN',
  authorityFor: [],
  role: 'placer',
  accessionFrom: ['OBR-18'],
  processingIds: ['P'],
  localScheme: '99MAIN',
  priorityWords: {},
  controlIdScope: 'ever',
  omiWithoutIpc: 'refuse',
}

/** A connection with our defaults wherever nothing else was agreed. */
export function connection(agreed: Partial<Connection>): Connection {
  return { ...connectionDefaults, ...agreed }
}
