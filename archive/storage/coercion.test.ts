/** What an order may say in an image's place, as its value representations allow it (PS3.5 table 6.2-1). */
import { expect, test } from 'vitest'
import type { Correction } from '#db/queries/corrections.ts'
import { coercionOf, type Json } from './coercion.ts'

const STUDY = { vr: 'UI', Value: ['1.2.3'] }

function corrected(header: Json, { patient, ...more }: Partial<Correction> = {}): Json {
  const correction: Correction = {
    studyUid: '1.2.3',
    patient: {
      name: { alphabetic: { family: 'TESTPERSON', given: 'VERA' } },
      id: 'SYN-1',
      issuer: 'MAIN',
      birthDate: null,
      sex: null,
      ...patient,
    },
    patientIds: ['SYN-1', 'CONSOLE-7'],
    activeIds: ['SYN-1'],
    requests: [
      { accession: 'A1', requestedProcedureId: 'RP1', text: 'CT head', stepNumber: 'SPS1' },
      { accession: 'A2', requestedProcedureId: 'RP2', text: 'CT neck', stepNumber: null },
    ],
    at: new Date(0),
    ...more,
  }
  return coercionOf({ header: { '0020000D': STUDY, ...header }, sourceAe: 'CT1' }, correction)!.attributes
}

const person = (said: Partial<Correction['patient']>) => ({ patient: said as Correction['patient'] })
const text = (vr: string, value: string) => ({ vr, Value: [value] })
const nameIn = (json: Json) => json['00100010']!.Value![0]
const accessionsIn = (json: Json) =>
  json['00400275']?.Value?.map((item) => (item as Json)['00080050']!.Value![0])

test('[AR-05] a mark in a name makes no further component, group or value of it', () => {
  const name = { alphabetic: { family: 'O\\BRIEN^X=Y', given: 'VERA' }, ideographic: { family: '山田' } }
  expect(nameIn(corrected({}, person({ name })))).toEqual({
    Alphabetic: 'O BRIEN X Y^VERA',
    Ideographic: '山田',
  })
})

test('[AR-05] a name longer than an image can hold is cut, and an image that says it so says the same', () => {
  const name = { alphabetic: { family: 'A'.repeat(70) } }
  const said = { '00100010': { vr: 'PN', Value: [{ Alphabetic: 'A'.repeat(64) }] } }
  expect(nameIn(corrected({}, person({ name })))).toEqual({ Alphabetic: 'A'.repeat(64) })
  expect(corrected(said, person({ name }))).not.toHaveProperty('00100010')
})

test('[AR-05] a patient number that an image cannot hold whole is not said by half', () => {
  const typed = { '00100020': text('LO', 'CONSOLE-7') }
  for (const id of ['9'.repeat(65), 'A\\B'])
    expect(corrected(typed, person({ id, issuer: 'MAIN' }))).not.toHaveProperty('00100020')
  const moved = corrected({ '0020000D': text('UI', '9.9') }, person({ id: 'A\\B', issuer: 'MAIN' }))
  expect([moved['00100020'], moved['00100021']]).toEqual([{ vr: 'LO' }, { vr: 'LO' }])
})

test('[AR-05] a number without an issuer goes out without the one that was said of another number', () => {
  const typed = { '00100020': text('LO', 'CONSOLE-7'), '00100021': text('LO', 'ELSEWHERE') }
  const { '00100020': id, '00100021': issuer } = corrected(typed, person({ id: 'SYN-1', issuer: null }))
  expect([id, issuer]).toEqual([text('LO', 'SYN-1'), { vr: 'LO' }])
})

test('[AR-05] the request of another order goes as its accession number does, one of ours stays', () => {
  const asked = (accession?: string) => ({
    '00080050': text('SH', accession ?? ''),
    '00400275': { vr: 'SQ', Value: [accession === undefined ? {} : { '00080050': text('SH', accession) }] },
  })
  expect(accessionsIn(corrected(asked('STALE')))).toEqual(['A1', 'A2'])
  expect(corrected(asked('A2'))).not.toHaveProperty('00400275')
  expect(corrected(asked())).not.toHaveProperty('00400275')
})

test('[AR-05] the words of a procedure stay one value of sixty-four characters', () => {
  const request = { accession: 'A1', requestedProcedureId: 'RP1', stepNumber: null }
  const [item] = corrected({}, { requests: [{ ...request, text: `CT\\head ${'😀'.repeat(70)}` }] })[
    '00400275'
  ]!.Value as [Json]
  const words = item['00321060']!.Value![0] as string
  expect([words.slice(0, 8), [...words].length]).toEqual(['CT head ', 64])
})
