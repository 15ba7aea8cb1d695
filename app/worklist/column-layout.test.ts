import { describe, expect, test } from 'vitest'
import { arranged, moved, placedAt, shownColumns, widened } from './column-layout.ts'

const columns = [
  { key: 'priority', width: '84px' },
  { key: 'patient', width: 'minmax(274px, 1fr)' },
  { key: 'images', width: '88px' },
]
const shown = (layout: Parameters<typeof shownColumns>[1]) =>
  shownColumns(columns, layout).map(({ key, width }) => `${key} ${width}`)

describe('[RW-10] a list’s columns', () => {
  test('are the list’s own until somebody arranges them', () => {
    expect(shownColumns(columns, {})).toEqual(columns)
    expect(arranged({})).toBe(false)
    expect(arranged({ widths: { patient: 300 } })).toBe(true)
  })

  test('stand as they were chosen; a name that the list no longer has is passed over', () => {
    expect(shown({ columns: ['images', 'gone', 'patient'] })).toEqual([
      'images 88px',
      'patient minmax(274px, 1fr)',
    ])
    expect(shownColumns(columns, { columns: ['gone'] })).toEqual(columns)
  })

  test('fill the list whatever their widths: without one that takes the rest, the last does', () => {
    expect(shown({ widths: { patient: 300, images: 60 } })).toEqual([
      'priority 84px',
      'patient 300px',
      'images minmax(60px, 1fr)',
    ])
  })

  test('are widened within bounds, and moved without losing one', () => {
    expect(widened({ density: 28 }, 'patient', 5)).toEqual({ density: 28, widths: { patient: 32 } })
    expect(widened({}, 'patient', 5_000).widths).toEqual({ patient: 900 })
    const keys = ['a', 'b', 'c', 'd']
    expect(moved(keys, 'b', 1)).toEqual(['a', 'c', 'b', 'd'])
    expect(moved(keys, 'a', -1)).toEqual(keys)
    expect(placedAt(keys, 'd', 'a')).toEqual(['d', 'a', 'b', 'c'])
    expect(placedAt(keys, 'a', 'c')).toEqual(['b', 'c', 'a', 'd'])
  })
})
