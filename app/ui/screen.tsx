/** One screen: its content and, at its foot, the keys that act on it and one fact about freshness or a rule. */
import type { ReactNode } from 'react'
import { shownKeys } from '../keys/chord.ts'
import { type KeyBinding, useKeys } from '../keys/key-layer.tsx'
import { t } from '../strings/words.ts'

/** A key as the foot bar shows it. Those with `silent` act and stand on the key sheet only. */
export interface ScreenKey extends Omit<KeyBinding, 'run'> {
  /** Left out for keys that a part of the screen acts on itself and that only stand in the foot bar. */
  run?: () => void
  silent?: boolean
}

export function Screen({ label, keys, fact, children, className = '', scrolls = false }: ScreenProps) {
  useKeys(keys.map(({ run, ...key }) => (run ? { ...key, run } : { ...key, run: () => {}, shownOnly: true })))
  return (
    <>
      <main id="content" tabIndex={scrolls ? 0 : -1} aria-label={label} className={className}>
        {children}
      </main>
      <footer className="foot-bar">
        {keys
          .filter((key) => !key.silent)
          .map((key) => (
            <KeyWord key={key.chord} {...key} />
          ))}
        <span className="push">
          {fact}
          <kbd>?</kbd>
          {t('shell.all-keys')}
        </span>
      </footer>
    </>
  )
}

/** A key and what it does, as the foot bar and the foot of a panel show it. */
export function KeyWord({ chord, caps, word }: Pick<ScreenKey, 'chord' | 'caps' | 'word'>) {
  return (
    <span>
      <FootCaps caps={caps ?? shownKeys(chord)} />
      <span className="key-word">{word}</span>
    </span>
  )
}

interface ScreenProps {
  label: string
  keys: ScreenKey[]
  fact?: ReactNode
  children: ReactNode
  className?: string
  /** It is itself what is scrolled, so that the arrow keys must reach it. */
  scrolls?: boolean
}

function FootCaps({ caps }: { caps: string[] }) {
  return caps.map((cap) => <kbd key={cap}>{cap}</kbd>)
}
