/** One step and its slot: who, by when, which free times there are, and what can be done. */
import { useState } from 'react'
import type { Refused } from '#app/server/refusal.ts'
import type { CalendarRoom, CalendarStep, FreeSlot, SlotHolder } from '#db/queries/calendar.ts'
import { localDate } from '#domain/calendar.ts'
import { t } from '../../strings/words.ts'
import { Button, Keys } from '../../ui/button.tsx'
import { DateField } from '../../ui/date-field.tsx'
import { useDepartmentNow } from '../../ui/department-clock.tsx'
import { calendarDate, clockTime, NONE, timeOrDay } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { identifierText } from '../../ui/identifier-text.ts'
import { useSexAge } from '../../ui/identity-banner.tsx'
import { ErrorLine } from '../../ui/messages.tsx'
import { PatientName } from '../../ui/patient-name.tsx'
import { writtenName } from '../../ui/person-name.ts'
import { PhaseTag } from '../../ui/phase-tag.tsx'
import { Priority } from '../../ui/priority.tsx'
import { type Reason, ReasonPicker } from '../../ui/reason-picker.tsx'
import { isTime, TimeField } from '../../ui/time-field.tsx'

/** A room and a time as the site's clocks show it. */
export type WishedSlot = { roomId: string; date: string; time: string }

interface BookingPanelProps {
  step: CalendarStep
  rooms: CalendarRoom[]
  free: FreeSlot[]
  slot: WishedSlot | null
  zone: string
  today: string
  busy: boolean
  refused: (Refused & { taken?: SlotHolder | null }) | null
  onSlot: (slot: WishedSlot) => void
  onFree: (slot: FreeSlot) => void
  onBook: () => void
  onUnbook: () => void
  onArrive: () => void
  onCancel: (reason: string) => void
}

const CANCEL_REASONS: Reason[] = [
  'patient-refuses',
  'no-longer-needed',
  'ordered-twice',
  'contraindicated',
].map((code) => ({ code, word: t(`cancel.${code}` as 'cancel.patient-refuses') }))

export function BookingPanel(props: BookingPanelProps) {
  const { step, rooms, free, slot, zone, busy, refused } = props
  const now = useDepartmentNow()
  const [isCancelling, setCancelling] = useState(false)
  const isMovable = ['planned', 'scheduled', 'no-show'].includes(step.status)
  const mayCancel = isMovable || step.status === 'arrived' || step.status === 'ready'
  const dueAt = step.item?.dueAt ?? null
  const stands = step.status === 'scheduled' && step.start !== null && slot?.roomId === step.roomId
  const isSame =
    stands &&
    clockTime(step.start as Date, zone) === slot?.time &&
    localDate(zone, step.start as Date) === slot.date
  const blocked =
    !slot?.date || !isTime(slot.time) ? t('calendar.no-slot') : isSame ? t('calendar.same-slot') : null
  return (
    <div className="booking">
      <section className="body">
        <Who step={step} />
        {dueAt ? (
          <p className="small">{t('calendar.slot-by', { time: timeOrDay(dueAt, zone, now) })}</p>
        ) : null}
        {step.start && step.roomId && step.status !== 'planned' ? (
          <p className="strong">
            {t('calendar.stands', {
              time: timeOrDay(step.start, zone, now),
              room: rooms.find(({ id }) => id === step.roomId)?.name ?? step.roomId,
            })}
          </p>
        ) : null}
        {step.wishedStart ? (
          <p className="small text-2">
            {t('calendar.wished', { time: timeOrDay(step.wishedStart, zone, now) })}
          </p>
        ) : null}
        {step.procedure.preparation ? (
          <p className="small">
            <Glyph name="stopwatch" /> {t('calendar.preparation', { words: step.procedure.preparation })}
          </p>
        ) : null}
      </section>
      {isMovable ? <SlotForm {...props} /> : <p className="body text-2">{t('calendar.has-begun')}</p>}
      {isMovable ? (
        <section className="booking-free">
          <h3 className="label">{t('calendar.free-times')}</h3>
          <ol>
            {free.map((each, index) => (
              <li key={`${each.roomId}${each.start.getTime()}`}>
                <button
                  type="button"
                  aria-pressed={slot?.roomId === each.roomId && slot.time === clockTime(each.start, zone)}
                  onClick={() => props.onFree(each)}
                >
                  <Keys chord={String(index + 1)} />
                  <span>
                    {timeOrDay(each.start, zone, now)}, {each.roomName}
                  </span>
                  {dueAt && each.start > dueAt ? (
                    <span className="small risk">{t('calendar.after-deadline')}</span>
                  ) : null}
                </button>
              </li>
            ))}
          </ol>
          {free.length === 0 ? <p className="small text-3">{t('calendar.none-free')}</p> : null}
        </section>
      ) : null}
      <div className="booking-foot">
        {refused ? (
          <ErrorLine>
            {refused.taken
              ? t('calendar.taken-by', {
                  name: writtenName(refused.taken.name),
                  from: clockTime(refused.taken.start, zone),
                  to: clockTime(refused.taken.end, zone),
                })
              : refused.sentence}
          </ErrorLine>
        ) : null}
        {isCancelling ? (
          <ReasonPicker
            label={t('calendar.cancel')}
            reasons={CANCEL_REASONS}
            chosen={null}
            takesFocus
            onChoose={(reason) => {
              setCancelling(false)
              props.onCancel(reason)
            }}
          />
        ) : null}
        {isMovable ? (
          <Button
            look="primary"
            size="big"
            wide
            chord="Alt+Enter"
            busy={busy}
            blocked={blocked}
            onClick={props.onBook}
          >
            {slotWord(props)}
          </Button>
        ) : null}
        <div className="row">
          {step.status === 'scheduled' || step.status === 'no-show' ? (
            <>
              <Button wide busy={busy} onClick={props.onUnbook}>
                {t('calendar.unbook')}
              </Button>
              <Button wide busy={busy} onClick={props.onArrive}>
                {t('scan.arrived')}
              </Button>
            </>
          ) : null}
        </div>
        {mayCancel ? (
          <Button
            look="bad"
            wide
            busy={busy}
            onClick={() => setCancelling(!isCancelling)}
            aria-expanded={isCancelling}
          >
            {t('calendar.cancel')}
          </Button>
        ) : null}
        <p className="button-reason">{(isMovable && blocked) || ' '}</p>
      </div>
    </div>
  )
}

function Who({ step }: { step: CalendarStep }) {
  const { patient, order, procedure } = step
  const sexAge = useSexAge(patient)
  return (
    <>
      <p className="booking-name">
        <PatientName name={patient.name} />
      </p>
      <p className="small text-2">
        {sexAge} · {calendarDate(patient.birthDate)} · {t('identity.mrn')}{' '}
        {identifierText(patient.identifiers)} · {order.accession}
      </p>
      <p className="strong">{procedure.name}</p>
      <p className="row small">
        <Priority value={order.priority} />
        <PhaseTag phase={order.phase} />
        <span className="text-2">{order.location ?? NONE}</span>
      </p>
    </>
  )
}

function slotWord({ step, slot, rooms }: BookingPanelProps): string {
  const room = rooms.find(({ id }) => id === slot?.roomId)?.name
  if (!slot || !room) return t('calendar.book')
  return t(step.status === 'scheduled' ? 'calendar.move-to' : 'calendar.book-at', { time: slot.time, room })
}

function SlotForm({ step, rooms, slot, today, onSlot }: BookingPanelProps) {
  const fitting = rooms.filter((room) => fits(step.modality, room.modality))
  const now: WishedSlot = slot ?? { roomId: fitting[0]?.id ?? '', date: today, time: '' }
  return (
    <fieldset className="body booking-slot">
      <legend className="visually-hidden">{t('calendar.slot')}</legend>
      <label className="field">
        <span>{t('calendar.room')}</span>
        <select
          className="input"
          value={now.roomId}
          onChange={(e) => onSlot({ ...now, roomId: e.target.value })}
        >
          {fitting.map((room) => (
            <option key={room.id} value={room.id}>
              {room.name}
            </option>
          ))}
        </select>
      </label>
      <div className="field">
        <label htmlFor="booking-date">{t('calendar.date')}</label>
        <DateField
          id="booking-date"
          live
          value={now.date}
          today={today}
          min={today}
          onChange={(date) => onSlot({ ...now, date })}
        />
      </div>
      <div className="field">
        <label htmlFor="booking-time">{t('calendar.time')}</label>
        <TimeField id="booking-time" value={now.time} onChange={(time) => onSlot({ ...now, time })} />
      </div>
      <p className="small text-3">{t('calendar.takes', { minutes: step.minutes })}</p>
    </fieldset>
  )
}

// Projection radiography is ordered as DX or CR and done in the same rooms.
function fits(step: string, room: string): boolean {
  const projection = ['DX', 'CR', 'XR']
  return step === room || (projection.includes(step) && projection.includes(room))
}
