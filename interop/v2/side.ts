/** Which side: procedure modifiers and body site (HL7 2.5.1 OBR-45, OBR-15), and what to do when they disagree. */
import type { OrderedProcedure } from '#domain/order-message.ts'
import type { Segment } from './message.ts'

type Side = NonNullable<OrderedProcedure['side']>

const sides: Record<string, Side> = {
  L: 'left',
  LT: 'left',
  LEFT: 'left',
  '7771000': 'left',
  R: 'right',
  RT: 'right',
  RIGHT: 'right',
  '24028007': 'right',
  B: 'both',
  BI: 'both',
  BILATERAL: 'both',
  BOTH: 'both',
  '50': 'both',
  '51440002': 'both',
}

/** `disagree` when two fields name two sides: nobody may guess which is meant. */
export function readSide(obr: Segment): Side | 'disagree' | undefined {
  const found = new Set<Side>()
  for (let repetition = 1; repetition <= obr.repetitions(45); repetition++)
    collect(found, obr.value(`45[${repetition}].1`), obr.value(`45[${repetition}].2`))
  // OBR-15 is SPS until 2.5: body site in its fourth component, site modifier in its fifth.
  collect(found, obr.value('15.4.1'), obr.value('15.4.2'))
  collect(found, obr.value('15.5.1'), obr.value('15.5.2'))
  if (found.size > 1) return 'disagree'
  return [...found][0]
}

/** Code and text of one field count as one source; the code is asked first. */
function collect(found: Set<Side>, code: string | undefined, text: string | undefined): void {
  const side = sides[(code ?? '').toUpperCase()] ?? sides[(text ?? '').toUpperCase()]
  if (side) found.add(side)
}
