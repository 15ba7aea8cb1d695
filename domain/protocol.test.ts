import { describe, expect, test } from 'vitest'
import { compareProtocols, performedProtocols } from './protocol.ts'

const planned = { code: 'CTHEAD', name: 'CT head routine', aliases: ['5.1 HeadSeq'] }
const done = (code: string, meaning: string) => ({ code, meaning, scheme: '99X' })

describe('[MA-09] the performed protocol beside the planned one', () => {
  test.each([
    ['its code', done('CTHEAD', 'Head')],
    ['its name in other letters', done('17', 'ct  HEAD routine')],
    ['the scanner’s own name for it', done('5.1 HeadSeq', '')],
  ])('is as planned by %s', (_by, said) => {
    expect(compareProtocols(planned, [said])).toEqual({ verdict: 'as-planned' })
  })

  test('differs when another was used, and says whether the planned one was used as well', () => {
    const [own, other] = [done('CTHEAD', 'Head'), done('CTA', 'Angio')]
    expect(compareProtocols(planned, [other])).toEqual({ verdict: 'differs', done: [other], missing: true })
    expect(compareProtocols(planned, [own, other])).toEqual({
      verdict: 'differs',
      done: [other],
      missing: false,
    })
  })

  test('is not guessed where the scanner says nothing, or nothing was planned', () => {
    expect(compareProtocols(planned, [])).toEqual({ verdict: 'not-said' })
    expect(compareProtocols(null, [])).toEqual({ verdict: 'not-said' })
    expect(compareProtocols(null, [done('CTA', 'Angio')])).toMatchObject({ verdict: 'not-planned' })
  })

  test('is read from what the scanner sent, and junk is nothing', () => {
    const text = (value: string) => ({ vr: 'SH', Value: [value] })
    const item = { '00080100': text('CTA'), '00080102': text('99X'), '00080104': text('Angio') }
    const long = { '00080119': text('a-code-longer-than-16'), '00080104': text('Long') }
    expect(performedProtocols({ '00400260': { vr: 'SQ', Value: [item, long, {}] } })).toEqual([
      done('CTA', 'Angio'),
      { code: 'a-code-longer-than-16', scheme: '', meaning: 'Long' },
    ])
    for (const junk of [
      null,
      'x',
      {},
      { '00400260': null },
      { '00400260': { vr: 'SQ' } },
      { '00400260': { Value: [null] } },
    ])
      expect(performedProtocols(junk)).toEqual([])
  })
})
