/** What the search field and the palette find: orders by accession, number or name in any script, asked for as one types. */
import { useEffect, useState } from 'react'
import { similarAmong } from '#domain/similar-people.ts'
import { t } from '../strings/words.ts'
import { calendarDate } from './format.ts'
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

interface Found {
  asked: string
  orders: FoundOrder[]
}

export interface OrderSearch {
  orders: FoundOrder[]
  /** What was typed is long enough to be asked for, and this is the answer to it. */
  isAnswered: boolean
  /** The answer is still to come. */
  isAsking: boolean
  /** Whose names could be taken for each other, by their numbers. */
  similar: ReadonlySet<string>
}

/** Below this a search answers with half the department. */
const SHORTEST = 2
const QUIET_MS = 200
const NOTHING: Found = { asked: '', orders: [] }

/** A plain request, not a fetcher: finding somebody changes nothing, and must not load the page behind again. */
export function useOrderSearch(text: string): OrderSearch {
  const [found, setFound] = useState<Found>(NOTHING)
  const asked = text.trim()
  const isAsked = asked.length >= SHORTEST
  useEffect(() => {
    if (!isAsked) return setFound(NOTHING)
    const request = new AbortController()
    const timer = setTimeout(() => {
      ask(asked, request.signal).then(
        (orders) => setFound({ asked, orders }),
        // Overtaken by the next letter, or the server is away, which the bar above says.
        () => {},
      )
    }, QUIET_MS)
    return () => {
      clearTimeout(timer)
      request.abort()
    }
  }, [asked, isAsked])
  const orders = isAsked ? found.orders : NOTHING.orders
  return {
    orders,
    isAnswered: isAsked && found.asked === asked,
    isAsking: isAsked && found.asked !== asked,
    similar: similarAmong(orders.map((order) => ({ ...order, id: order.mrn }))),
  }
}

async function ask(text: string, signal: AbortSignal): Promise<FoundOrder[]> {
  const response = await fetch('/search', { method: 'POST', body: new URLSearchParams({ text }), signal })
  // The session has ended: the page itself goes where the answer was sent, and comes back.
  if (response.redirected) location.reload()
  if (!response.ok || response.redirected) throw new Error(`search: ${response.status}`)
  return ((await response.json()) as { orders: FoundOrder[] }).orders
}

// Name, sex, birth date and number always: two people may share any one of them.
export function FoundRow({ order, isSimilar }: { order: FoundOrder; isSimilar: boolean }) {
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
