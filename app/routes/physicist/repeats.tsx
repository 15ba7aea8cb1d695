/** How often is an exam rejected or made again: in which room, at which projection, for what reason, by whom; and which orders are they? */
import './repeats.css'
import { Link, type LoaderFunctionArgs, useLoaderData, useSearchParams } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { policyOf } from '#db/queries/policy.ts'
import { looksSince, type RepeatLook } from '#db/queries/repeats.ts'
import { DAY_MS } from '#domain/calendar.ts'
import {
  type GroupedRate,
  type Rate,
  type RepeatAlarm,
  type RepeatGroup,
  rateOf,
  ratesBy,
  ratesByTake,
  reasonsOf,
  repeatAlarms,
} from '#domain/repeats.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { t, wordFor } from '../../strings/words.ts'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { count, NONE, percent, timeOrDay } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { EmptyState } from '../../ui/messages.tsx'
import { Screen } from '../../ui/screen.tsx'

const PERIODS = [7, 28, 90] as const
const FILTERS = ['room', 'reason', 'take', 'operator', 'procedure'] as const
type Filter = (typeof FILTERS)[number]
type Chosen = Partial<Record<Filter, string>>
/** Of the orders behind a number as many as anybody goes through. */
const MOST_SHOWN = 200

export async function loader(args: LoaderFunctionArgs) {
  const { person, server } = await requireUser(args, rolesWith('repeats'))
  const { department } = server
  const search = new URL(args.request.url).searchParams
  const days = PERIODS.find((each) => String(each) === search.get('days')) ?? 28
  const chosen: Chosen = Object.fromEntries(
    FILTERS.flatMap((name) => (search.has(name) ? [[name, search.get(name)!]] : [])),
  )
  const since = new Date((await department.now()).getTime() - days * DAY_MS)
  const [{ repeats: policy }, all] = await Promise.all([
    policyOf(department.sql),
    looksSince(department.sql, person.actor, since),
  ])
  // Rates are of every look: a reason narrows the orders shown, never what they are a share of.
  const looks = all.filter((look) => fits(look, { ...chosen, reason: undefined }))
  const rejected = looks.filter((look) => rejects(look, chosen))
  const of = { policy, take: chosen.take }
  return {
    ...{ days, chosen, policy, whole: rateOf(looks, policy, chosen.take) },
    alarms: repeatAlarms(all, policy),
    rooms: ratesBy('room', looks, of),
    operators: ratesBy('operator', looks, of),
    procedures: ratesBy('procedure', looks, of),
    takes: ratesByTake(looks, policy).filter(({ key }) => chosen.take === undefined || key === chosen.take),
    reasons: reasonsOf(looks, chosen.take),
    rejected: rejected.length,
    orders: rejected.slice(0, MOST_SHOWN),
  }
}

/** Of a projection or sequence: the look rejected that, whatever else it was at. */
function rejects(look: RepeatLook, chosen: Chosen): boolean {
  if (look.verdict !== 'rejected' || !fits(look, chosen)) return false
  return (
    chosen.take === undefined || look.takes.some(({ take, rejected }) => take === chosen.take && rejected > 0)
  )
}

function fits(
  look: RepeatLook,
  { reason, take, ...groups }: { [name in Filter]?: string | undefined },
): boolean {
  if (reason !== undefined && !look.reasonCodes.includes(reason)) return false
  if (take !== undefined && !look.takes.some((each) => each.take === take)) return false
  return (['room', 'operator', 'procedure'] as const).every(
    (group) => groups[group] === undefined || look[group] === groups[group],
  )
}

export function meta() {
  return [{ title: `${t('nav.repeats')} · ${t('app.name')}` }]
}

export default function Repeats() {
  const {
    days,
    chosen,
    policy,
    whole,
    alarms,
    rooms,
    operators,
    procedures,
    takes,
    reasons,
    rejected,
    orders,
  } = useLoaderData<typeof loader>()
  useLive(['quality.accepted', 'quality.rejected'])
  const [, setSearch] = useSearchParams()
  const show = (more: Chosen, period: number = days) =>
    setSearch({ ...(period !== 28 && { days: String(period) }), ...more }, { preventScrollReset: true })
  return (
    <Screen label={t('nav.repeats')} className="repeats" fact={t('repeats.definition')} keys={[]}>
      <div className="toolbar">
        <h1 className="strong">{t('nav.repeats')}</h1>
        {FILTERS.map((name) => {
          const { [name]: value, ...others } = chosen
          return value === undefined ? null : (
            <button key={name} type="button" className="chip on" onClick={() => show(others)}>
              {t(`repeats.${name}`)} <b>{name === 'reason' ? wordFor('reject', value) : value || NONE}</b> ×
            </button>
          )
        })}
        <span className="push segments">
          {PERIODS.map((each) => (
            <button key={each} type="button" aria-pressed={each === days} onClick={() => show(chosen, each)}>
              {t('repeats.days', { n: each })}
            </button>
          ))}
        </span>
      </div>
      <p className={`repeats-verdict ${LOOK[whole.state]}`} role="status">
        <Glyph name={whole.state === 'on-target' ? 'check' : whole.state === 'too-few' ? 'dash' : 'look'} />
        <b>{nOfM(whole)}</b> {t('repeats.repeated', { n: whole.repeated })}
        <span>
          {t(`repeats.${whole.state}`, {
            baseline: policy.baselinePercent,
            target: policy.targetPercent,
            n: policy.atLeast,
          })}
        </span>
        <Alarms alarms={alarms} days={days} />
      </p>
      <div className="repeats-panels">
        <ByRoom rooms={rooms} reasons={Object.keys(reasons)} chosen={chosen} days={days} />
        <ByGroup group="take" rates={takes} chosen={chosen} days={days} />
        <ByGroup group="operator" rates={operators} chosen={chosen} days={days} />
        <ByGroup group="procedure" rates={procedures} chosen={chosen} days={days} />
        <Orders orders={orders} total={rejected} />
      </div>
    </Screen>
  )
}

const LOOK: Record<Rate['state'], string> = {
  'over-baseline': 'late',
  'over-target': 'risk',
  'on-target': 'ok',
  'too-few': 'text-2',
}

const NAMED = 3

/** Over the target, with enough behind it to say so: each leads to its orders. */
function Alarms({ alarms, days }: { alarms: RepeatAlarm[]; days: number }) {
  if (alarms.length === 0) return <span className="push text-3">{t('repeats.no-alarm')}</span>
  return (
    <span className="push repeats-alarms">
      <b className="risk">{t('repeats.alarms', { n: alarms.length })}</b>
      {alarms.slice(0, NAMED).map(({ group, key, rate }) => (
        <Link
          key={`${group} ${key}`}
          className={`link ${LOOK[rate.state]}`}
          to={addressOf({ [group]: key }, days)}
          title={nOfM(rate)}
        >
          <Glyph name="look" /> {key || NONE} {percent(rate.rejected / rate.of)}
        </Link>
      ))}
      {alarms.length > NAMED ? (
        <span className="text-3">{t('repeats.more-alarms', { n: alarms.length - NAMED })}</span>
      ) : null}
    </span>
  )
}

function nOfM({ rejected, of }: Rate): string {
  const said = t('repeats.n-of-m', { n: count(rejected), of: count(of) })
  return of > 0 ? `${said} · ${percent(rejected / of)}` : said
}

function addressOf(chosen: Chosen, days: number): string {
  return `/repeats?${new URLSearchParams({ ...chosen, ...(days !== 28 && { days: String(days) }) })}`
}

interface RoomsProps {
  rooms: GroupedRate[]
  reasons: string[]
  chosen: Chosen
  days: number
}

/** Room by reason: every number leads to its orders below. */
function ByRoom({ rooms, reasons, chosen, days }: RoomsProps) {
  if (rooms.length === 0)
    return (
      <section className="panel repeats-rooms">
        <EmptyState title={t('repeats.none')}>{t('repeats.none-why')}</EmptyState>
      </section>
    )
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and without a mouse only the focus can reach it
    <section className="panel repeats-rooms" aria-label={t('repeats.by-room')} tabIndex={0}>
      <table>
        <caption className="visually-hidden">{t('repeats.by-room')}</caption>
        <thead>
          <tr>
            <th scope="col" className="repeats-name">
              {t('repeats.room')}
            </th>
            <th scope="col" className="right repeats-rate">
              {t('repeats.rejected')}
            </th>
            {reasons.map((code) => (
              <th key={code} scope="col" className="right" title={wordFor('reject', code)}>
                {wordFor('reject', code)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rooms.map(({ key, reasons: own, ...rate }) => (
            <tr key={key}>
              <th scope="row">{key || NONE}</th>
              <td className="right">
                <RateLink rate={rate} to={addressOf({ ...chosen, room: key }, days)} />
              </td>
              {reasons.map((code) => (
                <td key={code} className="right">
                  {own[code] ? (
                    <Link className="link" to={addressOf({ ...chosen, room: key, reason: code }, days)}>
                      {count(own[code])}
                    </Link>
                  ) : (
                    <span className="text-3">{NONE}</span>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function RateLink({ rate, to }: { rate: Rate; to: string }) {
  const isOver = rate.state === 'over-baseline' || rate.state === 'over-target'
  return (
    <Link to={to} className={isOver ? `link ${LOOK[rate.state]}` : 'link'}>
      {isOver ? <Glyph name="look" /> : null} {nOfM(rate)}
    </Link>
  )
}

interface GroupProps {
  group: Exclude<RepeatGroup, 'room'> | 'take'
  rates: GroupedRate[]
  chosen: Chosen
  days: number
}

function ByGroup({ group, rates, chosen, days }: GroupProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and without a mouse only the focus can reach it
    <section className={`panel repeats-${group}s`} aria-label={t(`repeats.by-${group}`)} tabIndex={0}>
      <table>
        <caption className="visually-hidden">{t(`repeats.by-${group}`)}</caption>
        <thead>
          <tr>
            <th scope="col">{t(`repeats.${group}`)}</th>
            <th scope="col" className="right repeats-rate">
              {t('repeats.rejected')}
            </th>
            <th scope="col" className="right repeats-again">
              {t('repeats.made-again')}
            </th>
          </tr>
        </thead>
        <tbody>
          {rates.map(({ key, reasons: _, ...rate }) => (
            <tr key={key}>
              <th scope="row">{key || NONE}</th>
              <td className="right">
                <RateLink rate={rate} to={addressOf({ ...chosen, [group]: key }, days)} />
              </td>
              <td className="right">{count(rate.repeated)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rates.length === 0 ? <p className="text-3 repeats-nothing">{t(`repeats.none-${group}`)}</p> : null}
    </section>
  )
}

function Orders({ orders, total }: { orders: RepeatLook[]; total: number }) {
  const zone = useZone()
  const now = useDepartmentNow()
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and without a mouse only the focus can reach it
    <section className="panel repeats-orders" aria-label={t('repeats.orders')} tabIndex={0}>
      <header>
        <h2>{t('repeats.orders')}</h2>
        <span className="text-3">{t('repeats.shown', { n: orders.length, total })}</span>
      </header>
      {orders.length === 0 ? (
        <p className="text-3 repeats-nothing">{t('repeats.no-orders')}</p>
      ) : (
        <table>
          <caption className="visually-hidden">{t('repeats.orders')}</caption>
          <thead>
            <tr>
              <th scope="col" className="repeats-when">
                {t('repeats.at')}
              </th>
              <th scope="col">{t('identity.accession')}</th>
              <th scope="col">{t('repeats.procedure')}</th>
              <th scope="col">{t('repeats.room')}</th>
              <th scope="col">{t('repeats.operator')}</th>
              <th scope="col" className="repeats-why">
                {t('repeats.reason')}
              </th>
              <th scope="col" className="right repeats-count">
                {t('repeats.images')}
              </th>
            </tr>
          </thead>
          <tbody>
            {orders.map((look) => (
              <tr key={look.id} data-order={look.orderId} data-accession={look.accession}>
                <td>{timeOrDay(new Date(look.at), zone, now)}</td>
                <td>
                  <Link className="mono link" to={`/orders/${look.orderId}`}>
                    {look.accession}
                  </Link>
                </td>
                <td>{look.procedure}</td>
                <td>{look.room || NONE}</td>
                <td>{look.operator}</td>
                <td>
                  {look.reasonCodes.map((code) => wordFor('reject', code)).join(', ')}
                  {look.repeated ? <span className="tag repeats-again-tag">{t('repeats.again')}</span> : null}
                </td>
                <td className="right">{count(look.images)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}
