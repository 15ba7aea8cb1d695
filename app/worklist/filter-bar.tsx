/** What a list is narrowed to, one chip a field; `F` finds fields and values; a changed view is saved or taken back. */
import { type ReactNode, useEffect, useId, useMemo, useRef, useState } from 'react'
import type { FilterField } from '#domain/list-filter.ts'
import { FILTER_FIELDS } from '#domain/list-filter.ts'
import { useKeys } from '../keys/key-layer.tsx'
import { t } from '../strings/words.ts'
import { Button, Keys } from '../ui/button.tsx'
import { listCount } from '../ui/format.ts'
import type { ScreenKey } from '../ui/screen.tsx'
import type { Column } from './column.ts'
import { ColumnPicker } from './column-picker.tsx'
import { fieldWord, filterChoices, filterWord } from './list-bar.ts'
import { type ListView, tabOf } from './use-list-view.ts'

interface FilterBarProps<R> {
  view: ListView
  fields?: readonly FilterField[]
  columns: readonly Column<R>[]
  /** What else stands in the line. */
  children?: ReactNode
}

/** The keys of a list's views, for the screen's foot bar. */
export function viewKeys(view: ListView): ScreenKey[] {
  return [
    { chord: '[', caps: ['[', ']'], word: t('reading.views'), where: 'list', run: () => view.step(-1) },
    { chord: ']', word: t('reading.views'), where: 'list', run: () => view.step(1), silent: true },
    { chord: 'F', word: t('filter.title'), where: 'list' },
  ]
}

export function FilterBar<R>({ view, fields = FILTER_FIELDS, columns, children }: FilterBarProps<R>) {
  const { bar, filter } = view
  const [isFinding, setFinding] = useState(false)
  const opener = useRef<HTMLButtonElement>(null)
  useKeys([{ chord: 'F', word: t('filter.title'), where: 'list', run: () => setFinding(true) }])
  const narrowed = FILTER_FIELDS.filter((field) => filter[field]?.length)
  const whole = bar.tabs[0]?.count?.count
  const back = () => {
    setFinding(false)
    // Whoever came by the key goes on in the list; whoever pressed the button stays on it.
    const row = document.querySelector<HTMLElement>('.worklist tr[tabindex="0"][data-item]')
    ;(row ?? opener.current)?.focus({ preventScroll: true })
  }
  return (
    <div className="toolbar chips filter-bar">
      {narrowed.map((field) => (
        <span key={field} className="chip on">
          {fieldWord(field)}{' '}
          <b>{filter[field]?.map((value) => filterWord(field, value, bar.sites)).join(', ')}</b>
          <button
            type="button"
            aria-label={t('filter.drop', { field: fieldWord(field) })}
            onClick={() => view.drop(field)}
          >
            ×
          </button>
        </span>
      ))}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it closes when the focus leaves what is inside */}
      <span
        className="filter-finder"
        onBlur={(event) => {
          if (!event.currentTarget.contains(event.relatedTarget)) setFinding(false)
        }}
      >
        <button
          ref={opener}
          type="button"
          className="chip dashed"
          aria-expanded={isFinding}
          onClick={() => setFinding(!isFinding)}
        >
          + {t('filter.title')} <Keys chord="F" />
        </button>
        {isFinding ? <Finder view={view} fields={fields} onClose={back} /> : null}
      </span>
      {children}
      <span className="push risk" role="status">
        {view.refused}
      </span>
      {/* As wide as it can be, and words that grow to the right: a count that changes moves nothing. */}
      <span className="list-total text-3 tabular">
        {whole === undefined
          ? listCount(bar.shown)
          : t('worklist.count', { shown: listCount(bar.shown), total: listCount(whole) })}
      </span>
      <SaveView view={view} />
      <ColumnPicker view={view} columns={columns} />
    </div>
  )
}

const MOST_FOUND = 9

/** A type-ahead over every field and value; each press adds one or takes it away, `Esc` goes back to the list. */
function Finder({
  view,
  fields,
  onClose,
}: {
  view: ListView
  fields: readonly FilterField[]
  onClose: () => void
}) {
  const { bar, filter } = view
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const input = useRef<HTMLInputElement>(null)
  const listId = useId()
  useEffect(() => input.current?.focus(), [])
  const choices = useMemo(() => filterChoices(fields, bar), [fields, bar])
  const found = choices
    .filter((choice) => isMeant(text, `${fieldWord(choice.field)} ${choice.word}`))
    .slice(0, MOST_FOUND)
  const choose = (index: number) => {
    const choice = found[index]
    if (!choice) return
    view.toggle(choice.field, choice.value)
    setText('')
    setAt(0)
  }
  return (
    <div className="panel finder">
      <input
        ref={input}
        className="input"
        role="combobox"
        aria-label={t('filter.find')}
        aria-expanded
        aria-controls={listId}
        aria-activedescendant={found[at] ? `${listId}-${at}` : undefined}
        placeholder={t('filter.find')}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          setAt(0)
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setAt(Math.min(at + 1, found.length - 1))
          else if (event.key === 'ArrowUp') setAt(Math.max(at - 1, 0))
          else if (event.key === 'Enter') choose(at)
          else if (event.key === 'Escape') onClose()
          else return
          event.preventDefault()
          event.stopPropagation()
        }}
      />
      <div id={listId} role="listbox" aria-label={t('filter.find')} aria-multiselectable>
        {found.map(({ field, value, word }, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above it has the keys
          <div
            key={`${field}:${value}`}
            id={`${listId}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={filter[field]?.includes(value) ?? false}
            data-at={index === at || undefined}
            // The field keeps the focus, and with it the keys.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => choose(index)}
          >
            <span className="text-3">{fieldWord(field)}</span> {word}
            <span className="push">{filter[field]?.includes(value) ? '✓' : ''}</span>
          </div>
        ))}
        {found.length === 0 ? <p className="text-3">{t('filter.none')}</p> : null}
      </div>
    </div>
  )
}

/** Every word typed begins a word of it. */
function isMeant(typed: string, words: string): boolean {
  const all = words.toLowerCase().split(/[\s,]+/)
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((part) => all.some((word) => word.startsWith(part)))
}

/** Save, save as, revert while a view is changed; share and remove for one's own. */
function SaveView({ view }: { view: ListView }) {
  const { bar } = view
  const [isNaming, setNaming] = useState(false)
  const tab = tabOf(bar)
  if (!bar.mayKeep || !tab) return null
  return (
    <span className="save-view">
      {bar.isChanged && tab.isMine ? (
        <Button look="quiet" onClick={view.save}>
          {t('view.save')}
        </Button>
      ) : null}
      {bar.isChanged ? (
        <>
          <Button look="quiet" onClick={() => setNaming(!isNaming)}>
            {t('view.save-as')}
          </Button>
          <Button look="quiet" onClick={view.revert}>
            {t('view.revert')}
          </Button>
        </>
      ) : null}
      {!bar.isChanged && tab.isMine ? (
        <>
          {bar.mayShare ? (
            <Button look="quiet" onClick={() => view.share(!tab.isShared)}>
              {t(tab.isShared ? 'view.unshare' : 'view.share')}
            </Button>
          ) : null}
          <Button look="quiet" onClick={view.retire}>
            {t('view.remove')}
          </Button>
        </>
      ) : null}
      {isNaming && bar.isChanged ? <NameView view={view} onClose={() => setNaming(false)} /> : null}
    </span>
  )
}

function NameView({ view, onClose }: { view: ListView; onClose: () => void }) {
  const [name, setName] = useState('')
  const [isShared, setShared] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => input.current?.focus(), [])
  const save = () => {
    if (name.trim() === '') return
    view.saveAs(name, isShared)
    onClose()
  }
  return (
    <div className="panel name-view">
      <input
        ref={input}
        className="input"
        aria-label={t('view.name')}
        placeholder={t('view.name')}
        maxLength={40}
        autoComplete="off"
        value={name}
        onChange={(event) => setName(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') save()
          else if (event.key === 'Escape') onClose()
          else return
          event.preventDefault()
          event.stopPropagation()
        }}
      />
      {view.bar.mayShare ? (
        <label className="check">
          <input type="checkbox" checked={isShared} onChange={(event) => setShared(event.target.checked)} />{' '}
          {t('view.share-too')}
        </label>
      ) : null}
      <span className="name-view-acts">
        <Button look="primary" blocked={name.trim() === '' && t('view.name-first')} onClick={save}>
          {t('view.save')}
        </Button>
        <Button look="quiet" onClick={onClose}>
          {t('reason.close')}
        </Button>
      </span>
    </div>
  )
}
