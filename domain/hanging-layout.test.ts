import { expect, test } from 'vitest'
import { type HangingLayout, readLayout, resized } from './hanging-layout.ts'

const LAYOUT: HangingLayout = {
  rows: 1,
  columns: 2,
  viewports: [
    { study: 'current', series: 'AX T2', nth: 0, plane: 'stack' },
    { study: 'prior', series: 'AX T2', nth: 0, plane: 'stack' },
  ],
}

test('[VW-02] a layout that was kept is read again as it was', () => {
  expect(readLayout(JSON.parse(JSON.stringify(LAYOUT)))).toEqual(LAYOUT)
})

test.each([
  ['nothing', null],
  ['a grid without its viewports', { rows: 2, columns: 2, viewports: LAYOUT.viewports }],
  ['a grid beyond the screen', { rows: 9, columns: 1, viewports: [] }],
  ['half a viewport', { rows: 1, columns: 1, viewports: [{ study: 'current', series: '' }] }],
  [
    'a plane that there is not',
    { ...LAYOUT, viewports: LAYOUT.viewports.map((v) => ({ ...v, plane: 'oblique' })) },
  ],
  [
    'a study of somebody else',
    { ...LAYOUT, viewports: LAYOUT.viewports.map((v) => ({ ...v, study: '1.2.3' })) },
  ],
  ['half a character', { ...LAYOUT, viewports: LAYOUT.viewports.map((v) => ({ ...v, series: '\ud800' })) }],
  ['a control character', { ...LAYOUT, viewports: LAYOUT.viewports.map((v) => ({ ...v, series: 'A\0' })) }],
  ['a novel', { ...LAYOUT, viewports: LAYOUT.viewports.map((v) => ({ ...v, series: 'x'.repeat(65) })) }],
])('[VW-02] %s is no layout', (_, value) => {
  expect(readLayout(value)).toBeNull()
})

test('[VW-02] a grid that grows keeps what stood where, and shows further series of the current study', () => {
  const grown = resized(LAYOUT, 2, 2)
  expect(grown.viewports.slice(0, 2)).toEqual(LAYOUT.viewports)
  expect(grown.viewports.slice(2).map(({ study, nth }) => [study, nth])).toEqual([
    ['current', 2],
    ['current', 3],
  ])
  expect(resized(grown, 1, 1).viewports).toEqual([LAYOUT.viewports[0]])
})
