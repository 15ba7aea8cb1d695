/** What happened, who or what did it, where did the time go, can it be proved? */
import './order-timeline.css'
import { useEffect, useRef, useState } from 'react'
import {
  type ActionFunctionArgs,
  data,
  Link,
  type LoaderFunctionArgs,
  useLoaderData,
  useNavigate,
} from 'react-router'
import { type CriticalView, criticalOf } from '#app/server/critical-view.ts'
import { requireUser, type SignedIn } from '#app/server/guard.ts'
import { viewerAddress } from '#app/server/launches.ts'
import { answer } from '#app/server/refusal.ts'
import { revokeRejection } from '#db/mutations/rejections.ts'
import { retractReport } from '#db/mutations/retractions.ts'
import { basicActor, reauthenticate } from '#db/mutations/sessions.ts'
import { orderParts } from '#db/queries/order-parts.ts'
import { findOrders, timeline } from '#db/queries/orders.ts'
import { deliveriesOf, exceptionsOfOrder } from '#db/queries/oversight.ts'
import { orderIdentity, type ReportOnScreen, reportsOfOrder } from '#db/queries/reading-room.ts'
import { rejectionsOfOrder } from '#db/queries/rejections.ts'
import { requesterOf } from '#db/queries/requester.ts'
import { similarToday } from '#db/queries/similar-people.ts'
import { proveTimeline } from '#db/queries/timeline-proof.ts'
import { can } from '#domain/permissions.ts'
import { isSigned, RETRACT_REASONS } from '#domain/report.ts'
import { useLive } from '../../live/use-live.ts'
import { CriticalPanel, useCritical } from '../../reporting/critical-panel.tsx'
import { t, wordFor } from '../../strings/words.ts'
import { segments } from '../../timeline/segments.ts'
import { statesAlong } from '../../timeline/state-at.ts'
import { type ToldEvent, toldEvents } from '../../timeline/told-event.ts'
import { Button } from '../../ui/button.tsx'
import { useZone } from '../../ui/department-clock.tsx'
import { clockTime, timeOrDay, zoneName } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { IdentityBanner } from '../../ui/identity-banner.tsx'
import { ErrorLine } from '../../ui/messages.tsx'
import { PhaseTag } from '../../ui/phase-tag.tsx'
import { Screen } from '../../ui/screen.tsx'
import { useCaseFolders } from '../../worklist/case-folders.tsx'
import { DeliveryLine, StateThen, workWords } from './order-state.tsx'
import { TimeBar } from './time-bar.tsx'
import { EventFacts, EventRows } from './told-events.tsx'
import { WithdrawReport } from './withdraw-report.tsx'
import { WithdrawnImages } from './withdrawn-images.tsx'

export async function loader(args: LoaderFunctionArgs) {
  const signedIn = await requireUser(args)
  const { person, server } = signedIn
  const { sql } = server.department
  const orderId = args.params.orderId ?? ''
  const [order] = await findOrders(sql, person.actor, { id: orderId, limit: 1 })
  const identity = order && (await orderIdentity(sql, orderId))
  if (!order || !identity) throw data(null, { status: 404 })
  const ownerId = await requesterOf(sql, orderId)
  const subject = { siteId: order.site, ownerId, released: order.times.released !== undefined }
  const mayRead = can(person.actor, 'see-report', subject).allowed
  const maySeeImages = can(person.actor, 'see-images', subject).allowed
  const isReferrer = person.roles.every((role) => role === 'referrer')
  const now = await server.department.now()
  const [events, parts, deliveries, exceptions, reports, proof, similar, withdrawn] = await Promise.all([
    timeline(sql, orderId),
    orderParts(sql, orderId),
    deliveriesOf(sql, person.actor, orderId),
    exceptionsOfOrder(sql, person.actor, orderId),
    mayRead ? reportsOfOrder(sql, orderId) : [],
    proveTimeline(sql, orderId),
    similarToday(sql, person.actor, { orderId, now }),
    maySeeImages && !isReferrer ? rejectionsOfOrder(sql, orderId) : [],
  ])
  const studies = [...new Set(order.procedures.map(({ studyInstanceUid }) => studyInstanceUid))]
  const hasImages = events.some(({ type }) => type === 'images.arrived')
  return {
    order,
    identity,
    similar,
    events: toldEvents(events),
    states: statesAlong(events, parts),
    segments: segments(events, now.getTime()),
    deliveries,
    exceptions: exceptions.filter(({ state }) => state === 'open'),
    // A referrer sees what was released, and no draft or version that was taken back.
    versions: reports
      .flatMap(({ versions }) => versions)
      .filter((version) => !isReferrer || version.releasedAt !== null),
    withdrawn,
    amendable: reports
      .filter(({ state }) => isSigned(state) && person.roles.includes('radiologist'))
      .map(({ id }) => id),
    retractable: person.roles.includes('radiologist') && mayRead ? reports.flatMap(outOf) : [],
    critical: await criticalHere(signedIn, { orderId, siteId: order.site, reports }),
    mayRevoke: can(person.actor, 'revoke-rejection', { siteId: order.site, reason: 'asked' }).allowed,
    proof,
    now: now.toISOString(),
    viewer:
      maySeeImages && hasImages ? await viewerAddress(signedIn, { orderId, purpose: 'view', studies }) : null,
  }
}

/** What of a report can be withdrawn: the newest that stands, once it is out. */
function outOf({ id, state, versions }: ReportOnScreen): { id: string; version: number }[] {
  const newest = versions.find(({ recalledAt }) => recalledAt === null)
  return state !== 'CANCELLED' && newest?.releasedAt ? [{ id, version: newest.version }] : []
}

/** For those who raise one or tell it: what is open here, and the report that a new one would be written into. Null: not theirs. */
async function criticalHere(
  signedIn: SignedIn,
  { orderId, siteId, reports }: { orderId: string; siteId: string; reports: { id: string; state: string }[] },
) {
  const may = (verb: 'raise-critical' | 'document-critical') =>
    can(signedIn.person.actor, verb, { siteId }).allowed
  if (!may('raise-critical') && !may('document-critical')) return null
  const reportId = reports.findLast(({ state }) => state !== 'CANCELLED')?.id ?? null
  return { reportId, view: await criticalOf(signedIn, { orderId, reportId, siteId }) }
}

const NOT_THEIRS: CriticalView = {
  ...{ results: [], people: [], me: '' },
  ...{ mayRaise: false, mayDocument: false, mayWithdraw: false, maySign: false },
}

/**
 * Fields by `intent`: `bring-back` (rejectionId, reason; for 113037 also secondUser and secondPassword), `retract` (reportId,
 * version, reason, password, secondUser, secondPassword).
 */
export async function action(args: ActionFunctionArgs) {
  const { person, server, act } = await requireUser(args, ['lead', 'admin', 'radiologist'])
  const { department } = server
  const form = await args.request.formData()
  const field = (name: string) => String(form.get(name) ?? '')
  const intent = field('intent')
  if (intent !== 'bring-back' && intent !== 'retract') throw data(null, { status: 400 })
  return answer(async () => {
    const second = { userName: field('secondUser'), password: field('secondPassword') }
    const secondPerson = second.userName === '' ? null : await basicActor(department, second)
    if (intent === 'bring-back') {
      const asked = { rejectionId: field('rejectionId'), reason: field('reason'), secondPerson }
      await revokeRejection(department, await act(), asked)
      return {}
    }
    await retractReport(department, await act(), {
      ...{ reportId: field('reportId'), version: Number(field('version')), secondPerson },
      reason: RETRACT_REASONS.find((each) => each === field('reason')) ?? null,
      reauthenticated: await reauthenticate(department, { userId: person.id, password: field('password') }),
    })
    return {}
  })
}

export function meta({ loaderData }: { loaderData?: { order: { accession: string; phase: string } } }) {
  const order = loaderData?.order
  return [{ title: order ? `${order.accession} · ${order.phase}` : t('nav.orders') }]
}

const FILTERS = ['all', 'message', 'images', 'person', 'rule'] as const
type Filter = (typeof FILTERS)[number]

/** Another order is another page: what was begun on one, and where its replay stood, is nothing of the next. */
export default function OrderTimelinePage() {
  const { order } = useLoaderData<typeof loader>()
  return <OrderTimeline key={order.id} />
}

function OrderTimeline() {
  const {
    order,
    identity,
    similar,
    events,
    states,
    segments: cut,
    deliveries,
    exceptions,
    versions,
    amendable,
    retractable,
    withdrawn,
    mayRevoke,
    proof,
    viewer,
    critical: theirs,
    now,
  } = useLoaderData<typeof loader>()
  const critical = useCritical(theirs?.view ?? NOT_THEIRS, theirs?.reportId ?? null, order.id)
  // A critical result may stand here that was raised at another order.
  useLive([`order:${order.id}`, 'list:critical'])
  const folders = useCaseFolders({ orderId: order.id, accession: order.accession })
  const zone = useZone()
  const navigate = useNavigate()
  const [filter, setFilter] = useState<Filter>('all')
  const [rev, setRev] = useState<number | null>(null)
  const table = useRef<HTMLElement>(null)
  const shown = events.filter((event) => fits(event, filter))
  const current = shown.find((event) => event.rev === rev) ?? shown.at(-1)
  const step = (by: number) => {
    const at = shown.findIndex((event) => event.rev === current?.rev)
    setRev(shown[Math.max(0, Math.min(shown.length - 1, at + by))]?.rev ?? null)
  }
  useEffect(() => {
    if (rev !== null)
      table.current?.querySelector(`[data-rev="${rev}"]`)?.scrollIntoView({ block: 'nearest' })
  }, [rev])
  const newest = events.at(-1)?.rev
  const isReplay = current !== undefined && current.rev !== newest && rev !== null
  const then = isReplay ? states.find((state) => state.rev === current.rev) : undefined
  // What was not yet written then is not shown beside the past.
  const versionsThen = versions.filter(
    ({ signedAt }) => !then || !current || (signedAt !== null && signedAt <= new Date(current.at)),
  )
  // The department's own answer, so that what is kept can be proved: every event whole, with its hash.
  const [exportFailed, setExportFailed] = useState(false)
  const exportEvents = async () => {
    const answer = await fetch(`/orders/${order.id}/timeline.json`)
    setExportFailed(!answer.ok)
    if (answer.ok) saveAs(`${order.accession}-timeline.json`, await answer.text())
  }

  return (
    <Screen
      label={t('timeline.title')}
      className="timeline"
      fact={t('timeline.times')}
      keys={[
        { chord: 'ArrowUp', caps: ['↑', '↓'], word: t('timeline.event'), where: 'list', run: () => step(-1) },
        { chord: 'ArrowDown', word: t('timeline.event'), where: 'list', run: () => step(1), silent: true },
        {
          chord: 'ArrowLeft',
          caps: ['←', '→'],
          word: t('timeline.step'),
          where: 'outside-text',
          run: () => step(-1),
        },
        {
          chord: 'ArrowRight',
          word: t('timeline.step'),
          where: 'outside-text',
          run: () => step(1),
          silent: true,
        },
        {
          chord: 'End',
          word: t('timeline.now'),
          where: 'outside-text',
          run: () => setRev(events.at(-1)?.rev ?? null),
          silent: true,
        },
        { chord: 'E', word: t('timeline.export'), where: 'list', run: () => void exportEvents() },
        ...(theirs ? [critical.screenKey] : []),
        folders.key,
        { chord: 'Alt+W', word: t('room.back'), run: () => void navigate(-1) },
      ]}
    >
      {folders.panel}
      <IdentityBanner identity={identity} similar={{ orderId: order.id, people: similar }} />
      <div className="timeline-top">
        <div className="row">
          <fieldset className="segments" aria-label={t('timeline.filter')}>
            {FILTERS.map((each) => (
              <button key={each} type="button" aria-pressed={each === filter} onClick={() => setFilter(each)}>
                {t(`timeline.${each}`)} {events.filter((event) => fits(event, each)).length}
              </button>
            ))}
          </fieldset>
          <span className={proof.unbroken ? 'tag ok push' : 'tag late push'}>
            <Glyph name="chain" />
            {proof.unbroken
              ? t('timeline.unbroken', { time: clockTime(new Date(now), zone, { seconds: true }) })
              : t('timeline.broken', { rev: proof.brokenAt ?? 0 })}
          </span>
          <Button chord="E" onClick={() => void exportEvents()}>
            {t('timeline.export')}
          </Button>
        </div>
        {exportFailed ? <ErrorLine>{t('timeline.export-failed')}</ErrorLine> : null}
        <TimeBar cut={cut} headMs={isReplay ? Date.parse(current.at) : null} />
      </div>
      <div className="timeline-body">
        <section
          ref={table}
          className="timeline-events"
          data-keys="list"
          aria-label={t('timeline.title')}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and without a mouse only the focus can reach it
          tabIndex={0}
        >
          <table>
            <caption className="visually-hidden">{t('timeline.title')}</caption>
            <colgroup>
              <col style={{ width: 92 }} />
              <col style={{ width: 96 }} />
              <col />
              <col style={{ width: '34%' }} />
              <col style={{ width: 172 }} />
              <col style={{ width: 60 }} />
            </colgroup>
            <thead>
              <tr>
                <th scope="col">{t('timeline.time', { zone: zoneName(new Date(now), zone) })}</th>
                <th scope="col">{t('timeline.by')}</th>
                <th scope="col">{t('timeline.what')}</th>
                <th scope="col">{t('timeline.evidence')}</th>
                <th scope="col">{t('timeline.type')}</th>
                <th scope="col" className="right">
                  {t('timeline.rev')}
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((event, index) => (
                <EventRows
                  key={event.rev}
                  event={event}
                  isFirst={index === 0 || shown[index - 1]?.stage !== event.stage}
                  isCurrent={event.rev === current?.rev}
                  onPick={() => setRev(event.rev)}
                />
              ))}
            </tbody>
          </table>
        </section>
        <aside className="timeline-side">
          <section aria-label={t('timeline.state')} aria-live="polite">
            <h2 className="strong row">
              {then && current
                ? t('timeline.then-title', { time: clockTime(new Date(current.at), zone, { seconds: true }) })
                : t('timeline.now-title')}
              {then ? <span className="tag you push">{t('timeline.replay')}</span> : null}
            </h2>
            {then && current ? (
              <StateThen state={then} at={current.at} />
            ) : (
              <dl className="pairs">
                <dt>{t('identity.phase')}</dt>
                <dd>
                  <PhaseTag phase={order.phase} />
                </dd>
                <dt>{t('timeline.work')}</dt>
                <dd>{workWords(order.workItems)}</dd>
                {deliveries.map((delivery) => (
                  <DeliveryLine key={delivery.controlId} delivery={delivery} />
                ))}
              </dl>
            )}
            {then ? (
              <Button chord="End" wide onClick={() => setRev(newest ?? null)}>
                {t('timeline.back-to-now')}
              </Button>
            ) : null}
          </section>
          {theirs && !then ? <CriticalPanel critical={critical} offers /> : null}
          {exceptions.length > 0 ? (
            <section>
              <h2 className="strong">{t('timeline.exceptions')}</h2>
              <ul className="stack">
                {exceptions.map((exception) => (
                  <li key={exception.id}>
                    <b className="risk">{wordFor('exception', exception.kind)}</b> {exception.reason}
                  </li>
                ))}
              </ul>
            </section>
          ) : null}
          {then ? null : <WithdrawnImages withdrawn={withdrawn} mayRevoke={mayRevoke} now={new Date(now)} />}
          {viewer && !then ? (
            <a className="button wide" href={viewer} target="_blank" rel="noreferrer">
              {t('timeline.images-open')}
            </a>
          ) : null}
          {then
            ? null
            : amendable.map((reportId) => (
                <Link key={reportId} className="button wide" to={`/reports/${reportId}/amend`}>
                  {t('amend.title')}
                </Link>
              ))}
          {then ? null : retractable.map((report) => <WithdrawReport key={report.id} report={report} />)}
          {current ? <EventFacts event={current} zone={zone} /> : null}
          {versionsThen.map((version) => (
            <section key={`${version.version}${version.hash}`}>
              <h2 className="strong">
                {t('timeline.report', {
                  version: version.version,
                  kind: wordFor('version-kind', version.kind),
                })}
              </h2>
              <p className="small text-3">
                {version.signer ? t('timeline.signed-by', { name: version.signer }) : null}{' '}
                {version.signedAt ? timeOrDay(version.signedAt, zone, new Date(now)) : null}
                {version.recalledAt ? ` · ${t('timeline.recalled')}` : null}
              </p>
              {version.sections
                .filter(({ text }) => text.trim() !== '')
                .map(({ key, text }) => (
                  <div key={key}>
                    <h3 className="label">{wordFor('section', key)}</h3>
                    <p className="report-words">{text}</p>
                  </div>
                ))}
            </section>
          ))}
        </aside>
      </div>
    </Screen>
  )
}

function fits(event: ToldEvent, filter: Filter): boolean {
  if (filter === 'all') return true
  return filter === 'rule' ? event.by === 'rule' || event.by === 'timer' : event.by === filter
}

function saveAs(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
  const link = Object.assign(document.createElement('a'), { href: url, download: name })
  link.click()
  URL.revokeObjectURL(url)
}
