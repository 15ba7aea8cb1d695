/** Exams of one patient under one report: each accession beside the name, one key to add what waits, × to take one out. */
import './read-together.css'
import type { ReadingGroup } from '#db/queries/reading-group.ts'
import type { OrderIdentity } from '#db/queries/reading-room.ts'
import { t } from '../strings/words.ts'
import { Keys } from '../ui/button.tsx'
import { Glyph } from '../ui/glyph.tsx'

interface ReadTogetherProps {
  group: ReadingGroup
  /** False while somebody else holds the case, or nobody. */
  mayWrite: boolean
  /** False once the report has said something: what it is about stands. */
  isUnsaid: boolean
  onJoin: (itemId: string) => void
  onPart: (itemId: string) => void
}

export function ReadTogetherChips({ group, mayWrite, isUnsaid, onJoin, onPart }: ReadTogetherProps) {
  const offers = mayWrite ? group.offers : []
  if (group.together.length + offers.length === 0) return null
  return (
    <section className="read-together" aria-label={t('together.title')}>
      {group.together.map(({ itemId, accession, procedure }) => (
        <span key={itemId} className="tag hold read-together-chip" title={`${accession} ${procedure}`}>
          <span>{t('together.exam', { accession })}</span>
          {mayWrite && isUnsaid ? (
            <button
              type="button"
              aria-label={t('together.take-out', { accession })}
              title={t('together.take-out', { accession })}
              onClick={() => onPart(itemId)}
            >
              <Glyph name="close" />
            </button>
          ) : null}
        </span>
      ))}
      {offers.map(({ itemId, accession, procedure }, n) => (
        <button
          key={itemId}
          type="button"
          className="tag read-together-chip"
          title={t('together.add', { accession, procedure })}
          onClick={() => onJoin(itemId)}
        >
          <span className="read-together-what">{t('together.with', { procedure })}</span>
          {n === 0 ? <Keys chord="Alt+T" /> : null}
        </button>
      ))}
    </section>
  )
}

/** The banner of all that is read: every accession and every procedure. */
export function identityOfAll(order: OrderIdentity, others: ReadingGroup['others']): OrderIdentity {
  const joined = (own: string, more: string[]) => [...new Set([own, ...more])].join(' · ')
  return {
    ...order,
    accession: joined(
      order.accession,
      others.map((one) => one.accession),
    ),
    procedure: joined(
      order.procedure,
      others.map((one) => one.procedure),
    ),
  }
}
