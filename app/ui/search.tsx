/** Search for an order: accession, MRN or name in any script. What is typed never stands in an address. */
import { useEffect, useId, useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import { useKeys } from '../keys/key-layer.tsx'
import { t } from '../strings/words.ts'
import { Keys } from './button.tsx'
import { Glyph } from './glyph.tsx'
import { intoView } from './into-view.ts'
import { type FoundOrder, FoundRow, useOrderSearch } from './order-search.tsx'

export function Search() {
  const field = useRef<HTMLInputElement>(null)
  const listId = useId()
  const navigate = useNavigate()
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const wantsFirst = useRef(false)
  const before = useRef<Element | null>(null)
  useKeys([
    {
      chord: '/',
      word: t('keys.search'),
      where: 'outside-text',
      run: () => {
        before.current = document.activeElement
        field.current?.focus()
      },
    },
  ])
  const { orders, isAnswered, similar } = useOrderSearch(text)

  function open(order: FoundOrder | undefined): void {
    if (!order) return
    wantsFirst.current = false
    setText('')
    field.current?.blur()
    void navigate(`/orders/${order.id}`)
  }
  useEffect(() => {
    const [first] = orders
    if (wantsFirst.current && isAnswered && first && orders.length === 1) open(first)
  })

  return (
    <search className="search">
      <Glyph name="search" />
      <input
        ref={field}
        type="text"
        role="combobox"
        aria-label={t('shell.search-label')}
        aria-expanded={orders.length > 0}
        aria-controls={listId}
        placeholder={t('shell.search')}
        autoComplete="off"
        spellCheck={false}
        value={text}
        aria-activedescendant={orders[at] && `${listId}-${at}`}
        onChange={(event) => {
          wantsFirst.current = false
          setText(event.target.value)
          setAt(0)
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setAt(Math.min(at + 1, orders.length - 1))
          else if (event.key === 'ArrowUp') setAt(Math.max(at - 1, 0))
          else if (event.key === 'Enter') {
            if (isAnswered && orders.length > 0) open(orders[at])
            else wantsFirst.current = true
          } else if (event.key === 'Escape') {
            setText('')
            field.current?.blur()
            // Back to where the key was pressed; whoever came by the mouse has the page.
            ;(before.current as HTMLElement | null)?.focus?.({ preventScroll: true })
          } else return
          event.preventDefault()
        }}
      />
      <Keys chord="/" />
      {isAnswered || orders.length > 0 ? (
        <div className="search-results" id={listId} role="listbox" aria-label={t('shell.search-label')}>
          {orders.map((order, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the field beside it has the keys
            <div
              key={order.id}
              ref={index === at ? intoView : undefined}
              id={`${listId}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === at}
              onClick={() => open(order)}
            >
              <FoundRow order={order} isSimilar={similar.has(order.mrn)} />
            </div>
          ))}
          {orders.length === 0 ? <p className="text-3">{t('palette.nothing')}</p> : null}
        </div>
      ) : null}
    </search>
  )
}
