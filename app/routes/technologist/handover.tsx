/** What does the next shift take over, and has somebody of it said so by name? */
import './handover.css'
import { useEffect, useState } from 'react'
import {
  type ActionFunctionArgs,
  data,
  type LoaderFunctionArgs,
  useFetcher,
  useLoaderData,
  useNavigate,
} from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { answer } from '#app/server/refusal.ts'
import { acknowledgeHandover, addHandoverLine, settleHandoverLine } from '#db/mutations/handover.ts'
import { calendarRooms } from '#db/queries/calendar.ts'
import { type HandoverLine, handover } from '#db/queries/handover.ts'
import { RadiologyError } from '#domain/errors.ts'
import { HANDOVER_KINDS, type HandoverKind, WAITING_FOR, type WaitingFor } from '#domain/handover.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { t } from '../../strings/words.ts'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { clockTime, count, NONE, timeOrDay } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { intoView } from '../../ui/into-view.ts'
import { ErrorLine, UndoBar } from '../../ui/messages.tsx'
import { PatientName } from '../../ui/patient-name.tsx'
import { Screen } from '../../ui/screen.tsx'
import { AddLine, ChosenLine } from './handover-side.tsx'
import { whatItIs } from './handover-words.ts'

export async function loader(args: LoaderFunctionArgs) {
  const { person, server } = await requireUser(args, rolesWith('handover'))
  const { department } = server
  const { sql } = department
  const found = await handover(sql, person.actor, await department.now())
  const siteIds = Object.keys(found.shifts)
  const rooms = (await Promise.all(siteIds.map((siteId) => calendarRooms(sql, siteId)))).flat()
  return { ...found, rooms, userId: person.id }
}

/**
 * `intent`: take (key) · add (siteId, kind, waitingFor?, words, accession?, roomId?) · settle (lineId) · reopen (lineId).
 */
export async function action(args: ActionFunctionArgs) {
  const { server, act } = await requireUser(args, rolesWith('handover'))
  const { department } = server
  const form = await args.request.formData()
  const text = (name: string) => String(form.get(name) ?? '').trim()
  const intent = text('intent')
  return answer(async () => {
    if (intent === 'take') {
      await acknowledgeHandover(department, await act(), { key: text('key') })
    } else if (intent === 'add') {
      await addHandoverLine(department, await act(), readLine(text))
    } else if (intent === 'settle' || intent === 'reopen') {
      const lineId = text('lineId')
      await settleHandoverLine(department, await act(), { lineId, isSettled: intent === 'settle' })
    } else throw data(null, { status: 400 })
    return { intent, lineId: text('lineId'), words: text('words') }
  })
}

function readLine(text: (name: string) => string) {
  const kind = HANDOVER_KINDS.find((each) => each === text('kind'))
  if (!kind) throw new RadiologyError('invalid-message', { field: 'kind' })
  return {
    ...{ kind, siteId: text('siteId'), words: text('words') },
    waitingFor: WAITING_FOR.find((each) => each === text('waitingFor')) ?? null,
    accession: text('accession') || null,
    roomId: text('roomId') || null,
  } satisfies { kind: HandoverKind; waitingFor: WaitingFor | null } & Record<string, unknown>
}

export function meta() {
  return [{ title: `${t('nav.handover')} · ${t('app.name')}` }]
}

const TOPICS = [
  'handover',
  'configuration',
  'exceptions',
  'list:complete',
  'step.scheduled',
  'step.arrived',
  'step.started',
  'step.departed',
  'step.discontinued',
  'step.cancelled',
  'step.no-show',
  'performed-step.begun',
  'performed-step.ended',
  'quality.rejected',
  'order.received',
  'order.ended',
  'work-item.paused',
  'work-item.resumed',
]
const UNDO_MS = 30_000

export default function HandoverScreen() {
  const { lines, shifts, rooms, userId } = useLoaderData<typeof loader>()
  useLive(TOPICS)
  const acting = useFetcher<typeof action>()
  const navigate = useNavigate()
  const zone = useZone()
  const inOrder = HANDOVER_KINDS.flatMap((kind) => lines.filter((line) => line.kind === kind))
  const [cursor, setCursor] = useState<string | null>(null)
  // Without a choice it stands on the first line that somebody must take over.
  const chosenAt = inOrder.findIndex(({ key }) => key === cursor)
  const at =
    chosenAt >= 0
      ? chosenAt
      : Math.max(
          0,
          inOrder.findIndex(({ state }) => state === 'wanted'),
        )
  // A line that has left takes no other's place: no key acts until the cursor is moved.
  const current = cursor !== null && chosenAt < 0 ? undefined : inOrder[at]
  const [settled, setSettled] = useState<{ line: HandoverLine; untilMs: number } | null>(null)
  const isBusy = acting.state !== 'idle'
  const refused = !isBusy && acting.data && !acting.data.ok ? acting.data.sentence : null
  const submit = (fields: Record<string, string>) =>
    void acting.submit(fields, { method: 'post', action: '/handover' })
  // What was refused is looked at again: the next press must be about the same line.
  const [took, setTook] = useState<string | null>(null)
  useEffect(() => {
    if (refused && took) setCursor(took)
  }, [refused, took])
  const take = (line: HandoverLine | undefined) => {
    if (!line || mayNotTake(line, userId)) return
    submit({ intent: 'take', key: line.key })
    setTook(line.key)
    setCursor(inOrder[at + 1]?.key ?? line.key)
  }
  const settle = (line: HandoverLine | undefined) => {
    if (!line?.added) return
    submit({ intent: 'settle', lineId: line.added.id })
    setCursor(inOrder[at + 1]?.key ?? null)
    setSettled({ line, untilMs: Date.now() + UNDO_MS })
  }
  const move = (by: number) =>
    setCursor(inOrder[Math.min(inOrder.length - 1, Math.max(0, at + by))]?.key ?? null)
  const wanted = lines.filter(({ state }) => state === 'wanted').length
  const [shift] = Object.values(shifts)
  return (
    <Screen
      label={t('nav.handover')}
      className="handover"
      fact={t('handover.rule')}
      keys={[
        { chord: 'ArrowUp', caps: ['↑', '↓'], word: t('keys.move'), where: 'list', run: () => move(-1) },
        { chord: 'ArrowDown', word: t('keys.move'), where: 'list', run: () => move(1), silent: true },
        { chord: 'Alt+Enter', word: t('handover.take'), run: () => take(current) },
        {
          chord: 'Alt+X',
          word: t('handover.settle'),
          run: () => settle(current),
          disabled: !current?.added,
        },
        {
          chord: 'Alt+L',
          word: t('reading.timeline'),
          run: () => current?.orderId && void navigate(`/orders/${current.orderId}`),
        },
      ]}
    >
      <div className="toolbar">
        <h1 className="strong">{t('nav.handover')}</h1>
        {shift ? (
          <span className="text-2">
            {t('handover.shift', {
              from: clockTime(new Date(shift.start), zone),
              to: clockTime(new Date(shift.end), zone),
            })}
          </span>
        ) : null}
        <span className={wanted > 0 ? 'push risk' : 'push text-2'} role="status">
          {wanted > 0 ? (
            <>
              <Glyph name="look" /> {t('handover.wanted', { n: wanted })}
            </>
          ) : (
            t('handover.all-taken')
          )}
        </span>
      </div>
      <div className="handover-main">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the cursor moves through its lines by arrow keys */}
        <section className="handover-groups" data-keys="list" tabIndex={0} aria-label={t('nav.handover')}>
          {HANDOVER_KINDS.map((kind) => (
            <Group
              key={kind}
              kind={kind}
              lines={lines.filter((line) => line.kind === kind)}
              cursor={current?.key ?? null}
              onCursor={setCursor}
            />
          ))}
        </section>
        <aside className="handover-side" aria-label={t('handover.chosen')}>
          {refused ? <ErrorLine>{refused}</ErrorLine> : null}
          {settled && !refused ? (
            <UndoBar
              key={settled.untilMs}
              done={t('handover.settled', { words: settled.line.words ?? '' })}
              untilMs={settled.untilMs}
              onUndo={() => {
                submit({ intent: 'reopen', lineId: settled.line.added?.id ?? '' })
                setSettled(null)
              }}
            />
          ) : null}
          <ChosenLine
            line={current}
            busy={isBusy}
            blocked={current ? mayNotTake(current, userId) : null}
            onTake={() => take(current)}
            onSettle={() => settle(current)}
          />
          <AddLine rooms={rooms} busy={isBusy} answer={acting.data} onAdd={submit} />
        </aside>
      </div>
    </Screen>
  )
}

/** Why this person can't take the line over; null: they can. */
function mayNotTake({ added }: HandoverLine, userId: string): string | null {
  return added?.byId === userId ? t('refusal.second-person-required') : null
}

interface GroupProps {
  kind: HandoverKind
  lines: HandoverLine[]
  cursor: string | null
  onCursor: (key: string) => void
}

function Group({ kind, lines, cursor, onCursor }: GroupProps) {
  const wanted = lines.filter(({ state }) => state === 'wanted').length
  return (
    <section className="panel handover-group" aria-label={t(`handover.${kind}`)}>
      <header>
        <h2>{t(`handover.${kind}`)}</h2>
        <span className="text-3">{t('handover.count', { n: lines.length })}</span>
        {wanted > 0 ? <span className="push risk">{t('handover.wanted', { n: wanted })}</span> : null}
      </header>
      {lines.length === 0 ? (
        <p className="text-3 handover-none">{t(`handover.none-${kind}`)}</p>
      ) : (
        <div className="handover-scroll">
          <table>
            <caption className="visually-hidden">{t(`handover.${kind}`)}</caption>
            <thead>
              <tr>
                <th scope="col" className="handover-since">
                  {t('handover.since')}
                </th>
                <th scope="col">{t('handover.what')}</th>
                <th scope="col" className="handover-where">
                  {t('handover.where')}
                </th>
                <th scope="col" className="handover-taken">
                  {t('handover.taken')}
                </th>
              </tr>
            </thead>
            <tbody>
              {lines.map((line) => (
                <Line key={line.key} line={line} isCurrent={line.key === cursor} onCursor={onCursor} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

function Line({
  line,
  isCurrent,
  onCursor,
}: {
  line: HandoverLine
  isCurrent: boolean
  onCursor: (key: string) => void
}) {
  const zone = useZone()
  const now = useDepartmentNow()
  return (
    <tr
      ref={isCurrent ? intoView : undefined}
      data-line={line.key}
      data-order={line.orderId ?? undefined}
      data-accession={line.accession ?? undefined}
      data-state={line.state}
      aria-current={isCurrent || undefined}
      onClick={() => onCursor(line.key)}
    >
      <td>{line.since ? timeOrDay(new Date(line.since), zone, now) : NONE}</td>
      <td className="handover-what">
        {line.name ? <PatientName name={line.name} /> : whatItIs(line)}
        {line.name ? (
          <span className="small text-2">
            {[whatItIs(line), line.procedure, line.accession].filter(Boolean).join(' · ')}
          </span>
        ) : null}
      </td>
      <td>{line.room ?? NONE}</td>
      <td>
        <Taken line={line} />
      </td>
    </tr>
  )
}

function Taken({ line }: { line: HandoverLine }) {
  const zone = useZone()
  const [taken] = line.acknowledged
  if (taken)
    return (
      <span className="text-2">
        <Glyph name="check" />{' '}
        {t('handover.taken-by', { by: taken.by, time: clockTime(new Date(taken.at), zone) })}
        {line.acknowledged.length > 1 ? ` +${count(line.acknowledged.length - 1)}` : ''}
      </span>
    )
  if (line.state === 'new') return <span className="text-3">{t('handover.new')}</span>
  return (
    <span className="risk">
      <Glyph name="look" /> {t('handover.to-take')}
    </span>
  )
}
