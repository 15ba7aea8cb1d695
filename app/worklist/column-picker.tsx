/** Which columns a list shows, how high its rows are: one's own, per view. */
import { useEffect, useId, useRef, useState } from 'react'
import { t, type WordKey } from '../strings/words.ts'
import { Button } from '../ui/button.tsx'
import type { Column } from './column.ts'
import { arranged, moved, shownColumns } from './column-layout.ts'
import type { ListView } from './use-list-view.ts'

const DENSITIES = [
  [28, 'columns.dense'],
  [32, 'columns.usual'],
  [48, 'columns.roomy'],
] as const satisfies [28 | 32 | 48, WordKey][]

export function ColumnPicker<R>({ view, columns }: { view: ListView; columns: readonly Column<R>[] }) {
  const [isOpen, setOpen] = useState(false)
  const panel = useRef<HTMLDivElement>(null)
  const opener = useRef<HTMLButtonElement>(null)
  const group = useId()
  useEffect(() => {
    if (isOpen) panel.current?.querySelector('input')?.focus()
  }, [isOpen])
  const { layout, setLayout } = view
  const shown = shownColumns(columns, layout)
  const keys = shown.map(({ key }) => key)
  const hidden = columns.filter(({ key }) => !keys.includes(key))
  const show = (key: string, isShown: boolean) => {
    const next = isShown ? [...keys, key] : keys.filter((each) => each !== key)
    if (next.length > 0) setLayout({ ...layout, columns: next })
  }
  return (
    <span className="column-picker">
      <button
        ref={opener}
        type="button"
        className="chip"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {t('columns.title')}
      </button>
      {isOpen ? (
        // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes it from any field inside
        <div
          ref={panel}
          className="panel columns-panel"
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return
            event.stopPropagation()
            setOpen(false)
            opener.current?.focus()
          }}
        >
          <fieldset>
            <legend className="label">{t('columns.title')}</legend>
            {[...shown, ...hidden].map((column) => (
              <div key={column.key} className="column-line">
                <label className="check">
                  <input
                    type="checkbox"
                    checked={keys.includes(column.key)}
                    onChange={(event) => show(column.key, event.target.checked)}
                  />{' '}
                  {column.head}
                </label>
                <Mover
                  keys={keys}
                  column={column}
                  by={-1}
                  onMove={(columns) => setLayout({ ...layout, columns })}
                />
                <Mover
                  keys={keys}
                  column={column}
                  by={1}
                  onMove={(columns) => setLayout({ ...layout, columns })}
                />
              </div>
            ))}
          </fieldset>
          <fieldset>
            <legend className="label">{t('columns.density')}</legend>
            {DENSITIES.map(([density, word]) => (
              <label key={density} className="check">
                <input
                  type="radio"
                  name={group}
                  checked={(layout.density ?? 32) === density}
                  onChange={() => setLayout({ ...layout, density })}
                />{' '}
                {t(word)}
              </label>
            ))}
          </fieldset>
          <p className="small text-3">{t('columns.keys')}</p>
          <Button look="quiet" blocked={!arranged(layout) && t('columns.own')} onClick={() => setLayout({})}>
            {t('columns.reset')}
          </Button>
        </div>
      ) : null}
    </span>
  )
}

interface MoverProps {
  keys: readonly string[]
  column: { key: string; head: string }
  by: 1 | -1
  onMove: (keys: string[]) => void
}

function Mover({ keys, column, by, onMove }: MoverProps) {
  const next = moved(keys, column.key, by)
  return (
    <button
      type="button"
      className="mover"
      aria-label={t(by < 0 ? 'columns.earlier' : 'columns.later', { column: column.head })}
      disabled={!keys.includes(column.key) || next.join() === keys.join()}
      onClick={() => onMove(next)}
    >
      {by < 0 ? '↑' : '↓'}
    </button>
  )
}
