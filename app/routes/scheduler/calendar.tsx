/** Where is room before the deadline, and who waits? */
import './calendar.css'
import { useEffect, useState } from 'react'
import {
  type ActionFunctionArgs,
  data,
  type LoaderFunctionArgs,
  useFetcher,
  useLoaderData,
  useNavigate,
  useSearchParams,
} from 'react-router'
import { requireUser, type SignedIn } from '#app/server/guard.ts'
import { answer, type Refused } from '#app/server/refusal.ts'
import { cancelOrder } from '#db/mutations/orders.ts'
import { bookStep, unbookStep } from '#db/mutations/scheduling.ts'
import { arrive } from '#db/mutations/steps.ts'
import {
  bookedOn,
  type CalendarSite,
  type CalendarStep,
  calendarRooms,
  calendarSites,
  calendarStep,
  freeSlots,
  localInstant,
  slotHolder,
  toSchedule,
} from '#db/queries/calendar.ts'
import { addDays, localDate, startOfDay } from '#domain/calendar.ts'
import { RadiologyError } from '#domain/errors.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { t } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { DateField } from '../../ui/date-field.tsx'
import { useDepartmentNow } from '../../ui/department-clock.tsx'
import { clockTime, dayOf } from '../../ui/format.ts'
import { EmptyState, UndoBar } from '../../ui/messages.tsx'
import { Screen } from '../../ui/screen.tsx'
import { isTime } from '../../ui/time-field.tsx'
import { BookingPanel, type WishedSlot } from './booking-panel.tsx'
import { DayGrid } from './day-grid.tsx'
import { WaitingList } from './waiting-list.tsx'

export async function loader(args: LoaderFunctionArgs) {
  const { person, server } = await requireUser(args, rolesWith('calendar'))
  const { sql } = server.department
  const asked = new URL(args.request.url).searchParams
  const sites = await calendarSites(sql, person.actor)
  const site = sites.find(({ id }) => id === asked.get('site')) ?? sites[0]
  if (!site) throw data(null, { status: 404 })
  const now = await server.department.now()
  const today = localDate(site.calendar.zone, now)
  const day = readDay(asked.get('day')) ?? today
  const chosen = await chosenStep({ person, server }, asked.get('step'), site)
  const from = day > today ? startOfDay(site.calendar.zone, day) : now
  return {
    sites: sites.map(({ id, name }) => ({ id, name })),
    site: { id: site.id, zone: site.calendar.zone },
    day,
    today,
    dayStart: startOfDay(site.calendar.zone, day),
    rooms: await calendarRooms(sql, site.id),
    booked: await bookedOn(sql, site, day),
    waiting: await toSchedule(sql, site.id),
    chosen,
    proposals: chosen && isMovable(chosen) ? await freeSlots(sql, site, { step: chosen, from }) : [],
  }
}

function readDay(text: string | null): string | null {
  return text && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : null
}

async function chosenStep(
  { person, server }: Pick<SignedIn, 'person' | 'server'>,
  stepId: string | null,
  site: CalendarSite,
): Promise<CalendarStep | null> {
  if (!stepId) return null
  const step = await calendarStep(server.department.sql, person.actor, stepId)
  return step?.siteId === site.id ? step : null
}

function isMovable({ status }: CalendarStep): boolean {
  return status === 'planned' || status === 'scheduled' || status === 'no-show'
}

/**
 * `intent`: book (stepId, roomId, and start as an instant or date and time as the site's clocks show them) ·
 * unbook (stepId) · arrive (stepId) · cancel (orderId, reason).
 */
export async function action(args: ActionFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('calendar'))
  const { server, act } = signedIn
  const { department } = server
  const form = await args.request.formData()
  const text = (name: string) => String(form.get(name) ?? '').trim()
  const stepId = text('stepId')
  switch (text('intent')) {
    case 'book':
      return book(signedIn, {
        stepId,
        roomId: text('roomId'),
        startOf: (zone) => readStart(text, zone),
      })
    case 'unbook':
      return answer(async () => nothing(unbookStep(department, await act(), { stepId })))
    case 'arrive':
      return answer(async () => nothing(arrive(department, await act(), { stepId })))
    case 'cancel':
      return answer(async () =>
        nothing(cancelOrder(department, await act(), { orderId: text('orderId'), reason: text('reason') })),
      )
    default:
      throw data(null, { status: 400 })
  }
}

async function nothing(work: Promise<void>): Promise<object> {
  await work
  return {}
}

interface AskedSlot {
  stepId: string
  roomId: string
  startOf: (zone: string) => Date | null
}

function readStart(text: (name: string) => string, zone: string): Date | null {
  const [start, date, time] = [text('start'), readDay(text('date')), text('time')]
  if (start) return Number.isNaN(Date.parse(start)) ? null : new Date(start)
  return date && /^(?:[01]\d|2[0-3]):[0-5]\d$/.test(time) ? localInstant(zone, date, time) : null
}

/** A refused booking says who stands there. */
async function book(signedIn: SignedIn, asked: AskedSlot) {
  const { person, server, act } = signedIn
  const { sql } = server.department
  const step = await calendarStep(sql, person.actor, asked.stepId)
  const sites = await calendarSites(sql, person.actor)
  const site = sites.find(({ id }) => id === step?.siteId)
  const start = site ? asked.startOf(site.calendar.zone) : null
  const answered = await answer(async () => {
    if (!step || !site) throw new RadiologyError('not-found', { stepId: asked.stepId })
    if (!start) throw new RadiologyError('invalid-message', { stepId: asked.stepId })
    await bookStep(server.department, await act(), { stepId: asked.stepId, roomId: asked.roomId, start })
    return { bookedAt: start.toISOString() }
  })
  if (answered.ok || answered.code !== 'slot-taken' || !step || !start) return answered
  return { ...answered, taken: await slotHolder(sql, { ...asked, start, minutes: step.minutes }) }
}

export function meta() {
  return [{ title: `${t('nav.calendar')} · ${t('app.name')}` }]
}

const TOPICS = [
  'list:schedule',
  'list:rebook',
  'order.received',
  'order.changed',
  'order.ended',
  'procedure.protocolled',
  'step.scheduled',
  'step.unscheduled',
  'step.arrived',
  'step.ready',
  'step.started',
  'step.departed',
  'step.discontinued',
  'step.cancelled',
  'step.no-show',
]

interface Undo {
  done: string
  untilMs: number
  form: Record<string, string>
}

const UNDO_MS = 30_000

export default function Calendar() {
  const {
    sites,
    site,
    day,
    today,
    dayStart,
    rooms,
    booked,
    waiting,
    chosen,
    proposals: free,
  } = useLoaderData<typeof loader>()
  useLive(TOPICS)
  const [search, setSearch] = useSearchParams()
  const acting = useFetcher<typeof action>()
  const navigate = useNavigate()
  const now = useDepartmentNow()
  const [wish, setWish] = useWish(chosen?.stepId ?? null)
  const [undo, setUndo] = useState<Undo | null>(null)
  const isBusy = acting.state !== 'idle'
  const refused =
    !isBusy && acting.data && !acting.data.ok ? (acting.data as Refused & { taken?: never }) : null
  const { zone } = site
  useNextFreeAfterConflict(refused, () => setWish(slotOf(free[0], zone)))

  const show = (more: Record<string, string | null>) => {
    const next = new URLSearchParams(search)
    for (const [key, value] of Object.entries(more)) value === null ? next.delete(key) : next.set(key, value)
    setSearch(next, { replace: true, preventScrollReset: true })
  }
  const choose = (step: CalendarStep) => show({ step: step.stepId })
  const submit = (form: Record<string, string>) =>
    void acting.submit(form, { method: 'post', action: '/to-schedule' })
  const slot =
    wish ??
    (chosen?.status === 'planned' || chosen?.status === 'no-show'
      ? slotOf(free[0], zone)
      : ownSlot(chosen, zone))

  function bookIt(): void {
    const before = ownSlot(chosen, zone)
    if (!chosen || !slot?.date || isBusy || !isTime(slot.time) || sameSlot(slot, before)) return
    submit({ intent: 'book', stepId: chosen.stepId, ...slot })
    const room = rooms.find(({ id }) => id === slot.roomId)?.name ?? ''
    setUndo({
      done: t('calendar.booked', { time: slot.time, room }),
      untilMs: Date.now() + UNDO_MS,
      form: before
        ? { intent: 'book', stepId: chosen.stepId, ...before }
        : { intent: 'unbook', stepId: chosen.stepId },
    })
    if (slot.date !== day) show({ day: slot.date })
  }
  function unbookIt(): void {
    const before = ownSlot(chosen, zone)
    if (!chosen || !before) return
    submit({ intent: 'unbook', stepId: chosen.stepId })
    setUndo({
      done: t('calendar.unbooked'),
      untilMs: Date.now() + UNDO_MS,
      form: { intent: 'book', stepId: chosen.stepId, ...before },
    })
  }
  const at = waiting.findIndex(({ stepId }) => stepId === chosen?.stepId)
  const go = (to: number) => {
    const step = waiting[Math.max(0, Math.min(waiting.length - 1, to))]
    if (step) choose(step)
  }
  const mayBook = chosen !== null && slot !== null && isMovable(chosen)
  const inList = { where: 'list' as const }

  return (
    <Screen
      label={t('nav.calendar')}
      className="calendar"
      fact={t('calendar.zone', { zone })}
      keys={[
        { chord: 'ArrowUp', caps: ['↑', '↓'], word: t('calendar.order'), ...inList, run: () => go(at - 1) },
        { chord: 'ArrowDown', word: t('calendar.order'), ...inList, run: () => go(at + 1), silent: true },
        ...free.slice(0, 9).map((each, index) => ({
          chord: String(index + 1),
          word: t('calendar.choose-slot'),
          ...inList,
          ...(index === 0 ? { caps: ['1…9'] } : { silent: true }),
          run: () => setWish(slotOf(each, zone)),
        })),
        {
          chord: 'Alt+Enter',
          word: wordOfBooking(chosen),
          label: chosen && slot?.date ? [slot.date, slot.time, slot.roomId].join(' ') : undefined,
          run: bookIt,
          disabled: !mayBook,
        },
        {
          chord: '[',
          caps: ['[', ']'],
          word: t('calendar.day'),
          ...inList,
          run: () => show({ day: addDays(day, -1) }),
        },
        {
          chord: ']',
          word: t('calendar.day'),
          ...inList,
          run: () => show({ day: addDays(day, 1) }),
          silent: true,
        },
        { chord: 'T', word: t('calendar.today'), ...inList, run: () => show({ day: null }) },
        ...(chosen
          ? [
              {
                chord: 'Alt+L',
                word: t('reading.timeline'),
                run: () => void navigate(`/orders/${chosen.order.id}`),
              },
            ]
          : []),
      ]}
    >
      <div className="toolbar">
        <Button chord="T" onClick={() => show({ day: null })} aria-pressed={day === today}>
          {t('calendar.today-button')}
        </Button>
        <Button
          look="quiet"
          aria-label={t('calendar.day-before')}
          onClick={() => show({ day: addDays(day, -1) })}
        >
          ‹
        </Button>
        <Button
          look="quiet"
          aria-label={t('calendar.day-after')}
          onClick={() => show({ day: addDays(day, 1) })}
        >
          ›
        </Button>
        <h1 className="calendar-day">{dayOf(new Date(dayStart.getTime() + 12 * 3_600_000), zone, now)}</h1>
        <label className="calendar-pick" htmlFor="calendar-go-to">
          <span className="visually-hidden">{t('calendar.go-to')}</span>
          <DateField id="calendar-go-to" value={day} today={today} onChange={(each) => show({ day: each })} />
        </label>
        {sites.length > 1 ? (
          <fieldset className="segments" aria-label={t('calendar.site')}>
            {sites.map(({ id, name }) => (
              <button
                key={id}
                type="button"
                aria-pressed={id === site.id}
                onClick={() => show({ site: id, step: null })}
              >
                {name}
              </button>
            ))}
          </fieldset>
        ) : null}
        <span className="push small text-2">{t('calendar.to-schedule-count', { n: waiting.length })}</span>
      </div>
      <div className="calendar-body">
        <WaitingList steps={waiting} chosenId={chosen?.stepId ?? null} onChoose={choose} />
        <DayGrid
          rooms={rooms}
          steps={booked}
          dayStart={dayStart}
          zone={zone}
          isToday={day === today}
          chosenId={chosen?.stepId ?? null}
          proposed={chosen && isMovable(chosen) ? free : []}
          wish={
            chosen && slot && slot.date === day && isTime(slot.time)
              ? { slot, start: localInstantOf(slot, dayStart), minutes: chosen.minutes }
              : null
          }
          onChoose={choose}
          onSlot={(each) => setWish(slotOf(each, zone))}
        />
        <aside className="panel calendar-side" aria-label={t('calendar.booking')}>
          <header>
            <h2>{t('calendar.booking')}</h2>
          </header>
          {chosen ? (
            <BookingPanel
              key={chosen.stepId}
              step={chosen}
              rooms={rooms}
              free={free}
              slot={slot}
              zone={zone}
              today={today}
              busy={isBusy}
              refused={refused}
              onSlot={setWish}
              onFree={(each) => setWish(slotOf(each, zone))}
              onBook={bookIt}
              onUnbook={unbookIt}
              onArrive={() => submit({ intent: 'arrive', stepId: chosen.stepId })}
              onCancel={(reason) => submit({ intent: 'cancel', orderId: chosen.order.id, reason })}
            />
          ) : (
            <EmptyState title={t('calendar.choose')}>{t('calendar.choose-how')}</EmptyState>
          )}
          {undo && !refused ? (
            <UndoBar
              key={undo.untilMs}
              done={undo.done}
              untilMs={undo.untilMs}
              onUndo={() => {
                submit(undo.form)
                setUndo(null)
              }}
            />
          ) : null}
        </aside>
      </div>
    </Screen>
  )
}

function wordOfBooking(step: CalendarStep | null): string {
  return step?.status === 'scheduled' ? t('calendar.move') : t('calendar.book')
}

/** What the person chose for the step on the screen; another step starts without a wish. */
function useWish(stepId: string | null): [WishedSlot | null, (wish: WishedSlot | null) => void] {
  const [wish, setWish] = useState<{ stepId: string | null; slot: WishedSlot | null }>({ stepId, slot: null })
  return [wish.stepId === stepId ? wish.slot : null, (slot) => setWish({ stepId, slot })]
}

function useNextFreeAfterConflict(refused: Refused | null, chooseNext: () => void): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: once per refusal, with the free times that came with it
  useEffect(() => {
    if (refused?.code === 'slot-taken') chooseNext()
  }, [refused])
}

function slotOf(free: { roomId: string; start: Date } | undefined, zone: string): WishedSlot | null {
  if (!free) return null
  return { roomId: free.roomId, date: localDate(zone, free.start), time: clockTime(free.start, zone) }
}

function ownSlot(step: CalendarStep | null, zone: string): WishedSlot | null {
  if (!step?.roomId || !step.start || step.status === 'planned' || step.status === 'no-show') return null
  return slotOf({ roomId: step.roomId, start: step.start }, zone)
}

function sameSlot(one: WishedSlot, other: WishedSlot | null): boolean {
  return other !== null && one.roomId === other.roomId && one.date === other.date && one.time === other.time
}

function localInstantOf({ time }: WishedSlot, dayStart: Date): Date {
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  return new Date(dayStart.getTime() + (hour * 60 + minute) * 60_000)
}
