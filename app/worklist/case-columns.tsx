/** The columns that worklists share, in the words and widths of all lists. */
import { t } from '../strings/words.ts'
import { Claim } from '../ui/claim.tsx'
import { count, NONE } from '../ui/format.ts'
import { Glyph } from '../ui/glyph.tsx'
import { useSexAge } from '../ui/identity-banner.tsx'
import { PatientName } from '../ui/patient-name.tsx'
import { writtenName } from '../ui/person-name.ts'
import { PhaseTag } from '../ui/phase-tag.tsx'
import { Priority } from '../ui/priority.tsx'
import { TimeLeft } from '../ui/time-left-meter.tsx'
import { allowanceOf, type ListedCase } from './listed-case.ts'
import type { Column } from './worklist-table.tsx'

const all = {
  priority: {
    key: 'priority',
    head: t('column.priority'),
    width: '84px',
    sorted: 'ascending',
    cell: (row) => <Priority value={row.priority} word={row.priorityWord} />,
    words: (row) => row.priority,
  },
  timeLeft: {
    key: 'time-left',
    head: t('column.time-left'),
    width: '136px',
    align: 'right',
    cell: (row) => <TimeLeft allowance={allowanceOf(row)} />,
    words: (row) => row.paused ?? '',
  },
  patient: {
    key: 'patient',
    head: t('column.patient'),
    width: 'minmax(272px, 1fr)',
    cell: (row) => <PatientName name={row.name} similar={row.isSimilar} />,
    words: (row) => `${writtenName(row.name)}${row.isSimilar}`,
  },
  sexAge: { key: 'sex-age', head: t('column.sex-age'), width: '68px', cell: (row) => <SexAge {...row} /> },
  procedure: {
    key: 'procedure',
    head: t('column.procedure'),
    width: 'minmax(164px, 1.2fr)',
    cell: (row) => (
      <span className="two-lines" title={row.procedureName}>
        {row.procedure}
      </span>
    ),
    words: (row) => row.procedure,
  },
  modality: { key: 'modality', head: t('column.modality'), width: '44px', cell: (row) => row.modality },
  images: {
    key: 'images',
    head: t('column.images'),
    width: '76px',
    align: 'right',
    cell: (row) => <Images images={row.images} />,
    words: (row) => String(row.images?.visible ?? ''),
  },
  place: {
    key: 'place',
    head: t('column.place'),
    width: '92px',
    cell: (row) => <span className="ellipsis">{row.place || NONE}</span>,
  },
  area: {
    key: 'area',
    head: t('column.area'),
    width: '76px',
    cell: (row) => <span className="ellipsis">{row.area}</span>,
  },
  priors: {
    key: 'priors',
    head: t('column.priors'),
    width: '52px',
    align: 'right',
    cell: (row) => count(row.priors),
  },
  why: {
    key: 'why',
    head: t('column.why'),
    width: '194px',
    cell: (row) => <span className="ellipsis">{row.why.slice(0, 2).join(' · ')}</span>,
    words: (row) => row.why.filter((word) => !/\d/.test(word)).join(),
  },
  claimed: {
    key: 'claimed',
    head: t('column.claimed'),
    width: '160px',
    cell: (row) => <Claim holder={row.holder} heldMs={row.heldMs} mine={row.isMine} />,
    words: (row) => row.holder?.id ?? '',
  },
  phase: {
    key: 'phase',
    head: t('column.phase'),
    width: '126px',
    cell: (row) => <PhaseTag phase={row.phase} />,
    words: (row) => row.phase,
  },
} as const satisfies Record<string, Column<ListedCase>>

export function caseColumns(...names: (keyof typeof all)[]): Column<ListedCase>[] {
  return names.map((name) => all[name])
}

function SexAge(row: { sex: string | null; birthDate: string | null }) {
  return useSexAge(row).replace(' · ', ' ')
}

/** Complete by evidence has a check; still coming is amber with what is known to be missing. */
export function Images({ images }: Pick<ListedCase, 'images'>) {
  if (!images) return NONE
  const { visible, missing, verdict } = images
  if (verdict === 'complete' || verdict === 'inferred') {
    return (
      <span>
        {count(visible)} <Glyph name={verdict === 'complete' ? 'check' : 'inferred'} />
      </span>
    )
  }
  return (
    <span className="risk">
      {missing > 0 ? `${count(visible)}/${count(visible + missing)}` : count(visible)}
    </span>
  )
}
