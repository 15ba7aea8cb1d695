/** Who is graded by whom, and when a first word that changed must be told. */
import { describe, expect, test } from 'vitest'
import { type FirstWord, firstWordChanged, gradeIsDue, wetReadOf } from './over-read.ts'
import { AGREEMENTS } from './words.ts'

describe('[RW-07] a grade', () => {
  const handedOn = { authorId: 'resident-1', authorRole: 'resident', submissions: 1 } as const

  test('is due from whoever signs what a resident handed on', () => {
    expect(gradeIsDue(handedOn, 'radiologist-1')).toBe(true)
  })

  test('is not due for a colleague’s submission, one’s own text, or a draft that was never handed on', () => {
    expect(gradeIsDue({ ...handedOn, authorRole: 'radiologist' }, 'radiologist-2')).toBe(false)
    expect(gradeIsDue({ ...handedOn, authorId: 'radiologist-1' }, 'radiologist-1')).toBe(false)
    expect(gradeIsDue({ ...handedOn, submissions: 0 }, 'radiologist-1')).toBe(false)
  })
})

const word = (kind: FirstWord['kind'], impression: string, actedOn = true): FirstWord => ({
  ...{ kind, actedOn },
  sections: [{ key: 'impression', text: impression }],
})
const final = (impression: string, agreement: (typeof AGREEMENTS)[number] | null = null) => ({
  agreement,
  sections: [
    { key: 'findings', text: 'Whatever was found.' },
    { key: 'impression', text: impression },
  ],
})

describe('[RW-07] the area that got the first word is told', () => {
  test('of every major disagreement with a word that is out, and of none with words that never were', () => {
    const out = [word('preliminary', 'No bleed.')]
    expect(AGREEMENTS.map((grade) => firstWordChanged(out, final('A bleed.', grade)))).toEqual([
      false,
      false,
      true,
    ])
    expect(firstWordChanged([], final('A bleed.', 'major'))).toBe(false)
  })

  test('of any change after a wet read that somebody may have acted on', () => {
    const acted = [word('wet-read', 'No bleed.')]
    expect(firstWordChanged(acted, final('A bleed.'))).toBe(true)
    expect(firstWordChanged(acted, final('A bleed.', 'minor'))).toBe(true)
    expect(firstWordChanged([word('wet-read', 'No bleed.', false)], final('A bleed.'))).toBe(false)
    expect(firstWordChanged([word('preliminary', 'No bleed.')], final('A bleed.'))).toBe(false)
  })

  test('of no change that is one of type only', () => {
    const acted = [word('wet-read', 'No bleed, 1.5 cm cyst')]
    expect(firstWordChanged(acted, final('no bleed,\n1.5 cm cyst.'))).toBe(false)
    expect(firstWordChanged(acted, final('No bleed, 15 cm cyst'))).toBe(true)
  })

  test('by the newest wet read: what it took back is told already', () => {
    const corrected = [word('wet-read', 'No bleed.'), word('wet-read', 'A bleed.')]
    expect(firstWordChanged(corrected, final('A bleed.'))).toBe(false)
    expect(firstWordChanged(corrected, final('No bleed.'))).toBe(true)
  })
})

test('[RW-07] a wet read is the impression alone', () => {
  const sections = [
    { key: 'technique', text: 'CT.' },
    { key: 'findings', text: '' },
    { key: 'impression', text: 'No bleed.' },
  ]
  expect(wetReadOf(sections)).toEqual([{ key: 'impression', text: 'No bleed.' }])
  expect(wetReadOf([{ key: 'impression', text: '  ' }])).toEqual([])
})
