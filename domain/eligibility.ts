/** May this reader take this case? The first reason against it, in the order the department explains it. */
import { yearsBetween } from './calendar.ts'
import type { Actor } from './permissions.ts'
import type { Modality, Priority, WorkItemKind } from './words.ts'

export type IneligibleReason =
  | 'role'
  | 'site'
  | 'credential'
  | 'area'
  | 'paediatric'
  | 'mammography'
  | 'resident'
  | 'author'
  | 'first-reader'

export type ReadingCase = {
  kind: WorkItemKind
  siteId: string
  area: string | null
  priority: Priority
  modality: Modality | null
  screening: boolean
  /** Patient's birth date and the exam's local date, YYYY-MM-DD; null when not known. */
  birthDate: string | null
  examDate: string
  /** Who wrote the report that is to be over-read or signed. */
  authorId: string | null
  /** Who read it first, where two must. */
  firstReaderId: string | null
  /** Half the allowance is used and nobody of the area is on shift; a stat case spills at once. */
  spilled: boolean
  /** Who has the area's shift at the site now; left out where nobody asked. */
  onShift?: readonly string[]
}

/** The right to read at a site at all. */
export const READING_CREDENTIAL = 'reading'
const ADULT_AGE = 18

/** Null when eligible. `today` is the site's local date. Re-checked at claim and at signing. */
export function ineligible(reader: Actor, subject: ReadingCase, today: string): IneligibleReason | null {
  const holds = (name: string) => holdsCredential(reader, name, { siteId: subject.siteId, today })
  const spill = spills(subject)
  const attending = reader.roles.includes('radiologist')

  if (!attending && !reader.roles.includes('resident')) return 'role'
  if (!reader.sites.includes('*') && !reader.sites.includes(subject.siteId)) return 'site'
  if (!holds(READING_CREDENTIAL)) return 'credential'
  if (!holdsArea(reader, subject.area) && !spill) return 'area'
  if (isChild(subject) && !holds('paediatric') && !spill) return 'paediatric'
  if (subject.modality === 'MG' && !holds('mammography')) return 'mammography'
  if (!attending && !forResident(subject)) return 'resident'
  if (isSecondLook(subject.kind) && subject.authorId === reader.id) return 'author'
  return subject.firstReaderId === reader.id ? 'first-reader' : null
}

export type WhyYours =
  | { id: 'yours'; by: 'shift' | 'area' | 'no-area' | 'spill' | 'paediatric' | 'mammography' | 'credential' }
  | { id: 'not-yours'; because: IneligibleReason }

/** Each rule that makes a case this reader's, in the order in which they are asked; or the one that keeps it from them. */
export function whyYours(reader: Actor, subject: ReadingCase, today: string): WhyYours[] {
  const because = ineligible(reader, subject, today)
  if (because !== null) return [{ id: 'not-yours', because }]
  const by = new Set<Extract<WhyYours, { id: 'yours' }>['by']>()
  if (subject.area === null) by.add('no-area')
  else by.add(holdsArea(reader, subject.area) ? 'area' : 'spill')
  if (subject.onShift?.includes(reader.id)) by.add('shift')
  const { siteId } = subject
  if (isChild(subject))
    by.add(holdsCredential(reader, 'paediatric', { siteId, today }) ? 'paediatric' : 'spill')
  if (subject.modality === 'MG') by.add('mammography')
  by.add('credential')
  return [...by].map((rule) => ({ id: 'yours', by: rule }))
}

/** Half the allowance is used and nobody of the area is on shift: readers of other areas may take the case. */
export function isSpilled(
  { dueFrom, dueAt, onShift }: { dueFrom: Date; dueAt: Date | null; onShift: readonly string[] },
  now: Date,
): boolean {
  if (!dueAt || onShift.length > 0) return false
  return now.getTime() - dueFrom.getTime() >= (dueAt.getTime() - dueFrom.getTime()) / 2
}

function spills({ spilled, priority }: ReadingCase): boolean {
  return spilled || priority === 'stat'
}

function holdsCredential(
  { credentials }: Actor,
  name: string,
  { siteId, today }: { siteId: string; today: string },
): boolean {
  return credentials.some(
    (credential) =>
      credential.name === name &&
      (credential.site === siteId || credential.site === '*') &&
      credential.validUntil >= today,
  )
}

/** Everybody reads what has no area yet: its code is still unknown. */
function holdsArea(reader: Actor, area: string | null): boolean {
  return area === null || reader.areas.includes(area)
}

function isChild({ birthDate, examDate }: ReadingCase): boolean {
  return birthDate !== null && yearsBetween(birthDate, examDate) < ADULT_AGE
}

function forResident({ kind, modality, screening }: ReadingCase): boolean {
  return !isSecondLook(kind) && !(modality === 'MG' && screening)
}

function isSecondLook(kind: WorkItemKind): boolean {
  return kind === 'over-read' || kind === 'sign'
}
