import { UNSAFE_ErrorResponseImpl as ErrorResponse, redirect } from 'react-router'
import { expect, test } from 'vitest'
import { answered, frameStanding, stillStanding, without } from './standing-screen.ts'

const away = { type: 'error', result: new TypeError('Failed to fetch') } as const
const missing = { type: 'error', result: new ErrorResponse(404, '', null) } as const
const elsewhere = { type: 'error', result: redirect('/sign-in') } as const
const read = (rows: number) => ({ type: 'data', result: { rows } }) as const

test('what cannot be read again stays as it was, beside what could be', () => {
  const kept = stillStanding({ shell: read(2), list: away }, { shell: { rows: 1 }, list: { rows: 7 } })
  expect(kept).toEqual({ shell: read(2), list: read(7) })
})

test('a page that was never there does not stand', () => {
  const results = { shell: read(2), list: away }
  expect(stillStanding(results, { shell: { rows: 1 } })).toBe(results)
})

test('a page that is gone, and a session that has ended, are answers', () => {
  const results = { shell: elsewhere, list: missing }
  expect(stillStanding(results, { shell: {}, list: {} })).toBe(results)
  expect(answered(results)).toEqual(results)
})

test('of a page that cannot be shown the frame stands, and says so inside', () => {
  const results = { root: away, 'routes/shell': away, 'routes/orders/order-timeline': away }
  const loaded = {
    root: { rows: 1 },
    'routes/shell': { rows: 2 },
    'routes/orders/order-timeline': { rows: 3 },
  }
  // The same route with another order: what was read of the one before is never shown for it.
  expect(frameStanding(results, loaded)).toEqual({
    ...{ root: read(1), 'routes/shell': read(2), 'routes/orders/order-timeline': away },
  })
})

test('a part of a screen does without what it could not get', () => {
  expect(without({ facts: away })).toEqual({ facts: { type: 'data', result: null } })
  expect(without({ facts: missing })).toEqual({ facts: missing })
})

test('an act without an answer is refused in words', () => {
  expect(answered({ list: away })).toEqual({
    list: {
      type: 'data',
      result: { ok: false, code: 'unknown', sentence: expect.stringContaining('No answer came') },
    },
  })
  expect(answered({ list: read(1) })).toEqual({ list: read(1) })
})
