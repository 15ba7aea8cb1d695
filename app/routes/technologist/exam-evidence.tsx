import type { QualityCheck } from '#db/queries/quality-check.ts'
import type { ProtocolComparison } from '#domain/protocol.ts'
import { t } from '../../strings/words.ts'
import { useZone } from '../../ui/department-clock.tsx'
import { clockTime, count, NONE } from '../../ui/format.ts'
import { Glyph, type GlyphName } from '../../ui/glyph.tsx'

export function Evidence({ check, protocols }: { check: QualityCheck; protocols: ProtocolComparison }) {
  const zone = useZone()
  const { study, order, exam } = check
  const time = (at: Date) => clockTime(at, zone, { seconds: true })
  const agrees =
    order.identifiers.some(({ value }) => value === study.says.patientId) &&
    study.says.accession === order.accession
  return (
    <section className="quality-evidence">
      <header>
        <h2 className="strong">{t('quality.complete')}</h2>
        <Verdict study={study} />
      </header>
      <ul>
        {study.mppsFinalAt ? (
          <Line state="ok">{t('quality.scanner-closed', { time: time(study.mppsFinalAt) })}</Line>
        ) : (
          <Line state={exam.inferred ? 'inferred' : 'look'}>
            {exam.inferred ? t('quality.scanner-silent') : t('quality.scanner-open')}
          </Line>
        )}
        <ProtocolLine planned={check.protocol} protocols={protocols} />
        {study.missing > 0 ? (
          <Line state="look">
            {t('quality.named-missing', { missing: count(study.missing), named: count(study.named) })}
          </Line>
        ) : study.named > 0 ? (
          <Line state="ok">{t('quality.named-stored', { named: count(study.named) })}</Line>
        ) : (
          <Line state="none">{t('quality.named-none')}</Line>
        )}
        {study.notNamed > 0 && study.named > 0 ? (
          <Line state="look">
            {t('quality.not-named', { n: study.notNamed, count: count(study.notNamed) })}
          </Line>
        ) : null}
        {study.seen.includes('commitment') ? <Line state="ok">{t('quality.committed')}</Line> : null}
        {study.lacking.includes('commitment') ? <Line state="look">{t('quality.not-committed')}</Line> : null}
        {study.endExamAt ? (
          <Line state="ok">{t('quality.ended-here', { time: time(study.endExamAt) })}</Line>
        ) : (
          <Line state="none">{t('quality.not-ended-here')}</Line>
        )}
        {study.stored > 0 ? (
          <Line state={agrees ? 'ok' : 'differs'}>
            {agrees
              ? t('quality.agree')
              : t('quality.disagree', {
                  patientId: study.says.patientId || NONE,
                  accession: study.says.accession || NONE,
                })}
          </Line>
        ) : null}
        {study.acceptedIncompleteAt ? (
          <Line state="look">
            {t('quality.accepted-incomplete', { time: time(study.acceptedIncompleteAt) })}
          </Line>
        ) : null}
      </ul>
    </section>
  )
}

/** The protocol as planned beside what the scanner says it did. */
function ProtocolLine({ planned, protocols }: { planned: string | null; protocols: ProtocolComparison }) {
  const name = planned ?? NONE
  if (protocols.verdict === 'as-planned')
    return <Line state="ok">{t('quality.protocol-same', { name })}</Line>
  if (protocols.verdict === 'not-said')
    return <Line state="none">{t('quality.protocol-silent', { name })}</Line>
  const done = protocols.done.map(({ code, meaning }) => meaning || code).join(', ')
  if (protocols.verdict === 'not-planned')
    return <Line state="look">{t('quality.protocol-only', { done })}</Line>
  return (
    <Line state="look">
      {t(protocols.missing ? 'quality.protocol-other' : 'quality.protocol-more', { name, done })}
    </Line>
  )
}

function Verdict({ study }: { study: QualityCheck['study'] }) {
  const look = { complete: 'ok', inferred: 'ok', incomplete: 'risk', waiting: '' }[study.verdict]
  return (
    <span className={`tag push ${look}`}>
      <Glyph
        name={study.verdict === 'complete' ? 'check' : study.verdict === 'inferred' ? 'inferred' : 'look'}
      />
      {t(`quality.verdict-${study.verdict}`, { n: study.missing })}
    </span>
  )
}

type LineState = 'ok' | 'inferred' | 'look' | 'differs' | 'none'

const LINE: Record<LineState, [GlyphName, string]> = {
  ok: ['check', 'ok'],
  inferred: ['inferred', 'text-2'],
  look: ['look', 'risk'],
  differs: ['cross', 'late'],
  none: ['dash', 'text-3'],
}

function Line({ state, children }: { state: LineState; children: React.ReactNode }) {
  const [glyph, tone] = LINE[state]
  return (
    <li>
      <span className={tone}>
        <Glyph name={glyph} />
      </span>
      <span className={state === 'look' || state === 'differs' ? tone : ''}>{children}</span>
    </li>
  )
}
