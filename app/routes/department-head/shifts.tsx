/** Shifts: who reads which area where and when; a case of an area spills to others only while nobody has its shift. */
import './shifts.css'
import { useState } from 'react'
import {
  type ActionFunctionArgs,
  data,
  type LoaderFunctionArgs,
  useFetcher,
  useLoaderData,
} from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { answer } from '#app/server/refusal.ts'
import { dropShift, setShift } from '#db/mutations/shifts.ts'
import { type PlannedShift, plannedShifts, shiftReaders } from '#db/queries/shifts.ts'
import { sites } from '#db/queries/sites.ts'
import { instantOf, localDate, localTime } from '#domain/calendar.ts'
import { RadiologyError } from '#domain/errors.ts'
import { can } from '#domain/permissions.ts'
import { AREAS } from '#domain/words.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { t, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { DateField } from '../../ui/date-field.tsx'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { count, dayKey, timeOrDay } from '../../ui/format.ts'
import { MainSubmit } from '../../ui/main-act.tsx'
import { EmptyState } from '../../ui/messages.tsx'
import { Screen } from '../../ui/screen.tsx'
import { TimeField } from '../../ui/time-field.tsx'

const SHOWN_MS = 14 * 86_400_000
const USUAL_MS = 8 * 3_600_000

export async function loader(args: LoaderFunctionArgs) {
  const { person, server } = await requireUser(args, rolesWith('shifts'))
  const { sql } = server.department
  const now = await server.department.now()
  const own = await sites(sql, person.sites)
  const all = person.actor.sites.includes('*')
  const until = new Date(now.getTime() + SHOWN_MS)
  const zone = own[0]?.zone ?? 'UTC'
  return {
    shifts: await plannedShifts(sql, all ? null : person.actor.sites, { now, until }),
    readers: await shiftReaders(sql),
    sites: own.filter(({ id }) => can(person.actor, 'plan-shifts', { siteId: id }).allowed),
    begin: asLocal(now, zone),
    end: asLocal(new Date(now.getTime() + USUAL_MS), zone),
  }
}

/** `intent`: set (siteId, area, userId, from, to: local times at the site) · drop (shiftId). */
export async function action(args: ActionFunctionArgs) {
  const { person, server, act } = await requireUser(args, rolesWith('shifts'))
  const { department } = server
  const form = await args.request.formData()
  const text = (name: string) => String(form.get(name) ?? '')
  switch (text('intent')) {
    case 'set':
      return answer(async () => {
        const [site] = (await sites(department.sql, person.sites)).filter(({ id }) => id === text('siteId'))
        const [from, to] = [
          fromLocal(text('from'), site?.zone ?? 'UTC'),
          fromLocal(text('to'), site?.zone ?? 'UTC'),
        ]
        const { siteId, area, userId } = {
          siteId: text('siteId'),
          area: text('area'),
          userId: text('userId'),
        }
        return setShift(department, await act(), { siteId, area, userId, from, to })
      })
    case 'drop':
      return answer(async () => {
        await dropShift(department, await act(), { shiftId: text('shiftId') })
        return { shiftId: text('shiftId') }
      })
    default:
      throw data(null, { status: 400 })
  }
}

/** `2026-11-24T10:30`. */
function asLocal(at: Date, zone: string): string {
  const two = (n: number) => String(n).padStart(2, '0')
  const { hour, minute } = localTime(zone, at)
  return `${localDate(zone, at)}T${two(hour)}:${two(minute - (minute % 15))}`
}

function fromLocal(text: string, zone: string): Date {
  const found = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})/.exec(text)
  if (!found) throw new RadiologyError('invalid-message', { field: 'time' })
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = found.slice(1).map(Number)
  return instantOf(zone, { year, month, day, hour, minute, second: 0 })
}

export function meta() {
  return [{ title: `${t('nav.shifts')} · ${t('app.name')}` }]
}

export default function Shifts() {
  const { shifts, sites } = useLoaderData<typeof loader>()
  useLive(['shifts'])
  const acting = useFetcher<typeof action>()
  return (
    <Screen label={t('nav.shifts')} className="shifts" keys={[]} fact={<span>{t('shifts.rule')}</span>}>
      <section className="panel">
        <header>
          <h1>{t('nav.shifts')}</h1>
          <span className="text-3">{count(shifts.length)}</span>
        </header>
        {shifts.length === 0 ? (
          <EmptyState title={t('shifts.none')}>{t('shifts.none-why')}</EmptyState>
        ) : (
          <table>
            <caption className="visually-hidden">{t('nav.shifts')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('shifts.area')}</th>
                <th scope="col">{t('shifts.reader')}</th>
                <th scope="col">{t('filter.site')}</th>
                <th scope="col">{t('shifts.from')}</th>
                <th scope="col">{t('shifts.to')}</th>
                <th scope="col">
                  <span className="visually-hidden">{t('shifts.drop')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shifts.map((shift) => (
                <ShiftRow
                  key={shift.id}
                  shift={shift}
                  site={sites.find(({ id }) => id === shift.siteId)?.name ?? shift.siteId}
                  mayDrop={sites.some(({ id }) => id === shift.siteId)}
                  onDrop={() =>
                    void acting.submit(
                      { intent: 'drop', shiftId: shift.id },
                      { method: 'post', action: '/shifts' },
                    )
                  }
                />
              ))}
            </tbody>
          </table>
        )}
      </section>
      <NewShift />
    </Screen>
  )
}

interface ShiftRowProps {
  shift: PlannedShift
  /** The site in words. */
  site: string
  mayDrop: boolean
  onDrop: () => void
}

function ShiftRow({ shift, site, mayDrop, onDrop }: ShiftRowProps) {
  const [zone, now] = [useZone(), useDepartmentNow()]
  const isOn = shift.from.getTime() <= now.getTime()
  return (
    <tr data-shift={shift.id}>
      <th scope="row">{wordFor('area', shift.area)}</th>
      <td>{shift.reader.name}</td>
      <td>{site}</td>
      <td>
        {isOn
          ? t('shifts.on-since', { time: timeOrDay(shift.from, zone, now) })
          : timeOrDay(shift.from, zone, now)}
      </td>
      <td>{timeOrDay(shift.to, zone, now)}</td>
      <td>{mayDrop ? <Button onClick={onDrop}>{t('shifts.drop')}</Button> : null}</td>
    </tr>
  )
}

/** Only those who read the area are offered for it. */
function NewShift() {
  const { readers, sites, begin, end } = useLoaderData<typeof loader>()
  const acting = useFetcher<typeof action>()
  const [area, setArea] = useState<string>(AREAS[0])
  const fitting = readers.filter(({ areas }) => areas.includes(area))
  return (
    <section className="panel" aria-label={t('shifts.set')}>
      <header>
        <h2>{t('shifts.set')}</h2>
      </header>
      <acting.Form method="post" className="shift-form">
        <input type="hidden" name="intent" value="set" />
        <div className="field">
          <label htmlFor="shift-area">{t('shifts.area')}</label>
          <select
            id="shift-area"
            name="area"
            className="input"
            value={area}
            onChange={(event) => setArea(event.target.value)}
          >
            {AREAS.map((each) => (
              <option key={each} value={each}>
                {wordFor('area', each)}
              </option>
            ))}
          </select>
        </div>
        <div className="field">
          <label htmlFor="shift-reader">{t('shifts.reader')}</label>
          <select id="shift-reader" name="userId" className="input" required>
            {fitting.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </div>
        <div className="field">
          <label htmlFor="shift-site">{t('filter.site')}</label>
          <select id="shift-site" name="siteId" className="input">
            {sites.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </div>
        <LocalTime name="from" word={t('shifts.from')} begin={begin} />
        <LocalTime name="to" word={t('shifts.to')} begin={end} />
        <p className="risk" role="status">
          {acting.state === 'idle' && acting.data && !acting.data.ok ? acting.data.sentence : null}
        </p>
        <MainSubmit word={t('shifts.set')} busy={acting.state !== 'idle'} />
      </acting.Form>
    </section>
  )
}

/** A day and a time at the site, sent as one. */
function LocalTime({ name, word, begin }: { name: string; word: string; begin: string }) {
  const [zone, now] = [useZone(), useDepartmentNow()]
  const [[date = '', time = ''], set] = useState(begin.split('T'))
  return (
    <fieldset className="field shift-time">
      <legend>{word}</legend>
      <input type="hidden" name={name} value={`${date}T${time}`} />
      <label htmlFor={`shift-${name}-day`} className="visually-hidden">
        {t('calendar.date')}
      </label>
      <DateField
        id={`shift-${name}-day`}
        live
        value={date}
        today={dayKey(now, zone)}
        onChange={(day) => set([day, time])}
      />
      <TimeField label={t('calendar.time')} value={time} onChange={(clock) => set([date, clock])} />
    </fieldset>
  )
}
