/** The bar above every screen: places in words, search, connection, the department's clock, you. */
import { useSyncExternalStore } from 'react'
import { Form } from 'react-router'
import {
  type ConnectionState,
  connectionState,
  newsAgeSeconds,
  watchConnection,
} from '../live/live-connection.ts'
import { t } from '../strings/words.ts'
import { departmentTimeAt, useDepartmentNow, useDepartmentTime, useZone } from './department-clock.tsx'
import { clockTime, dayOf } from './format.ts'
import { Mark } from './glyph.tsx'
import { NoticeBell } from './notice-bell.tsx'
import { ALWAYS_FIT, type NavEntry, PlaceBar } from './place-bar.tsx'
import { Search } from './search.tsx'
import { ThemeChoice } from './theme-choice.tsx'
import { useDismissal } from './use-dismissal.ts'

interface TopBarProps {
  places: NavEntry[]
  person: { id: string; name: string; role: string }
}

export function TopBar({ places, person }: TopBarProps) {
  return (
    <header className={places.length > ALWAYS_FIT ? 'top-bar many' : 'top-bar'}>
      <a className="brand" href="/" aria-label={t('app.name')}>
        <Mark />
        <span className="brand-word">{t('app.name')}</span>
      </a>
      <PlaceBar places={places} />
      <Search />
      <div className="top-bar-facts">
        <Connection />
        <Clock />
        <NoticeBell userId={person.id} />
        <PersonMenu name={person.name} role={person.role} />
      </div>
    </header>
  )
}

/** How old the picture on the screen is: shape, word and colour. */
export function Connection() {
  const since = useOfflineTime()
  const text = useSyncExternalStore(
    watchConnection,
    () => JSON.stringify(connectionState(Date.now())),
    () => '{"state":"catching-up"}',
  )
  const connection = JSON.parse(text) as ConnectionState
  const shape = { live: '', 'catching-up': 'ring', behind: 'triangle', offline: 'square' }[connection.state]
  return (
    <span className="connection" title={t('connection.age', { seconds: newsAgeSeconds(Date.now()) })}>
      <i className={`dot ${shape}`} />
      {connectionWords(connection)}
      {connection.state === 'offline' ? (
        <span className="connection-since">{t('connection.since', { time: since(connection.since) })}</span>
      ) : null}
    </span>
  )
}

function connectionWords(connection: ConnectionState): string {
  return connection.state === 'behind'
    ? t('connection.behind', { seconds: connection.seconds })
    : t(`connection.${connection.state}`)
}

/** When the connection broke, as the department's clock showed it; the workstation knows it by its own. */
export function useOfflineTime(): (sinceMs: number) => string {
  const [zone, time] = [useZone(), useDepartmentTime()]
  return (sinceMs) => clockTime(new Date(departmentTimeAt(sinceMs, time)), zone, { seconds: true })
}

function Clock() {
  const zone = useZone()
  const now = useDepartmentNow('second')
  return (
    <time dateTime={now.toISOString()} title={t('shell.department-time')}>
      {dayOf(now, zone, now)} <b className="strong">{clockTime(now, zone, { seconds: true })}</b>
    </time>
  )
}

function PersonMenu({ name, role }: { name: string; role: string }) {
  const { box, isOpen, setOpen } = useDismissal<HTMLDivElement>()
  return (
    <div className="person-menu" ref={box}>
      <button type="button" className="person" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <span className="initials" aria-hidden="true">
          {initials(name)}
        </span>
        {name}
      </button>
      {isOpen ? (
        <div className="menu">
          <p className="small text-3">{t('shell.role', { role })}</p>
          <ThemeChoice />
          <Form method="post" action="/sign-out" reloadDocument>
            <button type="submit" className="button wide">
              {t('shell.sign-out')}
            </button>
          </Form>
        </div>
      ) : null}
    </div>
  )
}

/** `IO` for Dr I. Okafor: titles don't count. */
export function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => word && !/^(?:dr|prof|mr|ms|mrs)\.?$/i.test(word))
  return [words[0], words.length > 1 ? words.at(-1) : '']
    .map((word) => [...(word ?? '')][0] ?? '')
    .join('')
    .toUpperCase()
}
