/** A phase: glyph and word, never coloured, because a phase is neither good nor bad. */
import type { ReactNode } from 'react'
import type { Phase } from '#domain/words.ts'
import { t } from '../strings/words.ts'
import { GlyphFrame } from './glyph.tsx'

// The family tells the stage: circles before the patient comes, a figure when here, squares when images exist,
// an eye when read, a circle with a mark when out.
const PHASE_GLYPHS: Record<Phase, ReactNode> = {
  ordered: <circle cx="8" cy="8" r="5.5" strokeDasharray="2.4 2.2" />,
  protocolled: circle(<path d="M5.5 8h5" />),
  scheduled: circle(<path d="M8 5v3l2 1.5" />),
  arrived: (
    <>
      <circle cx="8" cy="5" r="2.5" />
      <path d="M3.5 13.5c.4-3 2.2-4.2 4.5-4.2s4.1 1.2 4.5 4.2" />
    </>
  ),
  acquiring: circle(
    <>
      <circle cx="8" cy="8" r="1.8" fill="currentColor" stroke="none" />
      <path d="M8 .8v2.4M8 12.8v2.4" />
    </>,
  ),
  acquired: (
    <>
      <rect x="2.5" y="5" width="8.5" height="8.5" rx="1" />
      <path d="M5.5 2.5h8v8" />
    </>
  ),
  'quality-check': <path d="M8 1.8l5 1.9v4c0 3.2-2 5.4-5 6.5-3-1.1-5-3.3-5-6.5v-4z" />,
  reading: (
    <>
      <path d="M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8z" />
      <circle cx="8" cy="8" r="1.9" fill="currentColor" stroke="none" />
    </>
  ),
  preliminary: circle(<path d="M8 2.500a5.5 5.5 0 0 1 0 11z" fill="currentColor" stroke="none" />),
  final: circle(<path d="M5.4 8.200l1.9 1.9 3.4-3.9" />),
  delivered: circle(<path d="M6 10l4-4M6.8 6H10v3.2" />),
  closed: <circle cx="8" cy="8" r="5.5" fill="currentColor" />,
  cancelled: circle(<path d="M5.8 5.800l4.4 4.400M10.2 5.800l-4.4 4.4" />),
  discontinued: circle(<rect x="6" y="6" width="4" height="4" fill="currentColor" stroke="none" />),
  'no-show': circle(<path d="M4.2 11.800l7.6-7.6" />),
}

export function PhaseTag({ phase }: { phase: Phase }) {
  return (
    <span className="phase">
      <GlyphFrame>{PHASE_GLYPHS[phase]}</GlyphFrame>
      {t(`phase.${phase}`)}
    </span>
  )
}

function circle(mark: ReactNode): ReactNode {
  return (
    <>
      <circle cx="8" cy="8" r="5.5" />
      {mark}
    </>
  )
}
