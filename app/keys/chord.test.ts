import { expect, test } from 'vitest'
import { ariaKeys, chordMatches, type KeyStroke, shownKeys } from './chord.ts'

const stroke = (key: string, over: Partial<KeyStroke> = {}): KeyStroke => ({
  key,
  code: `Key${key.toUpperCase()}`,
  altKey: false,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  ...over,
})

test('Alt with Enter is the primary action, Enter alone is not', () => {
  expect(chordMatches('Alt+Enter', stroke('Enter', { altKey: true }))).toBe(true)
  expect(chordMatches('Alt+Enter', stroke('Enter'))).toBe(false)
  expect(chordMatches('Enter', stroke('Enter', { altKey: true }))).toBe(false)
})

test('AltGr types characters and never acts', () => {
  expect(chordMatches('Alt+Q', stroke('@', { code: 'KeyQ', altKey: true, ctrlKey: true }))).toBe(false)
  expect(chordMatches('Alt+Q', stroke('q', { altKey: true, ctrlKey: true }))).toBe(false)
})

test('a Cyrillic keyboard acts by the place of the key', () => {
  expect(chordMatches('N', stroke('т', { code: 'KeyN' }))).toBe(true)
  expect(chordMatches('Alt+W', stroke('ц', { code: 'KeyW', altKey: true }))).toBe(true)
})

test('a Dvorak keyboard acts by the letter on the key, not by its place', () => {
  expect(chordMatches('N', stroke('n', { code: 'KeyL' }))).toBe(true)
  expect(chordMatches('L', stroke('n', { code: 'KeyL' }))).toBe(false)
})

test('Option on a Mac types letters of its own, and still acts', () => {
  expect(chordMatches('Alt+P', stroke('π', { code: 'KeyP', altKey: true }))).toBe(true)
})

test('key caps show what stands on the keys', () => {
  expect(shownKeys('Alt+Enter')).toEqual(['Alt', '↵'])
  expect(ariaKeys('Ctrl+K')).toBe('Control+K')
})
