/** Healthy? If not: cause, next action. Nothing red stands here without what to do about it. */
import './health.css'
import { useState } from 'react'
import {
  type ActionFunctionArgs,
  data,
  Link,
  type LoaderFunctionArgs,
  useFetcher,
  useLoaderData,
} from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { answer } from '#app/server/refusal.ts'
import { replayDelivery } from '#db/mutations/deliveries.ts'
import { closeException } from '#db/mutations/exceptions.ts'
import { settleDuplicate } from '#db/mutations/settle-duplicate.ts'
import { deviceHealth, parkedDeliveries, receiverHealth } from '#db/queries/department-health.ts'
import { type DiffersIn, duplicatesOf } from '#db/queries/duplicates.ts'
import { type Fault, health } from '#db/queries/health.ts'
import { exceptions } from '#db/queries/oversight.ts'
import { CLOSING_REASONS } from '#domain/words.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { hasWord, t, type WordKey, type WordValues, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { clockTime, count, duration, NONE, spanInWords, timeOrDay } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { EmptyState, ErrorLine } from '../../ui/messages.tsx'
import { ReasonPicker } from '../../ui/reason-picker.tsx'
import { Screen } from '../../ui/screen.tsx'

export async function loader(args: LoaderFunctionArgs) {
  const { person, server } = await requireUser(args, rolesWith('health'))
  const { sql } = server.department
  const [found, devices, receivers, parked, open] = await Promise.all([
    health(sql, new Date()),
    deviceHealth(sql),
    receiverHealth(sql),
    parkedDeliveries(sql),
    exceptions(sql, person.actor, { state: 'open', limit: 100 }),
  ])
  const { department } = server
  const duplicates = await duplicatesOf(
    sql,
    open.filter(isDuplicate).map(({ id }) => id),
  )
  return {
    found,
    devices,
    receivers,
    parked,
    open,
    duplicates,
    now: (await department.now()).toISOString(),
    at: new Date().toISOString(),
  }
}

/** Fields: intent (close-exception with its reason, replay-delivery, keep-first, take-other), id. */
export async function action(args: ActionFunctionArgs) {
  const { server, act } = await requireUser(args, ['admin', 'lead'])
  const form = await args.request.formData()
  const id = String(form.get('id') ?? '')
  const intent = form.get('intent')
  const { department } = server
  const intents: Record<string, () => Promise<void>> = {
    'close-exception': async () =>
      closeException(department, await act(), {
        exceptionId: id,
        reason: String(form.get('reason') ?? ''),
      }),
    'replay-delivery': async () => void (await replayDelivery(department, await act(), { deliveryId: id })),
    'keep-first': async () => settleDuplicate(department, await act(), { exceptionId: id, decision: 'keep' }),
    'take-other': async () => settleDuplicate(department, await act(), { exceptionId: id, decision: 'take' }),
  }
  const run = Object.hasOwn(intents, String(intent)) ? intents[String(intent)] : undefined
  if (!run) throw data(null, { status: 400 })
  return answer(async () => {
    await run()
    return {}
  })
}

export function meta() {
  return [{ title: `${t('nav.health')} · ${t('app.name')}` }]
}

export default function DepartmentHealth() {
  const { found, open, duplicates, parked, now } = useLoaderData<typeof loader>()
  useLive([
    'exceptions',
    'delivery.acknowledged',
    'delivery.unknown',
    'delivery.parked',
    'delivery.sent',
    'images.arrived',
    'performed-step.begun',
  ])
  const acting = useFetcher<typeof action>()
  const isBusy = acting.state !== 'idle'
  const refused = !isBusy && acting.data && !acting.data.ok ? acting.data.sentence : null
  const duplicateOf = (id: string) => duplicates.find(({ exceptionId }) => exceptionId === id)
  const orderOf = (exception: { id: string; orderId: string | null }) =>
    exception.orderId ?? duplicateOf(exception.id)?.orderId
  const act = (intent: string, id: string, reason = '') =>
    void acting.submit({ intent, id, reason }, { method: 'post', action: '/department-health' })
  /** The line that somebody is about to close, once they have said why. */
  const [asked, setAsked] = useState<string | null>(null)
  return (
    <Screen
      label={t('nav.health')}
      className="health"
      scrolls
      fact={<Checked at={now} />}
      keys={[
        { chord: 'R', word: t('health.again'), where: 'list', run: () => location.reload() },
        ...(asked ? [{ chord: 'Escape' as const, word: t('reason.close'), run: () => setAsked(null) }] : []),
      ]}
    >
      <Verdict status={found.status} faults={found.faults.length} />
      {refused ? <ErrorLine>{refused}</ErrorLine> : null}
      <section className="panel">
        <header>
          <h2>{t('health.wrong')}</h2>
          <span className="text-2">{t('health.wrong-count', { n: found.faults.length })}</span>
        </header>
        {found.faults.length === 0 ? (
          <EmptyState title={t('health.nothing-wrong')}>{t('health.nothing-wrong-why')}</EmptyState>
        ) : (
          <table>
            <caption className="visually-hidden">{t('health.wrong')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('health.fault')}</th>
                <th scope="col">{t('health.cause')}</th>
                <th scope="col">{t('health.next')}</th>
              </tr>
            </thead>
            <tbody>
              {found.faults.map((fault) => (
                <FaultRow key={`${fault.id}${JSON.stringify(fault.values)}`} fault={fault} />
              ))}
            </tbody>
          </table>
        )}
      </section>
      <div className="health-panels">
        <Processes />
        <Devices />
        <Receivers />
        <Figures />
      </div>
      {parked.length > 0 ? (
        <section className="panel">
          <header>
            <h2>{t('health.parked')}</h2>
            <span className="text-2">{t('health.parked-why')}</span>
          </header>
          <table>
            <caption className="visually-hidden">{t('health.parked')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('identity.accession')}</th>
                <th scope="col">{t('health.receiver')}</th>
                <th scope="col">{t('health.cause')}</th>
                <th scope="col">{t('health.next')}</th>
              </tr>
            </thead>
            <tbody>
              {parked.map((delivery) => (
                <tr key={delivery.id} data-order={delivery.orderId} data-accession={delivery.accession}>
                  <td>
                    <Link className="link" to={`/orders/${delivery.orderId}`}>
                      {delivery.accession}
                    </Link>
                  </td>
                  <td>{delivery.destination}</td>
                  <td>
                    {[delivery.reason, delivery.lastAnswer].filter(Boolean).join(' · ') || NONE} ·{' '}
                    {t('timeline.attempts', { n: delivery.attempts })}
                  </td>
                  <td>
                    <Button busy={isBusy} onClick={() => act('replay-delivery', delivery.id)}>
                      {t('health.replay')}
                    </Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ) : null}
      <section className="panel" id="exceptions">
        <header>
          <h2>{t('health.exceptions')}</h2>
          <span className="text-2">{count(open.length)}</span>
        </header>
        {open.length === 0 ? (
          <EmptyState title={t('health.no-exceptions')}>{t('health.no-exceptions-why')}</EmptyState>
        ) : (
          <table>
            <caption className="visually-hidden">{t('health.exceptions')}</caption>
            <colgroup>
              <col style={{ width: 130 }} />
              <col style={{ width: 150 }} />
              <col />
              <col style={{ width: 60 }} />
              <col style={{ width: 130 }} />
              <col style={{ width: 240 }} />
            </colgroup>
            <thead>
              <tr>
                <th scope="col">{t('health.since')}</th>
                <th scope="col">{t('health.kind')}</th>
                <th scope="col">{t('health.cause')}</th>
                <th scope="col">{t('health.times')}</th>
                <th scope="col">{t('nav.orders')}</th>
                <th scope="col">{t('health.next')}</th>
              </tr>
            </thead>
            <tbody>
              {open.map((exception) => (
                <tr key={exception.id}>
                  <td>
                    <When at={exception.at} />
                  </td>
                  <td>{wordFor('exception', exception.kind)}</td>
                  <td className="wrap">
                    {exception.reason}
                    <Facts
                      aeTitle={exception.refs.aeTitle}
                      differsIn={duplicateOf(exception.id)?.differsIn ?? []}
                    />
                  </td>
                  <td>{count(exception.times)}</td>
                  <td>
                    {orderOf(exception) ? (
                      <Link className="link" to={`/orders/${orderOf(exception)}`}>
                        {t('late.open')}
                      </Link>
                    ) : (
                      NONE
                    )}
                  </td>
                  <td>
                    {isDuplicate(exception) ? (
                      <span className="duplicate-acts">
                        <Button busy={isBusy} onClick={() => act('keep-first', exception.id)}>
                          {t('health.keep-filed')}
                        </Button>
                        <Button busy={isBusy} onClick={() => act('take-other', exception.id)}>
                          {t('health.take-other')}
                        </Button>
                      </span>
                    ) : asked === exception.id ? (
                      <ReasonPicker
                        label={t('health.mended')}
                        reasons={CLOSING_REASONS.map((code) => ({
                          code,
                          word: wordFor('closing-reason', code),
                        }))}
                        chosen={null}
                        takesFocus
                        onChoose={(reason) => {
                          setAsked(null)
                          act('close-exception', exception.id, reason)
                        }}
                      />
                    ) : (
                      <Button busy={isBusy} onClick={() => setAsked(exception.id)}>
                        {t('health.mended')}
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
    </Screen>
  )
}

/** Where it came from, and of two objects in what they differ: without it nobody could say which is right. */
function Facts({ aeTitle, differsIn }: { aeTitle: unknown; differsIn: readonly DiffersIn[] }) {
  const facts = [
    typeof aeTitle === 'string' && aeTitle !== '' ? t('health.from', { aeTitle }) : null,
    differsIn.length > 0
      ? t('health.differs', { parts: differsIn.map((part) => t(`health.differs.${part}`)).join(', ') })
      : null,
  ].filter((fact) => fact !== null)
  return facts.length > 0 ? <div className="text-2">{facts.join(' ')}</div> : null
}

// Two objects under one SOP Instance UID: it isn't mended by being looked at, somebody says which one is right.
function isDuplicate({ reasonCode }: { reasonCode: string }): boolean {
  return reasonCode === 'duplicate-instance' || reasonCode === 'replaced-instance'
}

function Verdict({ status, faults }: { status: 'ok' | 'degraded' | 'down'; faults: number }) {
  const tone = { ok: 'ok', degraded: 'risk', down: 'late' }[status]
  return (
    <section className="panel verdict">
      <span className={tone}>
        <Glyph name={status === 'ok' ? 'check' : status === 'degraded' ? 'look' : 'cross'} />
      </span>
      <div>
        <h1>{t(`health.${status}`, { n: faults })}</h1>
        <p className="text-2">{t(`health.${status}-still`)}</p>
      </div>
    </section>
  )
}

function FaultRow({ fault }: { fault: Fault }) {
  const zone = useZone()
  const now = useDepartmentNow()
  const values: WordValues = {
    ...fault.values,
    process: wordFor('process', String(fault.values.process ?? '')),
    duration: duration(Number(fault.values.ms ?? 0)),
  }
  const tone = fault.severity === 'down' ? 'late' : 'risk'
  return (
    <tr className="fault">
      <td className={`wrap ${tone}`}>
        <Glyph name={fault.severity === 'down' ? 'cross' : 'look'} />{' '}
        <b className="strong">{faultWord(fault.id, 'title', values)}</b>
        {fault.since ? (
          <span className="small text-3">
            {' '}
            {t('scan.since', { time: timeOrDay(fault.since, zone, now) })}
          </span>
        ) : null}
      </td>
      <td className="wrap">{faultWord(fault.id, 'cause', values)}</td>
      <td className="wrap">{faultWord(fault.id, 'next', values)}</td>
    </tr>
  )
}

// A fault that nobody has written words for still says what it is and whom to ask.
function faultWord(id: string, part: 'title' | 'cause' | 'next', values: WordValues): string {
  const key = `fault.${id}.${part}`
  return hasWord(key) ? t(key as WordKey, values) : t(`fault.unknown.${part}`, { id })
}

function Processes() {
  const { found, at } = useLoaderData<typeof loader>()
  return (
    <section className="panel">
      <header>
        <h2>{t('health.processes')}</h2>
      </header>
      <table>
        <caption className="visually-hidden">{t('health.processes')}</caption>
        <colgroup>
          <col style={{ width: 34 }} />
          <col />
          <col style={{ width: 62 }} />
          <col style={{ width: 104 }} />
        </colgroup>
        <tbody>
          {Object.entries(found.processes).map(([name, process]) => (
            <tr key={name} data-process={name}>
              <td className="mark">
                <span className={process.status === 'ok' ? 'ok' : 'late'}>
                  <Glyph name={process.status === 'ok' ? 'check' : 'cross'} />
                </span>
                <span className="visually-hidden">{wordFor('process-state', process.status)}</span>
              </td>
              <th scope="row">{wordFor('process', name)}</th>
              <td className="text-2">{t('health.copies', { n: process.copies })}</td>
              <td className="text-2">
                {process.lastBeatAt
                  ? t('health.heard', {
                      seconds: Math.max(
                        0,
                        Math.round((Date.parse(at) - process.lastBeatAt.getTime()) / 1000),
                      ),
                    })
                  : t('health.never')}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Devices() {
  const { devices, at } = useLoaderData<typeof loader>()
  return (
    <section className="panel">
      <header>
        <h2>{t('health.devices')}</h2>
        <span className="text-2">{t('health.devices-note')}</span>
      </header>
      <table>
        <caption className="visually-hidden">{t('health.devices')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('health.device')}</th>
            <th scope="col">{t('health.room')}</th>
            <th scope="col">{t('health.last-query')}</th>
            <th scope="col">{t('health.last-step')}</th>
            <th scope="col">{t('health.last-images')}</th>
          </tr>
        </thead>
        <tbody>
          {devices.map((device) => (
            <tr key={device.aeTitle}>
              <th scope="row" className="mono">
                {device.aeTitle}
              </th>
              <td>{device.room ?? NONE}</td>
              <td>
                {device.lastQueryAt
                  ? t('health.ago', {
                      duration: spanInWords(Math.max(0, Date.parse(at) - device.lastQueryAt.getTime())),
                    })
                  : NONE}
              </td>
              <td>
                <When at={device.lastStepAt} />
              </td>
              <td>
                <When at={device.lastImagesAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Receivers() {
  const { receivers, now } = useLoaderData<typeof loader>()
  return (
    <section className="panel">
      <header>
        <h2>{t('health.receivers')}</h2>
        <span className="text-2">{t('health.receivers-note')}</span>
      </header>
      {receivers.length === 0 ? (
        <EmptyState title={t('health.no-receivers')}>{t('health.no-receivers-why')}</EmptyState>
      ) : (
        <table>
          <caption className="visually-hidden">{t('health.receivers')}</caption>
          <thead>
            <tr>
              <th scope="col">{t('health.receiver')}</th>
              <th scope="col" className="right">
                {t('health.waiting')}
              </th>
              <th scope="col" className="right">
                {t('health.oldest')}
              </th>
              <th scope="col" className="right">
                {t('health.acknowledged')}
              </th>
            </tr>
          </thead>
          <tbody>
            {receivers.map((receiver) => {
              const openMs = receiver.oldestOpenAt ? Date.parse(now) - receiver.oldestOpenAt.getTime() : null
              return (
                <tr key={receiver.id}>
                  <th scope="row" title={receiver.address}>
                    {receiver.name}
                  </th>
                  <td className="right">{count(receiver.waiting + receiver.unknown + receiver.parked)}</td>
                  <td className={`right ${openMs !== null && openMs > 300_000 ? 'risk' : ''}`}>
                    {openMs === null ? NONE : duration(openMs)}
                  </td>
                  <td className="right">{count(receiver.acknowledged)}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      )}
    </section>
  )
}

const FIGURES = [
  'undeliveredEvents',
  'openDeliveries',
  'parkedDeliveries',
  'openExceptions',
  'quarantined',
  'damagedObjects',
  'studies',
] as const

function Figures() {
  const { found } = useLoaderData<typeof loader>()
  return (
    <section className="panel">
      <header>
        <h2>{t('health.duties')}</h2>
      </header>
      <dl className="pairs body">
        {FIGURES.map((name) => (
          <FigureLine key={name} label={t(`figure.${name}`)} value={count(found.figures[name])} />
        ))}
        <FigureLine label={t('figure.storedBytes')} value={gigabytes(found.figures.storedBytes)} />
        <FigureLine label={t('figure.verification')} value={span(found.figures.verificationMs)} />
        <FigureLine label={t('figure.oldestVerified')} value={span(found.figures.oldestVerifiedMs)} />
      </dl>
    </section>
  )
}

function FigureLine({ label, value }: { label: string; value: string }) {
  return (
    <>
      <dt>{label}</dt>
      <dd className="strong right">{value}</dd>
    </>
  )
}

const span = (ms: number | null | undefined): string => (ms == null ? NONE : spanInWords(ms))

function gigabytes(bytes: number | null | undefined): string {
  return bytes == null ? NONE : t('figure.gigabytes', { value: (bytes / 1e9).toFixed(2) })
}

function When({ at }: { at: Date | null }) {
  const zone = useZone()
  const now = useDepartmentNow()
  return at ? timeOrDay(at, zone, now) : NONE
}

function Checked({ at }: { at: string }) {
  return <span>{t('health.checked', { time: clockTime(new Date(at), useZone(), { seconds: true }) })}</span>
}
