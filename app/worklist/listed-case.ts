/** A work item as a list shows it: what a loader sends, with every instant as text and every word chosen. */
import type { WorklistRow as Item } from '#db/queries/worklists.ts'
import type { WhyHere } from '#domain/list-order.ts'
import type { CompletenessVerdict, PauseReason, Phase, Priority } from '#domain/words.ts'
import { t, wordFor } from '../strings/words.ts'
import { duration } from '../ui/format.ts'
import type { PersonName } from '../ui/person-name.ts'
import type { Allowance } from '../ui/time-left.ts'
import type { WorklistRow } from './worklist-table.tsx'

export interface ListedCase extends WorklistRow {
  kind: string
  name: PersonName
  /** Somebody else on the list could be taken for them. */
  isSimilar: boolean
  sex: string | null
  birthDate: string | null
  mrn: string
  priority: Priority
  priorityWord: string | null
  phase: Phase
  dueAt: string | null
  dueFrom: string | null
  lateAt: string | null
  /** For what its clock stands still now. */
  paused: PauseReason | null
  procedure: string
  procedureName: string
  modality: string
  area: string
  /** Of the rules that say whose the case is. */
  rules: { siteId: string; area: string | null; isScreening: boolean; onShift: readonly string[] }
  place: string
  room: string
  images: { visible: number; stored: number; missing: number; verdict: CompletenessVerdict } | null
  priors: number
  why: string[]
  holder: { id: string; name: string } | null
  /** Whose it is before anybody has taken it. */
  meantFor: string | null
  /** To whom the lead gave it. */
  assignedTo: string | null
  heldMs: number
  isMine: boolean
  fence: number
}

/** How its promise stands, for whoever draws it. */
export function allowanceOf({ dueAt, dueFrom, lateAt, paused }: ListedCase): Allowance {
  return { dueAt, from: dueFrom, lateAt, paused: paused && wordFor('why.paused', paused) }
}

/** Items without an order (loose studies, exceptions) stand on the reconciliation list, not on these. */
export function listedCases(
  items: readonly Item[],
  { userId, machineNow }: { userId: string; machineNow: Date },
): ListedCase[] {
  return items.flatMap((item) => {
    const { order, holder } = item
    if (!order) return []
    const { patient, procedure } = order
    const isMine = holder?.id === userId
    return {
      id: item.itemId,
      orderId: order.id,
      accession: order.accession,
      isStat: order.priority === 'stat',
      isTaken: holder !== null && !isMine,
      kind: item.kind,
      name: patient.name,
      isSimilar: patient.isSimilar,
      sex: patient.sex,
      birthDate: patient.birthDate,
      mrn: patient.patientId,
      priority: order.priority,
      priorityWord: extraWord(order.priorityWord),
      phase: order.phase,
      dueAt: item.dueAt?.toISOString() ?? null,
      dueFrom: item.dueFrom.toISOString(),
      lateAt: item.lateAt?.toISOString() ?? null,
      paused: item.paused,
      procedure: procedure.shortName,
      procedureName: procedure.name,
      modality: item.modality ?? '',
      area: item.area ? wordFor('area', item.area) : '',
      rules: {
        ...{ siteId: item.siteId, area: item.area, onShift: item.onShift },
        isScreening: order.patientClass === 'screening',
      },
      place: order.location ?? '',
      room: item.room?.name ?? '',
      images: order.images,
      priors: order.priors,
      why: whyHere(item, userId),
      holder: holder && { id: holder.id, name: holder.name },
      meantFor: item.meantFor,
      assignedTo: item.assignedTo?.name ?? null,
      heldMs: holder ? machineNow.getTime() - holder.since.getTime() : 0,
      isMine,
      fence: item.fence,
    }
  })
}

/** What was given to this reader says so first, then what it waits for; the time used, which the row shows, last. */
function whyHere({ kind, assignedTo, why }: Item, userId: string): string[] {
  const given = assignedTo?.id === userId ? [t('why.given')] : []
  const after = kind === 'late' ? [t('why.images-after')] : []
  const place = ({ id }: WhyHere) => (id === 'paused' ? 0 : id === 'used' ? 2 : 1)
  const said = [...given, ...after, ...why.toSorted((a, b) => place(a) - place(b)).map(whyWords)]
  return said.length > 0 ? said : [t('why.in-turn')]
}

// HL7 P (pre-operative) and T (timing critical) count as urgent and keep their word; S, A and R are the chip's own.
function extraWord(word: string | null): string | null {
  return word && /^(?:P|T)/i.test(word) ? wordFor('priority-word', word.toUpperCase()) : null
}

function whyWords(why: WhyHere): string {
  if (why.id === 'late') return t('why.late', { duration: duration(why.ms) })
  if (why.id === 'used') return t('why.used', { percent: why.percent })
  if (why.id === 'class') return wordFor('why.class', why.patientClass)
  if (why.id === 'raised') return wordFor('why.raised', why.by)
  if (why.id === 'paused') return wordFor('why.paused', why.reason)
  return t(`why.${why.id}`)
}
