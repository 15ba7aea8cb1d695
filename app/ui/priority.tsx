/** A priority: weight and shape (filled, outlined, plain). Red is kept for lateness, so STAT is not red. */
import type { Priority as PriorityWord } from '#domain/words.ts'
import { t } from '../strings/words.ts'
import { Glyph } from './glyph.tsx'

export function Priority({ value, word }: { value: PriorityWord; word?: string | null | undefined }) {
  return (
    <span className={`priority ${value}`}>
      <Glyph name={`priority-${value}`} />
      {t(`priority.${value}`)}
      {word ? ` ${word}` : null}
    </span>
  )
}
