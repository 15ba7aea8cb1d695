/** One event as people read it: what happened, by what, with which evidence, in which stage of the order. */
import type { TimelineEvent } from '#db/queries/orders.ts'
import { hasWord, t, type WordValues, wordFor } from '../strings/words.ts'

export const STAGES = ['ordered', 'scheduled', 'scanned', 'read', 'delivered'] as const
export type Stage = (typeof STAGES)[number]
export type By = 'message' | 'person' | 'rule' | 'timer' | 'images'

export interface Evidence {
  name: string
  /** Words as they stand, or an instant to be written in the department's zone. */
  value: string
  isInstant: boolean
}

export interface ToldEvent {
  rev: number
  /** The first revision of a run of image batches that stands as one row; otherwise the event's own. */
  fromRev: number
  at: string
  recordedAt: string
  type: string
  stage: Stage
  by: By
  who: string
  what: string
  /** Names and values, in the order in which they were recorded. */
  evidence: Evidence[]
  hash: string
  previousHash: string
  /** The time came from a guess of ours, not from the device. */
  isInferred: boolean
}

/** All events, each in its stage; a stage that is over doesn't come back for a straggler of an earlier one. */
export function toldEvents(events: readonly TimelineEvent[]): ToldEvent[] {
  let furthest = 0
  return imageRuns(events).map(({ event, fromRev }) => {
    const told = toldEvent(event)
    furthest = Math.max(furthest, STAGES.indexOf(told.stage))
    return { ...told, fromRev, stage: STAGES[furthest] ?? told.stage }
  })
}

/** Batches of images that came one after another are told as one: with what they added together. */
function imageRuns(events: readonly TimelineEvent[]): { event: TimelineEvent; fromRev: number }[] {
  const rows: { event: TimelineEvent; fromRev: number }[] = []
  for (const event of events) {
    const last = rows.at(-1)
    if (!last || event.type !== 'images.arrived' || last.event.type !== 'images.arrived') {
      rows.push({ event, fromRev: event.rev })
      continue
    }
    const added = Number(last.event.data.added ?? 0) + Number(event.data.added ?? 0)
    last.event = { ...event, data: { ...event.data, added } }
  }
  return rows
}

export function toldEvent(event: TimelineEvent): ToldEvent {
  const { rev, type, actor, data, refs } = event
  return {
    rev,
    fromRev: rev,
    at: event.at.toISOString(),
    recordedAt: event.recordedAt.toISOString(),
    type,
    stage: stageOf(type, data),
    by: byOf(event),
    who: actor.name,
    what: whatHappened(event),
    // Long identifiers come last: they are what a narrow column cuts.
    evidence: evidenceOf({ ...data, ...refs }),
    hash: event.hash,
    previousHash: event.previousHash,
    isInferred: data.inferred === true,
  }
}

function stageOf(type: string, data: Record<string, unknown>): Stage {
  const [noun = ''] = type.split('.')
  if (noun === 'work-item' || noun === 'escalation') return WORK_STAGES[String(data.kind)] ?? 'ordered'
  if (type === 'step.started' || type === 'step.departed' || type === 'step.discontinued') return 'scanned'
  return STAGE_OF[noun] ?? 'ordered'
}

const STAGE_OF: Record<string, Stage> = {
  step: 'scheduled',
  'performed-step': 'scanned',
  images: 'scanned',
  study: 'scanned',
  completeness: 'scanned',
  quality: 'scanned',
  return: 'scanned',
  report: 'read',
  critical: 'read',
  delivery: 'delivered',
}

const WORK_STAGES: Record<string, Stage> = {
  schedule: 'scheduled',
  rebook: 'scheduled',
  perform: 'scheduled',
  complete: 'scanned',
  quality: 'scanned',
  read: 'read',
  sign: 'read',
  'sent-back': 'read',
  'over-read': 'read',
  critical: 'read',
}

const TIMED = /^escalation\.|^critical\.(?:escalated|late)$|\.expired$/

function byOf({ type, source, actor }: TimelineEvent): By {
  if (type.startsWith('images.')) return 'images'
  if (TIMED.test(type)) return 'timer'
  if (source === 'hl7' || source === 'fhir' || source === 'dimse' || source === 'web') return 'message'
  return actor.id === 'department' ? 'rule' : 'person'
}

function whatHappened({ type, actor, data, source }: TimelineEvent): string {
  const values: WordValues = { who: actor.name }
  const kind = typeof data.kind === 'string' ? wordFor('work', data.kind) : ''
  const said = { ...plain(data), ...values, kind, source: wordFor('source', source) }
  const variant = variantOf(type, data)
  const key = `event.${type}`
  const special = `${key}.${variant}`
  if (variant && hasWord(special)) return t(special, said)
  return hasWord(key) ? t(key, said) : type
}

/** The same event told from one side or the other. */
function variantOf(type: string, data: Record<string, unknown>): string | null {
  if (type === 'performed-step.moved') return `${data.side}${data.undone === true ? '-undone' : ''}`
  if (type === 'quality.accepted') return data.unchecked === true ? 'unchecked' : null
  if (type === 'return.asked') return String(data.kind)
  if (type === 'return.answered') return String(data.answer)
  // A message about where the order stands is of no version of a report.
  return type.startsWith('delivery.') && (data.status || data.version === null) ? 'status' : null
}

function plain(data: Record<string, unknown>): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(data).flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number' ? [[name, value]] : [],
    ),
  )
}

// What only a program needs to find the row again stays in the panel of the event.
const LEFT_OUT =
  /^(?:kind|itemId|stepId|stepIds|reportId|studyId|procedureId|linkId|deliveryId|criticalId|performedStepId|moveId|returnId|side|undone|from|to|fromOrderId|toOrderId|holder|second|inferred|unchecked)$/

function evidenceOf(facts: Record<string, unknown>): Evidence[] {
  return Object.entries(facts).flatMap(([name, value]) => {
    if (LEFT_OUT.test(name) || value === null || value === '' || (Array.isArray(value) && value.length === 0))
      return []
    const shown = Array.isArray(value)
      ? value.join(', ')
      : typeof value === 'object'
        ? JSON.stringify(value)
        : String(value)
    return [
      { name: wordFor('evidence-name', name), value: shown, isInstant: /^\d{4}-\d\d-\d\dT/.test(shown) },
    ]
  })
}
