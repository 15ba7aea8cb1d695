/** The quick-reference pages of docs/roles, as the app shows them: one per role, and one for DICOM trouble. */
import { readFile } from 'node:fs/promises'
import { marked } from 'marked'
import type { Role } from '#domain/words.ts'

/** In the order in which they are offered: file name without its ending, and whose page it is. */
export const ROLE_PAGES = {
  technologist: 'technologist',
  radiologist: 'radiologist',
  resident: 'resident',
  scheduler: 'scheduler',
  lead: 'lead',
  'department-head': 'head',
  physicist: 'physicist',
  referrer: 'referrer',
  administrator: 'admin',
  'dicom-troubleshooting': null,
} as const satisfies Record<string, Role | null>
export type RolePageId = keyof typeof ROLE_PAGES

export function isRolePage(page: string): page is RolePageId {
  return Object.hasOwn(ROLE_PAGES, page)
}

/** The page of the first of these roles that has one. */
export function rolePageOf(roles: readonly Role[]): RolePageId {
  const pages = Object.keys(ROLE_PAGES) as RolePageId[]
  return pages.find((page) => roles.some((role) => role === ROLE_PAGES[page])) ?? 'radiologist'
}

/** @returns HTML of our own words; links between the pages lead to their places in the app */
export async function rolePage(page: RolePageId): Promise<string> {
  const text = await readFile(new URL(`../../docs/roles/${page}.md`, import.meta.url), 'utf8')
  const html = await marked.parse(text, { gfm: true })
  return html.replace(/href="([a-z-]+)\.md"/g, 'href="/help/$1"')
}
