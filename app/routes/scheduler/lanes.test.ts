import { expect, test } from 'vitest'
import { lanesOf } from './lanes.ts'

const at = (id: string, top: number, height: number) => ({ id, top, height })
const written = (blocks: ReturnType<typeof at>[]) =>
  Object.fromEntries([...lanesOf(blocks)].map(([id, { lane, of }]) => [id, `${lane + 1} of ${of}`]))

test('exams that follow one another have the whole width of their room', () => {
  expect(written([at('a', 0, 50), at('b', 50, 50), at('c', 120, 10)])).toEqual({
    ...{ a: '1 of 1', b: '1 of 1', c: '1 of 1' },
  })
})

test('exams at the same time stand side by side, and the next one is whole again', () => {
  expect(written([at('b', 20, 50), at('a', 0, 50), at('c', 70, 50)])).toEqual({
    ...{ a: '1 of 2', b: '2 of 2', c: '1 of 1' },
  })
})

test('a lane that is free again is taken by the next exam of the group', () => {
  expect(
    written([at('long', 0, 100), at('first', 0, 30), at('second', 40, 30), at('third', 50, 60)]),
  ).toEqual({
    ...{ long: '1 of 3', first: '2 of 3', second: '2 of 3', third: '3 of 3' },
  })
})
