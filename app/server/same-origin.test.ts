import { expect, test } from 'vitest'
import { safeReturnPath } from './guard.ts'
import { isSameOrigin } from './same-origin.ts'
import { readSessionCookie, sessionCookie } from './session-cookie.ts'

const post = (headers: Record<string, string>) => ({
  method: 'POST',
  headers: { host: '127.0.0.1:8080', ...headers },
})

test('a page of ours may change things', () => {
  expect(isSameOrigin(post({ origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-origin' }))).toBe(true)
})

test("another site's page may not, whatever of the two headers it sends", () => {
  expect(isSameOrigin(post({ origin: 'https://evil.example' }))).toBe(false)
  expect(isSameOrigin(post({ origin: 'null' }))).toBe(false)
  expect(isSameOrigin(post({ 'sec-fetch-site': 'cross-site' }))).toBe(false)
  expect(isSameOrigin(post({ origin: 'http://127.0.0.1:8081' }))).toBe(false)
})

test('reading needs no origin', () => {
  expect(isSameOrigin({ method: 'GET', headers: { 'sec-fetch-site': 'cross-site' } })).toBe(true)
})

test('after signing in nobody is sent to another site', () => {
  expect(safeReturnPath('/orders/01H')).toBe('/orders/01H')
  for (const evil of ['//evil.example', 'https://evil.example', '/\\evil.example', null]) {
    expect(safeReturnPath(evil)).toBe('/')
  }
})

test('the session cookie is read among others and is invisible to scripts', () => {
  expect(readSessionCookie('theme=dark; isocenter_session=abc; x=1')).toBe('abc')
  expect(readSessionCookie('isocenter_session=')).toBeUndefined()
  expect(sessionCookie('abc', { secure: true })).toBe(
    'isocenter_session=abc; Path=/; HttpOnly; SameSite=Lax; Secure',
  )
})
