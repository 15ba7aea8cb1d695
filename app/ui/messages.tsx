/** What a screen says about itself: banners, an empty list, a fault, a wait, and the way back from an act. */
import { type ReactNode, useEffect, useState } from 'react'
import { useKeys } from '../keys/key-layer.tsx'
import { t } from '../strings/words.ts'
import { Button } from './button.tsx'
import { Glyph } from './glyph.tsx'

/** One line: what is affected, then what still works. */
export function Banner({ what, still, bad = false }: { what: string; still: string; bad?: boolean }) {
  return (
    <p className={bad ? 'banner bad' : 'banner'} role="status">
      <Glyph name={bad ? 'cross' : 'look'} />
      <span>
        <b className="strong">{what}</b> {still}
      </span>
    </p>
  )
}

/** What is empty, why, and where work is. */
export function EmptyState({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="state-box">
      <h2>{title}</h2>
      <div className="small text-2">{children}</div>
    </div>
  )
}

/** One line with a way on; the rest of the screen stays usable. */
export function ErrorLine({
  children,
  onRetry,
}: {
  children: ReactNode
  onRetry?: (() => void) | undefined
}) {
  return (
    <p className="error-line" role="alert">
      <Glyph name="look" />
      <span>{children}</span>
      {onRetry ? <Button onClick={onRetry}>{t('error.try-again')}</Button> : null}
    </p>
  )
}

/** Says what was done and takes it back for as long as that is possible. */
export function UndoBar({ done, untilMs, onUndo, word = t('undo.undo') }: UndoBarProps) {
  const [leftMs, setLeftMs] = useState(() => untilMs - Date.now())
  useEffect(() => {
    const timer = setInterval(() => setLeftMs(untilMs - Date.now()), 500)
    return () => clearInterval(timer)
  }, [untilMs])
  const over = leftMs <= 0
  useKeys([{ chord: 'Alt+Z', word, run: onUndo, disabled: over }])
  if (over) return null
  return (
    <div className="undo-bar" role="status">
      <Glyph name="undo" />
      <span>{done}</span>
      <span className="text-3">{t('undo.seconds', { seconds: Math.ceil(leftMs / 1000) })}</span>
      <Button chord="Alt+Z" onClick={onUndo}>
        {word}
      </Button>
    </div>
  )
}

interface UndoBarProps {
  done: string
  /** The workstation's clock: only how long the bar stands here; the server decides whether undo is still possible. */
  untilMs: number
  onUndo: () => void
  word?: string
}
