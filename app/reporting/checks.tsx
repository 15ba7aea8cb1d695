/** What is looked at before a signature: each check in words, with the place to mend it where there is one. */
import type { ReportCheck } from '#db/mutations/reports.ts'
import {
  CONSISTENCY_CHECKS,
  type ConsistencyCheck,
  contradictions,
  type ExamFacts,
} from '#domain/report-consistency.ts'
import { openField } from '#domain/report-text.ts'
import { t, type WordKey, wordFor } from '../strings/words.ts'
import { Glyph } from '../ui/glyph.tsx'
import { focusSection } from './focus-section.ts'
import type { ImagesSeen } from './images-seen.ts'
import type { Section } from './sections.ts'

const GLYPHS = { ok: 'check', look: 'look', blocks: 'cross' } as const
const TONES = { ok: 'ok', look: 'risk', blocks: 'late' } as const
/** Without these no report is final. */
const NEEDED = ['findings', 'impression']

/** The server's checks, but for what stands in the fields this moment: nobody waits for a save to see that. */
export function checksNow(
  checks: readonly ReportCheck[],
  sections: readonly Section[],
  exam: ExamFacts | null,
): ReportCheck[] {
  const written = firstMissing(sections) === null ? 'ok' : 'blocks'
  const found = exam && contradictions(sections, exam)
  return checks.map(({ at: before, ...check }): ReportCheck => {
    if (check.id === 'sections') return { ...check, state: written }
    if (check.id === 'fields') return { ...check, ...fieldsNow(sections) }
    if (!isConsistency(check.id)) return check
    const at = found ? found[check.id] : before
    return at ? { ...check, state: 'look', at } : { ...check, state: 'ok' }
  })
}

/** Whatever a template left open is filled or taken out before a signature. */
function fieldsNow(sections: readonly Section[]): Pick<ReportCheck, 'state' | 'at'> {
  const open = openField(sections)
  return open ? { state: 'blocks', at: { ...open, against: 'exam' } } : { state: 'ok' }
}

const isConsistency = (id: ReportCheck['id']): id is ConsistencyCheck =>
  (CONSISTENCY_CHECKS as readonly string[]).includes(id)

/** The first section that must be written and isn't. */
export function firstMissing(sections: readonly Section[]): string | null {
  return NEEDED.find((key) => !isWritten(sections, key)) ?? null
}

export function isWritten(sections: readonly Section[], key: string): boolean {
  return sections.some((section) => section.key === key && section.text.trim() !== '')
}

interface ChecksProps {
  checks: readonly ReportCheck[]
  exam: ExamFacts | null
  /** Null when there is nothing to display, or nothing counts it. */
  images: { seen: ImagesSeen; count: number } | null
  /** Goes to the place where a blocking check is mended. */
  onMend: (() => void) | null
}

export function Checks({ checks, exam, images, onMend }: ChecksProps) {
  return (
    <ul className="checks">
      {checks.filter(isWorthALine).map((check) => (
        <li key={check.id} className={check.state === 'ok' ? '' : TONES[check.state]}>
          <span className={TONES[check.state]}>
            <Glyph name={GLYPHS[check.state]} />
          </span>
          <CheckWords
            words={
              check.at && isConsistency(check.id)
                ? doubtOf(check, check.at, exam)
                : wordFor(`check.${check.id}`, check.state)
            }
            onGo={placeOf(check, onMend)}
          />
        </li>
      ))}
      {images ? <Displayed {...images} /> : null}
    </ul>
  )
}

// Most reports have no fields at all.
const isWorthALine = ({ id, state }: ReportCheck) => id !== 'fields' || state !== 'ok'

function CheckWords({ words, onGo }: { words: string; onGo: (() => void) | null }) {
  if (!onGo) return <span>{words}</span>
  return (
    <button type="button" className="check-link" onClick={onGo}>
      {words}
    </button>
  )
}

function placeOf({ id, state, at }: ReportCheck, onMend: (() => void) | null): (() => void) | null {
  if (at) return () => focusSection(at.section, at)
  return id === 'sections' && state === 'blocks' ? onMend : null
}

/** What the text says, where, and what it is held against. */
function doubtOf({ id }: ReportCheck, at: NonNullable<ReportCheck['at']>, exam: ExamFacts | null): string {
  const against = at.against === 'findings' ? 'findings' : id === 'laterality' ? 'exam' : known(id, exam)
  const key = `check.${id}.${against}` as WordKey
  return t(key, {
    section: wordFor('section', at.section),
    word: id === 'laterality' ? at.word.toLowerCase() : at.word,
    side: t(at.word.toLowerCase() === 'left' ? 'side.right' : 'side.left'),
  })
}

const known = (id: ReportCheck['id'], exam: ExamFacts | null) => (id === 'sex' ? exam?.sex : exam?.contrast)

/** How much there is to mend, and how much to look at; images that were never on the screen among it. */
export function CheckCounts({ checks, images }: Pick<ChecksProps, 'checks' | 'images'>) {
  const blocking = checks.filter(({ state }) => state === 'blocks').length
  const isOpen = images !== null && imagesToLookFor(images.seen, images.count)
  const looking = checks.filter(({ state }) => state === 'look').length + (isOpen ? 1 : 0)
  return (
    <span className="small push">
      {blocking ? <span className="late">{t('room.blocks', { n: blocking })}</span> : null}
      {blocking && looking ? ' · ' : null}
      {looking ? <span className="risk">{t('room.looks', { n: looking })}</span> : null}
    </span>
  )
}

/** Whether the images of this case were all on the screen: what was not is looked for before a signature. */
function imagesToLookFor({ displayed, missing }: ImagesSeen, count: number): boolean {
  return missing > 0 || displayed < count
}

function Displayed({ seen, count }: { seen: ImagesSeen; count: number }) {
  const isOpen = imagesToLookFor(seen, count)
  const values = { displayed: Math.min(seen.displayed, count), images: count, missing: seen.missing }
  return (
    <li className={isOpen ? 'risk' : ''}>
      <span className={isOpen ? 'risk' : 'ok'}>
        <Glyph name={isOpen ? 'look' : 'check'} />
      </span>
      <span>{t(seen.missing > 0 ? 'room.images-missing' : 'room.images-seen', values)}</span>
    </li>
  )
}
