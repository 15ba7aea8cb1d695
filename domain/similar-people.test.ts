import { expect, test } from 'vitest'
import { nameKey, parsePersonName } from './identity.ts'
import { similarAmong, similarKeyStarts, similarPeople } from './similar-people.ts'

const person = (name: string, birthDate: string | null = null) => ({ name: parsePersonName(name), birthDate })

test.each([
  ['a slip in the given name', person('Nguyen^Anna'), person('NGUYEN^Anne')],
  ['accents', person('Çelik^Şule'), person('CELIK^SULE')],
  ['a slip in the family name', person('Schmidt^Hans'), person('Schmitt^Hans')],
  ['swapped names', person('Kim^Thomas'), person('Thomas^Kim')],
  ['one family born on one day', person('Berg^Nils', '1970-03-04'), person('Berg^Ada', '1970-03-04')],
  ['day and month swapped', person('Berg^Nils', '1970-03-11'), person('Berg^Ada', '1970-11-03')],
  ['one sound in two spellings', person('Yamada^Taro==やまだ^たろう'), person('X^Y==やまだ^たろう')],
  ['native script alone', person('=山田^太郎丸'), person('=山田^太郎丸')],
])('two people are similar by %s', (_, one, other) => {
  expect(similarPeople(one, other)).toBe(true)
  expect(similarPeople(other, one)).toBe(true)
})

test.each([
  ['the family name alone', person('Kim^Minji', '1980-01-01'), person('Kim^Thomas', '1955-12-24')],
  ['two short given names', person('Li^An', '1980-01-01'), person('Li^Bo', '1955-12-24')],
  ['the given name alone', person('Berg^Anna'), person('Haddad^Anna')],
  ['years alone', person('Berg^Nils', '1970'), person('Berg^Ada', '1970')],
  ['nothing known', person(''), person('')],
])('two people are not similar by %s', (_, one, other) => {
  expect(similarPeople(one, other)).toBe(false)
})

test('on a list everybody with a twin is marked, and nobody is their own', () => {
  const list = [
    { id: '1', ...person('Nguyen^Anna', '1980-01-01') },
    { id: '1', ...person('Nguyen^Anna', '1980-01-01') },
    { id: '2', ...person('Haddad^Samir', '1955-12-24') },
    { id: '3', ...person('Anne^Nguyen', '1950-01-01') },
    { id: '4', ...person('Nguyen^Anne', '1950-01-01') },
  ]
  expect([...similarAmong(list.slice(0, 4))]).toEqual([])
  expect([...similarAmong(list)].sort()).toEqual(['1', '3', '4'])
})

test('whoever is similar has a name key that begins as asked for', () => {
  for (const [one, other] of [
    ['Schmidt^Hans', 'Schmitt^Hans'],
    ['Kim^Thomas', 'Thomas^Kim'],
    ['=山田^太郎丸', '=山田^太郎丸'],
  ] as const) {
    const key = nameKey(parsePersonName(other))
    expect(similarKeyStarts(parsePersonName(one)).some((start) => key.startsWith(start))).toBe(true)
  }
})
