/** A reader asks the technologist: a word about the images, or some of them once more, with the images marked. */
import { useRef, useState } from 'react'
import type { ReturnTold } from '#db/queries/returns.ts'
import { RETURN_REASONS, type ReturnKind } from '#domain/return.ts'
import { t, wordFor } from '../strings/words.ts'
import { Button } from '../ui/button.tsx'
import { useZone } from '../ui/department-clock.tsx'
import { clockTime } from '../ui/format.ts'
import { type Reason, ReasonPicker, ReasonWords } from '../ui/reason-picker.tsx'
import { type Frame, layoutNow, type ViewerLayout } from './viewer-desk.ts'

const KINDS: Reason[] = (['clarify', 'retake'] as const).map((code) => ({
  code,
  word: wordFor('return', code),
  consequence: t(`ask.${code}-consequence`),
}))
const REASONS: Reason[] = RETURN_REASONS.map((code) => ({ code, word: wordFor('return-reason', code) }))

interface AskFormProps {
  frame: Frame
  isBusy: boolean
  onAsk: (fields: Record<string, string>) => void
  onClose: () => void
}

/** The kind by its digit, then the reason by its digit, then words; Alt Y marks the image that is shown. */
export function AskForm({ frame, isBusy, onAsk, onClose }: AskFormProps) {
  const [kind, setKind] = useState<ReturnKind | null>(null)
  const [reason, setReason] = useState<string | null>(null)
  const [words, setWords] = useState('')
  const [marked, setMarked] = useState<readonly string[]>([])
  const form = useRef<HTMLFormElement>(null)
  const blocked =
    reason === null
      ? t('refusal.reason-required')
      : reason === 'other' && words.trim() === '' && t('send-back.needs-words')
  async function mark(): Promise<void> {
    const uid = shownImage(await layoutNow(frame))
    if (uid) setMarked((before) => (before.includes(uid) ? before : [...before, uid]))
  }
  return (
    <form
      ref={form}
      className="stack"
      aria-label={t('ask.title')}
      onSubmit={(event) => {
        event.preventDefault()
        if (kind !== null && reason !== null && !blocked)
          onAsk({ kind, reason, words, instances: marked.join(',') })
      }}
    >
      {kind === null ? (
        <ReasonPicker
          label={t('ask.title')}
          reasons={KINDS}
          chosen={kind}
          takesFocus
          onChoose={(code) => setKind(code as ReturnKind)}
        />
      ) : (
        <>
          <p className="strong">{wordFor('return', kind)}</p>
          <ReasonPicker
            label={t('ask.reason')}
            reasons={REASONS}
            chosen={reason}
            takesFocus
            onChoose={(code) => {
              setReason(code)
              form.current?.querySelector('textarea')?.focus()
            }}
          />
          <ReasonWords value={words} required={reason === 'other'} onChange={setWords} />
          <Button wide onClick={() => void mark()}>
            {t('ask.mark')}
          </Button>
          <p className="small text-2" role="status">
            {t(marked.length === 0 ? 'ask.whole-study' : 'ask.marked', { n: marked.length })}
          </p>
          <Button type="submit" look="primary" wide busy={isBusy} blocked={blocked}>
            {t('ask.send')}
          </Button>
        </>
      )}
      <Button wide onClick={onClose}>
        {t('reason.close')}
      </Button>
    </form>
  )
}

interface ShownCell {
  isActive?: boolean
  view?: { image?: { sopInstanceUid?: string } | null } | null
}

/** The image in the active cell of the viewer. */
function shownImage(layout: ViewerLayout | null): string | null {
  const cells = (layout?.cells ?? []) as ShownCell[]
  const cell = cells.find(({ isActive }) => isActive) ?? cells[0]
  return cell?.view?.image?.sopInstanceUid ?? null
}

/** What was asked about this order and what came back, the newest first. */
export function ReturnsPanel({ returns }: { returns: readonly ReturnTold[] }) {
  const zone = useZone()
  if (returns.length === 0) return null
  return (
    <section className="panel returns-told" aria-label={t('ask.told')}>
      <header>
        <h2 className="strong">{t('ask.told')}</h2>
      </header>
      <ul className="body">
        {returns.map((one) => (
          <li key={one.id}>
            <p className="small text-2">
              {wordFor('return', one.kind)}, {wordFor('return-reason', one.reason)} ·{' '}
              {t('retakes.asked-by', { who: one.askedBy, time: clockTime(one.askedAt, zone) })}
            </p>
            {one.words ? <p className="small">{one.words}</p> : null}
            {one.answer && one.answeredAt ? (
              <p>
                <b className="strong">{wordFor('return-answer', one.answer)}</b> {one.answerWords}{' '}
                <span className="small text-2">
                  {one.answeredBy} {clockTime(one.answeredAt, zone)}
                </span>
              </p>
            ) : (
              <p className="hold">{t('ask.waits')}</p>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}
