import { expect, test } from 'vitest'
import { listAnswer, numberOf } from '../server/list-answer.ts'
import { keptRows, type RowsAnswer } from './kept-rows.ts'

interface Case {
  id: string
  claim: string
}
const told = (...cases: Case[]) =>
  cases.map((each) => {
    const text = JSON.stringify(each)
    return { number: numberOf(text), text }
  })
const answer = (cases: Case[], have: string) =>
  JSON.parse(listAnswer(told(...cases), have)) as RowsAnswer<Case>
const free = (id: string): Case => ({ id, claim: '' })

test('a screen that shows a list gets only the case that changed, and keeps the rows of all others', () => {
  const kept = keptRows<Case>()
  const before = kept.take(answer([free('a'), free('b'), free('c')], ''))!
  const change = answer([free('c'), { id: 'a', claim: 'Dr A. Ruiz' }, free('b')], kept.version)
  expect(Object.values(change.rows!)).toEqual([{ id: 'a', claim: 'Dr A. Ruiz' }])
  const after = kept.take(change)!
  expect(after.map(({ id, claim }) => id + claim)).toEqual(['c', 'aDr A. Ruiz', 'b'])
  expect(after[0]).toBe(before[2])
  expect(after[2]).toBe(before[1])
})

test('a list that did not change is the same list, and travels as its version alone', () => {
  const kept = keptRows<Case>()
  const before = kept.take(answer([free('a')], ''))
  const same = answer([free('a')], kept.version)
  expect(same).toEqual({ version: kept.version })
  expect(kept.take(same)).toBe(before)
})

test('a screen whose version nobody knows any more gets every row', () => {
  const all = answer([free('a'), free('b')], 'another-process.abc')
  expect(Object.keys(all.rows!)).toHaveLength(2)
  expect(keptRows<Case>().take(all)).toEqual([free('a'), free('b')])
})

test('an answer to another question leaves the list as it was, and is asked for again in full', () => {
  const kept = keptRows<Case>()
  const first = answer([free('a')], '')
  const second = answer([free('a'), free('b')], first.version)
  expect(kept.take(second)).toBeNull()
  expect(kept.take({ version: 'of another list' })).toBeNull()
  expect(kept.version).toBe('')
})

test('whatever version a screen claims to have, it is told of no case that is not on its own list', () => {
  const lead = answer([free('hers'), free('a')], '')
  const reader = answer([free('a'), free('b')], lead.version)
  expect(Object.values(reader.rows!)).toEqual([free('b')])
  expect(reader.order).toHaveLength(2)
})
