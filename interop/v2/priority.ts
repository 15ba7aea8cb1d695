/** Priority out of the four places senders put it (HL7 2.5.1 ORC-7.6, TQ1-9, OBR-27.6, OBR-5): the most urgent wins. */
import type { OrderMessage } from '#domain/order-message.ts'
import type { Connection } from './connection.ts'
import type { OrderGroup } from './groups.ts'

type Priority = NonNullable<OrderMessage['priority']>
type Level = Priority['level']

/** Tables 0485 and 0027 with the words met in practice. P and T keep their word and count as urgent. */
const levels: Record<string, Level> = {
  S: 'stat',
  STAT: 'stat',
  EMERG: 'stat',
  EMERGENCY: 'stat',
  A: 'urgent',
  ASAP: 'urgent',
  C: 'urgent',
  P: 'urgent',
  T: 'urgent',
  U: 'urgent',
  URGENT: 'urgent',
  R: 'routine',
  ROUTINE: 'routine',
  N: 'routine',
  NORMAL: 'routine',
}
const urgency: Level[] = ['stat', 'urgent', 'routine']

export function readPriority(
  { orc, obr, timings }: OrderGroup,
  words: Connection['priorityWords'],
  warn: (code: string, location: string) => void,
): Priority | undefined {
  const said = [
    { word: orc?.value('7.6'), location: 'ORC-7' },
    ...timings.map((tq1) => ({ word: tq1.value('9.1') ?? tq1.value('9.2'), location: 'TQ1-9' })),
    { word: obr?.value('27.6'), location: 'OBR-27' },
    { word: obr?.value('5.1'), location: 'OBR-5' },
  ].filter((source): source is { word: string; location: string } => source.word !== undefined)
  const read = said.map(({ word, location }) => {
    const level = words[word] ?? words[word.toUpperCase()] ?? levels[word.toUpperCase()]
    if (!level) warn('priority-unmapped', location)
    // Until somebody maps the word: waiting too little harms nobody.
    return { level: level ?? 'urgent', word } satisfies Priority
  })
  read.sort((a, b) => urgency.indexOf(a.level) - urgency.indexOf(b.level))
  if (new Set(read.map((priority) => priority.level)).size > 1) warn('priority-disagrees', 'ORC-7')
  return read[0]
}

/** Of several groups of one order, the most urgent. */
export function mostUrgent(a: Priority | undefined, b: Priority | undefined): Priority | undefined {
  if (!a || !b) return a ?? b
  return urgency.indexOf(a.level) <= urgency.indexOf(b.level) ? a : b
}
