/** The strip below a list (a panel beside it on wide screens): who, what was asked, why here, what came before. */
import { type ReactNode, useEffect, useState } from 'react'
import type { CaseFacts } from '#db/queries/case-facts.ts'
import { PriorName } from '../reporting/prior-list.tsx'
import { t } from '../strings/words.ts'
import { useDepartmentNow, useZone } from '../ui/department-clock.tsx'
import { calendarDate, duration, timeOrDay } from '../ui/format.ts'
import { Glyph } from '../ui/glyph.tsx'
import { useSexAge } from '../ui/identity-banner.tsx'
import { PatientName } from '../ui/patient-name.tsx'
import { TimeLeft } from '../ui/time-left-meter.tsx'
import { allowanceOf, type ListedCase } from './listed-case.ts'

interface CaseDetailProps {
  row: ListedCase
  /** Null until they have come for this row: their place is kept. */
  facts: CaseFacts | null
  /** Why it is this reader's, or why not. */
  yours: readonly string[]
  children: ReactNode
}

const PRIORS_SHOWN = 4

export function CaseDetail({ row, facts, yours, children }: CaseDetailProps) {
  const sexAge = useSexAge(row)
  const reasons = [...row.why, ...yours]
  return (
    <aside className="case-detail" aria-label={t('detail.title')}>
      <section>
        {/* Drawn anew for another case: what other words push aside would count as a shift. */}
        <p key={row.id} className="case-detail-name">
          <PatientName name={row.name} similar={row.isSimilar} />
          <span className="push small">{row.accession}</span>
        </p>
        <p className="small text-2">
          {sexAge} · {calendarDate(row.birthDate)} · {t('identity.mrn')} {row.mrn}
        </p>
        <p className="strong">{row.procedureName}</p>
        {facts ? <Question {...facts} /> : null}
      </section>
      <section>
        <h2 className="label">{t('reading.why-title')}</h2>
        {/* Drawn anew too when one of them counts on: they stand in a line. */}
        <ul key={reasons.join()} className="case-why tabular">
          {reasons.map((why) => (
            <li key={why}>{why}</li>
          ))}
        </ul>
        {facts ? <Promised key={row.id} row={row} facts={facts} /> : null}
      </section>
      <section>
        <h2 className="label">{`${t('room.priors')}, ${t('room.same-patient')}`}</h2>
        {facts ? <Priors priors={facts.priors} /> : null}
      </section>
      <div className="case-detail-actions">{children}</div>
    </aside>
  )
}

function Question({ question, requester, orderedAt }: CaseFacts) {
  const zone = useZone()
  const now = useDepartmentNow()
  const name = [requester?.prefix, requester?.given, requester?.family].filter(Boolean).join(' ')
  const phone = requester?.phone ? t('detail.phone', { phone: requester.phone }) : ''
  const ordered = t('detail.ordered', { time: timeOrDay(orderedAt, zone, now) })
  return (
    <>
      <h2 className="label">{t('section.question')}</h2>
      <p>{question ?? t('app.none')}</p>
      <p className="small text-2">{[name, phone, ordered].filter(Boolean).join(' · ')}</p>
    </>
  )
}

/** What was promised, how much of it is left, and who hears of it next. */
function Promised({ row, facts }: { row: ListedCase; facts: CaseFacts }) {
  const zone = useZone()
  const now = useDepartmentNow()
  const { dueFrom, allowanceMs, nextRung } = facts
  return (
    <>
      {row.dueAt ? (
        <p>
          <TimeLeft allowance={allowanceOf(row)} words="left" />{' '}
          <span className="text-2">
            {t('detail.allowance', {
              allowance: duration(allowanceMs),
              time: timeOrDay(dueFrom, zone, now),
            })}
          </span>
        </p>
      ) : null}
      {nextRung ? (
        <p className="small text-2">
          <Glyph name="bell" /> {t(`ladder.${nextRung.rung}`, { time: timeOrDay(nextRung.at, zone, now) })}
        </p>
      ) : null}
    </>
  )
}

function Priors({ priors }: Pick<CaseFacts, 'priors'>) {
  if (priors.length === 0) return <p className="text-3">{t('room.no-priors')}</p>
  const more = priors.length - PRIORS_SHOWN
  return (
    <ul>
      {priors.slice(0, PRIORS_SHOWN).map((prior) => (
        <li key={prior.uid}>
          <PriorName prior={prior} />
        </li>
      ))}
      {more > 0 ? <li className="text-3">{t('detail.more-priors', { n: more })}</li> : null}
    </ul>
  )
}

/** The cursor passes many rows on its way: only where it rests is worth a question. */
const RESTS_AFTER_MS = 120

/** The facts of one case, asked for when the cursor rests on it; the last ones stay until they come. */
export function useRestingOn<T extends { itemId: string }>(
  id: string | null,
  { load, loaded }: { load: (id: string) => void; loaded: T | undefined },
): T | null {
  const [known] = useState(() => new Map<string, T>())
  if (loaded) known.set(loaded.itemId, loaded)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another row is the only reason to ask
  useEffect(() => {
    if (id === null) return
    const timer = setTimeout(() => load(id), known.has(id) ? RESTS_AFTER_MS * 4 : RESTS_AFTER_MS)
    return () => clearTimeout(timer)
  }, [id])
  return (id !== null && known.get(id)) || null
}
