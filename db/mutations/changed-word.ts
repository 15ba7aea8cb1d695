/** A final report that is another than the first word was: whoever got that word is told, as of any critical result. */
import { type FirstWord, firstWordChanged } from '#domain/over-read.ts'
import type { Actor } from '#domain/permissions.ts'
import type { Agreement } from '#domain/words.ts'
import type { Scope } from './mutate.ts'
import { raiseCritical } from './raise-critical.ts'

/** Told within hours: the word went out, and somebody may go by it. */
const LEVEL = 2

/** Part of a final version's release: before that the change exists for nobody, and a recall takes it back unheard. */
export async function tellOfChange(
  scope: Scope,
  { reportId, version }: { reportId: string; version: number },
): Promise<void> {
  const { sql } = scope
  const [final] = await sql<FinalVersion[]>`
    select content->'sections' as sections, agreement, signer_id as "signerId", signed_at as "signedAt"
    from report_versions where report_id = ${reportId} and version = ${version} and kind = 'final'`
  if (!final) return
  const firstWords = await sql<FirstWord[]>`
    select v.kind, v.content->'sections' as sections, exists (select 1 from deliveries d
      where d.report_id = v.report_id and d.version = v.version and d.first_sent_at is not null) as "actedOn"
    from report_versions v where v.report_id = ${reportId} and v.version < ${version} and v.released_at is not null
      and v.kind in ('wet-read', 'preliminary') order by v.version`
  if (!firstWordChanged(firstWords, final)) return
  const finder = { ...scope, act: { ...scope.act, actor: whoSigned(final.signerId) } }
  await raiseCritical(finder, {
    ...{ reportId, finding: findingOf(final.sections), level: LEVEL },
    ...{ foundAt: final.signedAt, cause: 'over-read' },
  })
}

interface FinalVersion {
  sections: { key: string; text: string }[]
  agreement: Agreement | null
  signerId: string
  signedAt: Date
}

/** What the report says now, in its signer's words. */
function findingOf(sections: FinalVersion['sections']): string {
  const written = sections.filter(({ text }) => text.trim() !== '')
  return (written.find(({ key }) => key === 'impression') ?? written[0])?.text ?? ''
}

// Their right was asked at the signature; a right that ended since must not keep the report from going out.
function whoSigned(id: string): Actor {
  return { kind: 'user', id, roles: ['radiologist'], sites: ['*'], areas: [], credentials: [] }
}
