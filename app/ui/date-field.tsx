/** A day to type, in the department's words and never in the browser's; the month stands below it for whoever would rather point. */
import './date-field.css'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { addDays } from '#domain/calendar.ts'
import { t } from '../strings/words.ts'
import { calendarDate } from './format.ts'
import { Glyph } from './glyph.tsx'
import { useDismissal } from './use-dismissal.ts'
import { readDate, writtenDate } from './written-date.ts'

interface DateFieldProps {
  id?: string
  /** `YYYY-MM-DD`; empty when what stands there is no day. */
  value: string
  /** The department's. */
  today: string
  /** The first day that can be chosen. */
  min?: string
  /** Told at every letter, with an empty day while it is none: what is pressed next must be about what stands there. */
  live?: boolean
  onChange: (day: string) => void
}

/** How far a key goes from the day that stands there. */
const STEPS: Readonly<Record<string, number>> = { ArrowUp: -1, ArrowDown: 1, PageUp: -7, PageDown: 7 }

export function DateField({ id, value, today, min, live = false, onChange }: DateFieldProps) {
  // What is being typed holds for the day that it was typed over: another one from elsewhere is shown instead.
  const [typing, setTyping] = useState<{ text: string; over: string } | null>(null)
  const field = useRef<HTMLInputElement>(null)
  const { box, isOpen, setOpen } = useDismissal<HTMLSpanElement>()
  const typed = typing?.over === value ? typing.text : null
  const dayOf = (text: string): string => {
    const day = readDate(text, today)
    return day !== null && (!min || day >= min) ? day : ''
  }
  const isWrong = typed === null ? value === '' : dayOf(typed) === ''
  useEffect(() => field.current?.setCustomValidity(isWrong ? t('date.wrong') : ''), [isWrong])
  const choose = (day: string) => {
    setTyping(null)
    if (day !== value) onChange(day)
  }
  const type = (text: string) => {
    const day = live ? dayOf(text) : value
    setTyping({ text, over: day })
    if (day !== value) onChange(day)
  }
  // What is no day stays as it was typed, marked, until it is one.
  const take = () => {
    if (typed !== null && dayOf(typed) !== '') choose(dayOf(typed))
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const by = STEPS[event.key]
    if (by !== undefined && !event.altKey) {
      const day = addDays(value || today, by)
      if (!min || day >= min) choose(day)
    } else if (event.key === 'Enter' && !event.altKey && typed !== null) take()
    else if (event.key === 'Escape' && typed !== null && !live) setTyping(null)
    else return
    event.preventDefault()
  }
  const close = () => {
    setOpen(false)
    field.current?.focus()
  }
  return (
    <span className="date-field" ref={box}>
      <input
        ref={field}
        id={id}
        className="input"
        autoComplete="off"
        spellCheck={false}
        value={typed ?? (value && writtenDate(value))}
        aria-invalid={isWrong}
        title={isWrong ? t('date.wrong') : t('date.how')}
        onFocus={({ target }) => target.select()}
        onChange={({ target }) => type(target.value)}
        onBlur={take}
        onKeyDown={onKeyDown}
      />
      <button
        type="button"
        className="date-field-open"
        aria-label={t('date.month')}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <Glyph name="calendar" />
      </button>
      {isOpen ? (
        <Month
          value={value || today}
          today={today}
          min={min}
          onChoose={(day) => {
            choose(day)
            close()
          }}
          onClose={close}
        />
      ) : null}
    </span>
  )
}

interface MonthProps {
  value: string
  today: string
  min: string | undefined
  onChoose: (day: string) => void
  onClose: () => void
}

const GRID_STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  ArrowUp: -7,
  ArrowDown: 7,
  PageUp: -28,
  PageDown: 28,
}

/** Six weeks, so that it never changes its height under the pointer. */
function Month({ value, today, min, onChoose, onClose }: MonthProps) {
  const [cursor, setCursor] = useState(value)
  const current = useRef<HTMLButtonElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the focus follows the cursor
  useEffect(() => current.current?.focus(), [cursor])
  const first = `${cursor.slice(0, 7)}-01`
  const monday = addDays(first, -((new Date(`${first}T12:00:00Z`).getUTCDay() + 6) % 7))
  const isBefore = (day: string) => min !== undefined && day < min
  const days = Array.from({ length: 42 }, (_, n) => addDays(monday, n))
  const onKeyDown = (event: KeyboardEvent) => {
    const by = GRID_STEPS[event.key]
    if (by !== undefined && !event.altKey) setCursor(addDays(cursor, by))
    else if (event.key === 'Escape') onClose()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the arrow keys of the days inside
    <div className="menu date-month" onKeyDown={onKeyDown}>
      <p className="row">
        <button
          type="button"
          className="button quiet"
          aria-label={t('date.month-before')}
          onClick={() => setCursor(addDays(first, -1))}
        >
          ‹
        </button>
        <b className="strong">{calendarDate(cursor.slice(0, 7))}</b>
        <button
          type="button"
          className="button quiet"
          aria-label={t('date.month-after')}
          onClick={() => setCursor(addDays(first, 31).slice(0, 8).concat('01'))}
        >
          ›
        </button>
      </p>
      <div className="date-days">
        {days.slice(0, 7).map((day) => (
          <span key={day} className="small text-3" aria-hidden="true">
            {writtenDate(day).slice(0, 2)}
          </span>
        ))}
        {days.map((day) => (
          <button
            key={day}
            ref={day === cursor ? current : undefined}
            type="button"
            tabIndex={day === cursor ? 0 : -1}
            className={day.slice(0, 7) === cursor.slice(0, 7) ? '' : 'text-3'}
            aria-label={writtenDate(day)}
            aria-pressed={day === value}
            aria-current={day === today ? 'date' : undefined}
            aria-disabled={isBefore(day)}
            onClick={() => isBefore(day) || onChoose(day)}
          >
            {Number(day.slice(8))}
          </button>
        ))}
      </div>
    </div>
  )
}
