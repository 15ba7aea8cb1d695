/** Order groups by position (HL7 2.5.1 section 4.4): which OBR, TQ1, NTE, IPC and OBX belong to which ORC. */
import type { Message, Segment } from './message.ts'

export type OrderGroup = {
  /** Shared by the following OBR when they bring no ORC of their own. */
  orc?: Segment
  obr?: Segment
  timings: Segment[]
  notes: Segment[]
  observations: Segment[]
  diagnoses: Segment[]
  imaging: Segment[]
  study?: Segment
  /** An order detail we do not take (RXO, RQD …). */
  otherDetail?: Segment
}

export type GroupedMessage = { patientNotes: Segment[]; groups: OrderGroup[] }

const otherDetails = new Set(['RXO', 'RQD', 'RQ1', 'ODS', 'ODT'])

/**
 * An ORC opens a group; an OBR in a group that has one opens a group of its own. A note belongs to the segment
 * before it; any other order of optional segments is tolerated.
 */
export function groupOrders(message: Message): GroupedMessage {
  const grouped: GroupedMessage = { patientNotes: [], groups: [] }
  let current: OrderGroup | undefined
  let noteOf: 'patient' | 'order' | 'other' = 'other'
  for (const segment of message.segments) {
    if (segment.name === 'NTE') {
      if (noteOf === 'patient') grouped.patientNotes.push(segment)
      else if (noteOf === 'order') current?.notes.push(segment)
      continue
    }
    noteOf =
      segment.name === 'PID' || segment.name === 'PD1'
        ? 'patient'
        : isOrderPart(segment.name)
          ? 'order'
          : 'other'
    if (segment.name === 'ORC' || (segment.name === 'OBR' && (!current || current.obr))) {
      current = opened(segment.name === 'ORC' ? segment : current?.orc)
      grouped.groups.push(current)
    }
    if (current) put(current, segment)
  }
  return grouped
}

function isOrderPart(name: string): boolean {
  return (
    name === 'ORC' || name === 'OBR' || name === 'TQ1' || name === 'TQ2' || name === 'IPC' || name === 'ZDS'
  )
}

function opened(orc: Segment | undefined): OrderGroup {
  return { orc, timings: [], notes: [], observations: [], diagnoses: [], imaging: [] }
}

function put(group: OrderGroup, segment: Segment): void {
  if (segment.name === 'OBR') group.obr = segment
  else if (segment.name === 'TQ1') group.timings.push(segment)
  else if (segment.name === 'OBX') group.observations.push(segment)
  else if (segment.name === 'DG1') group.diagnoses.push(segment)
  else if (segment.name === 'IPC') group.imaging.push(segment)
  else if (segment.name === 'ZDS') group.study ??= segment
  else if (otherDetails.has(segment.name)) group.otherDetail ??= segment
}
