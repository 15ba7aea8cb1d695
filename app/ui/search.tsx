/** Search for an order: accession, MRN or name in any script. What is typed never stands in an address. */
import { useEffect, useId, useRef, useState } from 'react'
import { useFetcher, useNavigate } from 'react-router'
import { similarAmong } from '#domain/similar-people.ts'
import { useKeys } from '../keys/key-layer.tsx'
import { t } from '../strings/words.ts'
import { Keys } from './button.tsx'
import { calendarDate } from './format.ts'
import { Glyph } from './glyph.tsx'
import { useSexAge } from './identity-banner.tsx'
import { PatientName } from './patient-name.tsx'
import type { PersonName } from './person-name.ts'

export interface FoundOrder {
  id: string
  accession: string
  name: PersonName
  sex: string | null
  birthDate: string | null
  mrn: string
  procedure: string
}

/** Below this a search answers with half the department. */
const SHORTEST = 2
const QUIET_MS = 200

export function Search() {
  const field = useRef<HTMLInputElement>(null)
  const listId = useId()
  const fetcher = useFetcher<{ orders: FoundOrder[] }>()
  const navigate = useNavigate()
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const wantsFirst = useRef(false)
  const { submit } = fetcher
  useKeys([{ chord: '/', word: t('keys.search'), where: 'outside-text', run: () => field.current?.focus() }])
  useEffect(() => {
    const asked = text.trim()
    if (asked.length < SHORTEST) return
    const timer = setTimeout(
      () => void submit({ text: asked }, { method: 'post', action: '/search' }),
      QUIET_MS,
    )
    return () => clearTimeout(timer)
  }, [text, submit])
  const isAsked = text.trim().length >= SHORTEST
  const orders = isAsked ? (fetcher.data?.orders ?? []) : []
  const similar = similarAmong(orders.map((order) => ({ ...order, id: order.mrn })))
  const isCurrent = fetcher.state === 'idle' && isAsked

  function open(order: FoundOrder | undefined): void {
    if (!order) return
    wantsFirst.current = false
    setText('')
    field.current?.blur()
    void navigate(`/orders/${order.id}`)
  }
  useEffect(() => {
    const [first] = orders
    if (wantsFirst.current && isCurrent && first && orders.length === 1) open(first)
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
        onChange={(event) => {
          setText(event.target.value)
          setAt(0)
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setAt(Math.min(at + 1, orders.length - 1))
          else if (event.key === 'ArrowUp') setAt(Math.max(at - 1, 0))
          else if (event.key === 'Enter') {
            if (isCurrent && orders.length > 0) open(orders[at])
            else wantsFirst.current = true
          } else if (event.key === 'Escape') {
            setText('')
            field.current?.blur()
          } else return
          event.preventDefault()
        }}
      />
      <Keys chord="/" />
      {isAsked && fetcher.data ? (
        <div className="search-results" id={listId} role="listbox" aria-label={t('shell.search-label')}>
          {orders.map((order, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the field beside it has the keys
            <div
              key={order.id}
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

// Name, sex, birth date and number always: two people may share any one of them.
function FoundRow({ order, isSimilar }: { order: FoundOrder; isSimilar: boolean }) {
  const sexAge = useSexAge(order)
  return (
    <>
      <span>
        <PatientName name={order.name} similar={isSimilar} /> <span className="text-2">{sexAge}</span>
      </span>
      <span className="small text-2">
        {calendarDate(order.birthDate)} · {t('identity.mrn')} {order.mrn} · {order.accession} ·{' '}
        {order.procedure}
      </span>
    </>
  )
}
