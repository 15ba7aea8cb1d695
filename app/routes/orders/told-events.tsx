/** What happened, event by event: a row in the story, and the facts by which one of them is proved. */
import { t } from '../../strings/words.ts'
import type { By, Evidence, ToldEvent } from '../../timeline/told-event.ts'
import { useZone } from '../../ui/department-clock.tsx'
import { clockTime, dayOf } from '../../ui/format.ts'
import { Glyph, type GlyphName } from '../../ui/glyph.tsx'

interface EventRowsProps {
  event: ToldEvent
  isFirst: boolean
  isCurrent: boolean
  onPick: () => void
}

export function EventRows({ event, isFirst, isCurrent, onPick }: EventRowsProps) {
  const zone = useZone()
  const at = new Date(event.at)
  return (
    <>
      {isFirst ? (
        <tr className="group-row">
          <th colSpan={6} scope="colgroup">
            {t(`stage.${event.stage}`)} <span className="text-3">{dayOf(at, zone, at)}</span>
          </th>
        </tr>
      ) : null}
      <tr data-rev={event.rev} data-type={event.type} aria-current={isCurrent || undefined} onClick={onPick}>
        <td className="mono">
          {event.isInferred ? '≈' : ''}
          {clockTime(at, zone, { seconds: true })}
        </td>
        <td>
          <span
            className={
              event.by === 'rule'
                ? 'hold'
                : event.by === 'timer'
                  ? 'risk'
                  : event.by === 'person'
                    ? 'you'
                    : 'text-2'
            }
          >
            <Glyph name={BY_GLYPH[event.by]} /> {t(`by.${event.by}`)}
          </span>
        </td>
        <td className="strong" title={event.what}>
          {event.what}
        </td>
        <td className="text-2" title={evidenceWords(event.evidence, zone)}>
          {evidenceWords(event.evidence, zone)}
        </td>
        <td className="text-3">{event.type}</td>
        <td className="right text-2">
          {event.fromRev === event.rev ? event.rev : `${event.fromRev}–${event.rev}`}
        </td>
      </tr>
    </>
  )
}

const BY_GLYPH: Record<By, GlyphName> = {
  message: 'message',
  person: 'person',
  rule: 'rule',
  timer: 'stopwatch',
  images: 'image',
}

export function EventFacts({ event, zone }: { event: ToldEvent; zone: string }) {
  return (
    <section>
      <h2 className="strong">{t('timeline.this-event')}</h2>
      <dl className="pairs">
        <dt>{t('timeline.what')}</dt>
        <dd>
          {event.type}, {t('timeline.rev-n', { rev: event.rev })}
        </dd>
        <dt>{t('timeline.who')}</dt>
        <dd>{event.who}</dd>
        <dt>{t('timeline.recorded')}</dt>
        <dd className="mono">{clockTime(new Date(event.recordedAt), zone, { seconds: true })}</dd>
        <dt>{t('timeline.hash')}</dt>
        <dd className="mono">{short(event.hash)}</dd>
        <dt>{t('timeline.before-it')}</dt>
        <dd className="mono">{short(event.previousHash)}</dd>
      </dl>
      <ul className="small text-2">
        {event.evidence.map((each) => (
          <li key={each.name}>{evidenceWords([each], zone)}</li>
        ))}
      </ul>
    </section>
  )
}

function evidenceWords(evidence: Evidence[], zone: string): string {
  return evidence
    .map(
      ({ name, value, isInstant }) =>
        `${name} ${isInstant ? clockTime(new Date(value), zone, { seconds: true }) : value}`,
    )
    .join(' · ')
}

function short(hash: string): string {
  return hash ? `${hash.slice(0, 8)}…${hash.slice(-4)}` : t('app.none')
}
