/** Ctrl K: every place, every action of this screen and every order, by typing a part of its name. Nothing typed is kept. */
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { t } from '../strings/words.ts'
import { Keys } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { intoView } from '../ui/into-view.ts'
import { FoundRow, useOrderSearch } from '../ui/order-search.tsx'
import type { NavEntry } from '../ui/place-bar.tsx'
import { shownKeys } from './chord.ts'
import { type KeyBinding, useActiveKeys, useKeys } from './key-layer.tsx'

interface Entry {
  id: string
  kind: string
  word: ReactNode
  chord?: string
  run: () => void
}

export function Palette({ places }: { places: NavEntry[] }) {
  const [isOpen, setOpen] = useState(false)
  useKeys([{ chord: 'Ctrl+K', word: t('keys.palette'), run: () => setOpen((open) => !open) }])
  return isOpen ? <OpenPalette places={places} onClose={() => setOpen(false)} /> : null
}

function OpenPalette({ places, onClose }: { places: NavEntry[]; onClose: () => void }) {
  const navigate = useNavigate()
  const before = useRef<Element | null>(null)
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const actions = useActiveKeys()
  useEffect(() => {
    before.current = document.activeElement
    return () => (before.current as HTMLElement | null)?.focus?.()
  }, [])
  const { orders, isAnswered, isAsking, similar } = useOrderSearch(text)
  const wantsFirst = useRef(false)
  const fits = ({ word }: { word: string }) => folded(word).includes(folded(text))
  const entries: Entry[] = [
    ...[...places, { path: '/help', word: t('help.title') }].filter(fits).map(({ path, word }) => ({
      ...{ id: path, kind: t('palette.go'), word },
      run: () => void navigate(path),
    })),
    ...actions
      .filter((action) => isAnAction(action) && fits(action))
      .map(({ word, chord, run }) => ({ id: chord, kind: t('palette.do'), word, chord, run })),
    ...orders.map((order) => ({
      ...{ id: order.id, kind: t('palette.order') },
      word: <FoundRow order={order} isSimilar={similar.has(order.mrn)} />,
      run: () => void navigate(`/orders/${order.id}`),
    })),
  ]

  function take(entry: Entry | undefined): void {
    wantsFirst.current = !entry
    if (!entry) return
    onClose()
    // After closing has given the focus back to the list that the action is about.
    setTimeout(entry.run)
  }
  useEffect(() => {
    if (wantsFirst.current && isAnswered && entries.length === 1) take(entries[0])
  })
  return (
    <Dialog label={t('palette.title')} className="palette" onClose={onClose}>
      <div className="palette-input">
        <Glyph name="search" />
        <input
          // biome-ignore lint/a11y/noAutofocus: it was opened to type
          autoFocus
          role="combobox"
          aria-label={t('palette.placeholder')}
          aria-expanded="true"
          aria-controls="palette-entries"
          placeholder={t('palette.placeholder')}
          aria-activedescendant={entries[at] && `palette-${at}`}
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={(event) => {
            wantsFirst.current = false
            setText(event.target.value)
            setAt(0)
          }}
          onKeyDown={(event) => {
            if (event.key === 'Escape') onClose()
            else if (event.key === 'Enter') take(entries[at])
            else if (event.key === 'ArrowDown') setAt((at + 1) % Math.max(1, entries.length))
            else if (event.key === 'ArrowUp') setAt((at - 1 + entries.length) % Math.max(1, entries.length))
            else return
            event.preventDefault()
          }}
        />
        <Keys chord="Escape" />
      </div>
      <div id="palette-entries" role="listbox" aria-label={t('palette.title')}>
        {entries.map((entry, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
          <div
            key={entry.kind + entry.id}
            ref={index === at ? intoView : undefined}
            id={`palette-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            onClick={() => take(entry)}
          >
            <span className="text-3">{entry.kind}</span>
            <span className="palette-word">{entry.word}</span>
            {entry.chord ? <Keys chord={entry.chord} /> : <span />}
          </div>
        ))}
        {entries.length === 0 && !isAsking ? (
          <p className="state-box text-3">{t('palette.nothing')}</p>
        ) : null}
      </div>
    </Dialog>
  )
}

/** `?`: the keys of this screen and those that act everywhere. */
export function KeySheet() {
  const [isOpen, setOpen] = useState(false)
  const keys = useActiveKeys()
  const close = useRef<HTMLButtonElement>(null)
  useKeys([
    { chord: '?', word: t('keys.sheet'), where: 'outside-text', run: () => setOpen((open) => !open) },
    ...(isOpen ? [{ chord: 'Escape', word: t('keys.close'), run: () => setOpen(false) }] : []),
  ])
  useEffect(() => {
    if (!isOpen) return
    const before = document.activeElement as HTMLElement | null
    close.current?.focus()
    return () => before?.focus?.({ preventScroll: true })
  }, [isOpen])
  if (!isOpen) return null
  return (
    <Dialog label={t('keys.title')} onClose={() => setOpen(false)}>
      <h2>{t('keys.title')}</h2>
      <ul className="key-sheet">
        {grouped(keys).map(({ word, caps, isOff }) => (
          <li key={word} className={isOff ? 'text-3' : undefined}>
            <span className="keys">
              {caps.map((group) => (
                <span key={group.join()} className="keys">
                  {group.map((cap) => (
                    <kbd key={cap}>{cap}</kbd>
                  ))}
                </span>
              ))}
            </span>
            <span className="key-word">{isOff ? t('keys.not-now', { word }) : word}</span>
          </li>
        ))}
      </ul>
      <p className="key-sheet">
        <Link to="/help" onClick={() => setOpen(false)}>
          {t('help.title')}
        </Link>
        <button ref={close} type="button" className="button" onClick={() => setOpen(false)}>
          {t('reason.close')}
        </button>
      </p>
    </Dialog>
  )
}

/** Keys that do the same thing in different directions stand on one line. */
function grouped(keys: KeyBinding[]): { word: string; caps: string[][]; isOff: boolean }[] {
  return [...Map.groupBy(keys, (key) => key.word)].map(([word, same]) => ({
    word,
    // The second of a pair stands in the caps of the first.
    caps: same.some(({ caps }) => caps)
      ? same.flatMap(({ caps }) => (caps ? [caps] : []))
      : same.map(({ chord }) => shownKeys(chord)),
    isOff: same.every(({ disabled }) => disabled),
  }))
}

function isAnAction({ chord, disabled, shownOnly }: KeyBinding): boolean {
  return !disabled && !shownOnly && !/^(?:Arrow|Page|Home|End|Escape|Ctrl\+K|\?|\/)/.test(chord)
}

function folded(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}
