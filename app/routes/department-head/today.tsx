/** Are we on time, where does time go, what will be late, what can I do? */
import './today.css'
import { useState } from 'react'
import { Link, type LoaderFunctionArgs, useLoaderData, useNavigate, useSearchParams } from 'react-router'
import { type Days, figures, hourOf, populationOf, segmentAsked } from '#app/server/figures.ts'
import { requireUser } from '#app/server/guard.ts'
import { lateCases } from '#app/server/late-cases.ts'
import { sites } from '#db/queries/sites.ts'
import { figuresAtHour, type SegmentFigures, segmentAtHour } from '#db/queries/today.ts'
import { HOURS } from '#domain/segments.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { t } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { Screen } from '../../ui/screen.tsx'
import { DayTiles } from './day-tiles.tsx'
import { Definitions } from './definitions.tsx'
import { LateTable } from './late-table.tsx'
import { useLeadActs } from './lead-acts.tsx'
import { addressOf, type Measured } from './measured.ts'
import { OpenByPhase } from './open-by-phase.tsx'
import { WhereTimeGoes } from './where-time-goes.tsx'

const PERIODS: Days[] = [1, 7, 28]
const TOPICS = [
  'order.received',
  'order.ended',
  'step.arrived',
  'step.started',
  'performed-step.ended',
  'completeness.decided',
  'quality.accepted',
  'work-item.opened',
  'work-item.claimed',
  'work-item.completed',
  'report.signed',
  'report.released',
  'delivery.acknowledged',
  'work-item.cancelled',
  'escalation.fired',
  'exceptions',
  'phase',
]

export async function loader(args: LoaderFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('today'))
  const { person, server } = signedIn
  const search = new URL(args.request.url).searchParams
  const asked = Number(search.get('days'))
  const days = PERIODS.find((each) => each === asked) ?? 1
  const now = await server.department.now()
  const own = await sites(server.department.sql, person.sites)
  const of = populationOf(search, own)
  const all = await figures(signedIn, days, {
    ...{ now, of },
    zone: own[0]?.zone ?? 'UTC',
  })
  const hour = hourOf(search)
  const found = hour === null ? all : figuresAtHour(all, hour)
  const by = segmentAsked(search.get('by'))
  const byHour = by && all.segments.find(({ from, to }) => from === by.from && to === by.to)
  return {
    figures: { ...found, segments: found.segments.map(withoutOrders) },
    byHour: byHour ? HOURS.map((each) => withoutOrders(segmentAtHour(byHour, each))) : null,
    ...{ days, of, hour },
    sites: own.map(({ id }) => id),
    mayAct: person.roles.includes('lead'),
    late: (await lateCases(signedIn, { withinMs: 3_600_000, limit: 40 })).cases,
  }
}

/** The orders behind the numbers are asked for where a number leads. */
function withoutOrders(segment: SegmentFigures): SegmentFigures {
  return { ...segment, slowest: [] }
}

export function meta() {
  return [{ title: `${t('nav.today')} · ${t('app.name')}` }]
}

export default function Today() {
  const {
    figures: found,
    byHour,
    days,
    of,
    hour,
    sites: siteIds,
    late,
    mayAct,
  } = useLoaderData<typeof loader>()
  useLive(TOPICS)
  const [, setSearch] = useSearchParams()
  const measured: Measured = { days, of, hour, by: byHour?.[0] ?? null }
  const show = (more: Partial<Measured>) =>
    setSearch(addressOf({ ...measured, ...more }), { preventScrollReset: true })
  const navigate = useNavigate()
  const [isDefining, setDefining] = useState(false)
  const acts = useLeadActs(undefined, mayAct)
  return (
    <Screen
      label={t('nav.today')}
      className="today late-screen"
      fact={t('today.links')}
      keys={[
        { chord: 'D', word: t('today.definitions'), where: 'list', run: () => setDefining(!isDefining) },
        { chord: 'L', word: t('nav.late'), where: 'list', run: () => void navigate('/late') },
      ]}
    >
      <div className="toolbar">
        <h1 className="strong">{t('nav.today')}</h1>
        <span className="push segments">
          {PERIODS.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === days}
              onClick={() => show({ days: each })}
            >
              {t(`today.days-${each}`)}
            </button>
          ))}
        </span>
        <Button chord="D" aria-expanded={isDefining} onClick={() => setDefining(!isDefining)}>
          {t('today.definitions')}
        </Button>
      </div>
      <DayTiles found={found} measured={measured} />
      {isDefining ? <Definitions found={found} /> : null}
      <div className="today-panels" hidden={isDefining}>
        <WhereTimeGoes found={found} byHour={byHour} measured={measured} sites={siteIds} onShow={show} />
        <OpenByPhase found={found} />
        <section className="panel today-late">
          <header>
            <h2>{t('today.late-title')}</h2>
            <span className="text-2">
              {t('today.late-count', { late: found.lateItems, due: found.dueWithinHour })}
            </span>
            <Link className="link push" to="/late">
              {t('today.all')}
            </Link>
          </header>
          <LateTable late={late} onAct={mayAct ? acts.ask : null} />
        </section>
      </div>
      {acts.panel}
    </Screen>
  )
}
