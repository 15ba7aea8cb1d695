/** Alt K: words kept under a name, by typing a part of it; what is selected is kept the same way. */

import { type KeyboardEvent, useState } from 'react'
import { useFetcher } from 'react-router'
import type { Refused } from '#app/server/refusal.ts'
import './macro-picker.css'
import type { Macro } from '#db/queries/report-templates.ts'
import { macroText } from '#domain/report-text.ts'
import { t } from '../strings/words.ts'
import { Button, Keys } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { ErrorLine } from '../ui/messages.tsx'
import type { ReportDesk } from './report-desk.ts'

interface MacroPickerProps {
  macros: readonly Macro[]
  desk: ReportDesk
  /** What was selected when it was opened. */
  selected: string
  onClose: () => void
}

interface Entry {
  id: string
  word: string
  preview: string
  /** Whose it is, or what it does. */
  note: string
  isOwn: boolean
  run: () => void
}

export function MacroPicker({ macros, desk, selected, onClose }: MacroPickerProps) {
  const keeping = useFetcher<{ ok: true } | Refused>()
  const [typed, setTyped] = useState('')
  const [at, setAt] = useState(0)
  const keep = (shared: boolean) =>
    void keeping.submit(
      { intent: 'keep', name: typed.trim(), text: selected, shared: String(shared) },
      { method: 'post', action: '/reading/macros' },
    )
  const entries = [...ofMacros(macros, typed, take), ...(selected.trim() && typed.trim() ? ofKeeping() : [])]
  const refused = keeping.state === 'idle' && keeping.data && !keeping.data.ok ? keeping.data.sentence : null

  function close(): void {
    onClose()
    desk.focus()
  }
  function take(text: string): void {
    close()
    desk.insert(macroText(text))
  }
  function ofKeeping(): Entry[] {
    return [false, true].map((shared) => ({
      id: `keep-${shared}`,
      word: t(shared ? 'macro.keep-shared' : 'macro.keep', { name: typed.trim() }),
      preview: selected,
      note: '',
      isOwn: false,
      run: () => keep(shared),
    }))
  }
  function onKeyDown(event: KeyboardEvent): void {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Escape') close()
    else if (event.key === 'Enter') entries[at]?.run()
    else if (event.key === 'ArrowDown') setAt((at + 1) % Math.max(1, entries.length))
    else if (event.key === 'ArrowUp') setAt((at - 1 + entries.length) % Math.max(1, entries.length))
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <Dialog label={t('macro.title')} className="palette macros" onClose={close}>
      <div className="palette-input">
        <Glyph name="search" />
        <input
          // biome-ignore lint/a11y/noAutofocus: it was opened to type
          autoFocus
          role="combobox"
          aria-label={t('macro.placeholder')}
          aria-expanded="true"
          aria-controls="macro-entries"
          aria-activedescendant={entries[at] ? `macro-${entries[at].id}` : undefined}
          placeholder={t('macro.placeholder')}
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value)
            setAt(0)
          }}
          onKeyDown={onKeyDown}
        />
        <Keys chord="Escape" />
      </div>
      {refused ? <ErrorLine>{refused}</ErrorLine> : null}
      <div id="macro-entries" role="listbox" aria-label={t('macro.title')}>
        {entries.map((entry, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
          <div
            key={entry.id}
            id={`macro-${entry.id}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            onClick={entry.run}
          >
            <span className="strong">{entry.word}</span>
            <span className="text-2 ellipsis">{entry.preview}</span>
            <span className="text-3 small">{entry.note}</span>
          </div>
        ))}
        {entries.length === 0 ? <p className="state-box text-3">{t('macro.nothing')}</p> : null}
      </div>
      <footer className="row small text-3">
        <span>{t(selected.trim() ? 'macro.keep-how' : 'macro.how')}</span>
        {entries[at]?.isOwn ? (
          <Button look="quiet" onClick={() => drop(entries[at]!.id)}>
            {t('macro.drop')}
          </Button>
        ) : null}
      </footer>
    </Dialog>
  )

  function drop(macroId: string): void {
    void keeping.submit({ intent: 'drop', macroId }, { method: 'post', action: '/reading/macros' })
  }
}

function ofMacros(macros: readonly Macro[], typed: string, take: (text: string) => void): Entry[] {
  const wanted = folded(typed)
  return macros
    .filter(({ name }) => folded(name).includes(wanted))
    .map(({ id, name, text, shared, isOwn, owner }) => ({
      ...{ id, word: name, preview: text, isOwn },
      note: !isOwn ? owner : shared ? t('macro.shared') : t('macro.own'),
      run: () => take(text),
    }))
}

const folded = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().trim()
