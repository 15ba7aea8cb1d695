/** What waits, on the list: the key that set it aside brings it back. */

import { useEffect } from 'react'
import { useFetcher, useNavigate } from 'react-router'
import type { WaitingCase } from '#app/server/parked.ts'
import { useKeys } from '../keys/key-layer.tsx'
import { t } from '../strings/words.ts'
import { ParkedChips } from './parked-chips.tsx'

const NONE: WaitingCase[] = []

export function ParkedOnList() {
  const asking = useFetcher<{ cases: WaitingCase[] }>()
  const navigate = useNavigate()
  const { load } = asking
  useEffect(() => void load('/reading/parked'), [load])
  const cases = asking.data?.cases ?? NONE
  const bringBack = (itemId: string) => void navigate(`/reading/${itemId}`)
  const [newest] = cases
  useKeys(
    newest ? [{ chord: 'Alt+Q', word: t('parked.bring-back'), run: () => bringBack(newest.itemId) }] : [],
  )
  return <ParkedChips cases={cases} onBringBack={bringBack} />
}
