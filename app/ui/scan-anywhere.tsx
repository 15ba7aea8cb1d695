/** A wristband or an order form scanned on a screen that has no use of its own for it opens the order it belongs to. */
import { useEffect, useRef, useState } from 'react'
import { useFetcher, useLocation, useNavigate } from 'react-router'
import type { ScannedPerson } from '#db/queries/scan-queue.ts'
import { useScan } from '../keys/key-layer.tsx'
import { t } from '../strings/words.ts'
import { Banner } from './messages.tsx'

/** Compares it with the selected patient itself. */
const SCAN_QUEUE = '/scan-queue'

export function ScanAnywhere() {
  const { pathname } = useLocation()
  const navigate = useNavigate()
  const finding = useFetcher<{ person: ScannedPerson | null }>()
  const scanned = useRef<string | null>(null)
  const [failed, setFailed] = useState<'scan.unknown' | 'scan.no-order' | null>(null)
  useScan((text) => {
    if (pathname === SCAN_QUEUE) return
    scanned.current = text
    setFailed(null)
    void finding.submit({ intent: 'scan', text }, { method: 'post', action: SCAN_QUEUE })
  })
  const { state, data } = finding
  useEffect(() => {
    if (state !== 'idle' || !data || scanned.current === null) return
    const steps = data.person?.steps ?? []
    // The form of one order opens that one; a wristband the soonest.
    const step = steps.find(({ accession }) => accession === scanned.current) ?? steps[0]
    scanned.current = null
    if (step) void navigate(`/orders/${step.orderId}`)
    else setFailed(data.person ? 'scan.no-order' : 'scan.unknown')
  }, [state, data, navigate])
  // biome-ignore lint/correctness/useExhaustiveDependencies: it was about the screen that was left
  useEffect(() => setFailed(null), [pathname])
  return failed ? <Banner what={t(failed)} still={t('scan.scan-again-hint')} /> : null
}
