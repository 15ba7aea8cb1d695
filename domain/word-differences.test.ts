/** Differences between two texts: nothing of either is lost, and what is marked is what changed. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Piece, wordDifferences } from './word-differences.ts'

const marked = (pieces: readonly Piece[]): string =>
  pieces
    .map(({ text, change }) =>
      change === 'same' ? text : change === 'removed' ? `[-${text}-]` : `[+${text}+]`,
    )
    .join('')

test.each([
  ['No bleed.', 'No bleed.', 'No bleed.'],
  ['', 'A bleed.', '[+A bleed.+]'],
  ['A bleed.', '', '[-A bleed.-]'],
  ['No acute bleed.', 'No bleed.', 'No [-acute -]bleed.'],
  ['A bleed on the left.', 'A bleed on the right.', 'A bleed on the [-left.-][+right.+]'],
  ['No bleed.\nNo shift.', 'No bleed.\nShift of 4 mm.', 'No bleed.\n[-No shift.-][+Shift of 4 mm.+]'],
])('[RW-07] from “%s” to “%s” the attending’s words are marked', (before, after, shown) => {
  expect(marked(wordDifferences(before, after))).toBe(shown)
})

test('[RW-07] the pieces hold every word of both texts, in their order', () => {
  const text = fc
    .array(fc.constantFrom('no', 'bleed', 'left', 'right', ' ', '\n', 'سكتة', '出血', '.'), { maxLength: 30 })
    .map((words) => words.join(''))
  const of = (pieces: readonly Piece[], without: Piece['change']) =>
    pieces
      .filter(({ change }) => change !== without)
      .map(({ text: words }) => words)
      .join('')
  fc.assert(
    fc.property(text, text, (before, after) => {
      const pieces = wordDifferences(before, after)
      expect(of(pieces, 'removed')).toBe(after)
      expect(of(pieces, 'added')).toBe(before)
      if (before === after) expect(pieces.every(({ change }) => change === 'same')).toBe(true)
    }),
  )
})
