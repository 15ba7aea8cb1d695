/** The wristband beside the queue: whose it is, and what keeps another person's exam from beginning. */
import { useEffect, useRef, useState } from 'react'
import { useFetcher } from 'react-router'
import type { ScannedPerson, ScanRoom, ScanStep } from '#db/queries/scan-queue.ts'
import { useScan } from '../../keys/key-layer.tsx'
import { t, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { calendarDate } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { useSexAge } from '../../ui/identity-banner.tsx'
import { PatientName } from '../../ui/patient-name.tsx'
import { Differences, personFields } from './differences.tsx'
import type { QueueRow } from './scan-columns.tsx'

type Match = 'unscanned' | 'same' | 'differs' | 'shared'

export function matchOf(current: ScanStep | undefined, scanned: string | null): Match {
  if (!scanned || !current) return 'unscanned'
  if (!isOf(current, scanned)) return 'differs'
  return current.sharedNumbers.includes(scanned) ? 'shared' : 'same'
}

const isOf = ({ identifiers, accession }: ScanStep, scanned: string) =>
  identifiers.includes(scanned) || accession === scanned

interface WristbandState {
  scanned: string | null
  /** Whose it is, when it isn't anybody's who waits here; null as long as that isn't known. */
  person: ScannedPerson | null
  isLooking: boolean
  nobodyWaits: boolean
  scan: (text: string | null) => void
}

interface Scan {
  code: string
  /** The exam that it chose on the queue; null: it was nobody's who waited here. */
  stepId: string | null
  /** The answer that stood before it, which is not about it. */
  before: unknown
}

/**
 * A scan opens the order of the person who waits here, and is over with that exam; anybody else's is looked up, and
 * blocks.
 */
export function useWristband({
  queue,
  onFound,
  isElsewhere = false,
}: {
  queue: QueueRow[]
  onFound: (id: string) => void
  /** Something else on the screen takes scans just now. */
  isElsewhere?: boolean
}): WristbandState {
  const [taken, setTaken] = useState<Scan | null>(null)
  const finding = useFetcher<{ person: ScannedPerson | null }>()
  function scan(text: string | null): void {
    const code = text?.trim()
    if (!code) {
      setTaken(null)
      return
    }
    const own = queue.find((row) => isOf(row, code))
    setTaken({ code, stepId: own?.id ?? null, before: finding.data })
    if (own) onFound(own.id)
    else void finding.submit({ intent: 'scan', text: code }, { method: 'post', action: '/scan-queue' })
  }
  useScan((text) => {
    if (!isElsewhere) scan(text)
  })
  // A scanner, or a colleague, began it without our button: held against whoever is next, it would be a false alarm.
  if (taken?.stepId && !queue.some(({ id }) => id === taken.stepId)) setTaken(null)
  const isLooking = taken?.stepId === null && (finding.state !== 'idle' || finding.data === taken.before)
  return {
    scanned: taken?.code ?? null,
    isLooking,
    nobodyWaits: queue.length === 0,
    person: taken && !isLooking ? ownerOf(taken.code, { queue, found: finding.data?.person ?? null }) : null,
    scan,
  }
}

/** Whoever came to wait here since it was looked up is known from the queue. */
function ownerOf(
  scanned: string,
  { queue, found }: { queue: QueueRow[]; found: ScannedPerson | null },
): ScannedPerson | null {
  if (found && (found.identifiers.includes(scanned) || found.steps.some((s) => s.accession === scanned)))
    return found
  const row = queue.find((each) => isOf(each, scanned))
  return row ? { ...row, steps: [{ ...row, room: null }] } : null
}

interface WristbandProps {
  current: ScanStep | undefined
  wristband: WristbandState
  rooms: ScanRoom[]
  roomId: string | undefined
  onRoom: (id: string) => void
  children: React.ReactNode
}

export function Wristband({ current, wristband, rooms, roomId, onRoom, children }: WristbandProps) {
  const { scanned, person, isLooking, scan } = wristband
  const [typed, setTyped] = useState('')
  const match = matchOf(current, scanned)
  const again = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (match === 'differs' || match === 'shared') again.current?.querySelector('button')?.focus()
  }, [match])
  const onTable = person?.steps.find((step) => step.status === 'started')
  const elsewhere = person?.steps.find((step) => step.roomId !== null && step.roomId !== roomId)
  return (
    <aside className="panel wristband" aria-label={t('scan.wristband')}>
      <header>
        <Glyph name="wristband" />
        <h2>{t('scan.wristband')}</h2>
        <span className="text-3 push">{t('scan.scanner-ready')}</span>
      </header>
      <form
        className="body field"
        onSubmit={(event) => {
          event.preventDefault()
          if (typed.trim()) scan(typed)
          setTyped('')
        }}
      >
        <label htmlFor="wristband-number">{t('scan.number')}</label>
        <input
          id="wristband-number"
          className="input mono"
          value={typed}
          autoComplete="off"
          onChange={(e) => setTyped(e.target.value)}
        />
      </form>
      <div role="status">
        {match === 'same' ? (
          <p className="wristband-same">
            <Glyph name="check" /> {t('scan.wristband-same')}
          </p>
        ) : null}
        {scanned && wristband.nobodyWaits ? (
          <p className="wristband-same none">{t('scan.nobody-waits')}</p>
        ) : null}
      </div>
      {match === 'shared' ? (
        <div className="wristband-differs" role="alert" ref={again}>
          <p className="strong late">
            <Glyph name="look" /> {t('scan.match-shared')}
          </p>
          <p className="small">{t('scan.shared-number')}</p>
          <Button wide chord="Escape" onClick={() => scan(null)}>
            {t('scan.scan-again')}
          </Button>
        </div>
      ) : null}
      {match === 'differs' && current ? (
        <div className="wristband-differs" role="alert" ref={again}>
          <p className="strong late">
            <Glyph name="look" /> {t('scan.not-next')}
          </p>
          <p className="small">
            {person ? t('scan.other-person') : isLooking ? t('scan.looking') : t('scan.unknown-number')}
          </p>
          <Differences
            fields={personFields(current, person, scanned ?? '')}
            of={[t('scan.selected'), t('scan.wristband')]}
            same={t('scan.same')}
          />
          {onTable ? (
            <p className="small strong">{t('scan.on-table-now', { room: onTable.room ?? '' })}</p>
          ) : elsewhere ? (
            <p className="small">
              {t('scan.waits-elsewhere', { room: elsewhere.room ?? '', procedure: elsewhere.procedure })}
            </p>
          ) : person && person.steps.length === 0 ? (
            <p className="small">{t('scan.no-order')}</p>
          ) : null}
          <Button wide chord="Escape" onClick={() => scan(null)}>
            {t('scan.scan-again')}
          </Button>
          {elsewhere && rooms.some(({ id }) => id === elsewhere.roomId) ? (
            <Button wide onClick={() => onRoom(elsewhere.roomId ?? '')}>
              {t('scan.go-to-room', { room: elsewhere.room ?? '' })}
            </Button>
          ) : null}
        </div>
      ) : null}
      <div className="wristband-foot">
        {current ? (
          <>
            <p className="label">{t('scan.selected')}</p>
            {/* What differs says who it is, beside the person of the wristband. */}
            {match === 'differs' ? null : (
              <>
                <p>
                  <PatientName name={current.name} similar={current.isSimilar} />
                </p>
                <p className="small text-2">
                  <SexAge {...current} /> · {calendarDate(current.birthDate)} · {t('identity.mrn')}{' '}
                  <span className="mono">{current.identifiers[0]}</span> ·{' '}
                  <span className="mono">{current.accession}</span>
                </p>
              </>
            )}
            <p className="small">{current.procedureName}</p>
            <p
              className={
                match === 'same' ? 'small ok' : match === 'unscanned' ? 'small text-3' : 'small late'
              }
            >
              <Glyph name={match === 'same' ? 'check' : match === 'unscanned' ? 'dash' : 'cross'} />{' '}
              {t(`scan.match-${match}`)}
            </p>
            {current.gates.length > 0 ? (
              <p className="small text-2">
                <Glyph name="look" />{' '}
                {t('scan.ask', { what: current.gates.map((gate) => wordFor('gate', gate)).join(', ') })}
              </p>
            ) : null}
          </>
        ) : null}
        {children}
      </div>
    </aside>
  )
}

function SexAge(step: Pick<ScanStep, 'sex' | 'birthDate'>) {
  return useSexAge(step)
}
