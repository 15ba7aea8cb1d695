/** Which reader may take which case, and the first reason why not. */
import { describe, expect, test } from 'vitest'
import { ineligible, isSpilled, type ReadingCase, whyYours } from './eligibility.ts'
import { type Actor, parseCredential } from './permissions.ts'

const reader: Actor = {
  kind: 'user',
  id: 'radiologist-1',
  roles: ['radiologist'],
  sites: ['MAIN'],
  areas: ['neuro'],
  credentials: [parseCredential('reading@MAIN/2027-01-01')],
}
const headCt: ReadingCase = {
  kind: 'read',
  siteId: 'MAIN',
  area: 'neuro',
  priority: 'routine',
  modality: 'CT',
  screening: false,
  birthDate: '1960-05-01',
  examDate: '2026-11-02',
  authorId: null,
  firstReaderId: null,
  spilled: false,
}
const today = '2026-11-02'
const reason = (subject: Partial<ReadingCase>, who: Partial<Actor> = {}) =>
  ineligible({ ...reader, ...who }, { ...headCt, ...subject }, today)

describe('a reader', () => {
  test('of the site, the area and with a valid credential takes the case', () => {
    expect(reason({})).toBeNull()
  })

  test.each<[string, Partial<ReadingCase>, Partial<Actor>]>([
    ['role', {}, { roles: ['technologist'] }],
    ['site', { siteId: 'WEST' }, {}],
    ['credential', {}, { credentials: [parseCredential('reading@MAIN/2026-11-01')] }],
    ['area', { area: 'breast' }, {}],
    ['paediatric', { birthDate: '2010-01-01' }, {}],
    ['mammography', { modality: 'MG' }, {}],
    ['resident', { kind: 'over-read' }, { roles: ['resident'] }],
    ['author', { kind: 'sign', authorId: 'radiologist-1' }, {}],
    ['first-reader', { firstReaderId: 'radiologist-1' }, {}],
  ])('is turned away for %s', (expected, subject, who) => {
    expect(reason(subject, who)).toBe(expected)
  })

  test('takes what spills from another area, at once when stat, but no mammography', () => {
    expect(reason({ area: 'chest', spilled: true })).toBeNull()
    expect(reason({ area: 'chest', priority: 'stat' })).toBeNull()
    expect(reason({ area: 'breast', modality: 'MG', spilled: true })).toBe('mammography')
  })

  test('who is a resident reads, but neither over-reads nor screens', () => {
    const resident: Partial<Actor> = {
      roles: ['resident'],
      areas: ['neuro', 'breast'],
      credentials: ['reading', 'mammography'].map(parseCredential),
    }
    expect(reason({}, resident)).toBeNull()
    expect(reason({ area: 'breast', modality: 'MG', screening: true }, resident)).toBe('resident')
    expect(reason({ area: 'breast', modality: 'MG' }, resident)).toBeNull()
  })

  test('whose credential is valid until today still reads today', () => {
    expect(reason({}, { credentials: [parseCredential('reading@MAIN/2026-11-02')] })).toBeNull()
  })
})

describe('[RW-03] a case', () => {
  const why = (subject: Partial<ReadingCase>, who: Partial<Actor> = {}) =>
    whyYours({ ...reader, ...who }, { ...headCt, ...subject }, today).map((rule) =>
      rule.id === 'yours' ? rule.by : `not: ${rule.because}`,
    )
  const all = { credentials: ['reading', 'paediatric', 'mammography'].map(parseCredential) }

  test.each<[string[], Partial<ReadingCase>, Partial<Actor>]>([
    [['area', 'credential'], {}, {}],
    [['no-area', 'credential'], { area: null }, {}],
    [['area', 'shift', 'credential'], { onShift: [reader.id] }, {}],
    [['area', 'credential'], { onShift: ['somebody-else'] }, {}],
    [['spill', 'credential'], { area: 'chest', spilled: true }, {}],
    [['spill', 'credential'], { area: 'chest', priority: 'stat' }, {}],
    [['area', 'paediatric', 'credential'], { birthDate: '2010-01-01' }, all],
    [['area', 'spill', 'credential'], { birthDate: '2010-01-01', spilled: true }, {}],
    [['spill', 'mammography', 'credential'], { area: 'breast', modality: 'MG', spilled: true }, all],
    [['not: area'], { area: 'chest' }, {}],
    [['not: credential'], { siteId: 'WEST' }, { sites: ['*'] }],
    [['not: paediatric'], { birthDate: '2010-01-01' }, {}],
  ])('is a reader’s by %j', (expected, subject, who) => {
    expect(why(subject, who)).toEqual(expected)
  })

  test('spills at half its allowance, unless somebody has the shift of its area', () => {
    const from = new Date('2026-11-02T10:00:00Z')
    const at = (time: string) => new Date(`2026-11-02T${time}:00Z`)
    const spilled = (time: string, onShift: string[] = []) =>
      isSpilled({ dueFrom: from, dueAt: at('12:00'), onShift }, at(time))
    expect([spilled('10:59'), spilled('11:00')]).toEqual([false, true])
    expect([spilled('11:00', ['u-1']), spilled('13:00', ['u-1'])]).toEqual([false, false])
  })

  test('turns from a child’s to an adult’s on the eighteenth birthday', () => {
    expect(why({ birthDate: '2008-11-03' })).toEqual(['not: paediatric'])
    expect(why({ birthDate: '2008-11-02' })).toEqual(['area', 'credential'])
  })
})
