/** The places of the department: who has them in the bar above, in which order, and where each role lands. */
import { type Role, WORK_ITEM_KINDS, type WorkItemKind } from '#domain/words.ts'
import type { WordKey } from './strings/words.ts'

export interface Place {
  id: string
  path: string
  word: WordKey
  /** The work that waits there; its number stands beside the word. */
  kinds?: readonly WorkItemKind[]
  /** What is late stands in one view of the list there; that view is what counts. */
  countsLate?: boolean
  /** What the list there shows is no work of one kind: it is counted as it is listed. */
  counted?: 'returns' | 'critical' | 'repeats'
  /** What else than its kinds changes the number. */
  topics?: readonly string[]
}

const PLACES = {
  'scan-queue': { path: '/scan-queue', word: 'nav.scan-queue' },
  'quality-check': { path: '/quality-check', word: 'nav.quality-check', kinds: ['quality', 'complete'] },
  reading: {
    path: '/reading',
    word: 'nav.reading',
    kinds: ['read', 'sent-back', 'sign', 'over-read', 'late'],
  },
  'over-read': { path: '/over-read', word: 'nav.over-read', kinds: ['over-read', 'sign'] },
  'my-preliminaries': { path: '/my-preliminaries', word: 'nav.my-preliminaries' },
  'sent-back': { path: '/sent-back', word: 'nav.sent-back', kinds: ['sent-back'] },
  calendar: { path: '/to-schedule', word: 'nav.calendar', kinds: ['schedule', 'rebook'] },
  today: { path: '/today', word: 'nav.today' },
  late: {
    path: '/late',
    word: 'nav.late',
    kinds: WORK_ITEM_KINDS,
    countsLate: true,
  },
  'critical-results': {
    path: '/critical-results',
    word: 'nav.critical-results',
    counted: 'critical',
    topics: ['list:critical'],
  },
  retakes: { path: '/retakes', word: 'nav.retakes', counted: 'returns', topics: ['returns'] },
  handover: { path: '/handover', word: 'nav.handover' },
  repeats: {
    path: '/repeats',
    word: 'nav.repeats',
    counted: 'repeats',
    topics: ['quality.accepted', 'quality.rejected'],
  },
  catalogue: { path: '/catalogue', word: 'nav.catalogue' },
  'report-templates': { path: '/report-templates', word: 'nav.report-templates' },
  shifts: { path: '/shifts', word: 'nav.shifts' },
  layouts: { path: '/layouts', word: 'nav.layouts' },
  orders: { path: '/orders', word: 'nav.orders' },
  health: { path: '/department-health', word: 'nav.health' },
  'api-tokens': { path: '/api-tokens', word: 'nav.api-tokens' },
} as const satisfies Record<string, Omit<Place, 'id'>>
export type PlaceId = keyof typeof PLACES

/** The first one is where the role lands. */
const PLACES_OF: Partial<Record<Role, readonly PlaceId[]>> = {
  technologist: ['scan-queue', 'quality-check', 'retakes', 'handover', 'orders'],
  radiologist: ['reading', 'over-read', 'critical-results', 'orders', 'layouts'],
  resident: ['reading', 'my-preliminaries', 'sent-back', 'critical-results', 'orders', 'layouts'],
  scheduler: ['calendar', 'orders'],
  // As many as find room stand in the bar, so the order is how often they are wanted.
  lead: [
    'late',
    'reading',
    'scan-queue',
    'critical-results',
    'handover',
    'retakes',
    'orders',
    'shifts',
    'today',
    'health',
    'repeats',
    'catalogue',
  ],
  head: ['today', 'orders', 'late', 'shifts', 'critical-results', 'repeats'],
  physicist: ['repeats', 'orders'],
  referrer: ['orders'],
  admin: ['health', 'orders', 'api-tokens', 'catalogue', 'report-templates'],
}

export function placeAt(id: PlaceId): Place {
  return { id, ...PLACES[id] }
}

export function placesOf(roles: readonly Role[]): Place[] {
  const ids = [...new Set(roles.flatMap((role) => PLACES_OF[role] ?? []))]
  return ids.map((id): Place => {
    const place: Place = { id, ...PLACES[id] }
    return id === 'reading' ? { ...place, kinds: readingKinds(roles) } : place
  })
}

/**
 * What stands on somebody's reading list: a kind that has a list of its own among their places stands there and not
 * here too, so that each is counted once. Images that came after a report are for those who may amend it. "Next case"
 * takes all but these, which are looked at and not claimed.
 */
export function readingKinds(roles: readonly Role[]): readonly WorkItemKind[] {
  const theirs = new Set(roles.flatMap((role) => PLACES_OF[role] ?? []))
  const elsewhere = (['over-read', 'sent-back'] as const).flatMap((id) =>
    theirs.has(id) ? PLACES[id].kinds : [],
  )
  return PLACES.reading.kinds.filter(
    (kind) => !elsewhere.some((each) => each === kind) && (kind !== 'late' || roles.includes('radiologist')),
  )
}

/** The list on which work of a kind stands for somebody who reads. */
export function readingListOf(kind: string, roles: readonly Role[]): string {
  const lists = placesOf(roles).filter(({ id }) => id === 'over-read' || id === 'sent-back')
  return (lists.find(({ kinds }) => kinds?.some((each) => each === kind)) ?? PLACES.reading).path
}

/** Everybody who has this place: what its loader's guard asks for. */
export function rolesWith(place: PlaceId): Role[] {
  return (Object.keys(PLACES_OF) as Role[]).filter((role) => PLACES_OF[role]?.includes(place))
}
