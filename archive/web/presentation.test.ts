import { expect, test } from 'vitest'
import type { Header } from './header.ts'
import { pixelShapeOf } from './pixel-shape.ts'
import { presentationOf } from './presentation.ts'

const us = (...values: number[]) => ({ vr: 'US', Value: values })
const cs = (value: string) => ({ vr: 'CS', Value: [value] })

const IMAGE: Header = {
  '00280004': cs('MONOCHROME2'),
  '00280010': us(1),
  '00280011': us(4),
  '00280100': us(16),
  '00280101': us(12),
}
const TABLE: Header = {
  '00283000': { vr: 'SQ', Value: [{ '00283002': us(2, 0, 8), '00283006': us(0, 255) }] },
}

const shown = (values: Header) => {
  const header = { ...IMAGE, ...values }
  const readBulk = () => Promise.reject(new Error('nothing is kept aside'))
  return presentationOf({ header, shape: pixelShapeOf(header)!, frame: 1, readBulk, window: null })
}

test('[DW-02] black and white change places once, whichever way an image says it', async () => {
  const inverse = async (photometric: string, shape?: string) =>
    (await shown({ '00280004': cs(photometric), ...(shape && { '20500020': cs(shape) }) })).inverse
  expect(await inverse('MONOCHROME1', 'INVERSE')).toBe(true)
  expect(await inverse('MONOCHROME1')).toBe(true)
  expect(await inverse('MONOCHROME2', 'INVERSE')).toBe(true)
  expect(await inverse('MONOCHROME2', 'IDENTITY')).toBe(false)
})

test('[DW-02] a Modality LUT is applied, but not that of angiography, which is for measuring', async () => {
  const of = async (last: string) =>
    (await shown({ ...TABLE, '00080016': { vr: 'UI', Value: [`1.2.840.10008.5.1.4.1.1.${last}`] } }))
      .modalityLut
  expect((await of('1.1'))?.entries).toEqual(Uint16Array.of(0, 255))
  expect([await of('12.1'), await of('12.2')]).toEqual([null, null])
})
