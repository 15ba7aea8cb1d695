import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { thirdPartyNotices } from './third-party-notices.ts'

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')

test('[OP-10] the repository says what it is: its licence, whose work it stands on, and that it is not cleared', () => {
  expect(read('LICENSE')).toContain('Apache License')
  const readme = read('README.md')
  expect(readme).toContain('not a cleared medical device')
  expect(readme).toContain('Apache-2.0')
  // Whoever changes a dependency runs `node bin/third-party-notices.ts`.
  expect(read('THIRD_PARTY_NOTICES.md')).toBe(thirdPartyNotices())
})
