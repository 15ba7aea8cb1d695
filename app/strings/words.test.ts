import { expect, test } from 'vitest'
import { PHASES, PRIORITIES } from '#domain/words.ts'
import { en } from './en.ts'
import { hasWord, t, wordFor } from './words.ts'

test('every phase and priority has its word, and a phase is the contract’s own word', () => {
  for (const phase of PHASES) expect(t(`phase.${phase}`)).toBe(phase)
  for (const priority of PRIORITIES) expect(hasWord(`priority.${priority}`)).toBe(true)
})

test('places in a phrase are filled, numbers as people write them', () => {
  expect(t('worklist.count', { shown: 23, total: 10_000 })).toBe('23 of 10,000')
  expect(t('worklist.new-stat', { n: 1 })).toBe('1 new STAT order in this list')
  expect(t('worklist.new-stat', { n: 2 })).toBe('2 new STAT orders in this list')
})

test('a code without a word is shown as it is', () => {
  expect(wordFor('role', 'admin')).toBe('administrator')
  expect(wordFor('role', 'plumber')).toBe('plumber')
})

test('no phrase is empty', () => {
  for (const [key, phrase] of Object.entries(en))
    expect(JSON.stringify(phrase).length, key).toBeGreaterThan(2)
})
