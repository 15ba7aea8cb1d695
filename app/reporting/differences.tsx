/** Two texts of one report as one: what was taken out struck through, what came in underlined, section by section. */
import './over-read.css'
import { useDeferredValue, useMemo } from 'react'
import { type Piece, wordDifferences } from '#domain/word-differences.ts'
import { t, wordFor } from '../strings/words.ts'
import type { Section } from './sections.ts'

interface DifferencesProps {
  before: readonly Pick<Section, 'key' | 'text'>[]
  after: readonly Pick<Section, 'key' | 'text'>[]
}

export function Differences({ before, after }: DifferencesProps) {
  // Typing comes first: the marks follow when there is time.
  const now = useDeferredValue(after)
  const changed = useMemo(() => changedSections(before, now), [before, now])
  if (changed.length === 0) return <p className="small text-2">{t('second.same')}</p>
  return changed.map(({ key, pieces }) => (
    <section key={key}>
      <p className="label">{wordFor('section', key)}</p>
      <p className="marked-text">
        {pieces.map(({ text, change }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no names of their own, and keep nothing
          <Marked key={`${index} ${change}`} text={text} change={change} />
        ))}
      </p>
    </section>
  ))
}

function Marked({ text, change }: Piece) {
  if (change === 'removed') return <del>{text}</del>
  return change === 'added' ? <ins>{text}</ins> : <span>{text}</span>
}

export function changedSections(
  before: DifferencesProps['before'],
  after: DifferencesProps['after'],
): { key: string; pieces: Piece[] }[] {
  const keys = new Set([...after, ...before].map(({ key }) => key))
  const textOf = (sections: DifferencesProps['before'], key: string) =>
    sections.find((section) => section.key === key)?.text ?? ''
  return [...keys]
    .map((key) => ({ key, pieces: wordDifferences(textOf(before, key), textOf(after, key)) }))
    .filter(({ pieces }) => pieces.some(({ change }) => change !== 'same'))
}
