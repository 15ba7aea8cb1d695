/** What is looked at before a signature: each check in words, with the place to mend it where there is one. */
import type { ReportCheck } from '#db/mutations/reports.ts'
import { t, wordFor } from '../strings/words.ts'
import { Glyph } from '../ui/glyph.tsx'
import type { ImagesSeen } from './images-seen.ts'
import type { Section } from './sections.ts'

const GLYPHS = { ok: 'check', look: 'look', blocks: 'cross' } as const
const TONES = { ok: 'ok', look: 'risk', blocks: 'late' } as const
/** Without these no report is final. */
const NEEDED = ['findings', 'impression']

/** The server's checks, but for what stands in the fields this moment: nobody waits for a save to see that. */
export function checksNow(checks: readonly ReportCheck[], sections: readonly Section[]): ReportCheck[] {
  const state = firstMissing(sections) === null ? 'ok' : 'blocks'
  return checks.map((check) => (check.id === 'sections' ? { ...check, state } : check))
}

/** The first section that must be written and isn't. */
export function firstMissing(sections: readonly Section[]): string | null {
  return NEEDED.find((key) => !isWritten(sections, key)) ?? null
}

export function isWritten(sections: readonly Section[], key: string): boolean {
  return sections.some((section) => section.key === key && section.text.trim() !== '')
}

interface ChecksProps {
  checks: readonly ReportCheck[]
  /** Null when there is nothing to display. */
  images: { seen: ImagesSeen; count: number } | null
  /** Goes to the place where a blocking check is mended. */
  onMend: (() => void) | null
}

export function Checks({ checks, images, onMend }: ChecksProps) {
  return (
    <ul className="checks">
      {checks.map(({ id, state }) => (
        <li key={id} className={state === 'ok' ? '' : TONES[state]}>
          <span className={TONES[state]}>
            <Glyph name={GLYPHS[state]} />
          </span>
          {id === 'sections' && state === 'blocks' && onMend ? (
            <button type="button" className="check-link" onClick={onMend}>
              {wordFor(`check.${id}`, state)}
            </button>
          ) : (
            <span>{wordFor(`check.${id}`, state)}</span>
          )}
        </li>
      ))}
      {images ? <Displayed {...images} /> : null}
    </ul>
  )
}

function Displayed({ seen, count }: { seen: ImagesSeen; count: number }) {
  const displayed = Math.min(seen.displayed, count)
  const isAll = displayed >= count && count > 0
  return (
    <li className={seen.failed ? 'risk' : isAll ? '' : 'text-2'}>
      <span className={seen.failed ? 'risk' : isAll ? 'ok' : 'text-3'}>
        <Glyph name={seen.failed ? 'look' : isAll ? 'check' : 'dash'} />
      </span>
      <span>
        {t(seen.failed ? 'room.images-failed' : 'room.images-seen', {
          displayed,
          images: count,
          missing: count - displayed,
        })}
      </span>
    </li>
  )
}
