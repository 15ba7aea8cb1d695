/** Where the time goes: every segment, or one of them hour by hour, of the patients that were chosen. */
import { Link } from 'react-router'
import type { DepartmentFigures, SegmentFigures } from '#db/queries/today.ts'
import { HOURS } from '#domain/segments.ts'
import { MODALITIES, PATIENT_CLASSES } from '#domain/words.ts'
import { t, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { hourWords } from '../../ui/format.ts'
import { type Measured, ordersBehind, segmentFigures, segmentWords } from './measured.ts'

interface WhereTimeGoesProps {
  found: DepartmentFigures
  /** One segment hour by hour, instead of all of them. */
  byHour: SegmentFigures[] | null
  measured: Measured
  sites: string[]
  onShow: (more: Partial<Measured>) => void
}

/** p50 solid, p90 lighter, p95 a tick; below 20 values each one is a dot. The axis begins at zero. */
export function WhereTimeGoes({ found, byHour, measured, sites: siteIds, onShow }: WhereTimeGoesProps) {
  const shown = byHour ?? found.segments
  const most = Math.max(60_000, ...shown.map(({ p95, values }) => p95 ?? values.at(-1) ?? 0))
  const x = (ms: number) => `${Math.min(100, (ms / most) * 100)}%`
  return (
    <section className="panel where-time-goes">
      <header>
        <h2>{byHour?.[0] ? segmentWords(byHour[0]) : t('today.time-title')}</h2>
        {byHour ? null : <span className="text-2">{t('today.time-note', { n: found.procedures })}</span>}
        {byHour ? (
          <Button look="quiet" onClick={() => onShow({ by: null })}>
            {t('today.every-segment')}
          </Button>
        ) : null}
        <Narrow measured={measured} sites={siteIds} onShow={onShow} />
      </header>
      <div className="body">
        {byHour ? <p className="small text-2">{t('definition.hour')}</p> : null}
        <div className={byHour ? 'time-hours' : undefined}>
          {byHour
            ? byHour.map((segment, hour) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the index is the hour of the day
                <TimeRow key={hour} segment={segment} measured={{ ...measured, hour }} x={x}>
                  <span className="small right time-hour">{hourWords(hour)}</span>
                </TimeRow>
              ))
            : shown.map((segment) => (
                <TimeRow key={`${segment.from} ${segment.to}`} segment={segment} measured={measured} x={x}>
                  <button
                    type="button"
                    className="link small right"
                    title={t('today.show-by-hour')}
                    onClick={() => onShow({ by: segment, hour: null })}
                  >
                    {segmentWords(segment)}
                  </button>
                </TimeRow>
              ))}
        </div>
        <p className="legend small text-2">
          {t('today.legend')} {measured.hour === null || byHour ? null : t('definition.hour')}
        </p>
      </div>
    </section>
  )
}

interface TimeRowProps {
  segment: SegmentFigures
  /** What its number leads to. */
  measured: Measured
  x: (ms: number) => string
  /** What the row is of. */
  children: React.ReactNode
}

function TimeRow({ segment, measured, x, children }: TimeRowProps) {
  const said = segmentFigures(segment)
  const of = [segmentWords(segment), ...(measured.hour === null ? [] : [hourWords(measured.hour)])].join(', ')
  return (
    <div className="time-row">
      {children}
      <span className="time-track" role="img" aria-label={`${of}: ${said}`}>
        {segment.p90 !== null ? <i className="p90" style={{ width: x(segment.p90) }} /> : null}
        {segment.p50 !== null ? <i className="p50" style={{ width: x(segment.p50) }} /> : null}
        {segment.p95 !== null ? <i className="p95" style={{ left: x(segment.p95) }} /> : null}
        {segment.values.map((ms, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: equal values are equal dots
          <i key={index} className="value" style={{ left: x(ms) }} />
        ))}
      </span>
      {segment.n > 0 ? (
        <Link className="small" to={ordersBehind(segment, measured)}>
          <span className="link">{said}</span>
        </Link>
      ) : (
        <span className="small text-3">{said}</span>
      )}
    </div>
  )
}

interface NarrowProps {
  measured: Measured
  sites: string[]
  onShow: (more: Partial<Measured>) => void
}

/** Modality, patient class, site and hour: each narrows what is measured, and the orders behind every number with it. */
function Narrow({ measured: { of, hour, by: byHour }, sites: siteIds, onShow }: NarrowProps) {
  const choices = {
    modality: MODALITIES.map((each) => [each, each] as const),
    patientClass: PATIENT_CLASSES.map((each) => [each, wordFor('why.class', each)] as const),
    site: siteIds.map((each) => [each, each] as const),
  }
  return (
    <span className="push narrow">
      {(['modality', 'patientClass', 'site'] as const).map((name) => (
        <Choice
          key={name}
          name={name}
          value={of[name] ?? ''}
          choices={choices[name]}
          onChoose={(value) => {
            const { [name]: _, ...others } = of
            onShow({ of: value ? { ...others, [name]: value } : others })
          }}
        />
      ))}
      {byHour ? null : (
        <Choice
          name="hour"
          value={hour === null ? '' : String(hour)}
          choices={HOURS.map((each) => [String(each), hourWords(each)] as const)}
          onChoose={(value) => onShow({ hour: value === '' ? null : Number(value), by: null })}
        />
      )}
    </span>
  )
}

interface ChoiceProps {
  name: 'modality' | 'patientClass' | 'site' | 'hour'
  value: string
  choices: readonly (readonly [string, string])[]
  onChoose: (value: string) => void
}

function Choice({ name, value, choices, onChoose }: ChoiceProps) {
  return (
    <select
      className="input"
      aria-label={t(`today.by-${name}`)}
      value={value}
      onChange={({ target }) => onChoose(target.value)}
    >
      <option value="">{t(`today.every-${name}`)}</option>
      {choices.map(([each, word]) => (
        <option key={each} value={each}>
          {word}
        </option>
      ))}
    </select>
  )
}
