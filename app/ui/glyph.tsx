/** The glyphs: 16 by 16 line drawings, one meaning each, always beside a word. */
import type { ReactNode } from 'react'

const GLYPHS = {
  alarm: (
    <>
      <circle cx="8" cy="8.5" r="5.5" />
      <path d="M8 5.5v3.2h2.6M6 1.3h4" />
    </>
  ),
  'arrow-in': <path d="M13.5 8h-10M7 4.5L3.5 8 7 11.5" />,
  'arrow-out': <path d="M2.5 8h10M9 4.5L12.5 8 9 11.5" />,
  bell: (
    <path d="M3.5 11.5h9c-1-1-1.3-2-1.3-4.5A3.2 3.2 0 0 0 8 3.5 3.2 3.2 0 0 0 4.8 7c0 2.5-.3 3.5-1.3 4.500zM7 13.800h2" />
  ),
  calendar: (
    <>
      <rect x="2.5" y="3.5" width="11" height="10" rx="1" />
      <path d="M2.5 6.8h11M5.5 2v3M10.5 2v3" />
    </>
  ),
  chain: (
    <path d="M6.5 9.5l3-3M7 4.5l1.5-1.5a3 3 0 0 1 4.3 4.3L11.3 8.800M9 11.500L7.5 13a3 3 0 0 1-4.3-4.300L4.7 7.2" />
  ),
  check: <path d="M3 8.500l3.3 3.300L13 4.5" />,
  chevron: <path d="M6 4l4 4-4 4" />,
  close: <path d="M4 4l8 8M12 4l-8 8" />,
  cross: <path d="M4 4l8 8M12 4l-8 8" />,
  dash: <path d="M3.5 8h9" />,
  image: (
    <>
      <rect x="2" y="3" width="12" height="10" rx="1" />
      <path d="M2 11l3.5-3.5 3 3L11 8l3 3" />
    </>
  ),
  inferred: <path d="M2.5 7c1.8-2 3.5-1 5.5 0s3.7 2 5.5 0M2.5 11c1.8-2 3.5-1 5.5 0s3.7 2 5.5 0" />,
  lock: (
    <>
      <rect x="3" y="7" width="10" height="7" rx="1" />
      <path d="M5 7V5a3 3 0 0 1 6 0v2" />
    </>
  ),
  look: (
    <>
      <path d="M8 2l6.5 11.500h-13z" />
      <path d="M8 6.500v3M8 11.600v.1" />
    </>
  ),
  message: <path d="M2 3h12v8H7l-3 2.500V11H2z" />,
  page: (
    <>
      <path d="M4 1.800h5.500L12.5 5v9.200H4z" />
      <path d="M6 8h4M6 10.800h4" />
    </>
  ),
  paused: <path d="M5.5 3.500v9M10.5 3.500v9" />,
  person: (
    <>
      <circle cx="8" cy="5" r="2.5" />
      <path d="M3.5 13.500c.4-3 2.2-4.2 4.5-4.200s4.1 1.2 4.5 4.2" />
    </>
  ),
  plus: <path d="M8 3v10M3 8h10" />,
  'priority-stat': <path d="M3 8l5-5 5 5M3 13.500l5-5 5 5" />,
  'priority-urgent': <path d="M3 10.500l5-5 5 5" />,
  'priority-routine': <path d="M3.5 8h9" />,
  rule: <path d="M3 3h4v4H3zM9 9h4v4H9zM5 7v4h4" />,
  search: (
    <>
      <circle cx="7" cy="7" r="4.5" />
      <path d="M10.5 10.500L14 14" />
    </>
  ),
  'sort-up': <path d="M4 10l4-4 4 4" />,
  'sort-down': <path d="M4 6l4 4 4-4" />,
  stopwatch: (
    <>
      <circle cx="8" cy="9" r="5" />
      <path d="M8 6.500V9M6.5 1.500h3" />
    </>
  ),
  twin: (
    <>
      <circle cx="5.5" cy="5" r="2.2" />
      <circle cx="11" cy="5" r="2.2" />
      <path d="M1.5 13c.2-2.7 1.7-4 4-4s3.8 1.3 4 4M11 9c2.2 0 3.4 1.3 3.6 4" />
    </>
  ),
  undo: <path d="M6 3L2.5 6.5 6 10M2.5 6.500H10a3.5 3.5 0 0 1 0 7H7" />,
  wristband: (
    <path d="M2 5V2.500h3M11 2.500h3V5M14 11v2.500h-3M5 13.500H2V11M5 5.500v5M8 5.500v5M11 5.500v5" />
  ),
} as const satisfies Record<string, ReactNode>

export type GlyphName = keyof typeof GLYPHS

/** Decorative by itself: the word beside it is what a screen reader says. */
export function Glyph({ name, className }: { name: GlyphName; className?: string }) {
  return <GlyphFrame className={className}>{GLYPHS[name]}</GlyphFrame>
}

export function GlyphFrame({
  children,
  className = '',
}: {
  children: ReactNode
  className?: string | undefined
}) {
  return (
    <svg className={`icon ${className}`} viewBox="0 0 16 16" aria-hidden="true">
      {children}
    </svg>
  )
}

/** The mark: the point about which everything turns. */
export function Mark() {
  return (
    <svg viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <circle cx="10" cy="10" r="8" />
      <circle cx="10" cy="10" r="3.6" opacity=".6" />
      <circle cx="10" cy="10" r="1.3" fill="currentColor" stroke="none" />
      <path d="M10 0v4M10 16v4M0 10h4M16 10h4" />
    </svg>
  )
}
