/** The quick reference of every role: it is there, its links lead somewhere, and the keys it names are keys of a screen. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ROLES } from '#domain/words.ts'
import { isRolePage, ROLE_PAGES, type RolePageId, rolePage, rolePageOf } from './role-pages.ts'

const pages = Object.keys(ROLE_PAGES) as RolePageId[]
/** Everybody who signs in on a screen. */
const people = ROLES.filter((role) => !['integration', 'device', 'machine', 'department'].includes(role))

test('[OP-02] every role that signs in has its page, and DICOM trouble has one', async () => {
  for (const role of people) expect(ROLE_PAGES[rolePageOf([role])]).toBe(role)
  for (const page of pages) expect(await rolePage(page)).toMatch(/^<h1>/)
  expect(isRolePage('dicom-troubleshooting')).toBe(true)
  expect(isRolePage('../operating')).toBe(false)
})

test('[OP-02] a link on a page leads to another page', async () => {
  for (const page of pages)
    for (const [, target] of (await rolePage(page)).matchAll(/href="([^"]+)"/g))
      expect([...pages.map((id) => `/help/${id}`)]).toContain(target)
})

test('[OP-02] a key that a page names acts on some screen', async () => {
  const screens = readdirSync(new URL('..', import.meta.url), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'))
    .join('\n')
  const bound = new Set(
    [...screens.matchAll(/(?:chord[:=]|caps: \[)[^\n]*/g)].flatMap(([line]) => quoted(line)),
  )
  // The viewer's own, which its reader can change.
  for (const [, letter] of screens.matchAll(/command: 'isocenter[^\n]* key: '(\w)'/g))
    bound.add(letter!.toUpperCase())
  const named = (await Promise.all(pages.map((page) => rolePage(page)))).flatMap((html) =>
    [...html.matchAll(/<code>((?:Alt|Ctrl) \w+|F\d+|[A-Z]|\?)<\/code>/g)].map(([, key]) =>
      key!.replace(' ', '+'),
    ),
  )
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter((key) => !bound.has(key))).toEqual([])
})

function quoted(line: string): string[] {
  return [...line.matchAll(/['"]([^'"]+)['"]/g)].map(([, text]) => text!)
}
