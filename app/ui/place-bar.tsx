/** A person's places as words with counts; those from the right that find no room stand under "More". */
import { useEffect, useRef, useState } from 'react'
import { NavLink } from 'react-router'
import { t } from '../strings/words.ts'
import { badgeCount } from './format.ts'
import { useDismissal } from './use-dismissal.ts'

export interface NavEntry {
  id: string
  path: string
  word: string
  /** How many wait there, and whether something in it is late. */
  waiting?: number | undefined
  late?: boolean | undefined
}

/** With fewer, all of them fit on the narrowest screen that we draw for. */
export const ALWAYS_FIT = 5

export function PlaceBar({ places }: { places: NavEntry[] }) {
  const row = useRef<HTMLDivElement>(null)
  const fitting = useFitting(row, places.length)
  const folded = places.slice(fitting)
  return (
    <nav aria-label={t('shell.places')}>
      <div className="places" ref={row}>
        {places.map((place, index) => (
          <Entry key={place.id} place={place} isFolded={index >= fitting} />
        ))}
      </div>
      {places.length > ALWAYS_FIT ? <More places={folded} /> : null}
    </nav>
  )
}

/** How many entries stand on the first line; the others have wrapped below its edge. */
function useFitting(row: { current: HTMLElement | null }, count: number): number {
  const [fitting, setFitting] = useState(count)
  useEffect(() => {
    if (!row.current) return
    const observer = new ResizeObserver(([entry]) => {
      const entries = [...(entry?.target.children ?? [])] as HTMLElement[]
      const top = entries[0]?.offsetTop ?? 0
      const wrapped = entries.findIndex(({ offsetTop }) => offsetTop > top)
      setFitting(wrapped < 0 ? count : wrapped)
    })
    observer.observe(row.current)
    return () => observer.disconnect()
  }, [row, count])
  return fitting
}

function Entry({ place, isFolded = false }: { place: NavEntry; isFolded?: boolean }) {
  return (
    <NavLink to={place.path} inert={isFolded}>
      <span data-word={place.word}>{place.word}</span>
      <WaitingCount {...place} />
    </NavLink>
  )
}

function More({ places }: { places: NavEntry[] }) {
  const { box, isOpen, setOpen } = useDismissal<HTMLDivElement>()
  return (
    <div className="more-places" ref={box} hidden={places.length === 0}>
      <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {t('shell.more')}
        <WaitingLate places={places} />
      </button>
      {isOpen ? (
        // biome-ignore lint/a11y/useKeyWithClickEvents: following a link inside closes it, by whichever way
        // biome-ignore lint/a11y/noStaticElementInteractions: same
        <div className="menu" onClick={() => setOpen(false)}>
          {places.map((place) => (
            <Entry key={place.id} place={place} />
          ))}
        </div>
      ) : null}
    </div>
  )
}

/** What is late must not hide under "More". */
function WaitingLate({ places }: { places: NavEntry[] }) {
  return places.some(({ late }) => late) ? (
    <span className="count late">
      <span aria-hidden="true">!</span>
      <span className="visually-hidden">{t('shell.late-folded')}</span>
    </span>
  ) : null
}

function WaitingCount({ waiting, late }: NavEntry) {
  if (waiting === undefined) return null
  return (
    <span className={late ? 'count late' : 'count'}>
      <span aria-hidden="true">{badgeCount(waiting)}</span>
      <span className="visually-hidden">
        {t(late ? 'shell.late-inside' : 'shell.waiting-inside', { n: waiting })}
      </span>
    </span>
  )
}
