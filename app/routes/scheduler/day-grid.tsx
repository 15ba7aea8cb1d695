/** One day: rooms as columns, booked steps as blocks, free times as numbered offers. */
import { type RefObject, useEffect, useRef } from 'react'
import type { CalendarRoom, CalendarStep, FreeSlot } from '#db/queries/calendar.ts'
import type { StepStatus } from '#domain/words.ts'
import { t } from '../../strings/words.ts'
import { useDepartmentNow } from '../../ui/department-clock.tsx'
import { clockTime } from '../../ui/format.ts'
import { Glyph, type GlyphName } from '../../ui/glyph.tsx'
import { nameParts, type PersonName, writtenName } from '../../ui/person-name.ts'
import type { WishedSlot } from './booking-panel.tsx'
import { type Lane, lanesOf } from './lanes.ts'

const HOUR_MS = 3_600_000
/** Where slots are short an hour is taller, so that the shortest still holds a name. */
const HOUR_PX = { least: 66, most: 204 }
const LEAST_BLOCK_PX = 17
/** A block shows its procedure only when there is a line's height for it. */
const PROCEDURE_PX = 34
/** Room for a name on two lines and its procedure: a long family name is wrapped before it loses its end. */
const WRAPPED_PX = 49

interface DayGridProps {
  rooms: CalendarRoom[]
  steps: CalendarStep[]
  dayStart: Date
  zone: string
  isToday: boolean
  chosenId: string | null
  proposed: FreeSlot[]
  wish: { slot: WishedSlot; start: Date; minutes: number } | null
  onChoose: (step: CalendarStep) => void
  onSlot: (slot: FreeSlot) => void
}

export function DayGrid(props: DayGridProps) {
  const { rooms, steps, dayStart, zone, isToday, proposed } = props
  const now = useDepartmentNow()
  const { from, to } = hoursShown(props)
  const hourPx = scaleFor(steps)
  const place = (at: Date) => ((at.getTime() - dayStart.getTime()) / HOUR_MS - from) * hourPx
  const scroller = useScrolledToNow(isToday ? place(now) : null, dayStart)
  const onThisDay = ({ start }: FreeSlot) => {
    const hour = (start.getTime() - dayStart.getTime()) / HOUR_MS
    return hour >= from && hour < to
  }
  const doubled = sharedFamilies(steps)
  return (
    <section
      ref={scroller}
      className="panel calendar-grid"
      aria-label={t('calendar.rooms')}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by keys
      tabIndex={0}
    >
      <div className="calendar-rooms" style={{ ['--rooms' as string]: rooms.length }}>
        <div className="calendar-head">
          <span />
          {rooms.map((room) => (
            <h3 key={room.id}>
              <b>{room.name}</b>{' '}
              <span className="text-3 small" title={t('calendar.filled')}>
                {filled(steps, room)}
              </span>
            </h3>
          ))}
        </div>
        <div className="calendar-hours" style={{ height: (to - from) * hourPx }}>
          <ol aria-hidden="true">
            {Array.from({ length: to - from }, (_, n) => from + n).map((hour) => (
              <li key={hour} style={{ top: (hour - from) * hourPx }}>
                <span>{clockTime(new Date(dayStart.getTime() + hour * HOUR_MS), zone)}</span>
              </li>
            ))}
          </ol>
          {isToday && place(now) >= 0 && place(now) <= (to - from) * hourPx ? (
            <div className="calendar-now" style={{ top: place(now) }}>
              <span>{clockTime(now, zone)}</span>
            </div>
          ) : null}
          {rooms.map((room, column) => (
            <ul
              key={room.id}
              className="calendar-room"
              aria-label={room.name}
              style={{ ['--column' as string]: column }}
            >
              <Booked {...props} room={room} place={place} hourPx={hourPx} now={now} doubled={doubled} />
              {proposed
                .map((slot, index) => ({ slot, index }))
                .filter(({ slot }) => slot.roomId === room.id && onThisDay(slot))
                .map(({ slot, index }) => (
                  <li
                    key={slot.start.getTime()}
                    style={{ top: place(slot.start), height: heightOf(slot, hourPx) }}
                  >
                    <button
                      type="button"
                      className="calendar-offer"
                      tabIndex={-1}
                      aria-label={t('calendar.offer', {
                        n: index + 1,
                        time: clockTime(slot.start, zone),
                        room: room.name,
                      })}
                      onClick={() => props.onSlot(slot)}
                    >
                      <Glyph name="plus" /> {clockTime(slot.start, zone)} <kbd>{index + 1}</kbd>
                    </button>
                  </li>
                ))}
              <Wish room={room} place={place} hourPx={hourPx} zone={zone} wish={props.wish} />
            </ul>
          ))}
        </div>
      </div>
    </section>
  )
}

interface BookedProps extends DayGridProps {
  room: CalendarRoom
  place: (at: Date) => number
  hourPx: number
  now: Date
  /** Families of whom more than one person comes this day. */
  doubled: ReadonlySet<string>
}

function Booked({ room, steps, place, hourPx, now, doubled, ...props }: BookedProps) {
  const blocks = steps
    .filter(({ roomId, start }) => roomId === room.id && start)
    .map((step) => ({
      ...{ step, id: step.stepId, top: place(step.start as Date) },
      height:
        step.start && step.end ? heightOf({ start: step.start, end: step.end }, hourPx) : LEAST_BLOCK_PX,
    }))
  const lanes = lanesOf(blocks)
  return blocks.map(({ step, top, height }) => (
    <Block
      key={step.stepId}
      step={step}
      top={top}
      height={height}
      lane={lanes.get(step.stepId) ?? { lane: 0, of: 1 }}
      zone={props.zone}
      isChosen={step.stepId === props.chosenId}
      isLate={props.isToday && isWaiting(step.status) && (step.start as Date) < now}
      givenInFull={doubled.has(familyOf(step.patient.name))}
      onChoose={() => props.onChoose(step)}
    />
  ))
}

interface BlockProps {
  step: CalendarStep
  top: number
  height: number
  lane: Lane
  zone: string
  isChosen: boolean
  isLate: boolean
  givenInFull: boolean
  onChoose: () => void
}

function Block({ step, top, height, lane, zone, isChosen, isLate, givenInFull, onChoose }: BlockProps) {
  const { patient, procedure, order, start, status } = step
  const { family, given, native } = nameParts(patient.name)
  const words = t('calendar.block', {
    time: start ? clockTime(start, zone) : '',
    name: writtenName(patient.name),
    procedure: procedure.shortName,
    status: t(`step.${status}`),
  })
  return (
    <li style={{ top, height, ...across(lane) }} data-order={order.id} data-accession={order.accession}>
      <button
        type="button"
        className={`calendar-block ${status} ${isLate ? 'late' : ''} ${height >= WRAPPED_PX && lane.of === 1 ? 'tall' : ''}`}
        aria-pressed={isChosen}
        aria-label={words}
        title={words}
        onClick={onChoose}
      >
        <span className="calendar-block-name">
          <Glyph name={isLate ? 'alarm' : STATUS_GLYPH[status]} />
          <b>
            {family || native}
            {given ? ',' : ''}
          </b>
          {given ? ' ' : null}
          {given ? <span className="ellipsis">{givenInFull ? given : `${[...given][0]}.`}</span> : null}
        </span>
        {height >= PROCEDURE_PX ? <span className="small ellipsis">{procedure.shortName}</span> : null}
      </button>
    </li>
  )
}

function across({ lane, of }: Lane): { left: string; right: string } | undefined {
  if (of === 1) return undefined
  return { left: `calc(${(lane / of) * 100}% + 3px)`, right: `calc(${((of - lane - 1) / of) * 100}% + 3px)` }
}

const STATUS_GLYPH: Record<StepStatus, GlyphName> = {
  planned: 'dash',
  scheduled: 'stopwatch',
  arrived: 'person',
  ready: 'person',
  started: 'image',
  departed: 'check',
  discontinued: 'cross',
  cancelled: 'cross',
  'no-show': 'look',
}

function Wish({
  room,
  wish,
  place,
  hourPx,
  zone,
}: {
  room: CalendarRoom
  wish: DayGridProps['wish']
  place: (at: Date) => number
  hourPx: number
  zone: string
}) {
  if (wish?.slot.roomId !== room.id) return null
  const end = new Date(wish.start.getTime() + wish.minutes * 60_000)
  return (
    <li
      className="calendar-wish"
      style={{ top: place(wish.start), height: heightOf({ start: wish.start, end }, hourPx) }}
    >
      <Glyph name="plus" />{' '}
      {t('calendar.from-to', { from: clockTime(wish.start, zone), to: clockTime(end, zone) })}
    </li>
  )
}

const isWaiting = (status: StepStatus) => status === 'scheduled' || status === 'arrived' || status === 'ready'
const heightOf = ({ start, end }: { start: Date; end: Date }, hourPx: number) =>
  Math.max(LEAST_BLOCK_PX, ((end.getTime() - start.getTime()) / HOUR_MS) * hourPx - 1)
const familyOf = (name: PersonName) => nameParts(name).family

function scaleFor(steps: CalendarStep[]): number {
  const lengths = steps.flatMap(({ start, end }) => (start && end ? [end.getTime() - start.getTime()] : []))
  const shortestMs = Math.max(1, Math.min(HOUR_MS, ...lengths))
  return Math.min(HOUR_PX.most, Math.max(HOUR_PX.least, ((LEAST_BLOCK_PX + 1) * HOUR_MS) / shortestMs))
}

/** A day opens where its work is now, an hour above the line. */
function useScrolledToNow(nowPx: number | null, dayStart: Date): RefObject<HTMLElement | null> {
  const scroller = useRef<HTMLElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: once per day shown, not as the line moves
  useEffect(() => {
    scroller.current?.scrollTo({ top: Math.max(0, (nowPx ?? 0) - 200) })
  }, [dayStart.getTime()])
  return scroller
}

/** 07:00 to 19:00, and whatever stands outside of it. */
function hoursShown({ steps, dayStart, wish }: Pick<DayGridProps, 'steps' | 'dayStart' | 'wish'>) {
  const hour = (at: Date) => (at.getTime() - dayStart.getTime()) / HOUR_MS
  const starts = steps.flatMap(({ start }) => (start ? [hour(start)] : []))
  const ends = steps.flatMap(({ end }) => (end ? [hour(end)] : []))
  if (wish) {
    starts.push(hour(wish.start))
    ends.push(hour(wish.start) + wish.minutes / 60)
  }
  return {
    from: Math.max(0, Math.floor(Math.min(7, ...starts))),
    to: Math.min(25, Math.ceil(Math.max(19, ...ends))),
  }
}

function sharedFamilies(steps: CalendarStep[]): Set<string> {
  const people = new Map<string, Set<string>>()
  for (const { patient } of steps) {
    const family = familyOf(patient.name)
    people.set(family, (people.get(family) ?? new Set()).add(writtenName(patient.name)))
  }
  return new Set([...people].filter(([, names]) => names.size > 1).map(([family]) => family))
}

/** Of the twelve opening hours, how much is booked. */
function filled(steps: CalendarStep[], room: CalendarRoom): string {
  const ms = steps
    .filter(({ roomId, status }) => roomId === room.id && status !== 'no-show')
    .reduce((sum, { start, end }) => sum + (start && end ? end.getTime() - start.getTime() : 0), 0)
  return `${Math.round((ms / (12 * HOUR_MS)) * 100)} %`
}
